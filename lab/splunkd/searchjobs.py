"""Search jobs: what was canned for a search, or what the search finds."""

from __future__ import annotations

import itertools
import json
import re
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from lab.spl.evaluator import Answer, evaluate, refine
from lab.spl.refusal import SearchRefused
from lab.splunkd.entry import Acl, Entry, one, page
from lab.splunkd.refusal import Refused, missing_argument
from lab.splunkd.response import JSON_TYPE, Response, json_response, xml_response
from lab.splunkd.router import Route
from lab.splunkd.searchresults import record, rendered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from lab.splunkd.instance import Instance
    from lab.splunkd.request import Request
    from lab.splunkd.searchsources import Searched

_CONTROLLED = {
    "save": "saved",
    "unsave": "unsaved",
    "cancel": "cancelled",
    "setttl": "given a time to live",
    "touch": "touched",
    "finalize": "finalized",
    "pause": "paused",
    "unpause": "unpaused",
}
"""What was done to a job, by action; of these only to cancel changes one that is done."""


@dataclass(frozen=True)
class Job:
    """A finished search.

    Args:
        sid: its id.
        search: what was searched.
        owner: who searched.
        earliest: begin of its range, as asked.
        latest: its end, as asked.
        answer: what it found.
    """

    sid: str
    search: str
    owner: str
    earliest: str
    latest: str
    answer: Answer


_NOTHING = Answer((), (), closed=True, missing=frozenset())


class CannedSearches:
    """Rows by regular expression on the search string; the latest match wins.

    `unanswered` lists searches that were refused.
    """

    def __init__(self) -> None:
        self._answers: list[tuple[re.Pattern[str], list[dict[str, Any]]]] = []
        self._sources: list[Callable[[str], list[dict[str, Any]] | None]] = []
        self.unanswered: list[str] = []

    def add(self, pattern: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Answer searches in which `pattern` is found with `rows`; a list as value is a multi-value field."""
        self._answers.append((re.compile(pattern), [dict(row) for row in rows]))

    def answer_with(self, source: Callable[[str], list[dict[str, Any]] | None]) -> None:
        """Ask `source` for the rows of searches for which nothing was canned; None is what it does not know."""
        self._sources.append(source)

    def answer(self, search: str) -> Answer | None:
        """Return what was canned for `search`; None when nothing was."""
        rows = next((rows for pattern, rows in reversed(self._answers) if pattern.search(search)), None)
        if rows is None:
            found = (source(search) for source in self._sources)
            rows = next((rows for rows in found if rows is not None), None)
        if rows is None:
            return None
        fields = tuple(dict.fromkeys(name for row in rows for name in row))
        return Answer(fields, tuple(rows), closed=True, missing=frozenset())


class SearchEndpoints:
    """`search/jobs` and `search/v2/jobs`; needs the capability `search`.

    Args:
        instance: the server.
        canned: what tests and products answer by themselves.
        searched: what searches read.
    """

    def __init__(self, instance: Instance, canned: CannedSearches, searched: Searched) -> None:
        self._instance = instance
        self._canned = canned
        self._searched = searched
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._jobs: dict[str, Job] = {}
        self._cancelled: dict[str, Job] = {}

    def routes(self) -> Iterable[Route]:
        """Return the routes of search jobs, both generations."""
        return [route for root in ("search/jobs", "search/v2/jobs") for route in self._routes_of(root)]

    def _routes_of(self, root: str) -> Iterable[Route]:
        return (
            Route("POST", f"{root}/export", self._export, "search"),
            Route("GET", f"{root}/export", self._export, "search"),
            Route("POST", root, self._create, "search"),
            Route("GET", root, self._list),
            Route("GET POST", f"{root}/{{sid}}", self._status),
            Route("DELETE", f"{root}/{{sid}}", self._remove),
            Route("POST", f"{root}/{{sid}}/control", self._control),
            Route("GET POST", f"{root}/{{sid}}/results", self._results),
            Route("GET POST", f"{root}/{{sid}}/results_preview", self._results),
            Route("GET POST", f"{root}/{{sid}}/events", self._results),
        )

    @property
    def jobs(self) -> list[Job]:
        """Return the jobs that are kept, oldest first."""
        return list(self._jobs.values())

    def dispatch(
        self, request: Request, search: str, earliest: str, latest: str, indexed: tuple[str, str] = ("", "")
    ) -> Job:
        """Run a search for whoever makes a request, and keep it.

        Args:
            request: the request.
            search: the search.
            earliest: begin of its range, a time modifier; "" for all.
            latest: its end.
            indexed: begin and end of the time in which its events were indexed.

        Raises:
            Refused: it is refused.
        """
        answer = self._canned.answer(search)
        if answer is None:
            answer = self._evaluated(
                search,
                lambda: evaluate(
                    search,
                    self._searched.by(request),
                    now=self._instance.clock(),
                    earliest=earliest,
                    latest=latest,
                    indexed=indexed,
                ),
            )
        with self._lock:
            sid = request.args.get("id") or f"{int(self._instance.clock())}.{next(self._numbers)}"
            job = Job(sid, search, request.user.name, earliest, latest, answer)
            self._jobs[sid] = job
        return job

    def created(self, request: Request, job: Job) -> Response:
        """Return the answer to a request that made a job."""
        if request.output_mode.startswith("json"):
            return json_response({"sid": job.sid}, 201)
        return xml_response(f"<response>\n  <sid>{escape(job.sid)}</sid>\n</response>\n", 201)

    def _evaluated(self, search: str, work: Callable[[], Answer]) -> Answer:
        try:
            return work()
        except SearchRefused as refused:
            self._canned.unanswered.append(search)
            raise Refused(400, str(refused), kind="FATAL") from refused

    def _create(self, request: Request) -> Response:
        job = self._run(request)
        if request.args.get("exec_mode", "normal") == "oneshot":
            return rendered(request, job.answer)
        return self.created(request, job)

    def _export(self, request: Request) -> Response:
        answer = self._run(request).answer
        if request.output_mode != "json":
            return rendered(request, answer)
        lines: list[dict[str, Any]] = [
            {"preview": False, "offset": number, "result": record(row, answer.fields)}
            for number, row in enumerate(answer.rows)
        ]
        lines = lines or [{"preview": False}]
        lines[-1]["lastrow"] = True
        return Response(200, "".join(json.dumps(line) + "\n" for line in lines).encode(), JSON_TYPE)

    def _run(self, request: Request) -> Job:
        search = request.args.get("search", "")
        if not search:
            raise missing_argument("search")
        return self.dispatch(
            request, search, request.args.get("earliest_time", ""), request.args.get("latest_time", "")
        )

    def _list(self, request: Request) -> Response:
        own = [job for job in self._jobs.values() if job.owner == request.user.name or "admin" in request.user.roles]
        wanted = {value for name, value in request.query if name == "id"}
        if wanted:
            own = [job for job in own if job.sid in wanted]
        return self._instance.feed(request, page(request, "search/jobs", [_entry(job) for job in own]))

    def _status(self, request: Request) -> Response:
        return self._instance.entry(request, one("search/jobs", _entry(self._find(request))))

    def _remove(self, request: Request) -> Response:
        self._cancel(self._find(request))
        return _done("cancel")

    def _control(self, request: Request) -> Response:
        action = request.args.get("action", "")
        if action not in _CONTROLLED:
            raise Refused(400, f"Invalid action: {action}")
        if action == "cancel":
            # Pages cancel a job once for each panel that it feeds: that it is gone already is no error.
            self._cancel(self._find(request, self._jobs | self._cancelled))
        else:
            self._find(request)
        return _done(action)

    def _cancel(self, job: Job) -> None:
        with self._lock:
            self._jobs.pop(job.sid, None)
            self._cancelled[job.sid] = replace(job, answer=_NOTHING)

    def _results(self, request: Request) -> Response:
        job, commands = self._find(request), request.args.get("search", "").strip()
        if not commands:
            return rendered(request, job.answer)
        refined = self._evaluated(
            f"{job.search} {commands}",
            lambda: refine(
                job.answer,
                commands,
                self._searched.by(request),
                now=self._instance.clock(),
                earliest=job.earliest,
                latest=job.latest,
            ),
        )
        return rendered(request, refined)

    def _find(self, request: Request, jobs: Mapping[str, Job] | None = None) -> Job:
        job = (self._jobs if jobs is None else jobs).get(request.params["sid"])
        if job is None:
            raise Refused(404, "Unknown sid.", kind="FATAL")
        if job.owner != request.user.name and "admin" not in request.user.roles:
            raise Refused(403, "insufficient permission to access this resource", kind="WARN")
        return job


def _entry(job: Job) -> Entry:
    count = len(job.answer.rows)
    content = {
        "dispatchState": "DONE",
        "doneProgress": 1.0,
        "eventCount": count,
        "isDone": True,
        "isFailed": False,
        "isFinalized": False,
        "isPaused": False,
        "isPreviewEnabled": True,
        "isRealTimeSearch": False,
        "messages": [],
        "request": {"earliest_time": job.earliest, "latest_time": job.latest, "search": job.search},
        "resultCount": count,
        "resultPreviewCount": count,
        "runDuration": 0.01,
        "scanCount": count,
        "search": job.search,
        "sid": job.sid,
        "ttl": 600,
    }
    acl = Acl("search", job.owner, "global", (job.owner,), (job.owner,), removable=True)
    return Entry(job.sid, content, acl, ("list", "edit", "remove", "results", "control"))


def _done(action: str) -> Response:
    return json_response({"messages": [{"type": "INFO", "text": f"Search job {_CONTROLLED[action]}."}]})
