"""The indexed events, as searches find them: the lab's index files, read as they grow."""

from __future__ import annotations

import fnmatch
import json
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from lab.spl.value import Row

_SUFFIX = ".jsonl"
_METADATA = ("index", "host", "source", "sourcetype")


class EventIndex:
    """Events with the fields that they have at search time.

    Args:
        folder: a file of JSON lines for each index, made by the lab's indexing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._read: dict[str, int] = {}
        self._events: dict[str, list[Row]] = {}
        self._collect: Callable[[], None] | None = None

    def collect_with(self, collect: Callable[[], None]) -> None:
        """Have what add-ons left since indexed by ``collect`` before each search."""
        self._collect = collect

    def events(self, allowed: Sequence[str]) -> list[Row]:
        """Return the events of the indexes that fit a pattern; ``*`` alone means no internal index.

        Args:
            allowed: patterns of names of indexes.
        """
        if self._collect is not None:
            self._collect()
        with self._lock:
            self._update()
            return [row for name, rows in self._events.items() if may_search(name, allowed) for row in rows]

    def _update(self) -> None:
        for path in sorted(self._folder.glob(f"*{_SUFFIX}")):
            with path.open("rb") as stream:
                stream.seek(self._read.get(path.stem, 0))
                lines = stream.read()
            whole = lines[: lines.rfind(b"\n") + 1]
            self._read[path.stem] = self._read.get(path.stem, 0) + len(whole)
            self._events.setdefault(path.stem, []).extend(_row(json.loads(line)) for line in whole.splitlines())


def may_search(index: str, allowed: Iterable[str]) -> bool:
    """Tell whether a pattern of ``srchIndexesAllowed`` covers an index; an internal one needs a leading underscore."""
    return any(
        fnmatch.fnmatchcase(index, pattern) and (pattern.startswith("_") or not index.startswith("_"))
        for pattern in allowed
    )


def _row(document: dict[str, Any]) -> Row:
    row: Row = dict(document["fields"])
    row.update({name: document[name] for name in _METADATA})
    row.update({"_time": document["time"], "_raw": document["raw"]})
    row["_indextime"] = document.get("indextime", document["time"])  # labs of earlier versions kept none
    row.update({name: document[name] for name in ("eventtype", "tag") if document[name]})
    return row
