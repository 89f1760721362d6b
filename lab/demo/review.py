"""Enterprise Security in the busy week: the notables of its detections, and what is changed there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.runner.lab import APP, Lab
from lab.splunkd.installation import set_local

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

VERSION = "8.1.0"

CLOSED = "5"
"""The status that the add-on gives the notable of a case that was closed."""

_RESOLVED = "4"
_RULES = ("comment_on_verdict", "status_in_progress", "status_closed")
"""Shipped rules that are switched on besides."""


class IncidentReview:
    """Notables as analysts see them.

    Args:
        lab: an open lab with Enterprise Security.
    """

    def __init__(self, lab: Lab) -> None:
        board = lab.splunkd.notables
        if board is None:
            raise RuntimeError("The lab has no Enterprise Security.")
        self._board = board
        # Enterprise Security gives administrators, and so inputs, this right.
        set_local(lab.home.root, "authorize", "role_admin", {"edit_notable_events": "enabled"})
        for rule in _RULES:
            lab.management.post(f"/servicesNS/nobody/{APP}/{APP.lower()}_writeback/{rule}", {"disabled": "0"})

    def add(self, rows: Iterable[Mapping[str, str]]) -> None:
        """Make a notable of each result of a detection."""
        for row in rows:
            self._board.add(row["event_id"])

    def lock(self, event_id: str) -> None:
        """Let nobody change a notable."""
        self._board.refuse(event_id)

    def is_closed(self, event_id: str) -> bool:
        """Whether the notable of a case that was closed is closed, too."""
        reviews = (one for one in reversed(self._board.reviews) if one["rule_id"] == event_id)
        return next(reviews, {"status": ""})["status"] == CLOSED

    def resolve(self, event_id: str, person: str) -> None:
        """An analyst resolves a notable."""
        self._board.review(event_id, person, status=_RESOLVED, comment="Looked at here, no more to do.")
