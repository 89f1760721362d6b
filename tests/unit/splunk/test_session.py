"""A session with the splunkd that started us."""

from __future__ import annotations

from pathlib import Path

import pytest

from soarlink.errors import SplunkdError
from soarlink.secret import Secret
from soarlink.splunk.session import connect
from tests.unit.certificates import Authority
from tests.unit.conftest import Serve
from tests.unit.rawserver import Connection, RawServer


@pytest.fixture
def server(authority: Authority, serve: Serve) -> RawServer:
    """Return a splunkd with a certificate of a private authority that names no host."""

    def script(connection: Connection) -> None:
        while connection.read_request():
            connection.answer(b"{}")

    return serve(script, authority.issue("session", None))


def configure(home: Path, text: str) -> None:
    """Write server.conf."""
    path = home / "etc/system/local/server.conf"
    path.write_text(f"[general]\nserverName = sh1\n[sslConfig]\n{text}", encoding="utf-8")


def test_server_conf_says_whom_to_trust(home: Path, authority: Authority, server: RawServer) -> None:
    """The authority of `caCertFile`; the session key goes along, and the connection can be closed."""
    (home / "ca.pem").write_text(authority.pem, encoding="ascii")
    configure(home, "caCertFile = $SPLUNK_HOME/ca.pem\n")
    splunkd = connect(f"https://127.0.0.1:{server.port}", Secret("key"), home)
    assert splunkd.request("GET", "/x").status == 200
    splunkd.close()
    assert server.requests[0].headers["authorization"] == "Splunk key"


def test_nobody_else_is_trusted(home: Path, server: RawServer) -> None:
    """Not even on loopback: another authority's certificate is refused."""
    other = Authority(home)
    (home / "other.pem").write_text(other.pem, encoding="ascii")
    configure(home, "caCertFile = $SPLUNK_HOME/other.pem\n")
    splunkd = connect(f"https://127.0.0.1:{server.port}", Secret("key"), home)
    with pytest.raises(SplunkdError, match="not trusted"):
        splunkd.request("GET", "/x")
    splunkd.close()
    assert server.requests == []


def test_a_conf_that_can_t_be_read_is_no_end(home: Path, server: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Splunk's own function raises what it likes; a key that is not set names nobody to trust."""

    def broken(*_: object) -> str:
        raise RuntimeError("no such key")

    monkeypatch.setattr("splunk.clilib.cli_common.getConfKeyValue", broken)
    splunkd = connect(f"https://127.0.0.1:{server.port}", Secret("key"), home)
    with pytest.raises(SplunkdError):
        splunkd.request("GET", "/x")
    splunkd.close()
