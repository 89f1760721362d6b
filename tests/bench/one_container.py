"""Many results in one container, against requests sending the very same bodies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.bench import results
from tests.bench.process import Command, Taken, in_turn, median, splunkd_requests
from tests.bench.recorder import Sent
from tests.bench.stage import OPPONENTS, Recording, Stage
from tests.bench.table import Bound, Figure, Result, seconds, times

NAME = "one container per search"
OURS, REPLAY = "Send to SOAR", "requests with the same bodies"
_PARAMETERS = {"container_per": "search"}
_LIMIT = 1.5


def run(stage: Stage, *, rounds: int, count: int) -> Result:
    """Measure on one interpreter; ``count`` results."""
    file = results.write(stage.results("search.csv.gz"), count)
    recording = stage.record(file, _PARAMETERS)
    before = stage.soar.containers()
    taken = in_turn(
        {
            OURS: stage.measuring(lambda: stage.product(file, _PARAMETERS)),
            REPLAY: stage.measuring(lambda: _replay(stage, recording)),
        },
        rounds,
    )
    stage.check_made(before, 2 * rounds)
    return _result(stage.version, taken, count=count, posts=recording.posts(""))


def _replay(stage: Stage, recording: Recording) -> Command:
    folder: Path = stage.results("bodies")
    folder.mkdir(exist_ok=True)
    calls = []
    posts = recording.posts(stage.new_sid())
    for number, post in enumerate(posts):
        file = folder / f"{number:05d}.json"
        file.write_bytes(post.body)
        calls.append((post.path, str(file)))
    return stage.opponent(OPPONENTS / "replay.py", {"container_id": posts[0].answer["id"], "calls": calls})


def _result(python: str, taken: dict[str, list[Taken]], *, count: int, posts: Sequence[Sent]) -> Result:
    base = median(taken[REPLAY], lambda one: one.wall)
    rows = []
    for name, runs in taken.items():
        wall, servers = median(runs, lambda one: one.wall), median(runs, lambda one: one.servers)
        cells = (wall, median(runs, lambda one: one.cpu), servers, wall - servers)
        rows.append([name, *map(seconds, cells), times(wall / base)])
    ratio = median(taken[OURS], lambda one: one.wall) / base
    own = median(taken[OURS], lambda one: one.wall - one.servers)
    own /= median(taken[REPLAY], lambda one: one.wall - one.servers)
    size = sum(len(post.body) for post in posts) / 1_000_000
    return Result(
        scenario=f"{count:,} results, {NAME}",
        python=python,
        figures=[Figure(f"{count:,} results, {NAME}: against {REPLAY}", ratio, Bound.AT_MOST, _LIMIT)],
        columns=("", "wall", "processor", "stand-ins' work", "wall without it", "against requests"),
        rows=rows,
        notes=[
            f"Medians of {len(taken[OURS])} runs each, in turn; {len(posts)} requests with {size:.1f} MB.",
            f"Without the stand-ins' work on both sides: {times(own)}.",
            splunkd_requests(OURS, taken[OURS]),
        ],
    )
