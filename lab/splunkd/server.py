"""The HTTPS edge: sockets, TLS, requests in and answers out."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from lab.splunkd.calls import Call

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.splunkd.faults import Fault, Faults
    from lab.splunkd.response import Response

_HANDSHAKE_SECONDS = 10.0


@dataclass(frozen=True)
class Arrival:
    """A request as it came off the wire."""

    method: str
    target: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True)
class Answer:
    """What goes back, and what the log says about who asked."""

    response: Response
    user: str
    origin: str


Respond = Callable[[Arrival], Answer]
Inject = Callable[[Arrival, "Fault"], "Response"]


@dataclass(frozen=True)
class Service:
    """What the edge needs from behind it.

    Args:
        respond: answers a request; never raises for what a client did.
        inject: the answer of a `status` fault.
        faults: rules that come before any answer.
        log: takes every finished call.
    """

    respond: Respond
    inject: Inject
    faults: Faults
    log: Callable[[Call], None]


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "Splunkd"
    sys_version = ""
    # With Nagle on, TLS 1.3 and delayed acknowledgements cost a client 40 ms per request.
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.close_connection = False

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Write nothing: the call log says it all."""

    def _handle(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else b""
        arrival = Arrival(self.command, self.path, dict(self.headers.items()), body)
        started = time.perf_counter()
        fault = self.server.service.faults.take(self.command, self.path.partition("?")[0])
        if fault is not None and fault.kind in {"hang", "slow"}:
            self.server.service.faults.wait(fault)
        if fault is not None and fault.kind == "reset":
            self._log(started, 0.0, Call("", self.command, self.path.partition("?")[0], 0, 0.0, 0.0))
            self._reset()
            return
        working = time.thread_time()
        if fault is not None and fault.kind == "status":
            answer = Answer(self.server.service.inject(arrival, fault), "", "client")
        else:
            answer = self.server.service.respond(arrival)
        path = self.path.partition("?")[0]
        call = Call(answer.user, self.command, path, answer.response.status, 0.0, 0.0, answer.origin)
        # Logged before it is sent: who has read an answer finds its call in the log.
        self._log(started, working, call)
        self._send(answer.response)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _handle  # noqa: N815 - names that the base class looks up

    def _log(self, started: float, working: float, call: Call) -> None:
        seconds = time.thread_time() - working if working else 0.0
        ms = (time.perf_counter() - started) * 1000
        self.server.service.log(replace(call, ms=ms, server_seconds=seconds))

    def _send(self, response: Response) -> None:
        self.send_response(response.status)
        self.send_header("Content-Type", response.content_type)
        self.send_header("Content-Length", str(len(response.body)))
        for name, value in response.headers:
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "Close")
        self.end_headers()
        try:
            self.wfile.write(response.body)
            self.wfile.flush()
        except OSError:
            # The client has given up on the answer.
            self.close_connection = True

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.server.forget(self.connection)
        # Without the TLS close notification: the peer must see a reset.
        socket.socket(fileno=self.connection.detach()).close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, service: Service, context: ssl.SSLContext, port: int) -> None:
        self.service = service
        self._context = context
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        super().__init__(("127.0.0.1", port), _Connection)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Shake hands in the connection's own thread, so that a slow client holds up nobody else."""
        request.settimeout(_HANDSHAKE_SECONDS)
        try:
            secure = self._context.wrap_socket(request, server_side=True)
        except OSError:
            return
        secure.settimeout(None)
        with self._open_lock:
            self._open.add(secure)
        try:
            _Connection(secure, client_address, self)
        except OSError:
            return
        finally:
            self.forget(secure)
            secure.close()

    def forget(self, connection: socket.socket) -> None:
        """Leave a connection to whoever closes it."""
        with self._open_lock:
            self._open.discard(connection)

    def close_connections(self) -> None:
        """Close what is still open, so that kept-alive clients see the end."""
        with self._open_lock:
            connections, self._open = list(self._open), set()
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing about connections that clients break."""


class HttpsServer:
    """Serves on a loopback port in a background thread.

    Args:
        service: what answers.
        certificate: PEM file with certificate, key and CA.
        port: 0 for any free one.
    """

    def __init__(self, service: Service, certificate: str, port: int = 0) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(certificate)
        self._server = _Server(service, context, port)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="splunkd", daemon=True)

    @property
    def port(self) -> int:
        """Return the port."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Serve until `stop`."""
        self._thread.start()

    def stop(self) -> None:
        """Take no more connections and close the open ones."""
        self._server.shutdown()
        self._server.close_connections()
        self._server.server_close()
        self._thread.join()
