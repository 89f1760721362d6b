"""What the unit tests share: the stand-in SOAR, raw servers with certificates, Splunk's package, a Splunk home."""

from __future__ import annotations

import contextlib
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Callable

import pytest

# Splunk brings the package `splunk`; here the lab's does. It must be importable before the modules under test are.
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "lab" / "splunkd" / "python"))

from tests.unit.certificates import Authority
from tests.unit.rawserver import RawServer, Script
from tests.unit.standin import StandIn

Serve = Callable[..., RawServer]


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Return the certificate authority that signs the raw servers' certificates."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def certificate(authority: Authority) -> Path:
    """Return a proper certificate for `localhost` and 127.0.0.1, with its key."""
    return authority.issue("localhost", "DNS:localhost,IP:127.0.0.1")


@pytest.fixture
def serve(certificate: Path) -> Iterator[Serve]:
    """Return a function that starts raw servers, with the proper certificate when none is given."""
    with contextlib.ExitStack() as stack:

        def start(script: Script, presented: Path | None = certificate) -> RawServer:
            return stack.enter_context(RawServer(script, presented))

        yield start


@pytest.fixture(scope="session")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    """Return the one stand-in SOAR of the session."""
    with StandIn(tmp_path_factory.mktemp("soar")) as running:
        yield running


@pytest.fixture
def soar(standin: StandIn) -> Iterator[StandIn]:
    """Return the stand-in without faults, and with its request log empty."""
    standin.reset()
    yield standin
    standin.reset()


_numbers = itertools.count(1)


@pytest.fixture
def sid() -> str:
    """Return a scheduled search id that no other test uses: the stand-in lives longer than a test."""
    return f"scheduler__admin__search__RMD5unit_at_1700000100_{next(_numbers)}"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a `$SPLUNK_HOME` with the folders that an action writes to."""
    root = tmp_path / "splunk"
    for folder in ("var/log/splunk", "var/run/splunk", "var/spool/splunk", "etc/system/local"):
        (root / folder).mkdir(parents=True)
    server = "[general]\nserverName = sh1\n"
    (root / "etc/system/local/server.conf").write_text(server, encoding="utf-8")
    monkeypatch.setenv("SPLUNK_HOME", str(root))
    return root
