"""Payloads and ledgers as documents of the collection ``soar_outbox_payload``.

A chunk's key holds the id of its payload's content: writing it again changes nothing, and a changed payload never
overwrites the one that a row still names.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Union

from soarlink.errors import OutboxError
from soarlink.outbox.payload import FORMAT, Packed, Payload, check_format, pack_ledger, unpack, unpack_ledger

if TYPE_CHECKING:
    from soarlink.outbox.item import OutboxItem
    from soarlink.splunk.kvstore import KvStore

COLLECTION = "soar_outbox_payload"
LEDGER = "ledger"
"""``payload`` of a ledger's document."""

_GROUP_BYTES = 16 * 1024 * 1024
_GROUP_DOCUMENTS = 500
DELETE_KEYS = 40
"""Keys in one DELETE: its query travels in the URL."""

GONE = "gone"
"""``item`` of what is to be deleted: no item has this key, and an index finds it."""

Loaded = Union[Payload, OutboxError]
Ledger = Sequence[Mapping[str, Any]]


class StoredPayloads:
    """The payload collection."""

    def __init__(self, kv: KvStore) -> None:
        self._kv = kv

    def put(self, item: OutboxItem, packed: Packed) -> None:
        """Store a payload; one that is there already stays as it is."""
        for document in chunk_documents(item, packed):
            self._kv.insert(COLLECTION, document)

    def put_many(self, stored: Iterable[tuple[OutboxItem, Packed]]) -> None:
        """Store payloads in few requests."""
        self._kv.save_batch(COLLECTION, (one for item, packed in stored for one in chunk_documents(item, packed)))

    def note(self, item: OutboxItem, lines: Sequence[Mapping[str, Any]]) -> None:
        """Store a ledger, whole; it takes the place of the one before."""
        document = {
            "_key": _ledger_key(item.key),
            "item": item.key,
            "payload": LEDGER,
            "created": item.updated,
            "format": FORMAT,
            "body": pack_ledger(lines),
        }
        self._kv.save_batch(COLLECTION, [document])

    def load(self, items: Iterable[OutboxItem]) -> Iterator[tuple[OutboxItem, Loaded]]:
        """The payloads of items, in order, several in one request; an error instead of one that can't be used."""
        for group in _groups(items):
            # Ledgers come first: should the KV store cut its answer, it cuts chunks, and those are missed.
            queries = [{"_key": _ledger_key(item.key)} for item in group]
            queries += [{"_key": key} for item in group for key in _chunk_keys(item)]
            found = {one["_key"]: one for answer in self._kv.find(COLLECTION, queries) for one in answer}
            for item in group:
                yield item, self._assemble(item, found)

    def drop(self, keys: Sequence[str]) -> None:
        """Delete everything that is stored for items."""
        for at in range(0, len(keys), DELETE_KEYS):
            self._kv.delete_where(COLLECTION, any_of([{"item": key} for key in keys[at : at + DELETE_KEYS]]))

    def drop_many(self, items: Sequence[OutboxItem], noted: Collection[str]) -> None:
        """Delete what rows name: marked first, then deleted together. A crash in between leaves marks for the next one.

        Args:
            items: rows that name their payloads.
            noted: the keys of those that may have a ledger.
        """
        if len(items) <= DELETE_KEYS:
            self.drop([item.key for item in items])
            return
        keys = [key for item in items for key in _chunk_keys(item)]
        keys += [_ledger_key(item.key) for item in items if item.key in noted]
        marks = ({"_key": key, "item": GONE, "payload": GONE, "created": 0.0, "format": FORMAT} for key in keys)
        self._kv.save_batch(COLLECTION, marks)
        self._kv.delete_where(COLLECTION, {"item": GONE})

    def drop_payload(self, key: str, payload: str) -> None:
        """Delete one payload of an item; its other one and its ledger stay."""
        self._kv.delete_where(COLLECTION, {"$and": [{"item": key}, {"payload": payload}]})

    def before(self, time: float) -> dict[str, set[str]]:
        """Item keys with the payload ids that were stored for them before this time."""
        found: dict[str, set[str]] = {}
        for one in self._kv.query(COLLECTION, {"created": {"$lt": time}}, fields=("item", "payload")):
            found.setdefault(str(one.get("item")), set()).add(str(one.get("payload")))
        return found

    def _assemble(self, item: OutboxItem, found: Mapping[str, Mapping[str, Any]]) -> Loaded:
        try:
            chunks = []
            for key in _chunk_keys(item):
                document = found.get(key) or self._kv.get(COLLECTION, key)
                if document is None:
                    raise _missing()
                check_format(document.get("format"))
                chunks.append(str(document.get("body")))
            if not chunks:
                raise _missing()
            payload = unpack(chunks)
            ledger = found.get(_ledger_key(item.key))
            if ledger is None:
                return payload
            return replace(
                payload, ledger=_joined(payload.ledger, unpack_ledger(str(ledger.get("body")), ledger.get("format")))
            )
        except OutboxError as error:
            return error


def _joined(sent: Ledger, noted: Ledger) -> Ledger:
    """All that is known: what came with the payload, then what the delivery has noted beside it.

    A person who resends writes the one, whoever delivers the other, perhaps at the same time. Each begins with what its
    writer had read, so neither writes over what the other knows: a playbook run that was asked for stays known.
    """
    known = list(takewhile(lambda pair: pair[0] == pair[1], zip(sent, noted)))
    return (*sent, *noted[len(known) :])


def chunk_documents(item: OutboxItem, packed: Packed) -> Iterator[dict[str, Any]]:
    """The documents of a payload."""
    for number, chunk in enumerate(packed.chunks):
        yield {
            "_key": f"{item.key}.{packed.id}.{number}",
            "item": item.key,
            "payload": packed.id,
            "part": number,
            "parts": len(packed.chunks),
            "created": item.updated,
            "format": FORMAT,
            "body": chunk,
        }


def any_of(queries: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """A query that one of these satisfies."""
    return queries[0] if len(queries) == 1 else {"$or": list(queries)}


def _groups(items: Iterable[OutboxItem]) -> Iterator[list[OutboxItem]]:
    group: list[OutboxItem] = []
    size = documents = 0
    for item in items:
        count = item.payload_parts + 1
        if group and (size + item.payload_bytes > _GROUP_BYTES or documents + count > _GROUP_DOCUMENTS):
            yield group
            group, size, documents = [], 0, 0
        group.append(item)
        size += item.payload_bytes
        documents += count
    if group:
        yield group


def _chunk_keys(item: OutboxItem) -> list[str]:
    return [f"{item.key}.{item.payload}.{number}" for number in range(item.payload_parts)]


def _ledger_key(key: str) -> str:
    return f"{key}.{LEDGER}"


def _missing() -> OutboxError:
    return OutboxError(
        "A part of the stored payload is missing.", "Discard the item, and send the results again from the search."
    )
