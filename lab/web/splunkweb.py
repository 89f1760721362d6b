"""The stand-in as a running server."""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING, Self

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from lab.splunkd.confstore import ConfStore
from lab.splunkd.permissions import Permissions
from lab.web.dashboards import RENDERER
from lab.web.exposure import Exposures
from lab.web.passing import Passing
from lab.web.session import Cookies
from lab.web.site import Site
from lab.web.splunkd import Splunkd
from lab.web.views import Apps

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lab.splunkd.users import User
    from lab.web.trial import Trial

PREFERRED_PORT = 8000
"""Splunk Web's own."""

_HOST = "127.0.0.1"
_START_SECONDS = 30.0
_STOP_SECONDS = 10.0
_GRACE_SECONDS = 1


class StandInSplunkWeb:
    """A slice of Splunk Web on loopback, over plain HTTP as Splunk ships it, running while the `with` block does.

    Args:
        home: `$SPLUNK_HOME`.
        app: the installed add-on whose pages are shown.
        uri: splunkd's management address.
        ca_file: the authority that signed splunkd's certificate.
        version: Splunk's version.
        users: who can sign in; splunkd must know a password for each.
        trial: what can be tried with the add-on; None for its own pages alone.
        renderer: the folder with what draws dashboards.
        ports: which are tried, in this order; 0 is any free one.
    """

    def __init__(
        self,
        home: Path,
        app: str,
        *,
        uri: str,
        ca_file: Path,
        version: str,
        users: Sequence[User],
        trial: Trial | None = None,
        renderer: Path = RENDERER,
        ports: Sequence[int] = (0,),
    ) -> None:
        self._socket = _listen(ports)
        port: int = self._socket.getsockname()[1]
        self.url = f"http://{_HOST}:{port}"
        confs = ConfStore(home, Permissions(home))
        splunkd = Splunkd(uri, ca_file)
        cookies = Cookies(port)
        self._passing = Passing(splunkd, cookies, Exposures(confs))
        site = Site(
            app=app,
            apps=Apps(home / "etc" / "apps", confs),
            splunkd=splunkd,
            cookies=cookies,
            port=port,
            version=version,
            users=users,
            trial=trial,
            renderer=renderer,
        )
        # Another name for this machine could be somebody else's page that has us answer its scripts.
        guard = Middleware(TrustedHostMiddleware, allowed_hosts=[_HOST, "localhost"], www_redirect=False)
        application = Starlette(routes=site.routes(self._passing), middleware=[guard])
        config = uvicorn.Config(
            application,
            http="h11",
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, name="stand-in-splunk-web", daemon=True)
        self._failure: BaseException | None = None

    @property
    def refused(self) -> list[str]:
        """Return "METHOD /path" of each call of a page that no web.conf exposes."""
        return self._passing.refused

    def _serve(self) -> None:
        try:
            self._server.run(sockets=[self._socket])
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
            self._failure = error

    def __enter__(self) -> Self:
        """Start; returns when requests are served."""
        self._thread.start()
        deadline = time.monotonic() + _START_SECONDS
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                message = "The stand-in Splunk Web did not start"
                raise RuntimeError(message) from self._failure
            time.sleep(0.005)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop: no new connections, a second for what is under way."""
        self._server.should_exit = True
        self._thread.join(_STOP_SECONDS)
        self._socket.close()


def _listen(ports: Sequence[int]) -> socket.socket:
    for number, port in enumerate(ports, 1):
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((_HOST, port))
            listener.listen()
        except OSError:
            listener.close()
            if number == len(ports):
                raise
            continue
        return listener
    raise AssertionError
