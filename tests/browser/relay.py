"""A relay between browser and server that keeps every byte the browser receives."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from typing import Any, Self
from urllib.parse import urlsplit

_CHUNK = 65536


class Relay:
    """Relays plain HTTP on a port of its own while the `with` block lasts.

    Args:
        url: the server's address.
    """

    def __init__(self, url: str) -> None:
        target = (urlsplit(url).hostname or "", urlsplit(url).port or 80)
        received = self._received = []  # type: list[bytearray]

        class Connection(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                kept = bytearray()
                received.append(kept)
                with contextlib.suppress(OSError), socket.create_connection(target) as server:
                    upward = threading.Thread(target=_copy, args=(self.request, server, bytearray()), daemon=True)
                    upward.start()
                    _copy(server, self.request, kept)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Connection)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def received(self) -> bytes:
        """Everything so far, connection by connection, headers and all."""
        return b"\n".join(bytes(kept) for kept in self._received)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _copy(source: Any, target: Any, kept: bytearray) -> None:
    with contextlib.suppress(OSError):
        while chunk := source.recv(_CHUNK):
            kept.extend(chunk)
            target.sendall(chunk)
    for end in (source, target):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
