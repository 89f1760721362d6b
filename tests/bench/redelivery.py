"""Results that SOAR did not take when they came: working them off against sending them directly."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab.runner.lab import APP
from lab.runner.modularinput import ModularInput
from tests.bench import results
from tests.bench.process import RunFailedError, Taken, in_turn, median, processor_seconds
from tests.bench.stage import Stage
from tests.bench.table import Bound, Figure, Result, seconds, times

DIRECT, JOURNAL, OUTBOX = "sent directly", "redelivered from the journal", "redelivered from the outbox"
_PARAMETERS = {"max_containers": "0"}
_LIMIT = 1.5
_LOOK_SECONDS = 0.2
_FIRST_WAIT = 6.0
"""Seconds after which what was turned away once may be sent again, also from a journal."""

_LONGEST = 300.0


def run(stage: Stage, *, rounds: int, count: int) -> Result:
    """Measure on one interpreter; ``count`` results, a container each."""
    file = results.write(stage.results("queued.csv.gz"), count)
    stage.measure(stage.product(results.write(stage.results("warm.csv.gz"), 10), _PARAMETERS))
    queue = _Queue(stage)
    before = stage.soar.containers()

    def direct() -> Taken:
        return stage.measure(stage.product(file, _PARAMETERS))

    def journal() -> Taken:
        queue.put(file)
        return queue.work_off(count)

    def outbox() -> Taken:
        queue.put(file)
        queue.move(count)
        return queue.work_off(count)

    taken = in_turn({DIRECT: direct, JOURNAL: journal, OUTBOX: outbox}, rounds)
    stage.check_made(before, 3 * rounds * count)
    return _result(stage.version, taken, count)


class _Queue:
    """Results that wait at a stage."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._folder = stage.lab.home.root / "var" / "lib" / "splunk" / "modinputs" / "soar_delivery"
        self._looks = 0

    def put(self, file: Path) -> None:
        """SOAR turns the action away: all is in its journal, and the server is paused."""
        self._stage.soar.turn_away()
        self._stage.measure(self._stage.product(file, _PARAMETERS))

    def move(self, count: int) -> None:
        """The delivery input finds the server paused: all goes into the outbox."""
        with self._stage.lab.delivery() as delivery:
            self._wait(delivery, lambda: not self._journals() and self._pending() == count)

    def work_off(self, count: int) -> Taken:
        """SOAR is back and nothing is paused: what the input takes until all is there and settled."""
        self._stage.soar.take_again()
        self._wait_until_due()
        stage = self._stage
        there, soar, calls = stage.soar.containers(), stage.soar.seconds(), len(stage.lab.splunkd.calls)
        self._looks = 0
        started = time.monotonic()
        with stage.lab.delivery() as delivery:
            # The queue is looked at last, and only when all is there: to list it is work for splunkd.
            self._wait(delivery, lambda: stage.soar.containers() - there == count and not self._waits())
            wall, cpu = time.monotonic() - started, processor_seconds(delivery.pid)
        made = [call for call in stage.lab.splunkd.calls[calls:] if call.origin == "client"]
        splunkd = sum(call.ms for call in made) / 1000
        requests = len(made) - self._looks
        return Taken(wall, cpu, 0, soar=stage.soar.seconds() - soar, splunkd=splunkd, requests=requests)

    def _wait_until_due(self) -> None:
        """The pauses and waiting times of real outages are no work."""
        for note in self._folder.glob("breaker/*.json"):
            note.unlink()
        due = max((float(item.get("next_attempt", 0)) for item in self._items()), default=0.0)
        time.sleep(max(_FIRST_WAIT, due - time.time()))

    def _wait(self, delivery: ModularInput, is_so: Callable[[], bool]) -> None:
        until = time.monotonic() + _LONGEST
        while not is_so():
            if not delivery.is_running or time.monotonic() > until:
                message = "the delivery input did not work the queue off"
                raise RunFailedError(message)
            time.sleep(_LOOK_SECONDS)

    def _waits(self) -> bool:
        return bool(self._journals() or self._pending())

    def _journals(self) -> list[Path]:
        return list(self._folder.glob("journal/*"))

    def _pending(self) -> int:
        return len(self._items())

    def _items(self) -> list[dict[str, Any]]:
        self._looks += 1
        return self._stage.lab.management.documents(APP, "soar_outbox", {"state": "pending"})


def _result(python: str, taken: dict[str, list[Taken]], count: int) -> Result:
    direct = median(taken[DIRECT], lambda one: one.wall)
    rows = []
    for name, runs in taken.items():
        wall, servers = median(runs, lambda one: one.wall), median(runs, lambda one: one.servers)
        cells = (wall, median(runs, lambda one: one.cpu), servers, wall - servers)
        requests = f"{median(runs, lambda one: one.requests):.0f}"
        rows.append([name, *map(seconds, cells), requests, times(wall / direct)])
    claim = f"{count:,} results, one container for each result"
    figures = [
        Figure(
            f"{claim}, {name}: against sending them directly",
            median(taken[name], lambda one: one.wall) / direct,
            Bound.AT_MOST,
            _LIMIT,
        )
        for name in (JOURNAL, OUTBOX)
    ]
    return Result(
        scenario=f"{claim}, redelivered",
        python=python,
        figures=figures,
        columns=(
            "",
            "wall",
            "processor",
            "stand-ins' work",
            "wall without it",
            "requests to splunkd",
            "against direct",
        ),
        rows=rows,
        notes=[
            f"Medians of {len(taken[DIRECT])} runs each, in turn, without server latency.",
            "From the start of the delivery input until SOAR has every container and nothing waits.",
            "Pauses after failures are waited for before.",
        ],
    )
