"""Shaping and mapping in one process, against csv.DictReader and json.dumps of the same rows."""

from __future__ import annotations

import json
import statistics

from lab.runner.process import environment
from tests.bench import process, results
from tests.bench.process import Command
from tests.bench.stage import PROBE, Stage
from tests.bench.table import Bound, Figure, Result, microseconds, times

NAME = f"shaping and mapping, {results.FIELDS} fields"
BASELINE = "csv.DictReader + json.dumps"
_LIMIT = 8.0
_STEPS = {
    "baseline": BASELINE,
    "whole": "Send to SOAR: file to JSON bodies",
    "read": "  of this: reading rows",
    "map": "  of this: mapping",
    "plan": "  of this: containers and artifacts",
    "encode": "  of this: JSON",
}


def run(stage: Stage, *, rounds: int, count: int) -> Result:
    """Measure on one interpreter; ``count`` rows."""
    strict = _probe(stage, rounds=rounds, count=count, with_mv=False)
    splunk = _probe(stage, rounds=rounds, count=count, with_mv=True)
    rows = [
        [label, *(cell for taken in (strict, splunk) for cell in _cells(taken, step, count))]
        for step, label in _STEPS.items()
    ]
    return Result(
        scenario=NAME,
        python=stage.version,
        figures=[
            Figure(f"{NAME}: against {BASELINE} of the same rows", _ratio(strict, "whole"), Bound.AT_MOST, _LIMIT)
        ],
        columns=("per row", "40 fields", "against baseline", "with __mv_ columns", "against baseline"),
        rows=rows,
        notes=[
            f"Processor time, medians of {rounds} rounds over {count:,} rows, steps in turn, in one process.",
            "The steps are measured alone, over rows that are in memory, so together they take less than the whole.",
            "Splunk writes a second, mostly empty column __mv_… for each field: the right half has them.",
        ],
    )


def _probe(stage: Stage, *, rounds: int, count: int, with_mv: bool) -> dict[str, float]:
    file = results.write(stage.results("shaping.csv"), count, with_mv=with_mv)
    taken = process.run(
        Command(
            arguments=(stage.python, PROBE, file, str(rounds)),
            environ=environment(stage.lab.home.root, stage.library, {}),
        )
    )
    found: dict[str, list[float]] = json.loads(taken.stdout)
    return {step: statistics.median(values) for step, values in found.items()}


def _cells(taken: dict[str, float], step: str, count: int) -> tuple[str, str]:
    return microseconds(taken[step] / count), times(_ratio(taken, step))


def _ratio(taken: dict[str, float], step: str) -> float:
    return taken[step] / taken["baseline"]
