"""One stand-in splunkd for all tests of the outbox; each test starts with an empty KV store."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from soarlink.outbox.collection import Outbox
from soarlink.splunk.kvstore import KvStore
from tests.unit.outbox.splunkd import SplunkdProcess


@pytest.fixture(scope="session")
def splunkd_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SplunkdProcess]:
    """Return the one stand-in splunkd of the session."""
    with SplunkdProcess(tmp_path_factory.mktemp("splunkd")) as running:
        yield running


@pytest.fixture
def splunkd(splunkd_process: SplunkdProcess) -> Iterator[SplunkdProcess]:
    """Return the stand-in with an empty KV store and no faults."""
    splunkd_process.reset()
    yield splunkd_process
    splunkd_process.clear()


@pytest.fixture
def kv(splunkd: SplunkdProcess) -> Iterator[KvStore]:
    """Return a client of its KV store, as an administrator."""
    session = splunkd.session()
    yield KvStore(session)
    session.close()


@pytest.fixture
def outbox(kv: KvStore) -> Outbox:
    """Return the outbox in it."""
    return Outbox(kv)
