"""Shipments over a bounded number of kept-alive connections; reports in the order of the plan."""

from __future__ import annotations

import itertools
from collections import deque
from contextlib import ExitStack
from typing import TYPE_CHECKING, Callable

from soarlink.delivery.batch import MAX_CONTAINERS, Batch, batches
from soarlink.delivery.progress import ContainerProgress, ContainerReport
from soarlink.errors import MaybeSent, SoarError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from concurrent.futures import Future, ThreadPoolExecutor

    from soarlink.delivery.carrier import Carrier
    from soarlink.delivery.gate import Gate
    from soarlink.delivery.pace import Pace
    from soarlink.plan.shipment import Shipment


def send(
    shipments: Iterable[Shipment],
    connect: Callable[[], Carrier],
    connections: int,
    gate: Gate,
    pace: Pace | None = None,
    *,
    before: Callable[[], None] = lambda: None,
) -> Iterator[ContainerReport]:
    """Send a stream of shipments.

    Args:
        shipments: the plan; read ahead by a few batches only, so memory stays flat.
        connect: opens a connection; called once for each one that is used.
        connections: most connections at a time.
        gate: whether SOAR may be asked; what comes after it has closed is reported as not tried.
        pace: how fast containers may go; None for as fast as they can.
        before: called when a batch is put together, before anything of it is sent; not by several threads at once.

    Yields:
        One report for each container, in plan order.
    """
    most = MAX_CONTAINERS if pace is None else min(MAX_CONTAINERS, pace.burst)
    source = _preceded(batches(shipments, most), before)
    ahead = list(itertools.islice(source, 2))
    lanes = _Lanes(connect, connections, gate, pace)
    if len(ahead) <= 1:
        for batch in ahead:
            yield from lanes.send_one(batch)
        return
    yield from lanes.send(itertools.chain(ahead, source))


def _preceded(source: Iterable[Batch], before: Callable[[], None]) -> Iterator[Batch]:
    for batch in source:
        before()
        yield batch


class _Lanes:
    """A pool of connections. The parts of one container follow one another on one of them."""

    def __init__(self, connect: Callable[[], Carrier], connections: int, gate: Gate, pace: Pace | None) -> None:
        self._connect = connect
        self._connections = connections
        self._gate = gate
        self._pace = pace
        self._idle: deque[Carrier] = deque()
        self._opened: list[Carrier] = []

    def send_one(self, batch: Batch) -> list[ContainerReport]:
        """The usual alert: no threads, no waiting."""
        try:
            return self._carry(batch, new=self._take_turn(batch))
        finally:
            self._close()

    def send(self, source: Iterable[Batch]) -> Iterator[ContainerReport]:
        """Many batches, several at a time."""
        from concurrent.futures import ThreadPoolExecutor

        waiting: deque[Future[list[ContainerReport]]] = deque()
        try:
            with ThreadPoolExecutor(self._connections) as pool, ExitStack() as ending:
                ending.callback(lambda: [future.cancel() for future in waiting])  # whoever takes no more reports
                chain: _Chain | None = None
                for batch in source:
                    new = self._take_turn(batch)
                    if batch.is_part:
                        chain = chain if batch.shipments[0].part and chain is not None else _Chain(self)
                        future = chain.follow(pool, batch, new=new)
                    else:
                        future = pool.submit(self._carry, batch, new=new)
                    waiting.append(future)
                    while waiting and (len(waiting) > 2 * self._connections or waiting[0].done()):
                        yield from waiting.popleft().result()
                while waiting:
                    yield from waiting.popleft().result()
        finally:
            self._close()

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

    def guarded(self, work: Callable[[], list[ContainerReport]], *, new: bool) -> list[ContainerReport] | SoarError:
        """Do the work while the gate is open; a defect in one batch never costs the others their reports."""
        closed = self._gate.check_new() if new else self._gate.check()
        if closed is not None:
            return closed
        try:
            reports = work()
        except SoarError as error:
            return error
        except Exception as error:  # noqa: BLE001 - told to the rows of this batch
            told = MaybeSent(f"Internal error of the add-on: {type(error).__name__}: {error}.")
            told.__cause__ = error
            return told
        for report in reports:
            self._gate.learn(report.progress.pending)
        return reports

    def _take_turn(self, batch: Batch) -> bool:
        """Wait where there is a pace; True where the batch has not waited: it is asked later whether it may begin."""
        if self._pace is None or self._gate.check_new() is not None:
            return True
        started = sum(1 for shipment in batch.shipments if shipment.part == 0)  # a container counts once
        if started:
            self._pace.wait(started)
        return False

    def _carry(self, batch: Batch, *, new: bool) -> list[ContainerReport]:
        def work() -> list[ContainerReport]:
            carrier = self.take()
            try:
                return carrier.carry(batch)
            finally:
                self.give(carrier)

        result = self.guarded(work, new=new)
        if isinstance(result, SoarError):
            return [_stopped(shipment, ContainerProgress(), result) for shipment in batch.shipments]
        return result

    def _close(self) -> None:
        for carrier in self._opened:
            carrier.close()


class _Chain:
    """One large container: its parts one after another, on the connection that the first one took."""

    def __init__(self, lanes: _Lanes) -> None:
        self._lanes = lanes
        self._progress = ContainerProgress()
        self._carrier: Carrier | None = None
        self._last: Future[list[ContainerReport]] | None = None

    def follow(self, pool: ThreadPoolExecutor, batch: Batch, *, new: bool) -> Future[list[ContainerReport]]:
        self._last = pool.submit(self._carry, batch, self._last, new=new and batch.shipments[0].part == 0)
        return self._last

    def _carry(self, batch: Batch, before: Future[list[ContainerReport]] | None, *, new: bool) -> list[ContainerReport]:
        if before is not None:
            before.result()
        shipment = batch.shipments[0]

        def work() -> list[ContainerReport]:
            if self._carrier is None:
                self._carrier = self._lanes.take()
            return self._carrier.carry_part(shipment, self._progress)

        result = self._lanes.guarded(work, new=new)
        if isinstance(result, SoarError):
            report = _stopped(shipment, self._progress, result, self._carrier)
            result = [report] if shipment.last else []
        if shipment.last and self._carrier is not None:
            self._lanes.give(self._carrier)
        return result


def _stopped(
    shipment: Shipment, progress: ContainerProgress, error: SoarError, carrier: Carrier | None = None
) -> ContainerReport:
    """What was not tried, or failed as a whole; so do the parts after it."""
    progress.stop(shipment, error)
    progress.rows.extend(shipment.rows)
    return ContainerReport(shipment.identity, progress, carrier.url(progress) if carrier is not None else None)
