"""The feedback poll: what it asks of SOAR when few of many containers have changed."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from lab.runner.accounts import Accounts
from lab.runner.lab import ACCOUNT, APP
from tests.bench import results
from tests.bench.process import RunFailedError, Taken, peak_memory, processor_seconds
from tests.bench.stage import RECORDED, Stage
from tests.bench.table import Bound, Figure, Result, mebibytes, seconds

_LIMIT = 1.1
_LOOK_SECONDS = 0.5
_LONGEST = 600.0
_CONTAINER_EVENT = 'sourcetype="soar:container"'


@dataclass(frozen=True)
class _Polled:
    """One poll.

    Args:
        taken: what it took; ``requests`` are those to splunkd.
        asked: requests to SOAR.
    """

    taken: Taken
    asked: int


def run(stage: Stage, *, few: int, many: int, changed: int) -> Result:
    """Measure on one interpreter: SOAR has ``few`` and ``many`` containers, and ``changed`` of them change."""
    rows = []
    asked = {}
    for count in (few, many):
        with stage.another(f"feedback-{count}") as fresh:
            Accounts(fresh.lab.management, APP).bring_back(RECORDED, "off")
            first, second = _poll_twice(fresh, count, changed)
        asked[count] = second.asked
        rows += [_row(f"{count:,}, all new", first), _row(f"{count:,}, {changed:,} changed", second)]
    return Result(
        scenario=f"feedback poll, {changed:,} changed containers of {many:,}",
        python=stage.version,
        figures=[
            Figure(
                f"requests to SOAR, {changed:,} changed containers of {many:,}: against {changed:,} of {few:,}",
                asked[many] / asked[few],
                Bound.AT_MOST,
                _LIMIT,
            )
        ],
        columns=(
            "containers",
            "requests to SOAR",
            "requests to splunkd",
            "wall",
            "processor",
            "stand-ins' work",
            "peak memory",
        ),
        rows=rows,
        notes=[
            "One run each: the input's process from its start until its cursors are written.",
            "The containers are the add-on's own; each new or changed one becomes an event and a row of the lookup.",
        ],
    )


def _poll_twice(stage: Stage, count: int, changed: int) -> tuple[_Polled, _Polled]:
    stage.measure(stage.product(results.write(stage.results("one.csv.gz"), 1), {}))
    numbers = stage.soar.fill(count - 1)
    first = _poll(stage, count)
    stage.soar.change(numbers[:: max(1, len(numbers) // changed)][:changed])
    return first, _poll(stage, changed)


def _poll(stage: Stage, expected: int) -> _Polled:
    """Run the input until it has polled; ``expected``: the containers that it must bring back."""
    stage.soar.forget_requests()
    soar, calls, looks, begun = stage.soar.seconds(), len(stage.lab.splunkd.calls), 0, time.time()
    started = time.monotonic()
    with stage.lab.feedback() as feedback:
        while not _is_polled(stage, begun):
            looks += 1
            if not feedback.is_running or time.monotonic() - started > _LONGEST:
                message = "the feedback input did not come to the end of its poll"
                raise RunFailedError(message)
            time.sleep(_LOOK_SECONDS)
        wall = time.monotonic() - started
        cpu, peak = processor_seconds(feedback.pid), peak_memory(feedback.pid)
        asked = stage.soar.requests()
    made = [call for call in stage.lab.splunkd.calls[calls:] if call.origin == "client"]
    splunkd = sum(call.ms for call in made) / 1000
    brought = _take_events(stage.lab.home.root / "var" / "spool" / "splunk")
    if brought != expected:
        message = f"{expected} containers were to come back, {brought} did"
        raise RunFailedError(message)
    requests = len(made) - looks - 1
    return _Polled(Taken(wall, cpu, peak, soar=stage.soar.seconds() - soar, splunkd=splunkd, requests=requests), asked)


def _is_polled(stage: Stage, begun: float) -> bool:
    found = stage.lab.management.documents(APP, "soar_checkpoint", {"account": ACCOUNT})
    if any(one.get("error") for one in found):
        raise RunFailedError(str(found[0]["error"]))
    return any(float(one.get("polled") or 0) >= begun for one in found)


def _take_events(spool: Path) -> int:
    """Count the events of containers that wait for Splunk, and take all away."""
    count = 0
    for file in spool.iterdir():
        if file.is_file():
            count += file.read_text(encoding="utf-8").count(_CONTAINER_EVENT)
            file.unlink()
    return count


def _row(name: str, polled: _Polled) -> list[str]:
    taken = polled.taken
    times = (seconds(taken.wall), seconds(taken.cpu), seconds(taken.servers))
    return [name, f"{polled.asked:,}", f"{taken.requests:,}", *times, mebibytes(taken.peak)]
