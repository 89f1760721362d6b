"""What the action's log says already about a run: so that a run taken up again tells nothing twice."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from soarlink.delivery.outcome import CAM_STATUS, RowOutcome
from soarlink.splunk.actionlog import BACKUPS
from soarlink.splunk.logline import clean

if TYPE_CHECKING:
    from soarlink.plan.shipment import RowAccount

INVOKED = "invoked"
ENDS = frozenset({"success", "failure"})
"""Statuses after which a result has its end: a result gets one of them, once."""

_RID = re.compile(rb' rid="([^"]*)"')
_STATUS = re.compile(rb' action_status="([a-z]+)"')
_INVOCATION = b'signature="Invoking modular action"'
_PAIR = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True)
class RowEnd:
    """How a result ended, as far as its line says; its playbook runs stand in its result event only."""

    state: str
    container_id: int | None
    container_url: str | None
    artifacts: int
    reason: str | None

    def outcome(self, account: RowAccount) -> RowOutcome:
        """The same end, to be told again."""
        return RowOutcome(
            account,
            self.state,
            container_id=self.container_id,
            container_url=self.container_url,
            artifacts=self.artifacts,
            reason=self.reason,
        )


def read(log: Path, sid: str) -> Mapping[str, frozenset[str]]:
    """What each result of a run was told: :data:`INVOKED` and the statuses, by result id.

    Args:
        log: the action's log file; its older files are read too.
        sid: the search id.
    """
    found: dict[str, set[str]] = {}
    for rid, line in _lines_of(log, sid):
        told = found.setdefault(rid, set())
        status = _STATUS.search(line)
        if status is not None:
            told.add(status[1].decode("ascii"))
        elif _INVOCATION in line:
            told.add(INVOKED)
    return {rid: frozenset(told) for rid, told in found.items()}


def ends(log: Path, sid: str) -> Mapping[str, RowEnd]:
    """How each result of a run ended, by result id; those that have no end yet are left out.

    Args:
        log: the action's log file; its older files are read too.
        sid: the search id.
    """
    found: dict[str, RowEnd] = {}
    for rid, line in _lines_of(log, sid):
        status = _STATUS.search(line)
        if status is not None and status[1].decode("ascii") in ENDS:
            end = _end(dict(_PAIR.findall(line.decode("utf-8", "replace"))))
            if end is not None:
                found.setdefault(rid, end)
    return found


def _end(pairs: Mapping[str, str]) -> RowEnd | None:
    number, artifacts = pairs.get("container_id", ""), pairs.get("artifacts", "")
    if pairs.get("state") not in CAM_STATUS:
        return None
    return RowEnd(
        state=pairs["state"],
        container_id=int(number) if number.isdigit() else None,
        container_url=pairs.get("container_url") or None,
        artifacts=int(artifacts) if artifacts.isdigit() else 0,
        reason=pairs.get("reason") or None,
    )


def _lines_of(log: Path, sid: str) -> Iterator[tuple[str, bytes]]:
    """The lines of a run that are about one result, with its id."""
    wanted = f' sid="{clean(sid)}"'.encode("utf-8", "backslashreplace")
    for line in _lines(log):
        if wanted in line:
            rid = _RID.search(line)
            if rid is not None:
                yield rid[1].decode("utf-8", "replace"), line


def _lines(log: Path) -> Iterator[bytes]:
    files = [log.with_name(f"{log.name}.{number}") for number in range(BACKUPS, 0, -1)] + [log]
    for path in files:
        try:
            with path.open("rb") as lines:
                yield from lines
        except FileNotFoundError:
            continue
