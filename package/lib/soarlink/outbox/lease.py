"""One worker at a time, across search heads.

A lease is a chain of documents ``<name>.<number>``; the highest number counts. Whoever inserts the next number has the
lease: the KV store lets exactly one insert of a key win, and that is its only compare-and-set. So renewal and take-over
are the same atomic step, and a renewal that arrives late can't take the lease from whoever has it meanwhile. A crash in
any step leaves either the old holder, until its time is over, or the new one.

Clocks: a lease counts as over when its end, by the holder's clock, is more than ``skew`` ago by ours, or when this
process has watched the very same document for its whole time plus ``skew`` (which needs no common clock). So clocks
may differ by ``skew`` in any direction; a member that is further ahead could take over early. What can't be covered is
a holder that sleeps longer than its lease within one request: check :meth:`still_mine` before each.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from soarlink.splunk.kvstore import KvStore

COLLECTION = "soar_lease"
SKEW = 30.0
"""Seconds by which the clocks of search heads may differ."""

_KEPT = 2
"""Older documents that stay: a member that reads stale data must not find a number free that was taken."""


@dataclass(frozen=True)
class _Held:
    number: int
    token: str
    owner: str
    ttl: float
    expires: float


class Lease:
    """A lease as one process sees it.

    Args:
        kv: the KV store.
        name: what is leased.
        owner: who asks, for people: host and process.
        ttl: seconds that it lasts without renewal; longer than the longest request.
        clock: epoch seconds.
        monotonic: seconds of a clock that nobody sets.
        skew: see the module.
    """

    def __init__(
        self,
        kv: KvStore,
        name: str,
        owner: str,
        ttl: float,
        clock: Callable[[], float] = time.time,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        skew: float = SKEW,
    ) -> None:
        self._kv = kv
        self._name = name
        self._owner = owner
        self.ttl = ttl
        """May be changed: counts from the next renewal."""
        self._clock = clock
        self._monotonic = monotonic
        self._skew = skew
        self._token = uuid.uuid4().hex
        self._mine: _Held | None = None
        self._deadline = 0.0
        self._asked: dict[int, float] = {}
        self._watched: tuple[_Held, float] | None = None

    @property
    def holder(self) -> str:
        """Who had it when we last looked; "" when nobody did."""
        held = self._mine or (self._watched[0] if self._watched else None)
        return held.owner if held else ""

    def acquire(self) -> bool:
        """Take the lease if it is free, over, or ours already. One request when somebody has it, three to take it.

        Raises:
            SplunkdError: the KV store is away or refuses; the lease may be ours for one ttl, ask again.
        """
        last = self._last()
        if last is not None:
            if last.token == self._token and self._adopt(last):
                return True
            if last.token != self._token and not self._is_over(last):
                return False
        if not self._take(last.number + 1 if last else 1):
            return False
        last = self._last()
        if last is not None and last.number > self._number():
            # We saw old data, and the number that we took had been used and cleared before.
            self._forget()
            return False
        return True

    def renew(self) -> bool:
        """Let the time begin again. One request, and one to clear old documents. False: somebody else has it.

        Raises:
            SplunkdError: the KV store is away or refuses; the lease runs on until its time is over.
        """
        if self._mine is None:
            return False
        if not self._take(self._mine.number + 1):
            self._forget()
            return False
        query = {"$and": [{"lease": self._name}, {"number": {"$lt": self._number() - _KEPT}}]}
        self._kv.delete_where(COLLECTION, query)
        return True

    def still_mine(self, margin: float) -> bool:
        """True when the lease is ours for at least ``margin`` seconds more, by both clocks. Costs no request.

        A machine that was asleep has a monotonic clock that knows nothing of it; one whose clock was set ahead renews.
        """
        mine = self._mine
        if mine is None or self._clock() + margin >= mine.expires:
            return False
        return self._monotonic() + margin < self._deadline

    def release(self) -> None:
        """Give the lease back, so that others need not wait for its end.

        Our own document says so; it is not deleted, so that no number is used twice.

        Raises:
            SplunkdError: the KV store is away or refuses; the lease ends by itself.
        """
        mine = self._mine
        if mine is not None:
            self._forget()
            self._kv.replace(COLLECTION, f"{self._name}.{mine.number}", self._document(mine.number, 0.0, 0.0))

    def _take(self, number: int) -> bool:
        """Insert a number. Time counts from before the request: a slow one shortens the lease, never lengthens it."""
        asked, now = self._monotonic(), self._clock()
        self._asked.setdefault(number, asked)
        document = self._document(number, now, now + self.ttl)
        if self._kv.insert(COLLECTION, document):
            self._mine, self._deadline = _held(document), asked + self.ttl
            return True
        # The answer to an earlier try of ours may have been lost.
        there = self._kv.get(COLLECTION, document["_key"])
        return there is not None and there.get("token") == self._token and self._adopt(_held(there))

    def _adopt(self, held: _Held) -> bool:
        """Go on with a document of ours, unless we have given it back or its time is over."""
        asked = self._asked.get(held.number)
        if asked is None or asked + held.ttl <= self._monotonic():
            return False
        self._mine, self._deadline = held, asked + held.ttl
        return True

    def _last(self) -> _Held | None:
        page = self._kv.page(COLLECTION, {"lease": self._name}, sort="number:-1", limit=1)
        return _held(page[0]) if page else None

    def _is_over(self, held: _Held) -> bool:
        now = self._monotonic()
        if self._watched is None or self._watched[0] != held:
            self._watched = (held, now)
        watched = now - self._watched[1]
        return self._clock() > held.expires + self._skew or watched > held.ttl + self._skew

    def _number(self) -> int:
        return self._mine.number if self._mine else 0

    def _forget(self) -> None:
        self._mine, self._deadline = None, 0.0
        self._asked.clear()

    def _document(self, number: int, acquired: float, expires: float) -> dict[str, Any]:
        return {
            "_key": f"{self._name}.{number}",
            "lease": self._name,
            "number": number,
            "owner": self._owner,
            "token": self._token,
            "ttl": self.ttl,
            "acquired": acquired,
            "expires": expires,
        }


def _held(document: Any) -> _Held:
    return _Held(
        int(document["number"]),
        str(document["token"]),
        str(document.get("owner", "")),
        float(document["ttl"]),
        float(document["expires"]),
    )
