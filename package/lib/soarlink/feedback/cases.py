"""The containers that the add-on knows: the lookup ``soar_containers``, and SOAR where it does not have them yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from soarlink.feedback.case import Case, key_of, of_container, of_document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from soarlink.soar.client import SoarClient
    from soarlink.splunk.kvstore import KvStore

COLLECTION = "soar_containers"
_AT_ONCE = 50
"""Containers that are read with their ``data``: some of other sources are large."""
_MOST_REMEMBERED = 20_000
_AWAITING = 500
"""Cases that the write-back takes at once."""


class Cases:
    """The containers of one account. Errors of SOAR and of the KV store pass through.

    Args:
        kv: the KV store.
        client: the account's SOAR.
        wanted: whether a case is kept in the lookup.
    """

    def __init__(self, kv: KvStore, client: SoarClient, wanted: Callable[[Case], bool]) -> None:
        self._kv = kv
        self._client = client
        self._wanted = wanted
        self._known: dict[int, Case] = {}
        self._changed: dict[int, Case] = {}
        self._awaited: set[int] = set()

    @property
    def at_once(self) -> int:
        """How many :meth:`awaiting` gives at most."""
        return _AWAITING

    def find(self, ids: Iterable[int]) -> dict[int, Case]:
        """These containers, by id; without those that SOAR does not have any more."""
        missing = [number for number in dict.fromkeys(ids) if number not in self._known]
        if len(self._known) + len(missing) > _MOST_REMEMBERED:
            self._known.clear()
            missing = list(dict.fromkeys(ids))
        for start in range(0, len(missing), _AT_ONCE):
            self._read(missing[start : start + _AT_ONCE])
        return {number: self._known[number] for number in ids if number in self._known}

    def change(self, case: Case) -> None:
        """Take a case as it is now; :meth:`save` writes it."""
        if self._known.get(case.container_id) != case:
            self._known[case.container_id] = self._changed[case.container_id] = case

    def awaiting(self, states: Iterable[str], *, named: bool, after: str = "") -> list[Case]:
        """Some of our cases in these states of the write-back, in the order of their keys, and round again at the end.

        Args:
            states: the states.
            named: those whose notable is known, or the others.
            after: key of the case behind which to begin; "" for the first.
        """
        if len(self._known) > _MOST_REMEMBERED and not self._changed:
            self._known.clear()
        query = {
            "account": self._client.account.name,
            "ours": True,
            "event_id": {"$ne": ""} if named else "",
            "$or": [{"writeback": state} for state in states],
        }
        rest = {"$and": [query, {"_key": {"$gt": after}}]} if after else query
        rows = self._kv.page(COLLECTION, rest, sort="_key", limit=_AWAITING)
        if after and not rows:
            rows = self._kv.page(COLLECTION, query, sort="_key", limit=_AWAITING)
        found = [of_document(row) for row in rows]
        for case in found:
            self._known[case.container_id] = case
            self._awaited.add(case.container_id)
        return found

    def save(self) -> None:
        """Write what changed; of what is not kept any more how far the write-back came, or it would be repeated."""
        wanted = [
            case.document()
            for case in self._changed.values()
            if self._wanted(case) or case.container_id in self._awaited
        ]
        if wanted:
            self._kv.save_batch(COLLECTION, wanted)
        self._changed.clear()

    def _read(self, ids: Sequence[int]) -> None:
        account = self._client.account
        rows = self._kv.query(COLLECTION, {"$or": [{"_key": key_of(account.name, number)} for number in ids]})
        for row in rows:
            self._take(of_document(row))
        # Those of others, too: a finding may have joined one since (SOAR paired with Enterprise Security).
        missing = [number for number in ids if number not in self._known or not self._known[number].ours]
        if not missing:
            return
        listed = ",".join(map(str, missing))
        query = (("_filter_id__in", f"[{listed}]"), ("page_size", "0"), ("pretty", "1"), ("include_expensive", "1"))
        for record in self._client.records("container", query):
            fresh = of_container(account.name, account.container_url(int(record["id"])), record)
            known = self._known.get(fresh.container_id)
            case = fresh if known is None else known.adopted(fresh)
            self._take(case)
            if case != known:
                self._changed[case.container_id] = case

    def _take(self, case: Case) -> None:
        self._known[case.container_id] = case
