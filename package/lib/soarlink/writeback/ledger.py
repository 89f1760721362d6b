"""What became of each case: in its row of ``soar_containers``, and as events.

``writeback`` in the row says how far Enterprise Security follows.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from soarlink.feedback.case import WRITING
from soarlink.writeback.change import Change, pushed_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from soarlink.feedback.case import Case
    from soarlink.feedback.cases import Cases

DONE, REFUSED, UNCONFIRMED, KEPT, NONE, BEFORE = "done", "refused", "unconfirmed", "kept", "none", "before"
"""Of a row: all is written; refused; taken, but not seen when it was read back; an analyst's newer change stays; there
is no notable; it changed before notables were updated. ``open`` (changed since) and ``writing`` (an update is under
way) stand in feedback.case."""

UPDATED, PREVIEWED, FAILED = "updated", "would have updated", "failed"
"""Of an event, beside the first four: written; only shown; ended in an error, and is tried again."""

SOURCETYPE = "soar:notable_update"


class Ledger:
    """Takes down what became of cases.

    Args:
        cases: the containers of one account.
        tell: takes reports of updates, each the fields of an event; when it returns they are safe.
    """

    def __init__(self, cases: Cases, tell: Callable[[Sequence[dict[str, Any]]], None]) -> None:
        self._cases = cases
        self._tell = tell
        self._reports: list[dict[str, Any]] = []

    def settle(self, case: Case, state: str, note: str) -> None:
        """A case's state, and what is to be said of it. Unless it is being written, nothing of it is under way."""
        pushed = pushed_of(case.pushed)
        if state != WRITING and pushed.under_way:
            case = replace(case, pushed=replace(pushed, under_way=Change()).text())
        self._cases.change(replace(case, writeback=state, writeback_note=note))

    def report(self, case: Case, change: Change, outcome: str, reason: str) -> None:
        """What became of a change."""
        fields: Iterable[tuple[str, Any]] = (
            ("account", case.account),
            ("container_id", case.container_id),
            ("container_url", case.url),
            ("event_id", case.event_id),
            ("orig_sid", case.orig_sid),
            ("orig_rid", case.orig_rid),
            ("outcome", outcome),
            ("reason", reason),
            *change.values,
            ("comment", "\n".join(change.comments)),
            ("note", "\n".join(change.notes)),
            ("risk", "\n".join(map(str, change.risks))),
            ("tag", ", ".join(change.tags)),
        )
        self._reports.append({name: value for name, value in fields if value})

    def save(self) -> None:
        """Write it down: events first, so that a process that ends in between tells them twice rather than never."""
        if self._reports:
            self._tell(tuple(self._reports))
            self._reports.clear()
        self._cases.save()
