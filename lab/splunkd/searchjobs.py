"""Search jobs: what was canned for a search, or the list that it asks for; the stand-in runs no other SPL."""

from __future__ import annotations

import itertools
import json
import re
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape, quoteattr

from lab.splunkd.entry import Acl, Entry, one, page
from lab.splunkd.listing import UnknownSearch
from lab.splunkd.refusal import Refused, missing_argument
from lab.splunkd.response import JSON_TYPE, Response, json_response, xml_response
from lab.splunkd.router import Route

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from lab.splunkd.instance import Instance
    from lab.splunkd.listing import Listings
    from lab.splunkd.request import Request

Row = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """A finished search."""

    sid: str
    search: str
    owner: str
    rows: Sequence[Row]


class CannedSearches:
    """Rows by regular expression on the search string; the latest match wins.

    `unanswered` lists searches that nothing answered.
    """

    def __init__(self) -> None:
        self._answers: list[tuple[re.Pattern[str], list[Row]]] = []
        self._sources: list[Callable[[str], list[Row] | None]] = []
        self.unanswered: list[str] = []

    def add(self, pattern: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Answer searches in which `pattern` is found with `rows`; a list as value is a multi-value field."""
        self._answers.append((re.compile(pattern), [dict(row) for row in rows]))

    def answer_with(self, source: Callable[[str], list[Row] | None]) -> None:
        """Ask `source` for the rows of searches for which nothing was canned; None is what it does not know."""
        self._sources.append(source)

    def rows(self, search: str) -> list[Row] | None:
        """Return the rows for `search`; None when nobody has any for it."""
        canned = next((rows for pattern, rows in reversed(self._answers) if pattern.search(search)), None)
        if canned is not None:
            return canned
        return next((rows for rows in (source(search) for source in self._sources) if rows is not None), None)


class SearchEndpoints:
    """`search/jobs` and `search/v2/jobs`; needs the capability `search`."""

    def __init__(self, instance: Instance, searches: CannedSearches, listings: Listings) -> None:
        self._instance = instance
        self._searches = searches
        self._listings = listings
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._jobs: dict[str, Job] = {}

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

    def _create(self, request: Request) -> Response:
        job = self._run(request)
        mode = request.args.get("exec_mode", "normal")
        if mode == "oneshot":
            return _render(request, job.rows)
        if request.output_mode == "json":
            return json_response({"sid": job.sid}, 201)
        return xml_response(f"<response>\n  <sid>{escape(job.sid)}</sid>\n</response>\n", 201)

    def _export(self, request: Request) -> Response:
        job = self._run(request)
        if request.output_mode != "json":
            return _render(request, job.rows)
        lines = [{"preview": False, "offset": number, "result": row} for number, row in enumerate(job.rows)]
        lines = lines or [{"preview": False}]
        lines[-1]["lastrow"] = True
        return Response(200, "".join(json.dumps(line) + "\n" for line in lines).encode(), JSON_TYPE)

    def _run(self, request: Request) -> Job:
        search = request.args.get("search", "")
        if not search:
            raise missing_argument("search")
        rows = self._rows(request, search)
        with self._lock:
            sid = request.args.get("id") or f"{int(self._instance.clock())}.{next(self._numbers)}"
            job = Job(sid, search, request.user.name, rows)
            self._jobs[sid] = job
        return job

    def _rows(self, request: Request, search: str) -> Sequence[Row]:
        canned = self._searches.rows(search)
        if canned is not None:
            return canned
        try:
            return self._listings.rows(request, search)
        except UnknownSearch as error:
            self._searches.unanswered.append(search)
            text = "The stand-in has no canned result for this search."
            raise Refused(400, text, kind="FATAL") from error

    def _list(self, request: Request) -> Response:
        own = [job for job in self._jobs.values() if job.owner == request.user.name or "admin" in request.user.roles]
        wanted = {value for name, value in request.query if name == "id"}
        if wanted:
            own = [job for job in own if job.sid in wanted]
        return self._instance.feed(request, page(request, "search/jobs", [_entry(job) for job in own]))

    def _status(self, request: Request) -> Response:
        return self._instance.entry(request, one("search/jobs", _entry(self._find(request))))

    def _remove(self, request: Request) -> Response:
        job = self._find(request)
        with self._lock:
            self._jobs.pop(job.sid, None)
        return _done()

    def _control(self, request: Request) -> Response:
        job, action = self._find(request), request.args.get("action", "")
        if action not in {"save", "unsave", "cancel", "setttl", "touch", "finalize", "pause", "unpause"}:
            raise Refused(400, f"Invalid action: {action}")
        if action == "cancel":
            with self._lock:
                self._jobs.pop(job.sid, None)
        return _done()

    def _results(self, request: Request) -> Response:
        rows, args = self._find(request).rows, request.args
        offset, count = int(args.get("offset", "0")), int(args.get("count", "100"))
        return _render(request, rows[offset:] if count <= 0 else rows[offset : offset + count])

    def _find(self, request: Request) -> Job:
        job = self._jobs.get(request.params["sid"])
        if job is None:
            raise Refused(404, "Unknown sid.", kind="FATAL")
        if job.owner != request.user.name and "admin" not in request.user.roles:
            raise Refused(403, "insufficient permission to access this resource", kind="WARN")
        return job


def _entry(job: Job) -> Entry:
    content = {
        "dispatchState": "DONE",
        "doneProgress": 1.0,
        "eventCount": len(job.rows),
        "isDone": True,
        "isFailed": False,
        "isFinalized": False,
        "resultCount": len(job.rows),
        "scanCount": len(job.rows),
        "search": job.search,
        "sid": job.sid,
    }
    acl = Acl("search", job.owner, "global", (job.owner,), (job.owner,), removable=True)
    return Entry(job.sid, content, acl, ("list", "edit", "remove", "results", "control"))


def _done() -> Response:
    return json_response({"messages": [{"type": "INFO", "text": "Search job cancelled."}]})


def _render(request: Request, rows: Sequence[Row]) -> Response:
    fields = list(dict.fromkeys(name for row in rows for name in row))
    if request.output_mode != "json":
        return xml_response(_results_xml(fields, rows))
    document = {
        "preview": False,
        "init_offset": int(request.args.get("offset", "0")),
        "messages": [],
        "fields": [{"name": name} for name in fields],
        "results": rows,
        "highlighted": {},
    }
    return json_response(document)


def _results_xml(fields: Sequence[str], rows: Sequence[Row]) -> str:
    order = "".join(f"<field>{escape(name)}</field>" for name in fields)
    body = "".join(_row_xml(number, row) for number, row in enumerate(rows))
    return f"<results preview='0'><meta><fieldOrder>{order}</fieldOrder></meta>{body}</results>"


def _row_xml(offset: int, row: Row) -> str:
    cells = []
    for name, value in row.items():
        values = value if isinstance(value, list) else [value]
        texts = "".join(f"<value><text>{escape(str(item))}</text></value>" for item in values)
        cells.append(f"<field k={quoteattr(name)}>{texts}</field>")
    return f"<result offset='{offset}'>{''.join(cells)}</result>"
