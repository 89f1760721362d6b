"""Peak memory of the action's process when results grow a hundredfold."""

from __future__ import annotations

from tests.bench import results
from tests.bench.process import Taken
from tests.bench.stage import Stage
from tests.bench.table import TIMES, Bound, Figure, Result, mebibytes, seconds, times

NAME = f"peak memory, {results.FIELDS} fields, one container for each result"
_PARAMETERS = {"max_containers": "0"}
_LIMIT = 2.0


def run(stage: Stage, *, few: int, many: int) -> Result:
    """Measure on one interpreter; ``few`` and ``many`` results."""
    taken = {count: _measure(stage, count) for count in (few, many)}
    ratio = taken[many].peak / taken[few].peak
    return Result(
        scenario=NAME,
        python=stage.version,
        figures=[
            Figure(
                f"peak memory, {many:,} results {TIMES} {results.FIELDS} fields: against {few:,}",
                ratio,
                Bound.AT_MOST,
                _LIMIT,
            )
        ],
        columns=("results", "peak memory", f"against {few:,}", "wall", "stand-ins' work"),
        rows=[
            [
                f"{count:,}",
                mebibytes(one.peak),
                times(one.peak / taken[few].peak),
                seconds(one.wall),
                seconds(one.servers),
            ]
            for count, one in taken.items()
        ],
        notes=["Largest resident memory of the process, one run each."],
    )


def _measure(stage: Stage, count: int) -> Taken:
    file = results.write(stage.results(f"memory-{count}.csv.gz"), count)
    before = stage.soar.containers()
    taken = stage.measure(stage.product(file, _PARAMETERS))
    stage.check_made(before, count)
    file.unlink()
    return taken
