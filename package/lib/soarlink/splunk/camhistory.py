"""What the action's log says already about a run: so that a run taken up again tells nothing twice."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from soarlink.splunk.actionlog import BACKUPS
from soarlink.splunk.cam import clean

INVOKED = "invoked"
_RID = re.compile(rb' rid="([^"]*)"')
_STATUS = re.compile(rb' action_status="([a-z]+)"')
_INVOCATION = b'signature="Invoking modular action"'


def read(log: Path, sid: str) -> Mapping[str, frozenset[str]]:
    """What each result of a run was told: :data:`INVOKED` and the statuses, by result id.

    Args:
        log: the action's log file; its older files are read too.
        sid: the search id.
    """
    found: dict[str, set[str]] = {}
    wanted = f' sid="{clean(sid)}"'.encode("utf-8", "backslashreplace")
    for line in _lines(log):
        if wanted not in line:
            continue
        rid = _RID.search(line)
        if rid is None:
            continue
        told = found.setdefault(rid[1].decode("utf-8", "replace"), set())
        status = _STATUS.search(line)
        if status is not None:
            told.add(status[1].decode("ascii"))
        elif _INVOCATION in line:
            told.add(INVOKED)
    return {rid: frozenset(told) for rid, told in found.items()}


def _lines(log: Path) -> Iterator[bytes]:
    files = [log.with_name(f"{log.name}.{number}") for number in range(BACKUPS, 0, -1)] + [log]
    for path in files:
        try:
            with path.open("rb") as lines:
                yield from lines
        except FileNotFoundError:
            continue
