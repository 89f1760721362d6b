"""A stand-in splunkd and the stand-in SOAR for the tests of what the pages save."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from soarlink.splunk.conf import ACCOUNTS, SETTINGS
from soarlink.splunk.splunkd import Splunkd
from tests.unit.outbox.splunkd import SplunkdProcess

ROOT = "/servicesNS/nobody/TA_send_to_soar"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture(scope="session")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SplunkdProcess]:
    """Return the one stand-in splunkd of the session, with the conf files that UCC makes."""
    with SplunkdProcess(tmp_path_factory.mktemp("splunkd")) as running:
        session = running.session()
        for conf_file in (ACCOUNTS, SETTINGS):
            session.request("POST", f"{ROOT}/properties", f"__conf={conf_file}".encode(), FORM)
        session.close()
        running.add_user("reader", "user")
        yield running


@pytest.fixture
def splunkd(process: SplunkdProcess) -> Iterator[Splunkd]:
    """Return an administrator's session; the faults that a test orders end with it."""
    session = process.session()
    yield session
    process.clear()
    session.close()


@pytest.fixture
def reader(process: SplunkdProcess) -> Iterator[Splunkd]:
    """Return the session of somebody without rights."""
    session = process.session("reader")
    yield session
    session.close()
