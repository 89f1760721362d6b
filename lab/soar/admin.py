"""Steering and inspecting a stand-in: in-process as an object, over HTTP below `/__standin__/`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from lab.soar.automation import trigger_counts
from lab.soar.fault import Fault, FaultBoard, FaultKind, parse_fault
from lab.soar.playbook import find_playbook
from lab.soar.vocabulary import add_label

if TYPE_CHECKING:
    from starlette.requests import Request

    from lab.soar.exchange import Meter
    from lab.soar.request_log import RequestLog, RequestRecord
    from lab.soar.storage import Store


class Admin:
    """What a test or a benchmark does to a stand-in and reads from it."""

    def __init__(self, store: Store, board: FaultBoard, log: RequestLog, meter: Meter) -> None:
        self._store = store
        self._board = board
        self._log = log
        self._meter = meter

    def fault(
        self,
        match: str,
        kind: FaultKind | str,
        *,
        times: int | None = 1,
        after: int = 0,
        committed: bool | None = None,
        seconds: float = 1.0,
        retry_after: float | str | None = None,
        message: str = "Stand-in fault",
        location: str = "/login",
    ) -> Fault:
        """Order a fault (the arguments: see `Fault`), for example `fault("POST /rest/container", "503", times=2)`."""
        fault = parse_fault(
            {
                "match": match,
                "kind": kind,
                "times": times,
                "after": after,
                "committed": committed,
                "seconds": seconds,
                "retry_after": retry_after,
                "message": message,
                "location": location,
            }
        )
        self._board.add(fault)
        return fault

    def clear(self) -> None:
        """Take back all faults that were ordered."""
        self._board.clear()

    @property
    def faults(self) -> list[Fault]:
        """The faults that are still to come."""
        return self._board.orders()

    @property
    def requests(self) -> list[RequestRecord]:
        """The REST requests so far, oldest first."""
        return self._log.records()

    def clear_requests(self) -> None:
        """Forget the requests so far."""
        self._log.clear()

    @property
    def triggers(self) -> dict[int, int]:
        """How often automation was triggered, by container id."""
        return trigger_counts(self._store)

    @property
    def server_seconds(self) -> float:
        """CPU seconds that the server's thread has spent since it started (take differences)."""
        return self._meter.server_seconds

    @property
    def latency_ms(self) -> float:
        """What every REST request waits before it is handled."""
        return self._meter.latency_ms

    @latency_ms.setter
    def latency_ms(self, value: float) -> None:
        self._meter.latency_ms = float(value)

    def add_label(self, name: str) -> None:
        """Make a label known."""
        add_label(self._store, name)

    def add_severity(self, name: str, color: str = "grey") -> None:
        """Make a severity known."""
        order = self._store.count("severity")
        values = {"name": name, "color": color, "is_default": False, "disabled": False, "order": order}
        self._store.insert("severity", values)

    def add_status(self, name: str, status_type: str = "open") -> None:
        """Make a container status known; `status_type` is new, open or resolved."""
        values = {"name": name, "status_type": status_type, "is_default": False, "is_mutable": True, "disabled": False}
        self._store.insert("container_status", {**values, "order": self._store.count("container_status")})

    def set_playbook(self, reference: str, *, active: bool) -> None:
        """Switch a playbook on or off. Raises LookupError for one that doesn't exist."""
        playbook = find_playbook(self._store, reference)
        if playbook is None:
            raise LookupError(reference)
        self._store.update("playbook", playbook["id"], {"active": active})

    def copy_playbook(self, reference: str, repository: str) -> None:
        """Put a playbook into another repository, too. Raises LookupError where one of them doesn't exist."""
        playbook, scm = find_playbook(self._store, reference), self._store.find("scm", "name = ?", repository)
        if playbook is None or scm is None:
            raise LookupError(reference if playbook is None else repository)
        values = {name: value for name, value in playbook.items() if name != "id"}
        self._store.insert("playbook", {**values, "scm": scm["id"]})

    def require_custom_field(self, name: str, label: str = "") -> None:
        """Make a custom field one that containers must have."""
        values = {"name": name, "label": label or name, "data_type": "text", "required": True}
        self._store.insert("custom_field", {**values, "container_type": "default"})


class _Control:
    """The same over HTTP."""

    def __init__(self, admin: Admin) -> None:
        self._admin = admin

    async def faults(self, request: Request) -> Response:
        if request.method == "POST":
            body = await request.json()
            try:
                orders = [parse_fault(order) for order in (body if isinstance(body, list) else [body])]
            except ValueError as error:
                return JSONResponse({"failed": True, "message": str(error)}, 400)
            for order in orders:
                self._admin.fault(**asdict(order))
        elif request.method == "DELETE":
            self._admin.clear()
        return JSONResponse({"faults": [asdict(fault) for fault in self._admin.faults]})

    async def requests(self, request: Request) -> Response:
        if request.method == "DELETE":
            self._admin.clear_requests()
        return JSONResponse({"requests": [asdict(record) for record in self._admin.requests]})

    async def triggers(self, _request: Request) -> Response:
        return JSONResponse({str(container): count for container, count in self._admin.triggers.items()})

    async def status(self, request: Request) -> Response:
        if request.method == "POST":
            body: dict[str, Any] = await request.json()
            self._admin.latency_ms = float(body["latency_ms"])
        found = {"latency_ms": self._admin.latency_ms, "server_seconds": self._admin.server_seconds}
        return JSONResponse({**found, "requests": len(self._admin.requests)})


def routes(admin: Admin) -> list[Route]:
    """The routes below `/__standin__/`."""
    control = _Control(admin)
    return [
        Route("/__standin__/faults", control.faults, methods=["GET", "POST", "DELETE"]),
        Route("/__standin__/requests", control.requests, methods=["GET", "DELETE"]),
        Route("/__standin__/triggers", control.triggers, methods=["GET"]),
        Route("/__standin__/status", control.status, methods=["GET", "POST"]),
    ]
