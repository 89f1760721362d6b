"""Names in searches: macros, lookups, sourcetypes and views that the add-on must bring."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.dashboards.definition import Dashboard, texts

_MACRO = re.compile(r"`(\w+)(\([^`]*\))?`")
_LOOKUP = re.compile(r"\|\s*(?:inputlookup(?:\s+append=\w+)?|lookup)\s+(\w+)")
_SOURCETYPE = re.compile(r'sourcetype="([^"]+)"')
_EVENTTYPE = re.compile(r"eventtype=\"?(\w+)")
_SAVED = re.compile(r'\|\s*savedsearch\s+"([^"]+)"')
_VIEW = re.compile(r"/app/TA_send_to_soar/(\w+)")
_STANZA = re.compile(r"^\[([^\]]+)\]$", re.MULTILINE)


@dataclass(frozen=True)
class Names:
    """What the built add-on brings.

    Args:
        macros: names of stanzas, such as ``soar_epoch(1)``.
        lookups: lookup definitions.
        sourcetypes: sourcetypes that props.conf knows.
        eventtypes: event types.
        searches: saved searches.
        views: views, and Splunk's own that every app has.
    """

    macros: frozenset[str]
    lookups: frozenset[str]
    sourcetypes: frozenset[str]
    eventtypes: frozenset[str]
    searches: frozenset[str]
    views: frozenset[str]


def names_of(addon: Path) -> Names:
    """Read what a built add-on brings."""
    default = addon / "default"
    views = {path.stem for path in (default / "data" / "ui" / "views").glob("*.xml")}
    return Names(
        macros=_stanzas(default / "macros.conf"),
        lookups=_stanzas(default / "transforms.conf"),
        sourcetypes=_stanzas(default / "props.conf"),
        eventtypes=_stanzas(default / "eventtypes.conf"),
        searches=_stanzas(default / "savedsearches.conf"),
        views=frozenset(views | {"search"}),
    )


def problems(dashboard: Dashboard, names: Names) -> Iterator[str]:
    """What is wrong, a line for each."""
    for source in dashboard.sources:
        place, query = f"dataSources/{source}", str(dashboard.sources[source]["options"].get("query", ""))
        called = {
            f"{name}({call.count(',') + 1})" if call else name for name, call in (m.groups() for m in _macros(query))
        }
        wanted = (
            ("macro", called, names.macros),
            ("lookup", set(_LOOKUP.findall(query)), names.lookups),
            ("sourcetype", set(_SOURCETYPE.findall(query)), names.sourcetypes),
            ("event type", set(_EVENTTYPE.findall(query)), names.eventtypes),
            ("saved search", set(_SAVED.findall(query)), names.searches),
        )
        for kind, found, known in wanted:
            for name in sorted(found - known):
                yield f"{place}: there is no {kind} {name}"
        if "index=" in query:
            yield f"{place}: names an index; the macro soar_index does"
    for place, text in texts(dashboard.content):
        for view in _VIEW.findall(text):
            if view not in names.views:
                yield f"{place}: there is no view {view}"


def _macros(query: str) -> Iterator[re.Match[str]]:
    yield from _MACRO.finditer(query)


def _stanzas(path: Path) -> frozenset[str]:
    return frozenset(_STANZA.findall(path.read_text(encoding="utf-8")))
