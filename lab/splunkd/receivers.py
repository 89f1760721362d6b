"""`receivers/simple`: one event straight into an index."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from lab.splunkd.response import xml_response
from lab.splunkd.router import Route

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from lab.splunkd.instance import Instance
    from lab.splunkd.request import Request
    from lab.splunkd.response import Response


@dataclass(frozen=True)
class Event:
    """An indexed event; `time` is the epoch second of its arrival."""

    index: str
    sourcetype: str
    source: str
    host: str
    time: float
    raw: str


class EventLog:
    """Events in the order of arrival, one JSON line each.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def append(self, event: Event) -> None:
        """Add an event."""
        with self._lock, self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(event)) + "\n")

    def all(self) -> list[Event]:
        """Return every event."""
        if not self._path.exists():
            return []
        return [Event(**json.loads(line)) for line in self._path.read_text(encoding="utf-8").splitlines()]


class ReceiverEndpoints:
    """The raw receiver; the body is the event whatever the header says."""

    def __init__(self, instance: Instance, events: EventLog) -> None:
        self._instance = instance
        self._events = events

    def routes(self) -> Iterable[Route]:
        """Return the routes of receivers."""
        return (Route("POST", "receivers/simple", self._simple, "edit_tcp"),)

    def _simple(self, request: Request) -> Response:
        args = dict(request.query)
        event = Event(
            index=args.get("index", "main"),
            sourcetype=args.get("sourcetype", "www"),
            source=args.get("source", "www"),
            host=args.get("host", self._instance.server_name),
            time=self._instance.clock(),
            raw=request.body.decode("utf-8", "replace"),
        )
        self._events.append(event)
        cells = {"_index": event.index, "bytes": str(len(request.body)), "host": event.host}
        cells |= {"source": event.source, "sourcetype": event.sourcetype}
        fields = "".join(f"<field k='{k}'><value><text>{_escape(v)}</text></value></field>" for k, v in cells.items())
        return xml_response(f"<response><results><result>{fields}</result></results></response>\n")


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
