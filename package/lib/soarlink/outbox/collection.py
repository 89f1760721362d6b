"""The outbox: rows in ``soar_outbox``, what they send in ``soar_outbox_payload``.

Whoever writes rows sets their ``updated``; there is no clock in here. Two writers are thought of: the delivery input
that holds the lease, and a person with ``| soaroutboxctl``. The KV store has no partial update, so before a row is
written it is read: what a person has settled in the meantime stays settled, and nobody's acts are lost.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from soarlink.errors import OutboxError
from soarlink.outbox.item import (
    DELIVERED,
    DISCARDED,
    FORMAT,
    PENDING,
    REJECTED,
    STATES,
    OutboxItem,
    item_of,
)
from soarlink.outbox.payload import Packed, Payload, pack
from soarlink.outbox.statistics import AccountStatistics, summarise
from soarlink.outbox.stored import DELETE_KEYS, Loaded, StoredPayloads, any_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from soarlink.outbox.selection import Filters
    from soarlink.splunk.kvstore import KvStore

COLLECTION = "soar_outbox"
_GROUP = 500
"""Rows that are read or written together; what one ``batch_find`` may ask for."""

AHEAD = 300.0
"""Seconds by which a row was written in the future when the clock was wrong then: its time to wait means nothing."""

_GONE = (DELIVERED, DISCARDED)


class Outbox:
    """The outbox of a search head or cluster. Errors of the KV store pass through (see :class:`KvStore`)."""

    def __init__(self, kv: KvStore) -> None:
        self._kv = kv
        self._payloads = StoredPayloads(kv)

    def insert(self, item: OutboxItem, payload: Payload) -> bool:
        """Put a container in line. The payload is stored first: a row that can be seen can be sent.

        Safe to repeat after a crash or a lost answer.

        Returns:
            True when the row is new; False when it is there already, in whatever state, and stays as it is.
        """
        packed = pack(payload)
        row = _with_payload(item, packed)
        self._payloads.put(row, packed)
        while not self._kv.insert(COLLECTION, row.document()):
            current = self.get(item.key)
            if current is not None:
                if current.payload != packed.id:
                    self._payloads.drop_payload(item.key, packed.id)
                return False
        return True

    def insert_many(self, entries: Iterable[tuple[OutboxItem, Payload]]) -> set[str]:
        """Put containers in line, in three requests for hundreds of small ones.

        Returns:
            The keys of the rows that are new; the others were there already and stay as they are.
        """
        new: set[str] = set()
        for group in _grouped({item.key: (item, payload) for item, payload in entries}.values()):
            known = self._current([item.key for item, _ in group])
            packed = [(item, pack(payload)) for item, payload in group if item.key not in known]
            self._payloads.put_many((_with_payload(item, content), content) for item, content in packed)
            self._kv.save_batch(COLLECTION, [_with_payload(item, content).document() for item, content in packed])
            new.update(item.key for item, _ in packed)
        return new

    def known(self, keys: Iterable[str]) -> set[str]:
        """Those of these keys that have a row."""
        return set(self._current(list(keys)))

    def get(self, key: str) -> OutboxItem | None:
        """The row with this key.

        Raises:
            OutboxError: it has another format, or is damaged.
        """
        document = self._kv.get(COLLECTION, key)
        return None if document is None else item_of(document)

    def load(self, item: OutboxItem) -> Payload:
        """What a row sends, with the latest ledger.

        Raises:
            OutboxError: another format, damaged, or gone.
        """
        ((_, loaded),) = self._payloads.load([item])
        if isinstance(loaded, OutboxError):
            raise loaded
        return loaded

    def load_many(self, items: Iterable[OutboxItem]) -> Iterator[tuple[OutboxItem, Loaded]]:
        """What rows send, about 250 small ones in one request; an error in place of what can't be used."""
        return self._payloads.load(items)

    def note(self, item: OutboxItem, ledger: Sequence[Mapping[str, Any]]) -> None:
        """Keep how far a delivery has come: all lines, in one small request. The next :meth:`load` brings them."""
        self._payloads.note(item, ledger)

    def due(self, now: float, limit: int, *, exclude: Collection[str] = ()) -> list[OutboxItem]:
        """What may be sent now: in turn one of each account, its oldest first.

        Rows of another format, and damaged ones, are passed over; :meth:`unreadable` tells of them.

        Args:
            now: epoch seconds.
            limit: most items.
            exclude: accounts to leave out, such as those behind an open breaker.
        """
        lines: dict[str, list[OutboxItem]] = {}
        seen = set(exclude)
        while True:
            page = self._kv.page(COLLECTION, _due(now, seen), sort="created", limit=limit)
            for item in _readable(page):
                lines.setdefault(item.account, []).append(item)
            # A full page may hide other accounts behind the long line of one.
            fresh = {str(row.get("account", "")) for row in page} - seen
            if len(page) < limit or not fresh:
                return list(_in_turn(lines.values()))[:limit]
            seen |= fresh

    def behind(self, taken: Sequence[OutboxItem], now: float, limit: int) -> list[OutboxItem]:
        """What may be sent now of an account and is in line behind those that were taken, oldest first.

        It is sorted by what an index holds, so others of the same moment are told from those that were taken by key.

        Args:
            taken: items of the account, in order; all that were put in line at the moment of the last one.
            now: epoch seconds.
            limit: most items.
        """
        last = taken[-1]
        passed = {item.key for item in taken if item.created == last.created}
        line = [_due(now, ()), {"account": last.account}, {"created": {"$gte": last.created}}]
        page = self._kv.page(COLLECTION, {"$and": line}, sort="created", limit=limit + len(passed))
        return [item for item in _readable(page) if item.key not in passed][:limit]

    def replace(self, item: OutboxItem, payload: Payload | None = None) -> bool:
        """Write a row after an attempt or an act.

        Args:
            item: the row as it is to be.
            payload: what it is to send from now on; None leaves what is stored.

        Returns:
            False when the row is gone, or was delivered or discarded by somebody else meanwhile: nothing was written.
        """
        current = self._current([item.key]).get(item.key)
        if current is None or (current.state in _GONE and current.state != item.state):
            return False
        if payload is None:
            self._kv.save_batch(COLLECTION, [_merged(item, current).document()])
            return True
        packed = pack(payload)
        row = _with_payload(item, packed)
        self._payloads.put(row, packed)
        self._kv.save_batch(COLLECTION, [_merged(row, current).document()])
        if current.payload not in {"", packed.id}:
            self._payloads.drop_payload(item.key, current.payload)
        return True

    def replace_many(self, items: Iterable[OutboxItem]) -> set[str]:
        """Write rows after an attempt, as :meth:`replace` does; returns the keys that were written.

        What somebody resent meanwhile with another payload stays as it is: the attempt was not made with that.
        """
        written: set[str] = set()
        for group in _grouped(items):
            current = self._current([item.key for item in group])
            rows = [
                _merged(item, current[item.key])
                for item in group
                if item.key in current
                and not (current[item.key].state in _GONE and current[item.key].state != item.state)
                and not _was_resent(item, current[item.key])
            ]
            self._kv.save_batch(COLLECTION, [row.document() for row in rows])
            written.update(row.key for row in rows)
        return written

    def settle(self, item: OutboxItem) -> None:
        """End an item: see :meth:`settle_many`."""
        self.settle_many([item])

    def settle_many(self, items: Iterable[OutboxItem], noted: Collection[str] | None = None) -> None:
        """End items that are delivered, rejected or discarded. Their rows stay as receipts.

        What was to be sent is deleted, but kept for rejected ones, so that they can be resent. SOAR's word counts: a
        delivered item that somebody discarded meanwhile is delivered. A refusal is not one of what somebody resent
        meanwhile with another payload.

        Args:
            items: rows as they are to be, that still name what they sent.
            noted: the keys of those that may have a ledger of their own; None when that is not known.

        Raises:
            ValueError: an item is still pending.
        """
        for group in _grouped(items):
            if any(not item.is_settled for item in group):
                raise ValueError("a pending item is not settled")
            current = self._current([item.key for item in group])
            rows = [
                _merged(item, current.get(item.key))
                for item in group
                if not (item.state == REJECTED and item.key in current and _goes_on(item, current[item.key]))
            ]
            ended = [row for row in rows if row.state != REJECTED]
            # Somebody may have resent one meanwhile, with another payload.
            ended += [
                current[row.key] for row in ended if row.key in current and current[row.key].payload != row.payload
            ]
            self._kv.save_batch(COLLECTION, [_without_payload(row).document() for row in rows])
            self._payloads.drop_many(ended, {row.key for row in ended} if noted is None else noted)

    def select(self, filters: Filters, limit: int = 0) -> list[OutboxItem]:
        """The rows that are meant, oldest first; ``limit`` 0 for all. Unreadable ones are passed over."""
        items = [item for item in _readable(self._kv.query(COLLECTION, filters.query())) if filters.accepts(item)]
        items.sort(key=lambda item: (item.created, item.key))
        return items[:limit] if limit else items

    def unreported(self, limit: int) -> list[OutboxItem]:
        """Items that a person discarded while they were pending, and whose rows have not been told their end.

        Whoever tells it settles them then, which deletes what they would have sent.
        """
        query = {"$and": [{"state": DISCARDED}, {"format": FORMAT}, {"payload_parts": {"$gt": 0}}]}
        return _readable(self._kv.page(COLLECTION, query, sort="created", limit=limit))

    def unreadable(self) -> list[str]:
        """What is wrong with each row that this version can't read."""
        problems = []
        for row in self._kv.query(COLLECTION):
            try:
                item_of(row)
            except OutboxError as error:
                problems.append(str(error))
        return problems

    def statistics(self, now: float) -> list[AccountStatistics]:
        """Counts by account; every row is looked at."""
        return summarise(_readable(self._kv.query(COLLECTION)), now)

    def purge(self, before: float, states: Collection[str] = _GONE) -> int:
        """Delete receipts last written before a time, and stored payloads that no row needs; returns the receipts.

        Args:
            before: epoch seconds.
            states: of the receipts; what is undelivered is never purged.

        Raises:
            ValueError: a state that is not delivered or discarded.
        """
        if not states or not set(states) <= set(_GONE):
            raise ValueError(f"only {' and '.join(_GONE)} rows are purged")
        meant = any_of([{"state": state} for state in STATES if state in states])
        query = {"$and": [meant, {"updated": {"$lt": before}}, {"payload_parts": 0}]}
        count = len(self._kv.query(COLLECTION, query, fields=("state",)))
        if count:
            self._kv.delete_where(COLLECTION, query)
        self._drop_orphans(before)
        return count

    def forget(self, items: Iterable[OutboxItem], before: float) -> int:
        """Delete the receipts of these items that were last written before a time; returns how many were meant.

        Undelivered ones, and those whose rows have not been told their end, stay.
        """
        count = 0
        for group in _grouped(one for one in items if one.state in _GONE and not one.payload_parts):
            keys = [item.key for item in group if item.updated <= before]
            for at in range(0, len(keys), DELETE_KEYS):
                chosen = any_of([{"_key": key} for key in keys[at : at + DELETE_KEYS]])
                self._kv.delete_where(COLLECTION, {"$and": [chosen, {"payload_parts": 0}, {"state": {"$ne": PENDING}}]})
            count += len(keys)
        return count

    def _drop_orphans(self, before: float) -> None:
        """What a crash between two writes, or a rerun, has left behind."""
        stored = self._payloads.before(before)
        for group in _grouped(stored):
            rows = self._current(group)
            self._payloads.drop([key for key in group if key not in rows or not rows[key].payload_parts])
            for key in group:
                if key in rows and rows[key].payload_parts:
                    for payload in stored[key] - {rows[key].payload, "ledger"}:
                        self._payloads.drop_payload(key, payload)

    def _current(self, keys: Sequence[str]) -> dict[str, OutboxItem]:
        """The rows with these keys, as they are now.

        Raises:
            OutboxError: one of them has another format, or is damaged: it must not be overwritten.
        """
        answers = self._kv.find(COLLECTION, [{"_key": key} for key in keys])
        return {row["_key"]: item_of(row) for answer in answers for row in answer}


def _due(now: float, excluded: Collection[str]) -> dict[str, Any]:
    time = any_of([{"next_attempt": {"$lte": now}}, {"updated": {"$gt": now + AHEAD}}])
    parts: list[Mapping[str, Any]] = [{"state": PENDING}, {"format": FORMAT}, time]
    parts.extend({"account": {"$ne": account}} for account in sorted(excluded))
    return {"$and": parts}


def _readable(rows: Iterable[Mapping[str, Any]]) -> list[OutboxItem]:
    items = []
    for row in rows:
        try:
            items.append(item_of(row))
        except OutboxError:
            continue
    return items


def _in_turn(lines: Iterable[Sequence[OutboxItem]]) -> Iterator[OutboxItem]:
    for places in zip_longest(*lines):
        yield from (item for item in places if item is not None)


def _grouped(entries: Iterable[Any]) -> Iterator[list[Any]]:
    group: list[Any] = []
    for entry in entries:
        group.append(entry)
        if len(group) == _GROUP:
            yield group
            group = []
    if group:
        yield group


def _with_payload(item: OutboxItem, packed: Packed) -> OutboxItem:
    return replace(item, payload=packed.id, payload_parts=len(packed.chunks), payload_bytes=packed.size)


def _without_payload(item: OutboxItem) -> OutboxItem:
    return item if item.state == REJECTED else replace(item, payload="", payload_parts=0, payload_bytes=0)


def _goes_on(refused: OutboxItem, current: OutboxItem) -> bool:
    """Whether what became of an item meanwhile counts more than a refusal."""
    return current.state in _GONE or _was_resent(refused, current)


def _was_resent(item: OutboxItem, current: OutboxItem) -> bool:
    """Whether somebody has given an item another payload since it was read."""
    return item.payload != current.payload


def _merged(item: OutboxItem, current: OutboxItem | None) -> OutboxItem:
    """The row to write, with the acts that were added since it was read."""
    if current is None or current.acts == item.acts:
        return item
    return replace(item, acts=tuple(dict.fromkeys((*current.acts, *item.acts))))
