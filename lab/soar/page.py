"""Pages for people: the list of containers, and one container with what is in it. Rendered here, no script."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from lab.soar.detail import relative_time
from lab.soar.lookup import Condition
from lab.soar.playbook import full_name
from lab.soar.query import both
from lab.soar.timestamp import epoch_of
from lab.soar.vocabulary import cef_types, labels

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from lab.soar.storage import Record, Store

_CONTAINERS_PER_PAGE = 50
_ARTIFACTS_PER_PAGE = 25
_LONG = 400
_HEADERS = {"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'", "cache-control": "no-store"}


class _Pages:
    def __init__(self, store: Store, clock: Callable[[], float], settle: Callable[[], None]) -> None:
        self._store = store
        self._clock = clock
        self._settle = settle
        loader = jinja2.FileSystemLoader(Path(__file__).parent / "templates")
        self._environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
        self._environment.trim_blocks = self._environment.lstrip_blocks = True
        self._environment.filters["ago"] = self._ago
        self._environment.filters["moment"] = _moment

    def _ago(self, moment: str | None) -> str:
        return relative_time(self._clock() - epoch_of(moment)) if moment else "-"

    def _render(self, template: str, status: int = 200, **values: Any) -> HTMLResponse:
        content = self._environment.get_template(template).render(**values)
        return HTMLResponse(content, status, headers=_HEADERS)

    async def containers(self, request: Request) -> Response:
        """`/`: newest first, narrowed by text, label and status."""
        self._settle()
        chosen = {key: request.query_params.get(key, "").strip() for key in ("q", "label", "status")}
        condition = _narrowed(chosen)
        total = self._store.count("container", condition.sql, condition.parameters)
        pager = _Pager(request, total, _CONTAINERS_PER_PAGE)
        found = self._store.select(
            "container",
            condition.sql,
            condition.parameters,
            order="id DESC",
            limit=_CONTAINERS_PER_PAGE,
            offset=pager.offset,
        )
        for container in found:
            container["runs"] = self._runs(container["id"])
        return self._render(
            "containers.html",
            containers=found,
            chosen=chosen,
            pager=pager,
            labels=labels(self._store),
            statuses=[record["name"] for record in self._store.select("container_status")],
            counts={name: self._store.count(name) for name in ("container", "artifact", "playbook_run")},
        )

    async def container(self, request: Request) -> Response:
        """`/container/<id>`."""
        self._settle()
        record = self._store.get("container", request.path_params["id"])
        if record is None:
            return self._render("missing.html", 404, what=f"Container {request.path_params['id']}")
        mine = (record["id"],)
        pager = _Pager(request, record["artifact_count"], _ARTIFACTS_PER_PAGE)
        artifacts = self._store.select(
            "artifact", "container = ?", mine, limit=_ARTIFACTS_PER_PAGE, offset=pager.offset
        )
        registered = cef_types(self._store)
        pending = "status = 'pending' AND playbook_run IN (SELECT id FROM playbook_run WHERE container = ?)"
        return self._render(
            "container.html",
            container=record,
            artifacts=[{**artifact, "rows": _rows(artifact, registered)} for artifact in artifacts],
            pager=pager,
            runs=self._runs(record["id"]),
            actions=self._store.select("action_run", "container = ?", mine, order="id DESC", limit=20),
            approvals=self._store.select("approval", pending, mine),
            comments=self._store.select("container_comment", "container = ?", mine, order="time DESC, id DESC"),
            notes=self._store.select("note", "container = ?", mine, order="id DESC"),
            attachments=self._store.select("container_attachment", "container = ?", mine),
            phases=self._phases(record["id"]),
            data=json.dumps(record["data"], indent=2, ensure_ascii=False) if record["data"] else "",
        )

    def _runs(self, container_id: int) -> list[Record]:
        runs = self._store.select("playbook_run", "container = ?", (container_id,), order="id DESC", limit=20)
        for run in runs:
            playbook = self._store.get("playbook", run["playbook"])
            run["name"] = full_name(self._store, playbook) if playbook else f"playbook {run['playbook']}"
            run["scope_text"] = run["scope"][0] if run["scope"][:1] in (["new"], ["all"]) else "selected"
        return runs

    def _phases(self, container_id: int) -> list[Record]:
        phases = self._store.select("workbook_phase", "container = ?", (container_id,), order='"order", id')
        for phase in phases:
            phase["tasks"] = self._store.select("workbook_task", "phase = ?", (phase["id"],), order='"order", id')
        return phases

    async def mission(self, request: Request) -> Response:
        """`/mission/<id>`: SOAR's own address of a container."""
        return RedirectResponse(f"/container/{request.path_params['id']}", 302)


class _Pager:
    """Which page of how many, and the addresses of its neighbours."""

    def __init__(self, request: Request, total: int, size: int) -> None:
        text = request.query_params.get("page", "1")
        self.total = total
        self.pages = max(1, -(-total // size))
        self.page = min(max(1, int(text) if text.isdecimal() else 1), self.pages)
        self.offset = (self.page - 1) * size
        self.first = min(self.offset + 1, total)
        self.last = min(self.offset + size, total)
        self._request = request

    def url(self, page: int) -> str:
        """The address of another page with the same filters."""
        url = self._request.url.include_query_params(page=page)
        return f"{url.path}?{url.query}"


def _narrowed(chosen: dict[str, str]) -> Condition:
    conditions = []
    if chosen["q"]:
        text = "instr(fold(name), fold(?)) > 0 OR source_data_identifier = ?"
        conditions.append(Condition(f"({text})", (chosen["q"], chosen["q"])))
    conditions.extend(Condition(f"{key} = ?", (chosen[key],)) for key in ("label", "status") if chosen[key])
    return both(*conditions)


def _rows(artifact: Record, registered: dict[str, list[str]]) -> list[dict[str, object]]:
    """An artifact's CEF fields for the page: typed ones first, each with its values and its data types."""
    rows = []
    for name, value in artifact["cef"].items():
        own = artifact["cef_types"].get(name) or []
        values = [_text(item) for item in value] if isinstance(value, list) else [_text(value)]
        rows.append(
            {
                "name": name,
                "values": values,
                "long": any(len(text) > _LONG for text in values),
                "types": own or registered.get(name) or [],
                "by_registry": not own,
                "is_cef": name in registered,
            }
        )
    return sorted(rows, key=lambda row: (not row["types"], not row["is_cef"]))


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _moment(text: str | None) -> str:
    return text[:19].replace("T", " ") + " UTC" if text else "-"


def routes(store: Store, clock: Callable[[], float], settle: Callable[[], None]) -> list[Route]:
    """The routes of the pages; `settle` brings playbook runs up to date before a page shows them."""
    pages = _Pages(store, clock, settle)
    return [
        Route("/", pages.containers, methods=["GET"]),
        Route("/container/{id:int}", pages.container, methods=["GET"]),
        Route("/mission/{id:int}", pages.mission, methods=["GET"]),
    ]
