"""Files and folders that survive a power failure, and folders in which others come and go."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_COPY = 1024 * 1024


def write(path: Path, data: bytes) -> None:
    """Write a file, whole, on the disk when this returns; readable by this user only."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(file, view) :]
        os.fsync(file)
    finally:
        os.close(file)


def copy(source: Path, target: Path) -> None:
    """Copy a file, byte for byte, to where there is none; as :func:`write`."""
    file = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(file, "wb") as output, source.open("rb") as data:
        shutil.copyfileobj(data, output, _COPY)
        output.flush()
        os.fsync(output.fileno())


def sync_folder(path: Path) -> None:
    """Bring the names in a folder onto the disk."""
    if os.name != "posix":
        return  # Windows has no handle on folders to sync
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def remove(path: Path) -> None:
    """Remove a file, a link, or a folder with all that is in it."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    """What is in a folder; nothing when it is gone, or not for us to read."""
    with suppress(OSError), os.scandir(folder) as found:
        yield from found


def size(folder: Path) -> int:
    """Bytes of the files below a folder, while others come and go in it: what is gone meanwhile counts nothing."""
    total = 0
    for entry in entries(folder):
        with suppress(OSError):
            is_folder = entry.is_dir(follow_symlinks=False)
            total += size(Path(entry.path)) if is_folder else entry.stat(follow_symlinks=False).st_size
    return total
