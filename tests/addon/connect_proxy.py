"""An HTTP proxy that lets CONNECT through, with or without a password."""

from __future__ import annotations

import base64
import contextlib
import socket
import socketserver
import threading
from dataclasses import dataclass, field
from typing import Any, Self

_CHUNK = 65536


@dataclass
class ConnectProxy:
    """Listens on loopback while the `with` block lasts; `asked` are the CONNECT lines so far.

    Args:
        login: "user:password" that callers must show; "" for none.
    """

    login: str = ""
    asked: list[str] = field(default_factory=list)

    @property
    def port(self) -> int:
        """The port."""
        return int(self._server.server_address[1])

    def __enter__(self) -> Self:
        proxy = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                proxy.serve(self)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def serve(self, call: Any) -> None:
        """Answer one CONNECT, then pass everything on."""
        line = call.rfile.readline().decode("latin-1")
        headers = {}
        for header in iter(call.rfile.readline, b"\r\n"):
            name, _, value = header.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        self.asked.append(line.strip())
        expected = f"Basic {base64.b64encode(self.login.encode()).decode()}"
        if self.login and headers.get("proxy-authorization") != expected:
            call.wfile.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            return
        host, _, port = line.split()[1].rpartition(":")
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), 10) as server:
            call.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            threading.Thread(target=_copy, args=(server, call.connection), daemon=True).start()
            _copy(call.connection, server)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while chunk := source.recv(_CHUNK):
            target.sendall(chunk)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)
