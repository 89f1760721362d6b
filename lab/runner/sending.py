"""One run of an action from results file to report."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lab.runner.action import Action, check_parameters, load_action
from lab.runner.adhoc import through_sendalert
from lab.runner.dispatch import write_dispatch, write_result
from lab.runner.outcomes import contradictions, read_notes, read_run
from lab.runner.payload import Call, Splunkd, payload
from lab.runner.process import Finished, environment, run_script
from lab.runner.report import Report
from lab.runner.results import Results, inspect, records
from lab.runner.search import Mode, Search, check_sid, claim_sid, mode_of
from lab.runner.splunkd_log import SplunkdLog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from lab.runner.home import SplunkHome
    from lab.runner.indexing.index import Indexes
    from lab.runner.indexing.indexer import Indexer
    from lab.runner.request import SendRequest

PER_RESULT_CALLS = 500
PER_RESULT_SECONDS = 300.0
"""splunkd stops calling an action for single results after so many calls, or so many seconds."""


@dataclass(frozen=True)
class Stage:
    """Everything that stays the same from one run to the next.

    Args:
        home: SPLUNK_HOME.
        app: the add-on.
        splunkd: gives the splunkd that the action is told of, for a user.
        python: the interpreter that runs it.
        python_path: folder that holds the package ``splunk``.
        environ: what is added to its environment.
        indexer: reads what it leaves.
        indexes: holds what it left.
        clock: seconds since the epoch.
    """

    home: SplunkHome
    app: str
    splunkd: Callable[[str], Splunkd]
    python: Path
    python_path: Path
    environ: Mapping[str, str]
    indexer: Indexer
    indexes: Indexes
    clock: Callable[[], float]


@dataclass(frozen=True)
class Job:
    """What one run of an action is about.

    Args:
        action: the action.
        search: the search that it runs for.
        results: the search's results.
        parameters: every parameter's value, without the ``param.`` prefix.
        maxtime: how long one call may take, seconds.
    """

    action: Action
    search: Search
    results: Results
    parameters: Mapping[str, str]
    maxtime: float


def send(stage: Stage, request: SendRequest) -> Report:
    """Run an action on a results file and report what became of each result.

    Raises:
        LabError: the request can't be carried out; the action did not run.
    """
    job = _job(stage, request)
    marks = stage.indexes.marks()
    runs, notes = _run_calls(stage, job)
    stage.indexer.collect()
    log, outcomes, problems = read_run(
        stage.indexes.since(marks), action=job.action.name, sid=job.search.sid, before=stage.indexes.before(marks)
    )
    notes.extend(read_notes(stage.indexes.since(marks), sid=job.search.sid))
    given = len(runs) if job.search.mode is Mode.PER_RESULT else job.results.count
    problems.extend(contradictions(log, outcomes, rows=given))
    if problems:
        notes.extend(f"The log says: {error}" for error in log.errors)
    return Report(
        exit_code=next((run.exit_code for run in runs if run.exit_code), 0),
        sid=job.search.sid,
        duration_ms=round(sum(run.duration for run in runs) * 1000),
        results=tuple(outcomes),
        problems=tuple(problems),
        notes=tuple(notes),
        stderr=next((run.stderr for run in runs if run.exit_code), runs[-1].stderr if runs else ""),
        log=stage.home.logs / f"{job.action.name}_modalert.log",
        index=stage.indexes.folder,
    )


def _job(stage: Stage, request: SendRequest) -> Job:
    action = load_action(stage.home, stage.app, request.action)
    mode = request.mode or (mode_of(request.sid) if request.sid else Mode.SAVED)
    parameters = _parameters(action, request, mode)
    results = inspect(request.results)
    return Job(action, _search(stage, request, mode), results, parameters, request.timeout or action.maxtime)


def _search(stage: Stage, request: SendRequest, mode: Mode) -> Search:
    default = "" if mode is Mode.ADHOC else f"Lab - {request.results.name.partition('.')[0]}"
    name = default if request.search_name is None else request.search_name
    now = stage.clock()
    if request.sid is None:
        sid = claim_sid(mode, name=name, app=request.app, owner=request.owner, now=now, dispatch=stage.home.dispatch)
    else:
        sid = check_sid(request.sid)
    return Search(sid=sid, mode=mode, name=name, app=request.app, owner=request.owner, started=now)


def _parameters(action: Action, request: SendRequest, mode: Mode) -> dict[str, str]:
    given = dict(request.parameters)
    if mode is Mode.ADHOC:
        given = through_sendalert(action, given)
    else:
        check_parameters(action, given)
    return {**action.parameters, **given}


def _run_calls(stage: Stage, job: Job) -> tuple[list[Finished], list[str]]:
    runs: list[Finished] = []
    notes: list[str] = []
    deadline = time.monotonic() + PER_RESULT_SECONDS
    for call in _calls(stage, job):
        if call.result_id is not None and (len(runs) == PER_RESULT_CALLS or time.monotonic() > deadline):
            notes.append(
                f"splunkd calls an action for single results at most {PER_RESULT_CALLS} times and for "
                f"{PER_RESULT_SECONDS:.0f} s: {job.results.count - len(runs)} of {job.results.count} results were "
                "not handed over."
            )
            break
        run = _run_call(stage, job, call)
        if run.timed_out:
            notes.append(f"{job.action.name} ran longer than {job.maxtime:g} s and was killed, as splunkd would do.")
        runs.append(run)
    return runs, notes


def _run_call(stage: Stage, job: Job, call: Call) -> Finished:
    logged = SplunkdLog(stage.home.logs / "splunkd.log", stage.clock)
    document = payload(job.search, call, stage.splunkd(job.search.owner), job.parameters)
    logged.invoking(job.action.name, job.search, call.results_file)
    run = run_script(
        stage.python,
        job.action.script,
        document=json.dumps(document, ensure_ascii=False).encode(),
        environ=environment(stage.home.root, stage.python_path, stage.environ),
        maxtime=job.maxtime,
        folder=Path(stage.home.root.anchor),
    )
    logged.finished(job.action.name, run)
    return run


def _calls(stage: Stage, job: Job) -> Iterator[Call]:
    search, results = job.search, job.results
    folder = stage.home.dispatch / search.sid
    whole = write_dispatch(folder, search, results.path, count=results.count)
    if search.mode is not Mode.PER_RESULT:
        yield Call(results_file=whole, columns=results.columns(), count=results.count)
        return
    rows = records(results.path)
    header = next(rows, [])
    for number, cells in enumerate(rows):
        yield Call(
            results_file=write_result(folder, number, header, cells),
            columns=list(zip(header, cells, strict=False)),
            count=results.count,
            result_id=number,
        )
