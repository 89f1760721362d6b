"""Writes down what the product sends, so that opponents can send the very same."""

from __future__ import annotations

import http.client
import json
import ssl
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import urlsplit

from lab.soar.certificate import Certificate
from tests.bench.soar import Address


@dataclass(frozen=True)
class Sent:
    """One request and the answer's document.

    Args:
        method: HTTP method.
        path: path and query.
        body: what was sent.
        answer: what came back.
    """

    method: str
    path: str
    body: bytes
    answer: Any


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Write nothing."""

    def _forward(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
        connection = http.client.HTTPSConnection(self.server.target, context=self.server.client_context)
        try:
            connection.request(self.command, self.path, body or None, headers)
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        self.server.sent.append(Sent(self.command, self.path, body, json.loads(content)))
        self.send_response(response.status)
        self.send_header("Content-Type", response.headers.get("Content-Type", ""))
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = _forward  # noqa: N815 - names that the base class looks up


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, target: Address, certificate: Certificate) -> None:
        self.target = urlsplit(target.url).netloc
        self.client_context = ssl.create_default_context(cafile=str(target.ca_file))
        self.sent: list[Sent] = []
        super().__init__(("127.0.0.1", 0), _Connection)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.certificate_file, certificate.key_file)
        self.socket = context.wrap_socket(self.socket, server_side=True)


class Recorder:
    """Stands before a SOAR under another port, and keeps what passes.

    Args:
        target: the SOAR.
        certificate: the one that it presents; clients trust it for the recorder too.
    """

    def __init__(self, target: Address, certificate: Certificate) -> None:
        self._server = _Server(target, certificate)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self.address = Address(f"https://127.0.0.1:{self._server.server_address[1]}", target.token, target.ca_file)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def take(self) -> list[Sent]:
        """Return what was sent since the last call, in the order in which it was answered."""
        sent, self._server.sent = self._server.sent, []
        return sent
