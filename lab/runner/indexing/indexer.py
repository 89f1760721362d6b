"""Reads what add-ons leave in the log and spool folders, and indexes it by the settings that they ship."""

from __future__ import annotations

import re
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from lab.runner.indexing import cim, inputs, props
from lab.runner.indexing.breaking import chunks, with_header
from lab.runner.indexing.cursors import Cursors
from lab.runner.indexing.event import Event, Indexed
from lab.runner.indexing.eventtypes import read_eventtypes
from lab.runner.indexing.extractions import search_fields
from lab.runner.indexing.timestamps import event_time
from lab.runner.indexing.transforms import apply, transforms_of
from lab.runner.locks import FileLock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from lab.runner.home import SplunkHome
    from lab.runner.indexing.index import Indexes
    from lab.runner.indexing.inputs import FileInput
    from lab.runner.indexing.transforms import Transform

_ROTATED = re.compile(r"\.\d+$")
_PARTIAL = re.compile(r"(^\.)|(\.(tmp|partial|lock)$)")


class Indexer:
    """Indexing for one SPLUNK_HOME.

    Args:
        home: where the files are.
        indexes: where events go.
        apps: installed apps, the one that overrides others last.
        host: the host of events whose file does not name one.
        clock: seconds since the epoch, the time of events that carry none.
        with_cim: Splunk_SA_CIM is installed beside the add-on.

    Raises:
        LabError: an add-on's settings say something that the lab can't act on.
    """

    def __init__(
        self,
        home: SplunkHome,
        indexes: Indexes,
        *,
        apps: Sequence[str],
        host: str,
        clock: Callable[[], float],
        with_cim: bool,
    ) -> None:
        self._home = home
        self._indexes = indexes
        self._host = host
        self._clock = clock
        self._lock = threading.Lock()

        def layers(name: str, extra: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
            return props.merge([*(home.conf(app, name) for app in apps), extra if with_cim else {}])

        self._inputs = inputs.read_inputs([inputs.SYSTEM, *(home.conf(app, "inputs") for app in apps)], home.root)
        self._props = props.Props(layers("props", cim.PROPS))
        self._transforms = layers("transforms", cim.TRANSFORMS)
        self._eventtypes = read_eventtypes(
            layers("eventtypes", cim.EVENTTYPES), layers("tags", cim.TAGS), layers("macros", {})
        )

    def collect(self) -> None:
        """Index everything that is there now. Files of a batch input are removed once their events are safe.

        Several processes may do so: each goes on from where the last one stopped.
        """
        with self._lock, FileLock(self._indexes.folder / ".lock"):
            cursors = Cursors(self._indexes.folder / ".cursors.json")
            for file in self._files(self._home.logs):
                self._follow(file, cursors)
            cursors.save()
            for file in self._files(self._home.spool):
                taker = self._taker(file)
                if taker is not None and taker.removes:
                    self._indexes.append(self._events(file, taker, 0, file.stat().st_size))
                    file.unlink()

    def _follow(self, file: Path, cursors: Cursors) -> None:
        taker = self._taker(file)
        if taker is None:
            return
        start, end = cursors.offset(file), _complete(file)
        if end > start:
            self._indexes.append(self._events(file, taker, start, end))
            cursors.advance(file, end)

    def _files(self, folder: Path) -> list[Path]:
        # A rotated log is read before the one that follows it.
        files = [path for path in folder.iterdir() if path.is_file() and not _PARTIAL.search(path.name)]
        return sorted(files, key=lambda path: (_ROTATED.sub("", path.name), not _ROTATED.search(path.name), path.name))

    def _taker(self, file: Path) -> FileInput | None:
        return next((taker for taker in self._inputs if taker.takes(str(file))), None)

    def _events(self, file: Path, taker: FileInput, start: int, end: int) -> Iterator[Indexed]:
        source = _ROTATED.sub("", str(file))
        sourcetype = taker.settings.get("sourcetype") or self._props.sourcetype(source) or file.stem
        settings = self._props.settings(source, sourcetype)
        transforms = transforms_of(settings, self._transforms)
        template = Event(
            raw="",
            index=taker.settings.get("index", "main"),
            host=self._host,
            source=source,
            sourcetype=sourcetype,
        )
        for event in with_header(chunks(file, settings, start, end), template, settings):
            finished = self._finish(event, settings, transforms)
            if finished is not None:
                yield finished

    def _finish(self, event: Event, settings: Mapping[str, str], transforms: tuple[Transform, ...]) -> Indexed | None:
        moment = event_time(event.raw, settings)
        parsed = apply(event, transforms)
        if parsed is None:
            return None
        now = self._clock()
        timed = replace(parsed, time=now if moment is None else moment)
        found = search_fields(timed.raw, self._props.settings(timed.source, timed.sourcetype))
        fields = {**found, **timed.indexed}
        types = [kind for kind in self._eventtypes if kind.holds(timed, fields)]
        tags = dict.fromkeys(tag for kind in types for tag in kind.tags)
        return Indexed(timed, fields, tuple(kind.name for kind in types), tuple(tags), now)


def _complete(file: Path) -> int:
    """Give the end of the last whole line: the rest is still being written."""
    size = file.stat().st_size
    with file.open("rb") as stream:
        position = size
        while position > 0:
            start = max(0, position - 65536)
            stream.seek(start)
            found = stream.read(position - start).rfind(b"\n")
            if found >= 0:
                return start + found + 1
            position = start
    return 0
