"""A search head with a stand-in splunkd and a stand-in SOAR."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from soarlink.actions import alert_action
from soarlink.outbox.collection import Outbox
from tests.unit.actions.conftest import sigterm, written
from tests.unit.inputs.site import Site
from tests.unit.outbox.conftest import kv, outbox, splunkd, splunkd_process
from tests.unit.outbox.splunkd import SplunkdProcess
from tests.unit.standin import TOKEN, StandIn

__all__ = ["kv", "outbox", "sigterm", "splunkd", "splunkd_process"]


@pytest.fixture
def site(  # noqa: PLR0917 - fixtures
    splunkd: SplunkdProcess,
    soar: StandIn,
    outbox: Outbox,
    sid: str,
    monkeypatch: pytest.MonkeyPatch,
    sigterm: None,
) -> Iterator[Site]:
    """Return a search head with the account `lab`; at its end no secret is in any file that the add-on wrote."""
    made = Site(splunkd, soar, outbox, sid)
    made.clean()
    monkeypatch.setenv("SPLUNK_HOME", str(splunkd.home))
    monkeypatch.setattr(alert_action, "APP", made.installed.app)
    made.account()
    yield made
    for file in (splunkd.home / "var").rglob("*"):
        if file.is_file():
            data = written(file)
            assert TOKEN.encode() not in data, file
            assert made.key.encode() not in data, file
    made.clean()
