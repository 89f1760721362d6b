"""An installed add-on whose splunkd is a raw server."""

from __future__ import annotations

import gzip
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from soarlink.actions import alert_action
from tests.unit.actions.installed import SESSION_KEY, Installed
from tests.unit.certificates import Authority
from tests.unit.conftest import Serve
from tests.unit.rawserver import Connection, RawServer
from tests.unit.standin import TOKEN


def splunkd_script(secrets: dict[str, str], delivery: str = "direct") -> Any:
    """A splunkd whose endpoint gives every account with the same secrets."""
    document = {"delivery": delivery, "secrets": secrets} if delivery == "direct" else {"delivery": delivery}

    def script(connection: Connection) -> None:
        while connection.read_request():
            connection.answer(json.dumps(document).encode())

    return script


def written(file: Path) -> bytes:
    """What a file says."""
    data = file.read_bytes()
    return gzip.decompress(data) if file.suffix == ".gz" and data.startswith(b"\x1f\x8b") else data


@pytest.fixture
def sigterm() -> Iterator[None]:
    """Restore what SIGTERM does: the action sets it."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def splunkd(authority: Authority, serve: Serve, sid: str) -> RawServer:
    """Return a splunkd that knows the account's token and presents a certificate that names no host."""
    return serve(splunkd_script({"token": TOKEN}), authority.issue(f"default-{sid}", None))


@pytest.fixture
def action(  # noqa: PLR0917 - fixtures
    home: Path,
    tmp_path: Path,
    authority: Authority,
    splunkd: RawServer,
    sid: str,
    monkeypatch: pytest.MonkeyPatch,
    sigterm: None,
) -> Iterator[Installed]:
    """Return an installed add-on without an account; at its end no secret is in any file."""
    (home / "ca.pem").write_text(authority.pem, encoding="ascii")
    server_conf = "[general]\nserverName = sh1\n[sslConfig]\ncaCertFile = $SPLUNK_HOME/ca.pem\n"
    (home / "etc/system/local/server.conf").write_text(server_conf, encoding="utf-8")
    app = tmp_path / "app"
    app.mkdir()
    monkeypatch.setattr(alert_action, "APP", app)
    yield Installed(home, app, f"https://127.0.0.1:{splunkd.port}", sid)
    for file in (home / "var").rglob("*"):
        if file.is_file():
            data = written(file)
            assert TOKEN.encode() not in data, file
            assert SESSION_KEY.encode() not in data, file
