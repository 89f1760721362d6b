"""Enterprise Security's notables: `notable_update`, and the two searches that read them.

Facts: Notable Event API (form fields, `success`, `success_count`, `failure_count`); the capability, and that each call
writes a review.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lab.splunkd.refusal import Refused
from lab.splunkd.response import json_response
from lab.splunkd.router import Route

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lab.splunkd.instance import Instance
    from lab.splunkd.request import Request
from lab.splunkd.response import Response

_NAMES = {"status": "status", "newOwner": "owner", "urgency": "urgency", "disposition": "disposition"}
_ORIGIN = re.compile(r'orig_sid::"([^"]*)"\) \(rid::"[^"]*" OR orig_rid::"([^"]*)"')
_RULE = re.compile(r'rule_id="([^"]*)"')
_OWN = re.compile(r'if\(reviewer=="([^"]*)"')


@dataclass(frozen=True)
class Notable:
    """A notable, by the run that made it."""

    event_id: str
    orig_sid: str = ""
    orig_rid: str = ""


class NotableBoard:
    """Notables with their reviews.

    Args:
        clock: seconds since the epoch.
    """

    def __init__(self, clock: Any) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._notables: dict[str, Notable] = {}
        self._refused: dict[str, str] = {}
        self._lost: set[str] = set()
        self._broken: set[str] = set()
        self.public_app = "missioncontrol"
        """The app under which the public API of version 8 stands; "" for nowhere."""
        self.notes: list[dict[str, str]] = []
        """Every note, oldest first."""
        self.reviews: list[dict[str, str]] = []
        """Every review, oldest first: one for each notable and call."""

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._notables.clear()
            self._refused.clear()
            self._lost.clear()
            self._broken.clear()
            self.reviews.clear()
            self.notes.clear()
            self.public_app = "missioncontrol"

    def add(self, event_id: str, orig_sid: str = "", orig_rid: str = "") -> None:
        """Index a notable."""
        self._notables[event_id] = Notable(event_id, orig_sid, orig_rid)

    def refuse(self, event_id: str, message: str = "You do not have permission to make this transition") -> None:
        """Refuse every update of a notable, as a transition that the role may not make."""
        self._refused[event_id] = message

    def review(self, event_id: str, reviewer: str, **values: str) -> None:
        """Somebody changes a notable: status, owner, urgency, disposition, comment."""
        with self._lock:
            before = next((one for one in reversed(self.reviews) if one["rule_id"] == event_id), {})
            kept = {name: before.get(name, "") for name in _NAMES.values()}
            given = {"rule_id": event_id, "time": f"{self._clock():.6f}", "reviewer": reviewer, "comment": ""}
            self.reviews.append({**kept, **given, **values})

    def update(self, ids: list[str], reviewer: str, values: dict[str, str]) -> dict[str, Any]:
        """Change notables as one call does; those that can't be changed are counted.

        Raises:
            Refused: 500 at one that it breaks down at.
        """
        known = [one for one in ids if one in self._notables and one not in self._refused]
        for one in known:
            if one in self._broken:
                raise Refused(500, f"Unexpected error at {one}")
            if one not in self._lost:
                self.review(one, reviewer, **values)
        failed = [one for one in ids if one not in known]
        message = self._refused.get(failed[0], "No matching events found") if failed else "events updated successfully"
        return {
            "success": not failed,
            "message": message,
            "details": {},
            "success_count": len(known),
            "failure_count": len(failed),
        }

    def breaks_down(self, event_id: str) -> None:
        """A notable at which `notable_update` breaks down: those before it in a call are written."""
        self._broken.add(event_id)

    def mend(self, event_id: str) -> None:
        """It does so no more."""
        self._broken.discard(event_id)

    def has(self, event_id: str) -> bool:
        """Whether there is such a notable."""
        return event_id in self._notables

    def lose(self, event_id: str) -> None:
        """A notable of which `notable_update` takes updates, although they show nowhere, as for an unknown id."""
        self._lost.add(event_id)

    def publish(self, app: str) -> None:
        """Move the public API under another app; "" takes it away."""
        self.public_app = app

    def annotate(self, event_id: str, author: str, title: str, content: str) -> dict[str, str]:
        """Write a note to a finding.

        Raises:
            Refused: 400 for a finding whose updates are refused.
        """
        if event_id in self._refused:
            raise Refused(400, self._refused[event_id])
        note = {"id": f"note-{len(self.notes) + 1}", "finding": event_id, "author": author}
        with self._lock:
            self.notes.append({**note, "title": title, "content": content})
        return self.notes[-1]

    def answer(self, search: str) -> list[dict[str, Any]] | None:
        """Rows of a search for notables by their run, or for last reviews; None for any other search."""
        if "incident_review_lookup" in search:
            own = _OWN.search(search)
            wanted = dict.fromkeys(_RULE.findall(search))
            rows = (self._shown(event_id, own.group(1) if own else "") for event_id in wanted)
            return [row for row in rows if row]
        if "`notable`" in search:
            origins = set(_ORIGIN.findall(search))
            return [
                {"event_id": one.event_id, "orig_sid": one.orig_sid, "orig_rid": one.orig_rid}
                for one in self._notables.values()
                if (one.orig_sid, one.orig_rid) in origins
            ]
        return None

    def _shown(self, event_id: str, own: str) -> dict[str, Any]:
        """What the reviews of a notable come to: its values, every comment, who else changed it last."""
        reviews = [one for one in self.reviews if one["rule_id"] == event_id]
        if not reviews:
            return {}
        last = {name: reviews[-1][name] for name in _NAMES.values() if reviews[-1][name]}
        comments = sorted({one["comment"] for one in reviews if one["comment"]})
        row: dict[str, Any] = {"rule_id": event_id, **last}
        if comments:
            row["comments"] = comments if len(comments) > 1 else comments[0]
        others = [one for one in reviews if one["reviewer"] != own]
        return row | ({"other_time": others[-1]["time"], "other": others[-1]["reviewer"]} if others else {})


class NotableEndpoints:
    """`notable_update`, where Enterprise Security is installed."""

    def __init__(self, instance: Instance, board: NotableBoard) -> None:
        self._instance = instance
        self._board = board

    def routes(self) -> Iterable[Route]:
        """Return the one route."""
        return [Route("POST", "notable_update", self._update, "edit_notable_events")]

    def _update(self, request: Request) -> Response:
        ids = [value for name, value in request.form if name == "ruleUIDs"]
        values = {_NAMES[name]: value for name, value in request.form if name in _NAMES}
        values |= {name: value for name, value in request.form if name == "comment"}
        if not ids or not values:
            return json_response({"success": False, "message": "ruleUIDs and one change are needed"}, 400)
        return json_response(self._board.update(ids, request.user.name, values), 200)
