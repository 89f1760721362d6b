"""A kept connection to splunkd, for handlers that splunkd keeps alive: the standard library and nothing else."""

from __future__ import annotations

import socket
import ssl
import threading
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from urllib.parse import urlsplit

from soarlink.errors import SplunkdError
from soarlink.splunk.anchors import ServerConf, trust

SECONDS = 20.0
"""How long an answer may take: less than what an action waits for the endpoint."""


class Loopback:
    """GETs from splunkd, in the session of whoever is named. Safe for use by several threads.

    Args:
        uri: splunkd's own address, as it tells its handlers.
        server_conf: keys of server.conf [sslConfig].
        home: ``$SPLUNK_HOME``.
        seconds: see :data:`SECONDS`.
    """

    def __init__(self, uri: str, server_conf: ServerConf, home: Path, seconds: float = SECONDS) -> None:
        self._uri, self._server_conf, self._home, self._seconds = uri, server_conf, home, seconds
        self._tls: ssl.SSLContext | None = None
        self._lock = threading.Lock()
        self._connection: HTTPConnection | None = None

    def get(self, path: str, key: str) -> tuple[int, bytes]:
        """GET a path with a session key; HTTP status and body.

        Raises:
            SplunkdError: no answer.
        """
        with self._lock:
            if self._connection is not None:
                try:
                    return self._exchange(self._connection, path, key)
                except socket.timeout as error:
                    raise self._failed(error) from error
                except (OSError, HTTPException):
                    self.close()  # splunkd ends idle connections: once more on a new one
            try:
                return self._exchange(self._open(), path, key)
            except (OSError, HTTPException) as error:
                raise self._failed(error) from error

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _failed(self, error: Exception) -> SplunkdError:
        self.close()
        return SplunkdError(f"splunkd did not answer ({type(error).__name__}: {error}).")

    def _open(self) -> HTTPConnection:
        parts = urlsplit(self._uri)
        host = parts.hostname or ""
        if parts.scheme == "https":
            self._tls = self._tls or trust(self._uri, self._server_conf, self._home).context(host)
            self._connection = HTTPSConnection(host, parts.port, timeout=self._seconds, context=self._tls)
        else:
            self._connection = HTTPConnection(host, parts.port, timeout=self._seconds)
        return self._connection

    def _exchange(self, connection: HTTPConnection, path: str, key: str) -> tuple[int, bytes]:
        connection.request("GET", path, headers={"Authorization": f"Splunk {key}"})
        response = connection.getresponse()
        return response.status, response.read()
