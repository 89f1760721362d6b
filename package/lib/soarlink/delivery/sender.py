"""Shipments over a bounded number of kept-alive connections; outcomes in the order of the plan."""

from __future__ import annotations

import itertools
from collections import deque
from typing import TYPE_CHECKING, Callable

from soarlink.delivery.batch import MAX_CONTAINERS, Batch, batches
from soarlink.delivery.progress import ContainerProgress

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from concurrent.futures import Future, ThreadPoolExecutor

    from soarlink.delivery.carrier import Carrier
    from soarlink.delivery.outcome import RowOutcome
    from soarlink.delivery.pace import Pace
    from soarlink.plan.shipment import Shipment


def send(
    shipments: Iterable[Shipment], connect: Callable[[], Carrier], connections: int, pace: Pace | None = None
) -> Iterator[RowOutcome]:
    """Send a stream of shipments.

    Args:
        shipments: the plan; read ahead by a few batches only, so memory stays flat.
        connect: opens a connection; called once for each one that is used.
        connections: most connections at a time.
        pace: how fast containers may go; None for as fast as they can.

    Yields:
        One outcome for each row, in plan order.
    """
    source = batches(shipments, MAX_CONTAINERS if pace is None else min(MAX_CONTAINERS, pace.burst))
    ahead = list(itertools.islice(source, 2))
    if len(ahead) <= 1:
        for batch in ahead:
            _wait(pace, batch)
            carrier = connect()
            try:
                yield from carrier.carry(batch)
            finally:
                carrier.close()
        return
    yield from _Lanes(connect, connections, pace).send(itertools.chain(ahead, source))


def _wait(pace: Pace | None, batch: Batch) -> None:
    """A container counts once, with its first part."""
    if pace is not None:
        started = sum(1 for shipment in batch.shipments if shipment.part == 0)
        if started:
            pace.wait(started)


class _Lanes:
    """A pool of connections. The parts of one container follow one another on one of them."""

    def __init__(self, connect: Callable[[], Carrier], connections: int, pace: Pace | None) -> None:
        self._connect = connect
        self._connections = connections
        self._pace = pace
        self._idle: deque[Carrier] = deque()
        self._opened: list[Carrier] = []

    def send(self, source: Iterable[Batch]) -> Iterator[RowOutcome]:
        from concurrent.futures import ThreadPoolExecutor

        waiting: deque[Future[list[RowOutcome]]] = deque()
        try:
            with ThreadPoolExecutor(self._connections) as pool:
                chain: _Chain | None = None
                for batch in source:
                    _wait(self._pace, batch)
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
