"""One stand-in splunkd with Enterprise Security for all tests of the write-back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.outbox.conftest import splunkd, splunkd_process
from tests.unit.outbox.splunkd import SplunkdProcess
from tests.unit.writeback.desk import Desk

__all__ = ["splunkd", "splunkd_process"]

RIGHT = "edit_notable_events"


@pytest.fixture(scope="session")
def enterprise(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SplunkdProcess]:
    """Return the stand-in."""
    with SplunkdProcess(tmp_path_factory.mktemp("enterprise"), es="7.3.2") as running:
        running.grant(RIGHT)
        yield running


@pytest.fixture
def desk(enterprise: SplunkdProcess) -> Iterator[Desk]:
    """Return a desk with three notables, ``ev1`` to ``ev3``, that nobody has touched."""
    made = Desk(enterprise)
    for number in (1, 2, 3):
        enterprise.notables("add", f"ev{number}", "run1", str(number))
    yield made
    enterprise.grant(RIGHT)
    made.clear()
    made.session.close()
