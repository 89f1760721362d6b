"""The action's log file, written by many processes at once.

Lines go out whole, one or several in one append. Rotation happens under a lock and is noticed by the other writers, so
no line is lost or torn; ``logging.handlers.RotatingFileHandler`` gives neither when several actions run at the same
time.
"""

from __future__ import annotations

import errno
import logging
import os
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

from soarlink.filelock import FileLock

MAX_BYTES = 25_000_000
BACKUPS = 5

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)

HELD_LINES = 200
"""Lines that are held back at most: a system call for each would cost more than the line."""


class LogFile:
    """A file that many processes append whole lines to, and that is rotated at ``max_bytes``."""

    def __init__(self, path: Path, max_bytes: int = MAX_BYTES, backups: int = BACKUPS) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._backups = backups
        self._file: int | None = None
        self._is_cut = False

    def append(self, lines: bytes) -> None:
        """Append whole lines, their line breaks included.

        Raises:
            OSError: the disk is full, or the file can't be written. Lines that were cut on the way begin anew.
        """
        data = memoryview(b"\n" + lines if self._is_cut else lines)
        file = self._current(len(data))
        while data:
            written = os.write(file, data)
            self._is_cut = written < len(data)  # there may be no room for the rest
            data = data[written:]

    def close(self) -> None:
        """Close the file; the next line opens it again."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _current(self, length: int) -> int:
        if self._file is not None and not self._is_current(self._file):
            os.close(self._file)
            self._file = None
        if self._file is None:
            self._file = self._open()
        if os.fstat(self._file).st_size + length > self._max_bytes:
            self._rotate(length)
            os.close(self._file)
            self._file = self._open()
        return self._file

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)

    def _is_current(self, file: int) -> bool:
        try:
            return os.path.samestat(os.fstat(file), self._path.stat())
        except FileNotFoundError:
            return False

    def _rotate(self, length: int) -> None:
        lock = FileLock(self._path.with_name(self._path.name + ".lock"))
        lock.acquire(wait=True)
        try:
            # Another process may have rotated while this one waited.
            if not self._path.exists() or self._path.stat().st_size + length <= self._max_bytes:
                return
            for number in range(self._backups, 0, -1):
                older = self._path if number == 1 else self._backup(number - 1)
                if older.exists():
                    older.replace(self._backup(number))
        finally:
            lock.release()

    def _backup(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")


class ActionLogHandler(logging.Handler):
    """Appends to ``path`` and rotates it at ``max_bytes``, keeping ``backups`` older files.

    A line goes out at once, until :meth:`hold`: then with the next :meth:`flush`, or when many are held.
    """

    def __init__(self, path: Path, max_bytes: int = MAX_BYTES, backups: int = BACKUPS) -> None:
        super().__init__()
        self._file = LogFile(path, max_bytes, backups)
        self._held: list[bytes] = []
        self._last = logging.makeLogRecord({})
        self._most_held = 0
        self.has_lost_lines = False
        """Whether the disk had no room for lines."""
        self.setFormatter(_Formatter("%(asctime)s %(levelname)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Write or hold one line; a failure to log never stops an alert, it goes to standard error (splunkd.log)."""
        self._last = record
        self._held.append((self.format(record) + "\n").encode("utf-8", "backslashreplace"))
        if len(self._held) > self._most_held:
            self.flush()

    def hold(self) -> None:
        """Hold lines back from now on; whoever asks for this sees to it that they are flushed."""
        self._most_held = HELD_LINES

    def flush(self) -> None:
        """Write what is held back."""
        lines, self._held = b"".join(self._held), []
        if not lines:
            return
        try:
            self._file.append(lines)
        except OSError as error:
            self.has_lost_lines = self.has_lost_lines or error.errno in _NO_ROOM
            self.handleError(self._last)

    def close(self) -> None:
        """Write what is held back and close the file."""
        self.flush()
        self._file.close()
        super().close()


class _Formatter(logging.Formatter):
    """Times as Splunk's own Common Action Model library writes them: UTC with a fixed offset."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: ARG002, N802 - logging's
        text = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(record.created))
        return f"{text},{int(record.msecs):03d}+0000"
