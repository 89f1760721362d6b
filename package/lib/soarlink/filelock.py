"""A lock between processes that a crash releases."""

from __future__ import annotations

import os
from pathlib import Path


class FileLock:
    """An exclusive lock on a file, held until it is released or the process ends.

    POSIX ``flock``; on Windows ``msvcrt.locking`` (untested).
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def acquire(self, *, wait: bool) -> bool:
        """Take the lock; False when ``wait`` is off and another process has it."""
        file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            taken = _lock(file, wait=wait)
        except BaseException:
            os.close(file)
            raise
        if not taken:
            os.close(file)
            return False
        self._file = file
        return True

    def is_in_place(self) -> bool:
        """Whether the file that is locked is still the one at its path: another may have taken its place meanwhile."""
        try:
            return self._file is not None and os.path.samestat(os.fstat(self._file), self._path.stat())
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """Give the lock back."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _lock(file: int, *, wait: bool) -> bool:
    try:
        import fcntl
    except ImportError:
        import msvcrt

        try:
            msvcrt.locking(file, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        except OSError:
            return False
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True
