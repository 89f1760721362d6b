"""What the action's log says already about a run: so that a run taken up again tells nothing twice."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from soarlink.delivery.outcome import CAM_STATUS, RowOutcome
from soarlink.splunk.actionlog import BACKUPS
from soarlink.splunk.logline import clean

if TYPE_CHECKING:
    from soarlink.plan.shipment import RowAccount

INVOKED = "invoked"
ENDS = frozenset({"success", "failure"})
"""Statuses after which a result has its end: a result gets one of them, once."""

RUNS_KEPT = 8
"""Runs of which :class:`Histories` remembers what it has read, beside those that are asked for."""

_SID = re.compile(rb' sid="([^"]*)"')
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


class _Place(NamedTuple):
    """How far a file was read."""

    device: int
    inode: int
    offset: int


class Histories:
    """What a log says of runs that are asked for again and again: it is read on from where it was left.

    Args:
        log: the action's log file; its older files are read too.
    """

    def __init__(self, log: Path) -> None:
        self._log = log
        self._known: dict[str, dict[str, frozenset[str]]] = {}
        self._end: _Place | None = None
        self._sets: dict[frozenset[str], frozenset[str]] = {}

    def of(self, sids: Collection[str]) -> Mapping[str, Mapping[str, frozenset[str]]]:
        """What each result of these runs was told: :data:`INVOKED` and the statuses; by run, then by result id.

        Args:
            sids: the search ids; one that is not remembered costs a look at the whole log.
        """
        start = self._end if all(sid in self._known for sid in sids) else None
        self._end = None  # should reading fail, the next one begins anew
        latest = {sid: self._known.get(sid, {}) for sid in (*sids, *self._known)}
        self._known = dict(list(latest.items())[: len(sids) + RUNS_KEPT])
        wanted = {_logged(sid): told for sid, told in self._known.items()}
        for line in self._lines(start):
            sid = _SID.search(line)
            told = wanted.get(sid[1]) if sid is not None else None
            rid = _RID.search(line) if told is not None else None
            if told is not None and rid is not None:
                key = rid[1].decode("utf-8", "replace")
                words = told.get(key, frozenset()) | _words(line)
                told[key] = self._sets.setdefault(words, words)
        return self._known

    def _lines(self, start: _Place | None) -> Iterator[bytes]:
        """The whole lines after a place, of all files when it is not there any more."""
        with ExitStack() as opened:
            files = [(file, os.fstat(file.fileno())) for file in _files(self._log, opened)]
            left = [at for at, (_, status) in enumerate(files) if start is not None and _goes_on(status, start)]
            if start is not None and left:
                files = files[left[-1] :]
                files[0][0].seek(start.offset)
            for file, status in files:
                offset = file.tell()
                for line in file:
                    if not line.endswith(b"\n"):
                        break
                    offset += len(line)
                    yield line
                self._end = _Place(status.st_dev, status.st_ino, offset)


def read(log: Path, sid: str) -> Mapping[str, frozenset[str]]:
    """What each result of a run was told: :data:`INVOKED` and the statuses, by result id.

    Args:
        log: the action's log file; its older files are read too.
        sid: the search id.
    """
    return Histories(log).of([sid])[sid]


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
        container_id=int(number) if number.isdecimal() else None,
        container_url=pairs.get("container_url") or None,
        artifacts=int(artifacts) if artifacts.isdecimal() else 0,
        reason=pairs.get("reason") or None,
    )


def _lines_of(log: Path, sid: str) -> Iterator[tuple[str, bytes]]:
    """The lines of a run that are about one result, with its id."""
    wanted = b' sid="' + _logged(sid) + b'"'
    with ExitStack() as opened:
        for file in _files(log, opened):
            for line in file:
                rid = _RID.search(line) if wanted in line else None
                if rid is not None:
                    yield rid[1].decode("utf-8", "replace"), line


def _logged(sid: str) -> bytes:
    return clean(sid).encode("utf-8", "backslashreplace")


def _words(line: bytes) -> frozenset[str]:
    status = _STATUS.search(line)
    if status is not None:
        return frozenset((status[1].decode("ascii"),))
    return frozenset((INVOKED,)) if _INVOCATION in line else frozenset()


def _files(log: Path, opened: ExitStack) -> list[BinaryIO]:
    """The log's files, the oldest first; opened the other way round, so that none slips through while they rotate."""
    found: list[BinaryIO] = []
    for path in (log, *(log.with_name(f"{log.name}.{number}") for number in range(1, BACKUPS + 1))):
        try:
            found.append(opened.enter_context(path.open("rb")))
        except FileNotFoundError:
            continue
    return found[::-1]


def _goes_on(status: os.stat_result, place: _Place) -> bool:
    return (status.st_dev, status.st_ino) == place[:2] and status.st_size >= place.offset
