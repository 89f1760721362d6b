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
    """Return the stand-in with version 7."""
    with SplunkdProcess(tmp_path_factory.mktemp("enterprise"), es="7.3.2") as running:
        yield running


@pytest.fixture(scope="session")
def mission_control(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SplunkdProcess]:
    """Return the stand-in with version 8."""
    with SplunkdProcess(tmp_path_factory.mktemp("mission_control"), es="8.1.0") as running:
        yield running


@pytest.fixture
def desk(enterprise: SplunkdProcess) -> Iterator[Desk]:
    """Return a desk of version 7 with three notables, ``ev1`` to ``ev3``, that nobody has touched."""
    yield from _desk(enterprise)


@pytest.fixture
def desk8(mission_control: SplunkdProcess) -> Iterator[Desk]:
    """Return the same of version 8."""
    yield from _desk(mission_control)


def _desk(process: SplunkdProcess) -> Iterator[Desk]:
    made = Desk(process)
    process.grant(RIGHT)
    for number in (1, 2, 3):
        process.notables("add", f"ev{number}", "run1", str(number))
    process.calls()
    yield made
    made.clear()
    made.session.close()
