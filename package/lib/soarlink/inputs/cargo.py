"""What goes from the outbox to one account in one round."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Callable

from soarlink.errors import OutboxError, SendToSoarError
from soarlink.journal.ledger import FREE, NOT_STARTED, RunNote

if TYPE_CHECKING:
    from soarlink.outbox.collection import Outbox
    from soarlink.outbox.item import OutboxItem
    from soarlink.outbox.payload import Payload
    from soarlink.plan.shipment import Shipment


class Cargo:
    """The items of one account in one round, loaded while they are sent: little more is in memory than is on its way.

    Args:
        outbox: the outbox.
        items: what is to be sent; taken a few hundred at a time.
        has_time: whether there is time for another one; the first is taken in any case.
    """

    def __init__(self, outbox: Outbox, items: Iterable[OutboxItem], has_time: Callable[[], bool]) -> None:
        self.loaded: dict[str, tuple[OutboxItem, Payload]] = {}
        """By container: what was loaded and not taken out again."""
        self.unusable: list[OutboxItem] = []
        """What can't be sent, with the reason."""
        self.failure: SendToSoarError | None = None
        """Why the KV store gave no more; what it gave before is sent."""
        self.count = 0
        """How many items were loaded, or can't be used."""
        self._has_time = has_time
        self._outbox = outbox
        self._items = items

    def shipments(self) -> Iterator[Shipment]:
        """What is to be sent, loaded as it is taken."""
        for item, found in self._load():
            for shipment in found.shipments:
                yield _looked_for(shipment) if item.unclear else shipment

    def _load(self) -> Iterator[tuple[OutboxItem, Payload]]:
        seen: set[str] = set()
        try:
            for item, found in self._outbox.load_many(self._items):
                if self.count and not self._has_time():
                    return
                self.count += 1
                if isinstance(found, OutboxError):
                    self.unusable.append(replace(item, error_text=str(found)))
                elif item.identity not in seen:  # a second item of the same container waits for the next round
                    seen.add(item.identity)
                    self.loaded[item.identity] = (item, found)
                    yield item, found
        except SendToSoarError as error:
            self.failure = error


class NotedRuns:
    """What is known of the playbook runs of items, kept in the outbox before each request for one.

    Args:
        outbox: the outbox.
        loaded: the items that are on their way.
    """

    def __init__(self, outbox: Outbox, loaded: Mapping[str, tuple[OutboxItem, Payload]]) -> None:
        self._outbox = outbox
        self._loaded = loaded
        self._noted: dict[str, list[Mapping[str, Any]]] = {}

    def knows(self, item: OutboxItem) -> bool:
        """Whether anything is known of an item's runs: only then there can be a ledger in the outbox."""
        return bool(self._lines(item.identity))

    def run(self, identity: str, playbook: str) -> RunNote | None:
        """What is known of a run; None when it may be asked for."""
        note: RunNote | None = None
        for line in self._lines(identity):
            if line.get("t") == "resent" and note is not None and note.state == NOT_STARTED:
                note = None  # somebody changed what SOAR did not take; a start that may have happened stays
            elif line.get("t") == "run" and line.get("playbook") == playbook:
                note = RunNote(str(line["state"]), line.get("id"), line.get("why"), line.get("after"))
        return None if note is not None and note.state == FREE else note

    def note_run(self, identity: str, playbook: str, note: RunNote) -> None:
        """Keep what is known now. Called from several threads, for a container from one at a time."""
        lines = [*self._lines(identity), note.line(identity, playbook)]
        self._noted[identity] = lines
        self._outbox.note(self._loaded[identity][0], lines)

    def _lines(self, identity: str) -> Sequence[Mapping[str, Any]]:
        return self._noted.get(identity) or self._loaded[identity][1].ledger


def _looked_for(shipment: Shipment) -> Shipment:
    """The last attempt may have reached SOAR: the container is looked up before it is made."""
    return replace(shipment, other_keys=(*shipment.other_keys, shipment.identity))
