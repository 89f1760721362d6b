"""What a playbook run came to."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soarlink.automation.verdict import OPEN, Verdict, judge, message_of, playbook_of

ASKED = {"name": "prompt_1", "start_time": "2026-01-13T22:11:24.000000Z", "jitc": {"message": "Isolate the host?"}}
FAILED = {"name": "isolate_1", "action": "isolate host", "status": "failed", "message": "agent offline"}
PROMPT = {"name": "prompt_1", "action": "prompt", "status": "failed", "message": "Prompt expired"}


@pytest.mark.parametrize(
    ("run", "approvals", "actions", "state", "reason"),
    [
        ({"status": "pending"}, [], [], "started", ""),
        ({"status": "running"}, [], [], "running", ""),
        ({"status": "running"}, [{**ASKED, "status": "approved"}], [], "running", ""),
        (
            {"status": "running"},
            [{**ASKED, "status": "pending"}],
            [],
            "waiting",
            "for an answer: Isolate the host?",
        ),
        ({"status": "success"}, [], [{"status": "success"}], "succeeded", ""),
        ({"status": "success"}, [{**ASKED, "status": "approved", "responses": ["Yes"]}], [], "succeeded", ""),
        (
            {"status": "success"},
            [{**ASKED, "status": "denied"}],
            [],
            "refused",
            "at the prompt: Isolate the host? (denied)",
        ),
        (
            {"status": "success"},
            [{**ASKED, "status": "approved", "responses": ["No"]}],
            [],
            "refused",
            "at the prompt: Isolate the host? (answer: No)",
        ),
        (
            {"status": "success"},
            [{**ASKED, "status": "expired"}],
            [PROMPT],
            "failed",
            "Isolate the host? (nobody answered in time)",
        ),
        (
            {"status": "success"},
            [],
            [FAILED, {"status": "success"}],
            "failed",
            "in the action isolate_1: agent offline",
        ),
        ({"status": "failed"}, [], [FAILED, FAILED], "failed", "(2 of 2 actions failed)"),
        ({"status": "failed", "message": "no such asset"}, [], [], "failed", "with the message: no such asset"),
        ({"status": "failed"}, [], [], "failed", 'SOAR\'s status "failed"'),
        (
            {"status": "failed", "message": "timed out"},
            [{**ASKED, "status": "expired"}],
            [PROMPT],
            "failed",
            "at the prompt: Isolate the host? (nobody answered in time)",
        ),
        (
            {"status": "failed", "message": "stopped"},
            [{**ASKED, "status": "denied"}],
            [],
            "refused",
            "at the prompt: Isolate the host? (denied)",
        ),
        (
            {"status": "success"},
            [
                {**ASKED, "id": 1, "status": "expired", "escalated_approval": 2},
                {**ASKED, "id": 2, "status": "approved"},
            ],
            [],
            "succeeded",
            "",
        ),
        (
            {"status": "success"},
            [{**ASKED, "id": 1, "status": "expired"}, {**ASKED, "id": 2, "parent": 1, "status": "denied"}],
            [],
            "refused",
            "(denied)",
        ),
        (
            {"status": "success"},
            [{**ASKED, "id": 1, "status": "expired", "escalated_approval": 2}],
            [],
            "failed",
            "(nobody answered in time)",
        ),
        ({"status": "success", "cancelled": "alice"}, [], [], "cancelled", "by alice"),
        ({"status": "cancelled"}, [], [], "cancelled", ""),
    ],
)
def test_a_run_is_told_as_what_it_is(
    run: dict[str, Any], approvals: list[dict[str, Any]], actions: list[dict[str, Any]], state: str, reason: str
) -> None:
    """A success with a refused prompt or a failed action is none; what waits says on what, and since when."""
    found = judge(run, approvals, actions)
    assert found.state == state
    assert reason in found.reason if reason else not found.reason
    assert found.is_open == (state in OPEN)
    assert bool(found.waiting_since) == (state == "waiting")


def test_what_the_run_says_is_read_from_its_document() -> None:
    """The message and the playbook's full name stand in a JSON text; plain text is the message itself."""
    run = {"message": json.dumps({"message": "ended", "playbook": "local/x"}), "_pretty_playbook": "x"}
    assert (message_of(run), playbook_of(run)) == ("ended", "local/x")
    assert (message_of({"message": "plain"}), playbook_of({"message": "plain", "_pretty_playbook": "x"})) == (
        "plain",
        "x",
    )


@given(
    st.dictionaries(st.sampled_from(["status", "message", "cancelled"]), st.none() | st.text(max_size=20)),
    st.lists(
        st.dictionaries(st.sampled_from(["status", "responses", "jitc", "name"]), st.none() | st.text(max_size=9))
    ),
    st.lists(
        st.dictionaries(st.sampled_from(["status", "action", "name", "message"]), st.none() | st.text(max_size=9))
    ),
)
def test_no_answer_of_soar_breaks_the_verdict(
    run: dict[str, Any], approvals: list[dict[str, Any]], actions: list[dict[str, Any]]
) -> None:
    """Whatever fields hold, there is a verdict, on one line."""
    found = judge(run, approvals, actions)
    assert isinstance(found, Verdict)
    assert "\n" not in found.reason
