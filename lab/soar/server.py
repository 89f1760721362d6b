"""The stand-in as a running server: state folder, certificate, socket, thread."""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING, Any, Self, cast

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from lab.soar import page
from lab.soar.admin import Admin, routes
from lab.soar.certificate import ensure_certificate
from lab.soar.exchange import ABORT, Exchange, Meter
from lab.soar.fault import FaultBoard
from lab.soar.request_log import RequestLog
from lab.soar.rest import Rest
from lab.soar.seed import seed
from lab.soar.storage import Store
from lab.soar.switches import Switches
from lab.soar.user import AUTOMATION_PERMISSIONS

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from starlette.types import Receive, Scope, Send

_DEFAULTS = Switches()
_HOST = "127.0.0.1"
_BACKLOG = 512
_START_SECONDS = 30.0
_STOP_SECONDS = 10.0
_GRACE_SECONDS = 1
_KEEP_ALIVE_SECONDS = 75


class _Protocol(H11Protocol):
    """HTTP/1.1 whose applications can cut the connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        served = self.app

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            scope[ABORT] = transport.abort
            await served(scope, receive, send)

        self.app = app

    def shutdown(self) -> None:
        """Close; an idle TLS connection is cut, since its client would not answer a polite close for half a minute."""
        super().shutdown()
        cycle = cast("RequestResponseCycle | None", self.cycle)  # uvicorn sets it with the first request
        if cycle is None or cycle.response_complete:
            self.transport.abort()


class StandInSoar:
    """A stand-in SOAR server on the loopback interface, running while the `with` block does.

    All it knows is in the folder `state`, so the next run continues with it. `port` 0 takes the port of the last run if
    it is free. `clock` (seconds since 1970) gives the times in records and drives playbook runs.
    """

    def __init__(
        self, state: Path, *, port: int = 0, switches: Switches = _DEFAULTS, clock: Callable[[], float] = time.time
    ) -> None:
        self.state = state
        self.switches = switches
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._certificate = ensure_certificate(state / "certificate")
        self.ca_file = self._certificate.ca_file
        self._socket = _listen(state / "port", port)
        self._store = Store(state / "soar.sqlite")
        seed(self._store, clock())
        self.port: int = self._socket.getsockname()[1]
        self.url = f"{switches.scheme}://{_HOST}:{self.port}"
        board, log, meter = FaultBoard(), RequestLog(), Meter()
        self.admin = Admin(self._store, board, log, meter)
        self._rest = Rest(self._store, switches, clock, base_url=self.url)
        exchange = Exchange(self._rest, board, log, meter, max_body=switches.max_body)
        self._server = uvicorn.Server(self._config(exchange, clock))
        self._thread = threading.Thread(target=self._serve, name="stand-in-soar", daemon=True)
        self._failure: BaseException | None = None

    def _config(self, exchange: Exchange, clock: Callable[[], float]) -> uvicorn.Config:
        rest_routes = [Route("/rest", exchange), Route("/rest/{path:path}", exchange)]
        pages = page.routes(self._store, clock, self._rest.settle)
        tls: dict[str, Any] = {}
        if self.switches.scheme == "https":
            tls = {
                "ssl_certfile": str(self._certificate.certificate_file),
                "ssl_keyfile": str(self._certificate.key_file),
            }
        return uvicorn.Config(
            Starlette(routes=[*rest_routes, *routes(self.admin), *pages]),
            http=_Protocol,
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=_GRACE_SECONDS,
            **tls,
        )

    def _serve(self) -> None:
        try:
            self._server.run(sockets=[self._socket])
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
            self._failure = error

    def add_automation_user(
        self,
        name: str,
        token: str,
        *,
        allowed_ips: Sequence[str] = ("any",),
        default_label: str | None = None,
        permissions: Mapping[str, Sequence[str]] = AUTOMATION_PERMISSIONS,
    ) -> int:
        """Let `token` in for an automation user; a user of that name gets a new token. Returns the user's id.

        `permissions` maps areas (containers, playbooks, system_settings, ...) to verbs (view, edit, delete, execute).
        """
        return self._rest.directory.add(
            name,
            token,
            kind="automation",
            allowed_ips=allowed_ips,
            default_label=default_label,
            permissions=permissions,
        )

    def add_user(
        self, name: str, password: str, *, permissions: Mapping[str, Sequence[str]] = AUTOMATION_PERMISSIONS
    ) -> int:
        """Let a person in with a password; may delete records. Returns the user's id."""
        return self._rest.directory.add(name, password, kind="normal", permissions=permissions)

    def deactivate_user(self, name: str) -> None:
        """Refuse a user's secret from now on ("User is inactive")."""
        self._rest.directory.deactivate(name)

    def __enter__(self) -> Self:
        """Start; returns when requests are served."""
        self._thread.start()
        deadline = time.monotonic() + _START_SECONDS
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                message = "The stand-in SOAR did not start"
                raise RuntimeError(message) from self._failure
            time.sleep(0.005)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop: no new connections, a second for what is under way, then the file is closed."""
        self._server.should_exit = True
        self._thread.join(_STOP_SECONDS)
        self._socket.close()
        self._store.close()


def _listen(port_file: Path, port: int) -> socket.socket:
    """A listening socket on `port`, or, when that is 0, on the stored one or else a free one, which is then stored."""
    stored = port_file.read_text().strip() if port_file.exists() else ""
    wanted = [port] if port else [int(stored), 0] if stored.isdecimal() else [0]
    for number in wanted:
        # asyncio sets TCP_NODELAY only on sockets that name their protocol; without it each answer waits 40 ms.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((_HOST, number))
            listener.listen(_BACKLOG)
        except OSError:
            listener.close()
            if number == wanted[-1]:
                raise
            continue
        port_file.write_text(f"{listener.getsockname()[1]}\n")
        return listener
    raise AssertionError
