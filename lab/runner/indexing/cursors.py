"""How far each followed file has been read, through rotation and restarts."""

from __future__ import annotations

import json
import zlib
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_HEAD = 256


@dataclass(frozen=True)
class Cursor:
    """A place in a file that is known by its beginning, as splunkd knows files.

    Args:
        offset: bytes read.
        head: how many bytes from the beginning ``crc`` covers.
        crc: their checksum.
    """

    offset: int
    head: int
    crc: int


class Cursors:
    """The cursors of all followed files, kept in one JSON file.

    Args:
        path: the JSON file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, Cursor] = {}
        if path.is_file():
            stored = json.loads(path.read_text(encoding="utf-8"))
            self._known = {inode: Cursor(**fields) for inode, fields in stored.items()}

    def offset(self, file: Path) -> int:
        """Give the first byte of the file that was not read yet; 0 for a file not seen before."""
        cursor = self._known.get(str(file.stat().st_ino))
        if cursor is None or file.stat().st_size < cursor.offset or _checksum(file, cursor.head) != cursor.crc:
            return 0
        return cursor.offset

    def advance(self, file: Path, offset: int) -> None:
        """Note that the file has been read up to ``offset``."""
        head = min(offset, _HEAD)
        self._known[str(file.stat().st_ino)] = Cursor(offset, head, _checksum(file, head))

    def save(self) -> None:
        """Write the cursors to disk, at once or not at all."""
        partial = self._path.with_suffix(".partial")
        partial.write_text(
            json.dumps({inode: asdict(cursor) for inode, cursor in self._known.items()}), encoding="utf-8"
        )
        partial.replace(self._path)


def _checksum(file: Path, length: int) -> int:
    with file.open("rb") as stream:
        return zlib.crc32(stream.read(length))
