"""Event types and tags, for the searches that the add-on's event types consist of."""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.runner.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.runner.indexing.event import Event

_TERM = re.compile(r'\s*(?:([\w.:]+)=(?:"((?:[^"\\]|\\.)*)"|(\S+))|"((?:[^"\\]|\\.)*)"|(\S+))')
_MACRO = re.compile(r"`(\w+)`")
_OPERATORS = {"OR", "NOT", "AND", "("}


@dataclass(frozen=True)
class EventType:
    """One event type: terms that must all hold.

    Args:
        name: stanza name.
        fields: (field, pattern) pairs.
        words: texts that the event holds.
        tags: its enabled tags.
    """

    name: str
    fields: tuple[tuple[str, str], ...]
    words: tuple[str, ...]
    tags: tuple[str, ...]

    def holds(self, event: Event, fields: Mapping[str, object]) -> bool:
        """Tell whether an event belongs to it."""
        metadata = {"index": event.index, "sourcetype": event.sourcetype, "source": event.source, "host": event.host}
        for name, pattern in self.fields:
            value = metadata.get(name) or fields.get(name)
            if value is None or not fnmatch.fnmatchcase(str(value).lower(), pattern.lower()):
                return False
        return all(word.lower() in event.raw.lower() for word in self.words)


def read_eventtypes(
    stanzas: Mapping[str, Mapping[str, str]],
    tags: Mapping[str, Mapping[str, str]],
    macros: Mapping[str, Mapping[str, str]],
) -> tuple[EventType, ...]:
    """Read the event types of all apps.

    Args:
        stanzas: eventtypes.conf.
        tags: tags.conf.
        macros: macros.conf.

    Raises:
        LabError: an event type's search is more than a list of terms, which the lab can't evaluate.
    """
    return tuple(
        _eventtype(name, settings["search"], tags.get(f"eventtype={name}", {}), macros)
        for name, settings in stanzas.items()
        if "search" in settings
    )


def _eventtype(name: str, search: str, tags: Mapping[str, str], macros: Mapping[str, Mapping[str, str]]) -> EventType:
    expanded = _MACRO.sub(lambda macro: macros.get(macro[1], {}).get("definition", macro[0]), search)
    fields: list[tuple[str, str]] = []
    words: list[str] = []
    for term in _TERM.finditer(expanded):
        if term[1]:
            fields.append((term[1], term[3] if term[2] is None else term[2]))
        elif term[4] is not None or term[5] not in _OPERATORS:
            words.append((term[4] or "").replace('\\"', '"') if term[5] is None else term[5])
        elif term[5] != "AND":
            raise LabError(f"eventtypes.conf: [{name}] uses {term[5]}, which the lab can't evaluate.", exit_code=1)
    return EventType(name, tuple(fields), tuple(words), tuple(tag for tag, state in tags.items() if state == "enabled"))
