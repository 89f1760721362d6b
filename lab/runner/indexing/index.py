"""The indexes: one file of JSON lines each, events appended as they come."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lab.runner.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from lab.runner.indexing.event import Indexed

_SUFFIX = ".jsonl"


class Indexes:
    """All indexes of a lab.

    Args:
        folder: where their files lie.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def append(self, events: Iterable[Indexed]) -> int:
        """Append events to their indexes and return how many they were."""
        count = 0
        streams: dict[str, Any] = {}
        try:
            for indexed in events:
                name = indexed.event.index
                if name not in streams:
                    streams[name] = self._file(name).open("a", encoding="utf-8", newline="\n")
                streams[name].write(json.dumps(indexed.document(), ensure_ascii=False) + "\n")
                count += 1
        finally:
            for stream in streams.values():
                stream.close()
        return count

    def marks(self) -> dict[str, int]:
        """Note where each index ends now, for a later ``since``."""
        return {path.stem: path.stat().st_size for path in self.folder.glob(f"*{_SUFFIX}")}

    def since(self, marks: Mapping[str, int]) -> Iterator[dict[str, Any]]:
        """Yield the events that were indexed after ``marks`` were taken, index by index."""
        for path in sorted(self.folder.glob(f"*{_SUFFIX}")):
            with path.open("rb") as stream:
                stream.seek(marks.get(path.stem, 0))
                for line in stream:
                    yield json.loads(line)

    def before(self, marks: Mapping[str, int]) -> Iterator[dict[str, Any]]:
        """Yield the events that were indexed before ``marks`` were taken, index by index."""
        for path in sorted(self.folder.glob(f"*{_SUFFIX}")):
            left = marks.get(path.stem, 0)
            with path.open("rb") as stream:
                while left > 0:
                    line = stream.readline()
                    left -= len(line)
                    yield json.loads(line)

    def _file(self, name: str) -> Path:
        if not name or "/" in name or name.startswith("."):
            raise LabError(f"{name!r} is no name of an index.", exit_code=1)
        return self.folder / f"{name}{_SUFFIX}"
