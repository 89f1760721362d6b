"""A TCP proxy before the stand-in SOAR that spoils connections, requests and answers by script.

It presents the stand-in's own certificate (or another one, on order), so that a fault can be placed between the head
and the body of a request, and before or after SOAR has carried it out. What it does to sockets is real: refused
connections, resets, silence, drops in the middle of a body.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import select
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Self

from lab.soar.certificate import Certificate

_PATIENCE = 60.0
"""Seconds after which a connection that hangs ends by itself."""

_LOOK = 0.02
_ESTABLISHED = 1  # tcp_info's first byte, Linux
_DRIP_SECONDS = 0.1
_HOP = frozenset({"host", "connection", "content-length", "transfer-encoding"})


class Kind(Enum):
    """What happens. Unless it says so, SOAR never sees the request."""

    RESET_AT_CONNECT = auto()
    HANG_AT_CONNECT = auto()
    """Nobody answers the TLS handshake."""
    HANG_BEFORE_BODY = auto()
    """The head of the request is read, its body is not."""
    HANG_AFTER_BODY = auto()
    RESET_IN_BODY = auto()
    RESET_BEFORE_COMMIT = auto()
    """The whole request is read, then the connection is reset."""
    RESET_AFTER_COMMIT = auto()
    """SOAR has carried the request out; its answer never comes."""
    LATE_COMMIT = auto()
    """SOAR carries the request out after the client has given up waiting."""
    DRIP = auto()
    """SOAR's answer comes, a byte at a time."""
    CUT_ANSWER = auto()
    """Half of SOAR's answer comes, then the connection ends."""
    TRUNCATED_ANSWER = auto()
    """Half of SOAR's answer comes, and its length says that this was all."""
    ANSWER = auto()
    """Another answer comes in place of SOAR's."""


_AT_CONNECT = (Kind.RESET_AT_CONNECT, Kind.HANG_AT_CONNECT)
_CARRIED_OUT = (Kind.RESET_AFTER_COMMIT, Kind.DRIP, Kind.CUT_ANSWER, Kind.TRUNCATED_ANSWER)


@dataclass(frozen=True)
class Fault:
    """One order of a script.

    Args:
        kind: what happens.
        match: beginning of ``METHOD /path``; not looked at for connections.
        times: how often; None for always.
        status: of another answer.
        body: of another answer.
        headers: of another answer.
        committed: whether SOAR carries the request out before it gets another answer.
    """

    kind: Kind
    match: str = ""
    times: int | None = 1
    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    committed: bool = False

    @property
    def is_carried_out(self) -> bool:
        """Whether SOAR sees the request, sooner or later."""
        return self.kind in {*_CARRIED_OUT, Kind.LATE_COMMIT} or self.committed


@dataclass(frozen=True)
class _Request:
    method: str
    target: str
    headers: Mapping[str, str]
    length: int


@dataclass(frozen=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def head(self, length: int) -> bytes:
        lines = [f"HTTP/1.1 {self.status} {http.client.responses.get(self.status, '')}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items() if name.lower() not in _HOP]
        return "\r\n".join([*lines, f"Content-Length: {length}", "", ""]).encode("latin-1")


class FaultProxy:
    """The proxy, listening from ``with`` to its end.

    Args:
        upstream: port of the stand-in SOAR on loopback.
        certificate: what is presented, and what the upstream is verified with.
        host: address to listen at; another one than 127.0.0.1 does not stand in the stand-in's certificate.
    """

    def __init__(self, upstream: int, certificate: Certificate, host: str = "127.0.0.1") -> None:
        self._upstream = upstream
        self._trust = ssl.create_default_context(cafile=str(certificate.ca_file))
        self._host = host
        self._lock = threading.Lock()
        self._script: list[Fault] = []
        self._connections: set[socket.socket] = set()
        self._listener: socket.socket | None = None
        self._is_closed = threading.Event()
        self.port = 0
        self.met: list[tuple[str, Kind]] = []
        """Each fault that came about: ``METHOD /path`` ("" for connections) and what happened."""
        self.present(certificate)

    def __enter__(self) -> Self:
        self.accept()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_closed.set()
        self.refuse()

    @property
    def url(self) -> str:
        """Its address."""
        return f"https://{self._host}:{self.port}"

    @property
    def is_spent(self) -> bool:
        """Whether nothing of the script is left."""
        with self._lock:
            return not self._script

    def present(self, certificate: Certificate) -> None:
        """Present this certificate from the next connection on."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.certificate_file, certificate.key_file)
        self._context = context

    def script(self, *faults: Fault) -> None:
        """Let this happen, in that order as far as it matches; what was ordered before is forgotten."""
        with self._lock:
            self._script = list(faults)

    def clear(self) -> None:
        """Let everything through."""
        self.script()

    def refuse(self) -> None:
        """Refuse connections, and end those that are there."""
        with self._lock:
            listener, self._listener = self._listener, None
            open_now, self._connections = self._connections, set()
        if listener is not None:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
            listener.close()
        for connection in open_now:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def accept(self) -> None:
        """Take connections (again), at the same port."""
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((self._host, self.port))
        listener.listen(64)
        self.port = listener.getsockname()[1]
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), name="fault-proxy", daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, raw: socket.socket) -> None:
        try:
            fault = self._take("", at_connect=True)
            if fault is not None:
                if fault.kind is Kind.HANG_AT_CONNECT:
                    _wait_for_end(raw, self._is_closed)
                _reset(raw)
                return
            raw.settimeout(_PATIENCE)
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._context.wrap_socket(raw, server_side=True) as client, self._kept(client):
                upstream = http.client.HTTPSConnection(
                    "127.0.0.1", self._upstream, timeout=_PATIENCE, context=self._trust
                )
                with contextlib.closing(upstream):
                    _Connection(client, upstream, self._take, self._is_closed).serve()
        except (OSError, ValueError, http.client.HTTPException):
            pass  # a client that leaves, or does not trust the certificate
        finally:
            raw.close()

    @contextlib.contextmanager
    def _kept(self, client: socket.socket) -> Iterator[None]:
        with self._lock:
            self._connections.add(client)
        try:
            yield
        finally:
            with self._lock:
                self._connections.discard(client)

    def _take(self, request: str, *, at_connect: bool = False) -> Fault | None:
        with self._lock:
            for position, fault in enumerate(self._script):
                if (fault.kind in _AT_CONNECT) is not at_connect or not request.startswith(fault.match):
                    continue
                if fault.times is not None:
                    left = [replace(fault, times=fault.times - 1)] if fault.times > 1 else []
                    self._script[position : position + 1] = left
                self.met.append((request.partition("?")[0], fault.kind))
                return fault
        return None


class _Connection:
    """One connection of a client, with one of its own to SOAR."""

    def __init__(
        self,
        client: ssl.SSLSocket,
        upstream: http.client.HTTPSConnection,
        take: Callable[[str], Fault | None],
        is_closed: threading.Event,
    ) -> None:
        self._client = client
        self._upstream = upstream
        self._take = take
        self._is_closed = is_closed
        self._reader = client.makefile("rb")

    def serve(self) -> None:
        """Exchange requests and answers until somebody has enough."""
        while line := self._reader.readline():
            head = http.client.parse_headers(self._reader)
            method, target, _ = line.decode("latin-1").split(" ", 2)
            request = _Request(method, target, dict(head.items()), int(head.get("content-length") or 0))
            fault = self._take(f"{method} {target}")
            if fault is None:
                answer = self._carry_out(request, self._reader.read(request.length))
                self._client.sendall(answer.head(len(answer.body)) + answer.body)
            elif not self._spoil(fault, request):
                return

    def _spoil(self, fault: Fault, request: _Request) -> bool:
        """Whether the connection goes on."""
        kind = fault.kind
        if kind is Kind.HANG_BEFORE_BODY:
            _wait_for_end(self._client, self._is_closed, is_read=False)
            return False
        if kind is Kind.RESET_IN_BODY:
            self._reader.read(request.length // 2)
            _reset(self._client)
            return False
        body = self._reader.read(request.length)
        if kind in {Kind.HANG_AFTER_BODY, Kind.LATE_COMMIT}:
            _wait_for_end(self._client, self._is_closed)
            if kind is Kind.LATE_COMMIT:
                self._carry_out(request, body)
            return False
        answer = self._carry_out(request, body) if fault.is_carried_out else _Answer(0, {}, b"")
        if kind is Kind.ANSWER:
            spoilt = _Answer(fault.status, fault.headers, fault.body)
            self._client.sendall(spoilt.head(len(spoilt.body)) + spoilt.body)
            return True
        return self._half(kind, answer)

    def _half(self, kind: Kind, answer: _Answer) -> bool:
        """Give as much of the answer as is meant to arrive."""
        half = answer.body[: len(answer.body) // 2]
        if kind is Kind.TRUNCATED_ANSWER:
            self._client.sendall(answer.head(len(half)) + half)
            return True
        if kind is Kind.CUT_ANSWER:
            self._client.sendall(answer.head(len(answer.body)) + half)
            return False
        if kind is Kind.DRIP:
            self._client.sendall(answer.head(len(answer.body)))
            for at in range(len(answer.body)):
                if self._is_closed.wait(_DRIP_SECONDS):
                    return False
                self._client.sendall(answer.body[at : at + 1])
            return True
        _reset(self._client)
        return False

    def _carry_out(self, request: _Request, body: bytes) -> _Answer:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP}
        self._upstream.request(request.method, request.target, body or None, headers)
        response = self._upstream.getresponse()
        return _Answer(response.status, dict(response.getheaders()), response.read())


def _wait_for_end(client: socket.socket, is_closed: threading.Event, *, is_read: bool = True) -> None:
    """Say nothing until the client leaves. What comes in meanwhile stays unread on request."""
    until = time.monotonic() + _PATIENCE
    while not is_closed.is_set() and time.monotonic() < until:
        ready, _, _ = select.select([client], [], [], _LOOK)
        if ready:
            if not is_read:
                # Its end can't be seen behind what is unread: it is looked for in the state of the connection.
                if _peer_has_left(client):
                    return
                time.sleep(_LOOK)
            elif not client.recv(65536):
                return


def _peer_has_left(client: socket.socket) -> bool:
    state = client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)
    return state[0] != _ESTABLISHED


def _reset(connection: socket.socket) -> None:
    """End the connection with RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(connection.detach())  # close() would wait for the readers of the socket
