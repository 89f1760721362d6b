"""How far the delivery of one journal has come: one line for each step, appended and read back.

A line says what is *known*: a part that SOAR took, a playbook run that is about to be asked for and what came of it,
a row that was told its end. A crash can cut the last line; a cut line is no line. What is not in the ledger is done
again, which the identities of containers and artifacts make harmless. Only playbook runs can't be repeated, so their
intent is on disk before the request goes out.
"""

from __future__ import annotations

import errno
import json
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from soarlink.body import to_bytes, to_text
from soarlink.errors import JournalError

_NOTHING: Mapping[int, str] = MappingProxyType({})


class SentContainer(NamedTuple):
    """A container that has its end. ``refused`` holds the reason for each row (by position) that is rejected."""

    container_id: int
    existed: bool
    refused: Mapping[int, str] = _NOTHING


@dataclass(frozen=True)
class RunNote:
    """A playbook run: ``intended`` until SOAR's answer is known.

    ``after`` is the latest run that the container had before this one was asked for, 0 for none: one that SOAR has
    started without our knowing is later. None where that tells nothing.
    """

    state: str
    id: str | None = None
    reason: str | None = None
    after: int | None = None

    def line(self, identity: str, playbook: str) -> dict[str, Any]:
        """The line that keeps it, in a journal's ledger or in an outbox item's."""
        facts = {"key": identity, "playbook": playbook, "state": self.state, "id": self.id, "why": self.reason}
        return {"t": "run", **facts, "after": self.after}


@dataclass(frozen=True)
class Waiting:
    """A container that SOAR did not take. ``unclear``: it may have reached SOAR. Times are epoch seconds."""

    name: str
    reason: str
    status: int | None
    unclear: bool
    since: float
    not_before: float


INTENDED = "intended"
UNCLEAR = "unclear"
"""It may have been started: it is looked for, and never asked for again."""

NOT_STARTED = "not started"
"""SOAR did not take it: it may be asked for again when somebody says so."""

FREE = "free"
"""Nothing was asked of SOAR after all: the run may be asked for again."""


class Ledger:
    """The ledger of one journal. Safe for use by several threads.

    Args:
        path: the file; made when absent.

    Raises:
        OSError: it can't be read.
        JournalError: by whatever notes something, when the disk does not take it.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._sent: dict[str, SentContainer] = {}
        self._rejected: dict[str, str] = {}
        self._runs: dict[str, dict[str, RunNote]] = {}  # by container, then by playbook
        self._told: dict[str, bytearray] = {}  # one byte for each row and state: a set of pairs would not stay flat
        self._leaving: dict[str, str] = {}
        self._moved: set[str] = set()
        self._waiting: dict[str, Waiting] = {}
        self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        self._is_closed = False
        try:
            self._replay(path)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the file. Safe to call again."""
        if not self._is_closed:
            os.close(self._file)
            self._is_closed = True

    def sent(self, identity: str) -> SentContainer | None:
        """What is known of a container that is in SOAR; None when it is not known to be."""
        return self._sent.get(identity)

    def rejection(self, identity: str) -> str | None:
        """Why SOAR refused the whole container; None when it did not."""
        return self._rejected.get(identity)

    def run(self, identity: str, playbook: str) -> RunNote | None:
        """What is known of a playbook run; None when it was never asked for."""
        note = self._runs.get(identity, {}).get(playbook)
        return None if note is not None and note.state == FREE else note

    def all_runs(self) -> list[tuple[str, str, RunNote]]:
        """What is known of every playbook run: identity, playbook, note."""
        return [(key, name, note) for key in self._runs for name, note in self.runs_of(key)]

    def runs_of(self, identity: str) -> list[tuple[str, RunNote]]:
        """What is known of each playbook run of a container."""
        return [(name, note) for name, note in self._runs.get(identity, {}).items() if note.state != FREE]

    def waiting(self, identity: str) -> Waiting | None:
        """Why a container waits; None when it was not tried, or is over."""
        return self._waiting.get(identity)

    def is_told(self, position: int, state: str) -> bool:
        """True when the row's line for this state is in the log."""
        told = self._told.get(state, b"")
        return position < len(told) and bool(told[position])

    def is_moved(self, identity: str) -> bool:
        """True when the container is in the outbox."""
        return identity in self._moved

    def is_leaving(self, identity: str) -> bool:
        """True when a move into the outbox began and its end is not known: the outbox may have it already."""
        return identity in self._leaving

    def leaving(self) -> Mapping[str, str]:
        """The containers whose move has no known end, with their keys in the outbox."""
        return dict(self._leaving)

    def moved_pending(self) -> list[str]:
        """The containers that the outbox was given to deliver; it also keeps those that were refused."""
        return [key for key in self._moved if key not in self._rejected and key not in self._sent]

    def note_sent(self, identity: str, sent: SentContainer) -> None:
        """SOAR has this container, with all that it will take."""
        refused = {str(position): reason for position, reason in sent.refused.items()}
        self._append({"t": "sent", "key": identity, "cid": sent.container_id, "old": sent.existed, "bad": refused})

    def note_rejected(self, identity: str, reason: str) -> None:
        """SOAR refused the whole container for good."""
        self._append({"t": "rejected", "key": identity, "why": reason})

    def note_run(self, identity: str, playbook: str, note: RunNote) -> None:
        """A playbook run is about to be asked for, or its answer is known. On disk when this returns."""
        self._append(note.line(identity, playbook))
        os.fsync(self._file)

    def note_waiting(self, identity: str, waiting: Waiting) -> None:
        """SOAR did not take the container now."""
        line = {"name": waiting.name, "why": waiting.reason, "status": waiting.status, "unclear": waiting.unclear}
        self._append({"t": "waiting", "key": identity, **line, "at": waiting.since, "next": waiting.not_before})

    def note_told(self, positions: Sequence[int], state: str) -> None:
        """The rows' lines and events for this state are out."""
        self._append({"t": "told", "pos": list(positions), "state": state})

    def note_leaving(self, keys: Mapping[str, str]) -> None:
        """Containers are about to be put into the outbox under these keys. On disk when this returns."""
        self._append({"t": "leaving", "keys": dict(keys)})
        os.fsync(self._file)

    def note_stayed(self, identity: str) -> None:
        """The container did not get into the outbox: it is the journal's again."""
        self._append({"t": "stayed", "key": identity})

    def note_moved(self, *identities: str) -> None:
        """The containers are in the outbox now, which is on its own from here on. On disk when this returns."""
        for identity in identities:
            self._append({"t": "moved", "key": identity})
        os.fsync(self._file)

    def _append(self, line: Mapping[str, Any]) -> None:
        data = to_bytes(to_text(line) + "\n")
        with self._lock:
            self._write(data)
            self._apply(line)

    def _write(self, data: bytes) -> None:
        """Append a whole line or nothing: the next one must not continue half of it."""
        try:
            written = os.write(self._file, data)
        except OSError as error:
            raise not_continued(error) from error
        if written != len(data):  # the disk took what it had room for
            os.ftruncate(self._file, os.fstat(self._file).st_size - written)
            raise not_continued(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))

    def _replay(self, path: Path) -> None:
        whole = 0
        with path.open("rb") as lines:
            for line in lines:
                if not line.endswith(b"\n"):
                    break
                whole += len(line)
                self._apply(json.loads(line))
        # A line that a crash cut must not become the beginning of the next one.
        os.ftruncate(self._file, whole)

    def _apply(self, line: Mapping[str, Any]) -> None:
        kind = line["t"]
        if kind == "sent":
            refused = {int(position): reason for position, reason in line["bad"].items()} or _NOTHING
            self._sent[line["key"]] = SentContainer(line["cid"], line["old"], refused)
        elif kind == "rejected":
            self._rejected[line["key"]] = line["why"]
        elif kind == "run":
            runs = self._runs.setdefault(line["key"], {})
            runs[line["playbook"]] = RunNote(line["state"], line["id"], line["why"], line.get("after"))
        elif kind == "told":
            told = self._told.setdefault(line["state"], bytearray())
            told.extend(bytes(max(0, max(line["pos"], default=-1) + 1 - len(told))))
            for position in line["pos"]:
                told[position] = 1
        elif kind == "leaving":
            self._leaving.update(line["keys"])
        elif kind == "waiting":
            self._waiting[line["key"]] = Waiting(
                line["name"], line["why"], line["status"], line["unclear"], line["at"], line["next"]
            )
        elif kind == "stayed":
            self._leaving.pop(line["key"], None)
        elif kind == "moved":
            self._leaving.pop(line["key"], None)
            self._moved.add(line["key"])


def not_continued(error: OSError) -> JournalError:
    """How far an alert has come can't be written down."""
    return JournalError(
        f"The alert's journal can't be continued: {error.strerror or error}.",
        "Make room on the disk that holds Splunk's var folder; what is not done is tried again.",
    )
