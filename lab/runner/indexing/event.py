"""One event on its way into an index."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Event:
    """An event with its metadata.

    Args:
        raw: its text.
        index: where it goes.
        host: host.
        source: source.
        sourcetype: sourcetype.
        time: seconds since the epoch.
        indexed: fields written at index time.
    """

    raw: str
    index: str
    host: str
    source: str
    sourcetype: str
    time: float = 0.0
    indexed: dict[str, str] = field(default_factory=dict)

    def described(self, metadata: Mapping[str, str]) -> Event:
        """Give the event with other text, index, host, source or sourcetype; other names are ignored."""
        return Event(
            raw=metadata.get("raw", self.raw),
            index=metadata.get("index", self.index),
            host=metadata.get("host", self.host),
            source=metadata.get("source", self.source),
            sourcetype=metadata.get("sourcetype", self.sourcetype),
            time=self.time,
            indexed=self.indexed,
        )


@dataclass(frozen=True)
class Indexed:
    """An event as a search finds it.

    Args:
        event: the event.
        fields: all its fields, index-time and search-time.
        eventtypes: the event types that it belongs to.
        tags: their tags.
        indexed: when it was indexed, seconds since the epoch.
    """

    event: Event
    fields: dict[str, Any]
    eventtypes: tuple[str, ...]
    tags: tuple[str, ...]
    indexed: float

    def document(self) -> dict[str, Any]:
        """Give the JSON form in which the lab keeps it."""
        return {
            "time": self.event.time,
            "indextime": self.indexed,
            "index": self.event.index,
            "host": self.event.host,
            "source": self.event.source,
            "sourcetype": self.event.sourcetype,
            "eventtype": list(self.eventtypes),
            "tag": list(self.tags),
            "fields": self.fields,
            "raw": self.event.raw,
        }
