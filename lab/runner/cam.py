"""An action's log, read the way the Common Action Model reads it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lab.runner.indexing.cim import INVOCATION

if TYPE_CHECKING:
    from collections.abc import Mapping

_ERROR = re.compile(r"\s(?:ERROR|CRITICAL)\s+sendmodaction")

TERMINAL = ("success", "failure")
"""Statuses after which nothing more may come; ``pending`` is not one of them."""


@dataclass
class RidLog:
    """What the log says of one result.

    Args:
        invocations: how many lines say that the action was invoked for it.
        statuses: every ``action_status`` in the order of the log.
        earlier: how many of them were there before the run that is looked at: the action was called before.
    """

    invocations: int = 0
    statuses: list[str] = field(default_factory=list)
    earlier: int = 0

    @property
    def status(self) -> str | None:
        """The newest status: what Enterprise Security shows."""
        return self.statuses[-1] if self.statuses else None

    @property
    def had_ended(self) -> bool:
        """Whether an earlier call had told its final status: there is only one, so this run tells none."""
        return any(status in TERMINAL for status in self.statuses[: self.earlier])


@dataclass
class CamLog:
    """What the log says of one run of an action.

    Args:
        action: the action's name.
        sid: the search's id.
        rids: by result id, in the order of the log.
        errors: what the log says went wrong with the run as a whole.
    """

    action: str
    sid: str
    rids: dict[str, RidLog] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    def add(self, event: Mapping[str, Any]) -> bool:
        """Take an indexed event into account; False when it is no line of this run."""
        raw, fields = str(event["raw"]), event["fields"]
        if not str(event["sourcetype"]).startswith("modular_alerts:") or "sendmodaction" not in raw:
            return False
        if fields.get("action_name") != self.action or not same_sid(self.sid, str(fields.get("sid", ""))):
            return False
        rid = fields.get("rid")
        if rid is not None:
            entry = self.rids.setdefault(str(rid), RidLog())
            entry.invocations += INVOCATION in raw
            if fields.get("action_status"):
                entry.statuses.append(str(fields["action_status"]))
        elif _ERROR.search(raw):
            self.errors.append(str(fields.get("signature", "")))
        return True

    def precede(self, rids: Mapping[str, RidLog]) -> None:
        """Put what earlier calls of the same search logged before what this one did."""
        for rid, before in rids.items():
            entry = self.rids.get(rid)
            if entry is not None:
                entry.invocations += before.invocations
                entry.statuses[:0] = before.statuses
                entry.earlier = len(before.statuses)
            else:
                self.rids[rid] = RidLog(before.invocations, before.statuses, len(before.statuses))


def same_sid(sid: str, logged: str) -> bool:
    """Tell whether a logged search id is the search's own: of a real-time search the snapshot number is left out."""
    return logged == sid or (sid.startswith("rt_scheduler") and bool(logged) and sid.startswith(f"{logged}."))
