"""A TCP server whose every byte the test decides, for what a proper server never does."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Callable


@dataclass(frozen=True)
class Received:
    """One request as it came in."""

    line: str
    headers: dict[str, str]
    body: bytes


class Connection:
    """One accepted connection, seen from the server."""

    def __init__(self, channel: socket.socket, server: RawServer) -> None:
        self._channel = channel
        self._server = server
        self._buffer = b""

    def read_request(self) -> Received | None:
        """The next request with its whole body; None when the client closed. It is noted in `server.requests`."""
        head = self._until(b"\r\n\r\n")
        if not head:
            return None
        line, *rest = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (item.partition(":") for item in rest) if name}
        length = int(headers.get("content-length", "0"))
        while len(self._buffer) < length:
            more = self._channel.recv(65536)
            if not more:
                return None
            self._buffer += more
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        received = Received(line, headers, body)
        self._server.requests.append(received)
        return received

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._channel.sendall(data)

    def answer(self, body: bytes, status: str = "200 OK", headers: str = "Content-Type: application/json\r\n") -> None:
        """A complete answer."""
        self.send(f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode("latin-1") + body)

    def secure(self, certificate: Path) -> None:
        """Speak TLS from here on, as after a proxy's CONNECT."""
        self._channel = self._server.secure(self._channel, certificate)

    def reset(self) -> None:
        """End the connection with a reset instead of a proper close."""
        self._channel.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # Not through TLS: a close notification would be a proper end.
        socket.socket.close(self._channel)

    def hold(self, seconds: float = 30) -> bool:
        """Do nothing until the test is over, at most so long; returns whether it is over."""
        return self._server.over.wait(seconds)

    def close(self) -> None:
        """End the connection."""
        with contextlib.suppress(OSError):
            self._channel.shutdown(socket.SHUT_RDWR)
        self._channel.close()

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._buffer:
            try:
                more = self._channel.recv(65536)
            except OSError:
                return b""
            if not more:
                return b""
            self._buffer += more
        head, _, self._buffer = self._buffer.partition(mark)
        return head


Script = Callable[[Connection], None]


class RawServer:
    """Serves each connection on loopback with `script`, over TLS when a certificate is given. A context manager."""

    def __init__(self, script: Script, certificate: Path | None = None) -> None:
        self.script = script
        self.requests: list[Received] = []
        self.connections = 0
        self.over = threading.Event()
        self._certificate = certificate
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._open: list[socket.socket] = []

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        """Its address by name."""
        return f"https://localhost:{self.port}"

    def secure(self, channel: socket.socket, certificate: Path) -> socket.socket:
        """The server's side of a TLS handshake."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        return context.wrap_socket(channel, server_side=True)

    def __enter__(self) -> RawServer:  # noqa: PYI034 - typing.Self is of 3.11
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        # Closing a listener does not wake up its accept everywhere: a last connection does.
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            pass
        self._listener.close()
        for channel in self._open:
            with contextlib.suppress(OSError):
                channel.shutdown(socket.SHUT_RDWR)
            channel.close()
        for thread in self._threads:
            thread.join(5)

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self.over.is_set():
            try:
                channel, _ = self._listener.accept()
            except OSError:  # the test was over between the question and the call
                return
            if self.over.is_set():
                channel.close()
                return
            self._open.append(channel)
            self._start(self._serve, channel)

    def _serve(self, channel: socket.socket) -> None:
        try:
            if self._certificate is not None:
                channel = self.secure(channel, self._certificate)
                self._open.append(channel)
        except OSError:
            channel.close()
            return
        self.connections += 1
        connection = Connection(channel, self)
        with contextlib.suppress(OSError, ValueError):
            self.script(connection)
            connection.close()
