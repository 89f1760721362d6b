"""One result in a cold process: a new container with one artifact."""

from __future__ import annotations

from tests.bench import results, ucc
from tests.bench.process import Command, Taken, in_turn, median, splunkd_requests
from tests.bench.stage import OPPONENTS, Recording, Stage
from tests.bench.table import Bound, Figure, Result, milliseconds, times

NAME = "one result, cold process, new container with one artifact"
OURS, MINIMAL, UCC, BARE = "Send to SOAR", "minimal script", "action as UCC generates it", "bare interpreter"
_LIMIT = 2.0


def run(stage: Stage, *, rounds: int) -> Result:
    """Measure on one interpreter."""
    file = results.write(stage.results("one.csv.gz"), 1)
    recording = stage.record(file, {})
    script = ucc.install(stage.lab, stage.folder / "ucc", stage.soar.address)

    def minimal() -> Command:
        return stage.opponent(OPPONENTS / "minimal.py", {"body": _body(recording, stage.new_sid())})

    def generated() -> Command:
        sid = stage.new_sid()
        parameters = {"account": ucc.ACCOUNT, "body": _body(recording, sid)}
        return stage.alert(script, parameters, file, sid)

    def bare() -> Command:
        return Command((stage.python, "-c", "pass"), minimal().environ)

    contenders = {
        OURS: stage.measuring(lambda: stage.product(file, {})),
        MINIMAL: stage.measuring(minimal),
        UCC: stage.measuring(generated),
        BARE: stage.measuring(bare),
    }
    in_turn(contenders, 1)  # compiles byte code, fills caches
    before = stage.soar.containers()
    taken = in_turn(contenders, rounds)
    stage.check_made(before, 3 * rounds)
    return _result(stage.version, taken)


def _body(recording: Recording, sid: str) -> str:
    (post,) = recording.posts(sid)
    return post.body.decode()


def _result(python: str, taken: dict[str, list[Taken]]) -> Result:
    base = median(taken[MINIMAL], lambda one: one.wall)
    rows = []
    for name, runs in taken.items():
        wall = median(runs, lambda one: one.wall)
        servers = median(runs, lambda one: one.servers)
        cells = (wall, median(runs, lambda one: one.cpu), servers, wall - servers)
        rows.append([name, *map(milliseconds, cells), times(wall / base)])
    ours = median(taken[OURS], lambda one: one.wall)
    return Result(
        scenario=NAME,
        python=python,
        figures=[Figure(f"{NAME}: against a minimal script", ours / base, Bound.AT_MOST, _LIMIT)],
        columns=("", "wall", "processor", "stand-ins' work", "wall without it", "against minimal"),
        rows=rows,
        notes=[
            f"Medians of {len(taken[OURS])} runs each, in turn, with byte code cached.",
            splunkd_requests(OURS, taken[OURS]),
        ],
    )
