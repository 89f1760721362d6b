"""Shipments over a bounded number of kept-alive connections; outcomes in the order of the plan."""

from __future__ import annotations

import itertools
from collections import deque
from typing import TYPE_CHECKING, Callable

from soarlink.delivery.batch import Batch, batches
from soarlink.delivery.progress import ContainerProgress

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from concurrent.futures import Future, ThreadPoolExecutor

    from soarlink.delivery.carrier import Carrier
    from soarlink.delivery.outcome import RowOutcome
    from soarlink.plan.shipment import Shipment


def send(shipments: Iterable[Shipment], connect: Callable[[], Carrier], connections: int) -> Iterator[RowOutcome]:
    """Send a stream of shipments.

    Args:
        shipments: the plan; read ahead by a few batches only, so memory stays flat.
        connect: opens a connection; called once for each one that is used.
        connections: most connections at a time.

    Yields:
        One outcome for each row, in plan order.
    """
    source = batches(shipments)
    ahead = list(itertools.islice(source, 2))
    if len(ahead) <= 1:
        for batch in ahead:
            carrier = connect()
            try:
                yield from carrier.carry(batch)
            finally:
                carrier.close()
        return
    yield from _Lanes(connect, connections).send(itertools.chain(ahead, source))


class _Lanes:
    """A pool of connections. The parts of one container follow one another on one of them."""

    def __init__(self, connect: Callable[[], Carrier], connections: int) -> None:
        self._connect = connect
        self._connections = connections
        self._idle: deque[Carrier] = deque()
        self._opened: list[Carrier] = []

    def send(self, source: Iterable[Batch]) -> Iterator[RowOutcome]:
        from concurrent.futures import ThreadPoolExecutor

        waiting: deque[Future[list[RowOutcome]]] = deque()
        try:
            with ThreadPoolExecutor(self._connections) as pool:
                chain: _Chain | None = None
                for batch in source:
                    if batch.is_part:
                        chain = chain if batch.shipments[0].part and chain is not None else _Chain(self)
                        future = chain.follow(pool, batch)
                    else:
                        future = pool.submit(self._carry, batch)
                    waiting.append(future)
                    while len(waiting) > 2 * self._connections:
                        yield from waiting.popleft().result()
                while waiting:
                    yield from waiting.popleft().result()
        finally:
            for carrier in self._opened:
                carrier.close()

    def take(self) -> Carrier:
        """An idle connection, or a new one. deque's pop and append are atomic."""
        try:
            return self._idle.pop()
        except IndexError:
            carrier = self._connect()
            self._opened.append(carrier)
            return carrier

    def give(self, carrier: Carrier) -> None:
        """Hand a connection back."""
        self._idle.append(carrier)

    def _carry(self, batch: Batch) -> list[RowOutcome]:
        carrier = self.take()
        try:
            return carrier.carry(batch)
        finally:
            self.give(carrier)


class _Chain:
    """One large container: its parts one after another, on the connection that the first one took."""

    def __init__(self, lanes: _Lanes) -> None:
        self._lanes = lanes
        self._progress = ContainerProgress()
        self._carrier: Carrier | None = None
        self._last: Future[list[RowOutcome]] | None = None

    def follow(self, pool: ThreadPoolExecutor, batch: Batch) -> Future[list[RowOutcome]]:
        self._last = pool.submit(self._carry, batch, self._last)
        return self._last

    def _carry(self, batch: Batch, before: Future[list[RowOutcome]] | None) -> list[RowOutcome]:
        if before is not None:
            before.result()
        shipment = batch.shipments[0]
        if self._carrier is None:
            self._carrier = self._lanes.take()
        outcomes = self._carrier.carry_part(shipment, self._progress)
        if shipment.last:
            self._lanes.give(self._carrier)
        return outcomes
