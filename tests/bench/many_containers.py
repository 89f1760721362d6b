"""Many results, one container each, against one POST for each container and for each artifact in sequence."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.bench import results
from tests.bench.process import Command, Taken, in_turn, median, splunkd_requests
from tests.bench.stage import OPPONENTS, Recording, Stage
from tests.bench.table import Bound, Figure, Result, seconds, times

NAME = "one container for each result"
OURS, SEQUENCE = "Send to SOAR", "a POST each, in sequence"
LATENCY_MS = 20.0
_PARAMETERS = {"max_containers": "0"}
_LIMIT = 50.0


def run(stage: Stage, *, rounds: int, count: int, sample: int) -> Result:
    """Measure on one interpreter.

    Args:
        stage: where.
        rounds: how often.
        count: how many results the product sends.
        sample: how many the opponent sends; its time is scaled to ``count``.
    """
    file = results.write(stage.results("many.csv.gz"), count)
    recording = stage.record(results.write(stage.results("sample.csv.gz"), sample), _PARAMETERS)
    stage.measure(stage.product(stage.results("sample.csv.gz"), _PARAMETERS))  # caches are filled
    before = stage.soar.containers()
    stage.soar.set_latency(LATENCY_MS)
    try:
        taken = in_turn(
            {
                OURS: stage.measuring(lambda: stage.product(file, _PARAMETERS)),
                SEQUENCE: _scaled(stage, lambda: _sequence(stage, recording), count / sample),
            },
            rounds,
        )
    finally:
        stage.soar.set_latency(0)
    stage.check_made(before, (count + sample) * rounds)
    return _result(stage.version, taken, count=count, sample=sample)


def _sequence(stage: Stage, recording: Recording) -> Command:
    containers: list[dict[str, Any]] = []
    for post in recording.posts(stage.new_sid()):
        body = json.loads(post.body)
        containers.extend(body if isinstance(body, list) else [body])
    file: Path = stage.results("containers.json")
    file.write_text(json.dumps(containers), encoding="utf-8")
    return stage.opponent(OPPONENTS / "sequence.py", {"containers": str(file)})


def _scaled(stage: Stage, command: Callable[[], Command], factor: float) -> Callable[[], Taken]:
    """Scale what the opponent's loop took; its start-up, which does not grow, is left out in its favour."""

    def measure() -> Taken:
        taken = stage.measure(command())
        return replace(taken, wall=float(taken.stdout) * factor, cpu=taken.cpu * factor, soar=taken.soar * factor)

    return measure


def _result(python: str, taken: dict[str, list[Taken]], *, count: int, sample: int) -> Result:
    ours = median(taken[OURS], lambda one: one.wall)
    sequence = median(taken[SEQUENCE], lambda one: one.wall)
    rows = []
    for name, runs in taken.items():
        wall, servers = median(runs, lambda one: one.wall), median(runs, lambda one: one.servers)
        cells = (wall, median(runs, lambda one: one.cpu), servers, wall - servers)
        rows.append([name, *map(seconds, cells), times(wall / ours)])
    own = median(taken[OURS], lambda one: one.wall - one.servers)
    sequence_own = median(taken[SEQUENCE], lambda one: one.wall - one.servers)
    claim = f"{count:,} results, {NAME}, {LATENCY_MS:g} ms server latency: faster than {SEQUENCE}"
    return Result(
        scenario=f"{count:,} results, {NAME}, {LATENCY_MS:g} ms server latency",
        python=python,
        figures=[Figure(claim, sequence / ours, Bound.AT_LEAST, _LIMIT)],
        columns=("", "wall", "processor", "stand-ins' work", "wall without it", "against ours"),
        rows=rows,
        notes=[
            f"Medians of {len(taken[OURS])} runs each, in turn.",
            f"The sequence sends {sample} results; its figures are scaled to {count:,}.",
            f"Without the stand-ins' work on both sides: {times(sequence_own / own)}.",
            "The stand-in SOAR works on one core beside the product, so some of its work overlaps with the product's.",
            splunkd_requests(OURS, taken[OURS]),
        ],
    )
