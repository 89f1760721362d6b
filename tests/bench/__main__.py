"""``python -m tests.bench``: the speed table of the documentation, measured here and now.

It is a report and no gate: missed targets and failed runs are shown, the exit code is 0.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench import cold_start, feedback_poll, many_containers, memory, one_container, redelivery, shaping
from tests.bench.process import RunFailedError
from tests.bench.stage import Stage
from tests.bench.table import Result, markdown, plain, times
from tools import build, interpreters
from tools.interpreters import Interpreter, Version
from tools.process import ROOT, capture

PYTHONS = ("3.9", "3.13")
PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


@dataclass(frozen=True)
class Scale:
    """How much is measured.

    Args:
        cold: rounds of cold starts.
        rounds: rounds of long runs.
        count: results of long runs.
        sample: results that the slow opponent sends.
        rows: rows that are shaped.
        many: results of the large memory run.
        containers: containers of the large SOAR of the feedback poll; the small one has a tenth.
        changed: containers of both that change.
        few: results of the small memory run.
    """

    cold: int
    rounds: int
    count: int
    sample: int
    rows: int
    many: int
    containers: int
    changed: int = 100
    few: int = 1_000


FULL = Scale(cold=15, rounds=3, count=10_000, sample=100, rows=3_000, many=100_000, containers=100_000)
QUICK = Scale(cold=5, rounds=1, count=1_000, sample=20, rows=500, many=2_000, containers=2_000, changed=20, few=200)

SCENARIOS: Mapping[str, Callable[[Stage, Scale], Result]] = {
    "cold_start": lambda stage, scale: cold_start.run(stage, rounds=scale.cold),
    "many_containers": lambda stage, scale: many_containers.run(
        stage, rounds=scale.rounds, count=scale.count, sample=scale.sample
    ),
    "one_container": lambda stage, scale: one_container.run(stage, rounds=scale.rounds, count=scale.count),
    "redelivery": lambda stage, scale: redelivery.run(stage, rounds=scale.rounds, count=scale.count),
    "shaping": lambda stage, scale: shaping.run(stage, rounds=scale.rounds, count=scale.rows),
    "feedback_poll": lambda stage, scale: feedback_poll.run(
        stage, few=scale.containers // 10, many=scale.containers, changed=scale.changed
    ),
    "memory": lambda stage, scale: memory.run(stage, few=scale.few, many=scale.many),
}

ONCE = frozenset({"feedback_poll", "memory"})
"""Measured on the last interpreter only, unless asked for by name: they take minutes."""


@dataclass(frozen=True)
class Unmeasured:
    """A scenario in which a contender failed.

    Args:
        scenario: its key in ``SCENARIOS``.
        python: version of the product's interpreter.
        why: what the contender said.
    """

    scenario: str
    python: str
    why: str


def _version(text: str) -> Version:
    major, _, minor = text.partition(".")
    return int(major), int(minor)


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--only", action="append", choices=SCENARIOS, help="measure only this; may be given again")
    parser.add_argument("--python", action="append", type=_version, help="such as 3.9; may be given again")
    parser.add_argument("--rounds", type=int, help="how often each contender runs")
    parser.add_argument("--quick", action="store_true", help="small numbers: shows that it works, not how fast it is")
    parser.add_argument("--write", action="store_true", help="update docs/performance.md")
    asked = parser.parse_args(argv)
    if asked.write and (asked.quick or asked.only or asked.python or asked.rounds):
        parser.error("--write is for the whole benchmark at full size")
    return asked


def main(argv: Sequence[str]) -> int:
    """Measure, print, and write on request."""
    asked = _arguments(argv)
    scale = QUICK if asked.quick else FULL
    if asked.rounds:
        scale = Scale(**{**vars(scale), "cold": asked.rounds, "rounds": asked.rounds})
    started = time.monotonic()
    found = _interpreters(asked.python or [_version(text) for text in PYTHONS])
    folder = build.build().folder
    facts = _machine(found)
    print(facts, flush=True)
    results: list[Result] = []
    unmeasured: list[Unmeasured] = []
    for result in _measure(found, folder, asked.only, scale):
        if isinstance(result, Unmeasured):
            print(f"\nNOT MEASURED: {result.scenario} on CPython {result.python}: {result.why}", flush=True)
            unmeasured.append(result)
            continue
        print(f"\n{plain(result)}", flush=True)
        results.append(result)
    _conclude(results, unmeasured, time.monotonic() - started, is_quick=asked.quick)
    if asked.write:
        _write(f"{facts}\n\n{markdown(results)}")
    return 0


def _interpreters(versions: Sequence[Version]) -> list[Interpreter]:
    found = []
    for version in versions:
        interpreter = interpreters.find(version)
        if interpreter is None:
            print(f"skipped: CPython {version[0]}.{version[1]} is not on this machine")
        else:
            found.append(interpreter)
    return found


def _measure(
    found: Sequence[Interpreter], folder: Path, only: Sequence[str] | None, scale: Scale
) -> Iterator[Result | Unmeasured]:
    for interpreter in found:
        everywhere = [name for name in SCENARIOS if name not in ONCE or interpreter is found[-1]]
        with tempfile.TemporaryDirectory(prefix="bench-") as name, Stage(Path(name), interpreter, folder) as stage:
            for scenario in only or everywhere:
                try:
                    yield SCENARIOS[scenario](stage, scale)
                except RunFailedError as error:
                    yield Unmeasured(scenario, stage.version, str(error))


def _machine(found: Sequence[Interpreter]) -> str:
    versions = [
        capture([interpreter.path, "-I", "-c", "import platform; print(platform.python_version())"]).strip()
        for interpreter in found
    ]
    load = os.getloadavg()[0]
    cores = os.cpu_count() or 1
    busy = " The machine was busy: long runs need a core for the product and one for the stand-in." * (load > cores / 4)
    return (
        f"{platform.system()} {platform.machine()}, {cores} cores, load {load:.1f} at the start; "
        f"CPython {' and '.join(versions)}; the stand-ins on {platform.python_version()}.{busy}"
    )


def _conclude(results: Sequence[Result], unmeasured: Sequence[Unmeasured], took: float, *, is_quick: bool) -> None:
    missed = [(result, figure) for result in results for figure in result.figures if not figure.is_met]
    print(f"\n{len(results)} scenarios in {took:.0f} s.")
    for result, figure in missed:
        print(f"MISSED on CPython {result.python}: {figure.claim}: {times(figure.ratio)} ({figure.target})")
    for failed in unmeasured:
        print(f"NOT MEASURED on CPython {failed.python}: {failed.scenario}")
    if not missed and not unmeasured:
        print("All targets are met.")
    if is_quick:
        print("These are quick runs: too few and too small to judge by.")


def _write(text: str) -> None:
    page = PAGE.read_text(encoding="utf-8")
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        message = f"{PAGE.name} has no place for the figures: {BEGIN} … {END}"
        raise ValueError(message)
    PAGE.write_text(f"{head}{BEGIN}\n{text}\n{END}{tail}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
