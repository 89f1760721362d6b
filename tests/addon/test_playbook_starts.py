"""What keeps a playbook from running, or from being seen, as the analyst is told; through the built action."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence

import pytest

from lab.runner.lab import Lab
from lab.runner.report import Outcome
from lab.runner.search import Mode
from lab.runner.servers import AUTOMATION_USER
from lab.soar.user import AUTOMATION_PERMISSIONS
from tests.addon.conftest import Send
from tests.addon.results import Cell

RUN, ASK = "run_soar_playbook", "request_soar_enrichment"
TRIAGE, ENRICH = "local/phishing_triage", "local/enrich_indicators"

_numbers = itertools.count(1)


def notable(**fields: Cell) -> dict[str, Cell]:
    """A notable of its own."""
    return {"src": "10.50.0.1", "event_id": f"starts@@notable@@{next(_numbers)}", **fields}


def run(send: Send, rows: Sequence[Mapping[str, Cell]], action: str = RUN, **parameters: str) -> Sequence[Outcome]:
    """Run the action ad hoc, as an analyst does it."""
    return send(rows, parameters, action=action, mode=Mode.ADHOC).results


@pytest.fixture
def allow(lab: Lab) -> Iterator[Callable[..., None]]:
    """What the account's SOAR user may do with playbooks; everything again when the test is over."""
    stand_in = lab.soar.stand_in
    assert stand_in is not None
    token = lab.account().token

    def permit(*verbs: str) -> None:
        permissions = {**AUTOMATION_PERMISSIONS, "playbooks": verbs}
        stand_in.add_automation_user(AUTOMATION_USER, token, permissions=permissions)

    yield permit
    stand_in.add_automation_user(AUTOMATION_USER, token)


def test_a_user_who_may_run_no_playbooks(send: Send, allow: Callable[..., None]) -> None:
    """The row is rejected with the permission that is missing, its data is in SOAR; other alerts are not held up."""
    allow("view")
    (outcome,) = run(send, [notable()], playbooks=TRIAGE)
    assert (outcome.status, [one.state for one in outcome.runs]) == ("rejected", ["not started"])
    assert outcome.container_id
    assert "permission to execute playbooks" in str(outcome.reason)
    assert "Give the automation user's role the permission" in str(outcome.reason)
    (other,) = run(send, [notable()], action="send_to_soar")
    assert other.status == "delivered"


def test_a_user_who_may_see_no_playbooks(lab: Lab, send: Send, allow: Callable[..., None]) -> None:
    """The run has started, and can't be looked at: pending, with the permission; its verdict follows."""
    allow("execute")
    (outcome,) = run(send, [notable()], playbooks=TRIAGE)
    assert (outcome.status, [one.state for one in outcome.runs]) == ("queued", ["started"])
    said = f'playbook "{TRIAGE}" has started, but it could not be looked at: SOAR'
    assert str(outcome.reason).startswith(said)
    assert "permission to view playbooks" in str(outcome.reason)
    allow("view", "execute")
    assert [one.status for one in lab.drain(wait=20).results] == ["delivered"]
