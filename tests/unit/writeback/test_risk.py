"""Risk modifiers, and tags of the container."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soarlink.errors import NotSent, Refused
from soarlink.feedback.case import WRITING, Case, of_container
from soarlink.writeback.ledger import DONE, FAILED, REFUSED
from soarlink.writeback.risk import Risk, id_of, risk_of, text_of
from soarlink.writeback.turns import FIRST_PAUSE, LONGEST_PAUSE
from tests.unit.writeback.desk import CLOSED, LINK, Desk

CASE = Case("lab", 7, name="Case", status="open", url="https://soar/mission/7", event_id="ev7")
MODIFIER = {"order": "50", "field": "created", "set": "risk", "to": "40 {{risk_object_type}} {{risk_object}}"}
TAG = {"order": "60", "field": "status", "values": "closed", "set": "tag", "to": "told"}
OBJECT: dict[str, Any] = {"risk_object": "host 1", "risk_object_type": "system"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("40 system host1", Risk("r", "40", "system", "host1")),
        (" -7.5  User  al bo ", Risk("r", "-7.5", "user", "al bo")),
        ("40 system", None),
        ("40  host1", None),
        ("much system host1", None),
        ("", None),
    ],
)
def test_a_modifier_is_a_score_a_type_and_an_object(text: str, found: Risk | None) -> None:
    """Anything else is none."""
    assert risk_of("r", text) == found


def test_the_event_is_that_of_enterprise_security() -> None:
    """Time first, then what the risk index needs, where it comes from, and the id that tells it apart."""
    risk = Risk("r", "40", "system", "host1")
    assert text_of(risk, CASE, 1_800_000_000.25) == (
        '1800000000.250, search_name="Send to SOAR: r", risk_object="host1", risk_object_type="system", '
        'risk_score="40", risk_message="Splunk SOAR: container 7, Case, status open", '
        f'soar_event_id="{id_of(risk, CASE)}", account="lab", container_id="7", '
        'container_url="https://soar/mission/7", splunk_id="ev7"'
    )
    judged = Case("lab", 7, status="open", verdict="failed")
    assert "without a name, status open, verdict failed" in text_of(risk, judged, 0.0)


@given(st.text(min_size=1))
def test_no_name_ends_its_value(name: str) -> None:
    """Whatever the object is called: one line, and every quote in it is escaped."""
    text = text_of(Risk("r", "1", "user", name), CASE, 0.0)
    value = text.split('risk_object="', 1)[1].split('", risk_object_type="user"', 1)[0]
    assert "\n" not in text
    assert value.replace("\\\\", "").replace('\\"', "").count('"') == 0


def test_the_id_is_that_of_the_modifier() -> None:
    """Another rule, score, object, container or SOAR is another modifier; another account of one SOAR is not."""
    risks = [Risk("r", "1", "user", "al"), Risk("s", "1", "user", "al"), Risk("r", "2", "user", "al")]
    cases = [
        CASE,
        replace(CASE, account="other"),
        replace(CASE, container_id=8),
        replace(CASE, url="https://b/mission/7"),
    ]
    assert len({id_of(risk, case) for risk in (*risks, risks[0]) for case in cases}) == 9


def test_the_risk_object_comes_from_the_finding() -> None:
    """It stands in what the container says of where it comes from; of several the first."""
    splunk = {"event_id": "ev7", "risk_object": ["host1", "host2"], "risk_object_type": "system"}
    case = of_container("lab", "", {"id": 7, "data": {"splunk": splunk}})
    assert (case.risk_object, case.risk_object_type) == ("host1", "system")


def test_each_modifier_is_written_once(desk: Desk) -> None:
    """It is told by itself, before the comment; a change of the container does not repeat it."""
    desk.case(1, **OBJECT)
    risk, comment = desk.round(LINK, MODIFIER)
    assert (risk["outcome"], risk["risk"], "comment" in risk) == ("updated", "40 system host 1", False)
    assert (comment["outcome"], comment["comment"]) == ("updated", "container 1")
    (event,) = desk.risks
    assert 'risk_object="host 1"' in event
    desk.change(1)
    assert desk.round(LINK, MODIFIER) == []
    assert len(desk.risks) == 1


def test_a_modifier_does_not_depend_on_the_notable(desk: Desk) -> None:
    """A refused transition keeps no risk from being written, and is told by itself."""
    desk.process.notables("refuse", "ev1", "You may not")
    desk.case(1, status="closed", **OBJECT)
    updated, refused = desk.round(CLOSED, MODIFIER)
    assert (updated["outcome"], updated["risk"], "status" in updated) == ("updated", "40 system host 1", False)
    assert (refused["outcome"], refused["status"], "risk" in refused) == (REFUSED, "5", False)
    desk.change(1)
    assert [one["outcome"] for one in desk.round(CLOSED, MODIFIER)] == [REFUSED]
    assert len(desk.risks) == 1


def test_a_modifier_without_an_object_is_told_once(desk: Desk) -> None:
    """The finding has no risk object: the rule and what it says are named, and nothing else is held up."""
    desk.case(1)
    updated, refused = desk.round(LINK, MODIFIER)
    assert updated["comment"] == "container 1"
    assert refused["outcome"] == REFUSED
    assert 'rule [rule_1] says "40", which is no risk modifier' in refused["reason"]
    desk.change(1)
    assert desk.round(LINK, MODIFIER) == []
    assert desk.risks == []


def test_a_tag_is_set_once(desk: Desk) -> None:
    """In SOAR, beside the status in Enterprise Security."""
    desk.case(1, status="closed")
    (report,) = desk.round(CLOSED, TAG)
    assert (report["outcome"], report["status"], report["tag"]) == ("updated", "5", "told")
    desk.tags.clear()  # somebody takes it away
    desk.change(1)
    assert desk.round(CLOSED, TAG) == []
    assert desk.tags == []


def test_a_tag_that_soar_does_not_take_is_told(desk: Desk) -> None:
    """The status counts as written; the tag is tried again when the container changes."""
    desk.soar = Refused("The container is locked.")
    desk.case(1, status="closed")
    updated, refused = desk.round(CLOSED, TAG)
    assert (updated["status"], refused["tag"]) == ("5", "told")
    assert (refused["outcome"], refused["reason"]) == (REFUSED, "Not tagged: The container is locked.")
    assert desk.row(1).writeback == REFUSED
    desk.soar = None
    desk.change(1)
    assert [one.get("status") for one in desk.round(CLOSED, TAG)] == [None]
    assert desk.tags == [(1, "told")]
    assert desk.row(1).writeback == DONE


def test_tags_wait_for_soar(desk: Desk) -> None:
    """SOAR is away: it is asked once for many, told once, keeps no notable from being updated; then tags are set."""
    desk.soar = NotSent("SOAR is away.")
    numbers = range(1, 6)
    for number in numbers:
        desk.process.notables("add", f"ev{number}")
        desk.case(number, status="closed")
    told = desk.round(CLOSED, TAG)
    assert sorted((one["outcome"], one.get("status"), one.get("tag")) for one in told) == sorted(
        [("updated", "5", None), (FAILED, None, "told")] * len(numbers), key=str
    )
    assert desk.asked == 1
    assert desk.problem == f"Updates of notables that are tried again: {len(numbers)}. Not tagged: SOAR is away."
    assert {desk.row(number).writeback for number in numbers} == {WRITING}
    desk.seconds += FIRST_PAUSE
    assert desk.round(CLOSED, TAG) == []
    desk.soar = None
    desk.seconds += LONGEST_PAUSE
    assert [(one["outcome"], one.get("status"), one["tag"]) for one in desk.round(CLOSED, TAG)] == [
        ("updated", None, "told")
    ] * len(numbers)
    assert len(desk.reviews()) == len(desk.tags) == len(numbers)
    assert {(desk.row(number).writeback, desk.row(number).writeback_note) for number in numbers} == {(DONE, "")}


def test_a_preview_shows_both(desk: Desk) -> None:
    """And writes neither."""
    desk.case(1, status="closed", **OBJECT)
    (report,) = desk.round(MODIFIER, TAG, preview=True)
    assert (report["outcome"], report["risk"], report["tag"]) == ("would have updated", "40 system host 1", "told")
    assert (desk.risks, desk.tags) == ([], [])
