"""One alert run on disk, and the folder that holds all of them.

Layout below ``$SPLUNK_HOME/var/lib/splunk/modinputs/soar_delivery`` (the delivery input's own directory)::

    journal/<key>/payload.json  results.csv.gz  settings.json  ledger  lock
    journal/<key>/waiting       when it is taken up again, ``answer`` where a person's is missing; then why it waits
    mappings/<digest>.json      the rules that journals were written with, shared
    done/<key>                  what came of a run that is over, for a while
    unusable/<key>              journals that could not be worked off within the age limit, for a person
    calls/<digest>              one empty file for each search and result that an action was called for, for a while
    work/                       half-made or half-removed journals; nothing in it counts
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from soarlink.errors import JournalError
from soarlink.filelock import FileLock
from soarlink.journal import disk
from soarlink.journal.ledger import Ledger, RunNote, not_continued

FORMAT = 1
MAX_BYTES = 2 * 1024**3
"""Most bytes of all journals of a search head; beyond it new alerts are rejected, with the reason."""

UNUSABLE = "unusable"
_PAYLOAD = "payload.json"
_GZIP_TIME = slice(4, 8)
_COPY = 1024 * 1024


@dataclass(frozen=True)
class Finished:
    """What came of a run that is over."""

    exit_code: int
    finished: float
    runs: tuple[tuple[str, str, RunNote], ...] = ()
    """Its playbook runs: identity, playbook, what is known. A rerun starts none of them again."""
    moved: tuple[str, ...] = ()
    """Containers that the outbox was given to deliver: a rerun does not send them beside it."""


_WAITING = "waiting"


@dataclass(frozen=True)
class Waiting:
    """When a run is taken up again (epoch seconds), and why it was not worked off; empty when its time was to come."""

    until: float
    why: str


class Papers:
    """What a run was written down with, whether or not it can be continued."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def key(self) -> str:
        """The run's key, see :func:`run_key`."""
        return self.path.name

    @property
    def results(self) -> Path | None:
        """The copy of the results file; None when the search had none."""
        path = self.path / "results.csv.gz"
        return path if path.exists() else None

    def payload(self) -> bytes:
        """The alert payload, without session key."""
        return (self.path / _PAYLOAD).read_bytes()

    def facts(self) -> Mapping[str, Any]:
        """The settings of whatever format; nothing where they can't be read."""
        try:
            facts = json.loads((self.path / "settings.json").read_bytes())
        except (OSError, ValueError):
            return {}
        return facts if isinstance(facts, dict) else {}


class Journal(Papers):
    """One run that is owned by this process until :meth:`release` or :meth:`finish`."""

    def __init__(self, path: Path, lock: FileLock) -> None:
        super().__init__(path)
        self._lock = lock
        self.ledger = Ledger(path / "ledger")

    def settings(self) -> Mapping[str, Any]:
        """What the run was planned with.

        Raises:
            JournalError: written by a version of the add-on whose format this one does not know.
        """
        try:
            settings: dict[str, Any] = json.loads((self.path / "settings.json").read_bytes())
        except (OSError, ValueError) as error:
            raise JournalError(
                f"The journal {self.key} is damaged: {error}.", "Look at it, or remove its folder."
            ) from error
        if settings.get("format") != FORMAT:
            raise JournalError(
                f"The journal {self.key} has format {settings.get('format')}, this add-on reads format {FORMAT}.",
                "Install the version of the add-on that wrote it.",
            )
        return settings

    def release(self) -> None:
        """Leave the journal as it is, for whoever takes it up next. Safe to call again."""
        self.ledger.close()
        self._lock.release()


class JournalStore:
    """All journals of this search head.

    Args:
        root: the delivery input's directory.
        max_bytes: see :data:`MAX_BYTES`.
        clock: epoch seconds.
    """

    def __init__(self, root: Path, max_bytes: int = MAX_BYTES, clock: Callable[[], float] = time.time) -> None:
        self._root = root
        self._max_bytes = max_bytes
        self._clock = clock

    def create(
        self, key: str, payload: Mapping[str, Any], results: Path | None, settings: Mapping[str, Any]
    ) -> Journal:
        """Write a run down, so that it survives this process and this machine's power.

        Where the same run was over before, its ledger begins with what is known of that.

        Args:
            key: see :func:`run_key`.
            payload: the alert payload; its session key is left out.
            results: the results file, copied byte for byte.
            settings: JSON of what the run is planned with, no secrets.

        Returns:
            The journal, owned by this process.

        Raises:
            AlreadyJournaled: the same run is under way or waiting.
            JournalError: the disk is full or read-only, or there is no room within the bounds.
        """
        try:
            return self._create(key, payload, results, settings)
        except OSError as error:
            raise _unwritable(error) from error

    def resume(self, key: str) -> Journal | None:
        """Take up an unfinished run; None when it is gone or another process works on it.

        Raises:
            JournalError: its ledger is damaged, or its files are not for this user to open.
        """
        path = self._root / "journal" / key
        if not (path / _PAYLOAD).exists():
            return None
        lock = FileLock(path / "lock")
        try:
            if not lock.acquire(wait=False):
                return None
            if lock.is_in_place() and (path / _PAYLOAD).exists():  # else it was removed between the two looks
                return Journal(path, lock)
        except FileNotFoundError:
            pass  # the same, in the middle of it
        except (OSError, ValueError, LookupError, TypeError) as error:
            lock.release()
            raise JournalError(
                f"The journal {key} is damaged: {error}.", "Look at it, or remove its folder."
            ) from error
        lock.release()
        return None

    def papers(self, key: str) -> Papers:
        """What a run was written down with; nobody owns it by this."""
        return Papers(self._root / "journal" / key)

    def keys(self) -> Iterator[str]:
        """Every run that is not over, oldest first. What else lies in the folder is no run, and nobody's business."""
        found = []
        for entry in disk.entries(self._root / "journal"):
            with contextlib.suppress(OSError):
                found.append((Path(entry.path, _PAYLOAD).stat().st_mtime, entry.name))
        yield from (name for _, name in sorted(found))

    def written(self, key: str) -> float:
        """When a run was written down, epoch seconds; 0 when it is gone."""
        try:
            return (self._root / "journal" / key / _PAYLOAD).stat().st_mtime
        except OSError:
            return 0.0

    def note_waiting(self, key: str, until: float, why: str = "", *, for_answer: bool = False) -> None:
        """Note when a run is taken up again, for whoever looks at the folder. What can't be noted is not.

        Args:
            key: the run's key.
            until: epoch seconds.
            why: what it waits for, in words.
            for_answer: only people's answers are missing: its playbook runs were looked at just now.
        """
        with contextlib.suppress(OSError):
            text = f"{until:.3f}{' answer' * for_answer}\n{why}\n"
            (self._root / "journal" / key / _WAITING).write_text(text, "utf-8", "backslashreplace")

    def waiting(self, key: str) -> Waiting | None:
        """What was noted of a run that waits; None when nothing was, or it is gone."""
        try:
            first, _, why = (self._root / "journal" / key / _WAITING).read_text("utf-8").partition("\n")
            return Waiting(float(first.split()[0]), why.strip())
        except (OSError, ValueError, IndexError):
            return None

    def put_aside(self, key: str) -> Path:
        """Take a run that can't be worked off out of the way; its folder is kept, moved back it is tried again.

        Raises:
            JournalError: the disk is full or read-only.
        """
        target = self._root / UNUSABLE / key
        try:
            self._folder(UNUSABLE)
            shutil.rmtree(target, ignore_errors=True)
            (self._root / "journal" / key).rename(target)
        except OSError as error:
            raise _unwritable(error) from error
        return target

    def finish(self, journal: Journal, exit_code: int) -> None:
        """Every row has its end: remember what came of it and remove the journal.

        Raises:
            JournalError: the disk is full or read-only; the journal is there still.
        """
        try:
            self._finish(journal, exit_code)
        except OSError as error:
            raise not_continued(error) from error

    def _finish(self, journal: Journal, exit_code: int) -> None:
        done = self._folder("done") / journal.key
        runs = [[key, name, note.state, note.id, note.reason] for key, name, note in journal.ledger.all_runs()]
        moved = journal.ledger.moved_pending()
        facts = {"exit_code": exit_code, "finished": self._clock(), "runs": runs, "moved": moved}
        disk.write(done, json.dumps(facts).encode("ascii"))
        target = self._folder("work") / f"{journal.key}.{os.getpid()}"
        journal.path.rename(target)
        journal.release()
        shutil.rmtree(target, ignore_errors=True)

    def finished(self, key: str) -> Finished | None:
        """What came of a run that is over; None when nothing is known of it (any more)."""
        try:
            noted = json.loads((self._root / "done" / key).read_bytes())
        except (FileNotFoundError, ValueError):
            return None
        runs = tuple((key, name, RunNote(state, number, why)) for key, name, state, number, why in noted["runs"])
        return Finished(int(noted["exit_code"]), float(noted["finished"]), runs, tuple(noted.get("moved", ())))

    def forget(self, before: float) -> None:
        """Remove what is known of calls before this time, and what crashes left in ``work``."""
        for folder in ("done", "calls", "work"):
            for entry in disk.entries(self._root / folder):
                with contextlib.suppress(OSError):
                    if entry.stat(follow_symlinks=False).st_mtime < before:
                        disk.remove(Path(entry.path))

    def note_call(self, action: str, sid: str, rid: str) -> bool:
        """Whether this is the first call of an action for a search (for a result, in per-result alerting).

        Where it can't be known, such as on a full disk, the answer is no.
        """
        digest = hashlib.sha256(json.dumps([action, sid, rid]).encode("ascii")).hexdigest()[:48]
        try:
            path = self._folder("calls") / digest
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except OSError:
            return False
        return True

    def save_mapping(self, digest: str, stanzas: Callable[[], Mapping[str, Any]]) -> None:
        """Keep the rules of a mapping, once for all journals that use it.

        Args:
            digest: the mapping's digest.
            stanzas: gives its rules; called only when they are not kept yet.

        Raises:
            JournalError: the disk is full or read-only.
        """
        path = self._root / "mappings" / f"{digest}.json"
        if path.exists():
            return
        try:
            self._folder("mappings")
            work = self._folder("work") / f"{digest}.{os.getpid()}"
            disk.write(work, json.dumps(stanzas(), sort_keys=True).encode("ascii"))
            work.replace(path)
            disk.sync_folder(path.parent)
        except OSError as error:
            raise _unwritable(error) from error

    def mapping(self, digest: str) -> Mapping[str, Mapping[str, str]]:
        """The rules that were kept under this digest.

        Raises:
            JournalError: they are gone.
        """
        try:
            kept: dict[str, dict[str, str]] = json.loads((self._root / "mappings" / f"{digest}.json").read_bytes())
        except (OSError, ValueError) as error:
            raise JournalError(f"The mapping {digest[:16]} of an unfinished alert can't be read: {error}.") from error
        return kept

    def _create(
        self, key: str, payload: Mapping[str, Any], results: Path | None, settings: Mapping[str, Any]
    ) -> Journal:
        final = self._folder("journal") / key
        if final.exists():
            raise AlreadyJournaled(key)
        size = results.stat().st_size if results is not None and results.exists() else 0
        self._make_room(size)
        work = self._folder("work") / f"{key}.{os.getpid()}"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(mode=0o700)
        try:
            disk.write(work / _PAYLOAD, json.dumps({**payload, "session_key": ""}).encode("ascii"))
            disk.write(work / "settings.json", json.dumps({**settings, "format": FORMAT}).encode("ascii"))
            if size and results is not None:
                disk.copy(results, work / "results.csv.gz")
            self._remember(key, work)
            lock = FileLock(work / "lock")
            lock.acquire(wait=False)
            disk.sync_folder(work)
            _rename_new(work, final, key)
            disk.sync_folder(final.parent)
        except BaseException:
            shutil.rmtree(work, ignore_errors=True)
            raise
        return Journal(final, lock)

    def _remember(self, key: str, work: Path) -> None:
        """The action is called again: what was started stays started, what the outbox has is the outbox's."""
        before = self.finished(key)
        if before is None:
            return
        ledger = Ledger(work / "ledger")
        try:
            for identity, playbook, note in before.runs:
                ledger.note_run(identity, playbook, note)
            ledger.note_moved(*before.moved)
        finally:
            ledger.close()

    def _make_room(self, size: int) -> None:
        held = disk.size(self._root / "journal")
        if held + size > self._max_bytes:
            raise JournalError(
                f"Unfinished alerts hold {held} bytes on disk; {size} more would pass the bound of {self._max_bytes}.",
                "Let the delivery input work them off (is it enabled, is SOAR up?), or raise the bound.",
            )

    def _folder(self, name: str) -> Path:
        path = self._root / name
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        return path


def journal_root(home: Path) -> Path:
    """The delivery input's own directory below ``$SPLUNK_HOME``: its checkpoint directory, as splunkd gives it."""
    return home / "var" / "lib" / "splunk" / "modinputs" / "soar_delivery"


class AlreadyJournaled(Exception):
    """The same run is under way or waiting; ``args[0]`` is its key."""


def run_key(action: str, sid: str, call: str | None, results: Path | None) -> str:
    """The key of one call of an action: the same when Splunk calls it again for the same results.

    Args:
        action: the action's name.
        sid: the search id.
        call: what tells calls for the same results apart: the result id of per-result alerting, account, playbooks.
        results: the results file.
    """
    digest = hashlib.sha256(json.dumps([action, sid, call]).encode("ascii"))
    if results is not None and results.exists():
        with results.open("rb") as file:
            head = file.read(_GZIP_TIME.stop)
            # The same results may be compressed anew: only the time in the header differs then (RFC 1952, 2.3).
            digest.update(head[: _GZIP_TIME.start] if head.startswith(b"\x1f\x8b") else head)
            for block in iter(lambda: file.read(_COPY), b""):
                digest.update(block)
    return digest.hexdigest()[:48]


def _unwritable(error: OSError) -> JournalError:
    if error.errno == errno.ENOSPC:
        return JournalError("The disk that holds Splunk's var folder is full.", "Make room; nothing was sent.")
    return JournalError(
        f"The alert can't be written down: {error.strerror or error}.",
        "splunkd's user must be able to write below $SPLUNK_HOME/var/lib/splunk/modinputs; nothing was sent.",
    )


def _rename_new(work: Path, final: Path, key: str) -> None:
    try:
        work.rename(final)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            raise AlreadyJournaled(key) from None
        raise
