"""The kept connection of a handler to its splunkd."""

from __future__ import annotations

from pathlib import Path

import pytest

from soarlink.access.loopback import Loopback
from soarlink.errors import SplunkdError
from tests.unit.certificates import Authority
from tests.unit.conftest import Serve
from tests.unit.rawserver import Connection, RawServer, Script


def keeping(connection: Connection) -> None:
    """Answer each request with its own line."""
    while received := connection.read_request():
        connection.answer(received.line.encode())


def once(connection: Connection) -> None:
    """Answer one request and hang up."""
    if received := connection.read_request():
        connection.answer(received.line.encode())


def loopback(
    serve: Serve, script: Script, home: Path, authority: Authority, *, tls: bool = True, seconds: float = 5.0
) -> tuple[Loopback, RawServer]:
    """A client of a server with this script, and the server."""
    (home / "ca.pem").write_text(authority.pem, encoding="ascii")
    server = serve(script, authority.issue("loopback", None) if tls else None)
    conf = {"caCertFile": "$SPLUNK_HOME/ca.pem"}
    uri = f"{'https' if tls else 'http'}://127.0.0.1:{server.port}"
    client = Loopback(uri, lambda key: conf.get(key, ""), home, seconds)
    return client, server


def keys(server: RawServer) -> list[str]:
    """The session keys of the requests so far."""
    return [request.headers["authorization"] for request in server.requests]


@pytest.mark.parametrize("script", [keeping, once])
@pytest.mark.parametrize("tls", [True, False])
def test_each_request_has_its_own_session(
    serve: Serve, home: Path, authority: Authority, script: Script, *, tls: bool
) -> None:
    """On one connection, or on a new one when the server has hung up; with and without TLS."""
    client, server = loopback(serve, script, home, authority, tls=tls)
    assert client.get("/a?b=c", "first") == (200, b"GET /a?b=c HTTP/1.1")
    assert client.get("/d", "second") == (200, b"GET /d HTTP/1.1")
    client.close()
    assert keys(server) == ["Splunk first", "Splunk second"]


def test_nobody_else_is_trusted(serve: Serve, home: Path, authority: Authority, tmp_path: Path) -> None:
    """A certificate of another authority: no key leaves."""
    folder = tmp_path / "other"
    folder.mkdir()
    client, server = loopback(serve, keeping, home, authority)
    (home / "ca.pem").write_text(Authority(folder).pem, encoding="ascii")
    with pytest.raises(SplunkdError, match="CERTIFICATE_VERIFY_FAILED"):
        client.get("/a", "secret-key")
    assert keys(server) == []


def test_a_splunkd_that_is_silent_is_not_asked_twice(serve: Serve, home: Path, authority: Authority) -> None:
    """An action waits for the answer: one wait is enough, on a kept connection too."""

    def silent(connection: Connection) -> None:
        if connection.read_request():
            connection.answer(b"x")
        connection.read_request()
        connection.read_request()

    client, server = loopback(serve, silent, home, authority, seconds=0.3)
    assert client.get("/a", "k")[0] == 200
    with pytest.raises(SplunkdError, match="did not answer") as caught:
        client.get("/b", "k")
    assert keys(server) == ["Splunk k", "Splunk k"]
    assert "Splunk k" not in str(caught.value)
