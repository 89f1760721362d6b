"""Which way to Enterprise Security is taken, and why."""

from __future__ import annotations

import json

import pytest

from soarlink.errors import SplunkdError
from soarlink.writeback.path import ROOTS, Path, choose
from tests.unit.outbox.splunkd import SplunkdProcess
from tests.unit.writeback.desk import Desk, Scripted


def app(version: str, **more: object) -> tuple[int, bytes]:
    """Splunkd's answer about Enterprise Security."""
    return 200, json.dumps({"entry": [{"content": {"version": version, **more}}]}).encode()


def test_version_7_has_no_notes(desk: Desk) -> None:
    """They become comments, and nothing is asked of an API that is not there."""
    desk.process.calls()
    found = choose(desk.session)
    assert found == Path("7.3.2", why="Enterprise Security 7.3.2 has none")
    assert str(found).endswith("notes become comments, because Enterprise Security 7.3.2 has none")
    assert desk.process.calls() == ["GET /services/apps/local/SplunkEnterpriseSecuritySuite"]


@pytest.mark.parametrize("root", ROOTS)
def test_version_8_is_asked_where_its_api_stands(desk8: Desk, root: str) -> None:
    """The first address that answers is taken."""
    desk8.process.notables("publish", root.split("/")[3])
    found = choose(desk8.session)
    assert found == Path("8.1.0", root)
    assert str(found) == f"values and comments by notable_update; notes by {root}"


def test_version_8_without_an_answer_says_why(desk8: Desk) -> None:
    """Neither address is there, or the right is missing: notes become comments."""
    desk8.process.notables("publish", "")
    found = choose(desk8.session)
    assert found is not None
    assert found.notes == ""
    assert found.why == " and ".join(f"{root}/investigations answers 404 Not Found" for root in ROOTS)
    desk8.process.grant("edit_notable_events", "disabled")
    refused = choose(desk8.session)
    assert refused is not None
    assert "answers 403 You (user=admin) do not have permission" in refused.why


@pytest.mark.parametrize("status", [429, 503])
def test_a_fault_is_no_answer(desk8: Desk, status: int) -> None:
    """What may be over soon is no reason for another way."""
    desk8.process.fault("GET", "public/v2", status=status, body="later")
    with pytest.raises(SplunkdError, match="later"):
        choose(desk8.session)


def test_without_enterprise_security_there_is_no_way(splunkd: SplunkdProcess) -> None:
    """Not installed, or disabled; a fault of splunkd is neither."""
    session = splunkd.session()
    assert choose(session) is None
    assert choose(Scripted(app("8.1.0", disabled=True))) is None
    splunkd.fault("GET", "apps/local", status=503)
    with pytest.raises(SplunkdError, match=r"apps/local with status 503"):
        choose(session)


@pytest.mark.parametrize("version", ["", "dev"])
def test_a_version_that_can_not_be_read_is_the_older_one(version: str) -> None:
    """What notable_update does is done all the same."""
    found = choose(Scripted(app(version)))
    assert found == Path(version or "unknown", why="its version does not say whether it has any")
