"""Rounds of the write-back, against the stand-in's Enterprise Security and KV store."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soarlink.errors import SplunkdError
from soarlink.feedback.case import OPEN, WRITING
from soarlink.writeback.ledger import DONE, KEPT, NONE, REFUSED, UNCONFIRMED
from soarlink.writeback.round import SEARCHED_FOR
from tests.unit.inputs.memory import Crash
from tests.unit.writeback.conftest import RIGHT
from tests.unit.writeback.desk import ACCOUNT, CLOSED, LINK, Desk

NOTE = {"order": "40", "field": "created", "set": "note", "to": "note {{container_id}}"}
RISK = {"order": "50", "field": "created", "set": "risk", "to": "40 system {{risk_object}}"}
TAG = {"order": "60", "field": "created", "set": "tag", "to": "told"}
OPENED = {"order": "20", "field": "status", "values": "open", "set": "status", "to": "2"}
SAID = {"order": "30", "field": "status", "values": "closed", "set": "comment", "to": "closed {{container_id}}"}
URGENT = {"order": "30", "field": "severity", "set": "urgency", "to": "{{severity}}"}


def test_each_update_is_written_once(desk: Desk) -> None:
    """A comment, then a status, then nothing any more, however often the container changes."""
    desk.case(1)
    (report,) = desk.round()
    assert report == {
        "account": "lab",
        "container_id": 1,
        "container_url": "https://soar.example/mission/1",
        "event_id": "ev1",
        "outcome": "updated",
        "comment": "container 1",
    }
    desk.change(1, status="closed")
    assert [one["status"] for one in desk.round()] == ["5"]
    for _ in range(2):
        desk.change(1, owner="ann")
        assert desk.round() == []
    assert [(one["status"], one["comment"]) for one in desk.reviews()] == [("", "container 1"), ("5", "")]
    assert (desk.row(1).writeback, desk.row(1).writeback_note) == (DONE, "")


def test_nothing_that_is_due_costs_no_call_to_enterprise_security(desk: Desk) -> None:
    """A container for which no rule says anything is done."""
    desk.case(1)
    desk.process.calls()
    assert desk.round(CLOSED) == []
    assert desk.row(1).writeback == DONE
    assert [call for call in desk.process.calls() if "notable" in call or "export" in call] == []


def test_equal_changes_are_one_call(desk: Desk) -> None:
    """Three notables that are closed alike: one call, three reviews."""
    for number in (1, 2, 3):
        desk.case(number, status="closed")
    desk.process.calls()
    assert {one["outcome"] for one in desk.round(CLOSED)} == {"updated"}
    assert len([call for call in desk.process.calls() if "notable_update" in call]) == 1
    assert len(desk.reviews()) == 3


def test_of_those_that_change_alike_one_is_refused(desk: Desk) -> None:
    """The others are written; the reason stands in the report and in the lookup; a later change is tried again."""
    desk.process.notables("refuse", "ev2", "You may not close it")
    for number in (1, 2, 3):
        desk.case(number, status="closed")
    outcomes = {one["event_id"]: (one["outcome"], one.get("reason", "")) for one in desk.round(CLOSED)}
    assert outcomes["ev2"] == (REFUSED, "You may not close it")
    assert outcomes["ev1"] == outcomes["ev3"] == ("updated", "")
    assert [one["rule_id"] for one in desk.reviews()] == ["ev1", "ev3"]
    assert (desk.row(2).writeback, desk.row(2).writeback_note) == (REFUSED, "You may not close it")
    assert desk.round(CLOSED) == []
    desk.change(2)
    assert [one["outcome"] for one in desk.round(CLOSED)] == [REFUSED]


def test_a_case_that_the_scope_takes_no_more_is_written_once(desk: Desk) -> None:
    """How far it came is kept all the same."""
    desk.case(1)
    desk.is_kept = False
    for _ in range(3):
        desk.round(LINK)
    assert len(desk.reviews("ev1")) == 1


def test_a_newer_change_of_an_analyst_stays(desk: Desk) -> None:
    """The value is not written then, nor later; what else changes is."""
    desk.process.notables("review", "ev1", "bob", status="3")
    desk.case(1, changed=1_000.0, status="closed", severity="high")
    kept, updated = desk.round(LINK, CLOSED, URGENT)
    assert (kept["outcome"], kept["status"], kept["urgency"]) == (KEPT, "5", "high")
    assert kept["reason"] == "status, urgency: bob changed the notable later than SOAR did"
    assert (updated["outcome"], updated["comment"]) == ("updated", "container 1")
    assert desk.reviews("ev1")[-1]["status"] == "3"
    assert "bob" in desk.row(1).writeback_note
    desk.change(1, 2_000.0)
    assert desk.round(LINK, CLOSED, URGENT) == []


def test_only_a_value_that_stays_is_left(desk: Desk) -> None:
    """Where nothing else is to be written the case is kept, with the reason."""
    desk.process.notables("review", "ev1", "", status="3")
    desk.case(1, changed=1_000.0, status="closed")
    (kept,) = desk.round(CLOSED)
    assert "somebody changed the notable" in kept["reason"]
    assert (desk.row(1).writeback, desk.row(1).writeback_note) == (KEPT, kept["reason"])


def test_an_older_change_of_an_analyst_gives_way(desk: Desk) -> None:
    """SOAR changed later, by its status or by a run: it is written."""
    desk.process.notables("review", "ev1", "bob", status="3")
    desk.process.notables("review", "ev2", "bob", status="3")
    desk.case(1, status="closed")
    case = desk.case(2, changed=1_000.0, status="closed")
    desk.keep(case.ran("contain", 1, "2099-01-01T00:00:00.000000Z", "succeeded", ""))
    assert [one["outcome"] for one in desk.round(CLOSED)] == ["updated"] * 2


def test_our_own_change_is_no_analysts(desk: Desk) -> None:
    """What we wrote a while after SOAR changed does not keep SOAR's next change from being written."""
    desk.case(1, changed=1_000.0, status="closed")
    assert [one["outcome"] for one in desk.round(CLOSED)] == ["updated"]
    desk.change(1, 1_001.0, severity="high")
    assert [one["outcome"] for one in desk.round(CLOSED, URGENT)] == ["updated"]
    assert desk.reviews()[-1]["urgency"] == "high"


def test_an_update_that_is_not_seen_is_told(desk: Desk) -> None:
    """Enterprise Security takes updates of notables that it does not have: read back once, told, not repeated."""
    desk.process.notables("lose", "ev1")
    for number in (1, 2):
        desk.case(number, status="closed")
    outcomes = {one["event_id"]: one["outcome"] for one in desk.round(CLOSED)}
    assert outcomes == {"ev1": UNCONFIRMED, "ev2": "updated"}
    assert desk.row(1).writeback == UNCONFIRMED
    assert "is there such a notable?" in desk.row(1).writeback_note
    desk.change(1)
    assert desk.round(CLOSED) == []


def test_an_update_that_can_not_be_read_back_is_told(desk: Desk) -> None:
    """Searches fail: what was taken is not written again."""
    desk.case(1)
    desk.process.fault("POST", "jobs/export", slow=0.0, times=1)
    desk.process.fault("POST", "jobs/export", status=503, body="busy")
    (report,) = desk.round(LINK)
    assert report["outcome"] == UNCONFIRMED
    assert "could not be read back: splunkd answered search/v2/jobs/export with status 503: busy" in report["reason"]
    desk.process.clear()
    desk.change(1)
    assert desk.round(LINK) == []
    assert len(desk.reviews()) == 1


def test_what_was_taken_before_a_fault_counts(desk: Desk) -> None:
    """The first of two is written when calls become too many: it is told and done, the second is due."""
    desk.case(1)
    desk.case(2)
    desk.process.fault("POST", "notable_update", slow=0.0, times=1)
    desk.process.fault("POST", "notable_update", status=429)
    with pytest.raises(SplunkdError):
        desk.round()
    assert [one["outcome"] for one in desk.reports] == ["updated"]
    assert sorted([desk.row(1).writeback, desk.row(2).writeback]) == [DONE, WRITING]
    desk.process.clear()
    assert [one["outcome"] for one in desk.round()] == ["updated"]
    assert len(desk.reviews()) == 2


def test_what_the_rules_do_not_look_at_is_no_newer_change(desk: Desk) -> None:
    """SOAR's page moves by our own tag after an analyst has changed the notable: what was refused stays refused."""
    desk.process.notables("refuse", "ev1", "You may not close it")
    desk.case(1, changed=1_000.0, status="closed")
    assert [one["outcome"] for one in desk.round(CLOSED)] == [REFUSED]
    desk.process.notables("review", "ev1", "bob", status="3")
    desk.change(1)  # its time of change only
    assert [one["outcome"] for one in desk.round(CLOSED)] == [KEPT]
    assert desk.reviews()[-1]["status"] == "3"


def test_what_was_refused_is_no_reason_later(desk: Desk) -> None:
    """An update that is written after a refusal leaves no note of that."""
    desk.keep(replace(desk.case(1), writeback_note="You may not close it"))
    assert [one["outcome"] for one in desk.round(LINK)] == ["updated"]
    assert (desk.row(1).writeback, desk.row(1).writeback_note) == (DONE, "")


def test_two_containers_of_one_notable_are_one_update(desk: Desk) -> None:
    """The notable is named once in the call, has one review, and both containers are done."""
    for number in (1, 2):
        desk.case(number, event_id="ev1", status="closed")
    assert [one["outcome"] for one in desk.round(CLOSED)] == ["updated"] * 2
    assert [one["rule_id"] for one in desk.reviews()] == ["ev1"]
    desk.process.notables("refuse", "ev2", "You may not")
    for number in (3, 4, 5):
        desk.case(number, event_id="ev2" if number == 5 else "ev3", status="closed")
    assert [one["outcome"] for one in desk.round(CLOSED)] == ["updated", "updated", REFUSED]
    assert [one["rule_id"] for one in desk.reviews()] == ["ev1", "ev3"]


def test_two_accounts_of_one_soar_write_once(desk: Desk) -> None:
    """Each has a row of the container: what one has written, the other finds, the first time and later."""
    for status in ("new", "closed"):
        for account in ("lab", "other"):
            desk.account = replace(ACCOUNT, name=account)
            if status == "new":
                desk.case(1, risk_object="h")
            else:
                desk.change(1, status=status)
            desk.round(LINK, CLOSED, SAID, RISK)
            assert desk.row(1).writeback == DONE
    assert [one["comment"] for one in desk.reviews()] == ["container 1", "closed 1"]
    assert [one["status"] for one in desk.reviews()] == ["", "5"]
    assert len(desk.risks) == 1


def test_a_value_that_is_there_is_not_written(desk: Desk) -> None:
    """An analyst has closed it: there is nothing to do, and nothing to tell."""
    desk.process.notables("review", "ev1", "bob", status="5")
    desk.case(1, status="closed")
    assert desk.round(CLOSED) == []
    assert len(desk.reviews()) == 1
    assert desk.row(1).writeback == DONE


def test_a_notable_is_found_by_its_run(desk: Desk) -> None:
    """One is indexed, one is not yet, one never was: written, waiting, none."""
    desk.case(1, event_id="", orig_sid="run1", orig_rid="1")
    desk.case(2, event_id="", orig_sid="run9", orig_rid="2")
    desk.case(3, event_id="")
    (report,) = desk.round()
    assert report["event_id"] == desk.row(1).event_id == "ev1"
    assert (desk.row(2).writeback, desk.row(3).writeback) == (OPEN, NONE)
    assert desk.row(3).writeback_note == "the container names neither a notable nor the run of one"
    desk.case(4, event_id="", orig_sid="run4", orig_rid="0")
    assert desk.round() == []
    desk.process.notables("add", "ev4", "run4", "0")  # the notable is indexed a while after the run
    assert [one["event_id"] for one in desk.round()] == ["ev4"]
    desk.now += SEARCHED_FOR + 1
    assert desk.round() == []
    assert desk.row(2).writeback == NONE
    assert "no notable was found" in desk.row(2).writeback_note


def test_a_preview_writes_nothing(desk: Desk) -> None:
    """The report says what would have been, once; the notable stays as it is."""
    desk.case(1, status="closed")
    (report,) = desk.round(preview=True)
    assert (report["outcome"], report["status"], report["comment"]) == ("would have updated", "5", "container 1")
    assert desk.reviews() == []
    assert (desk.row(1).writeback, desk.row(1).pushed) == (DONE, "")
    assert desk.round(preview=True) == []


def test_a_preview_leaves_what_was_cut_short(desk: Desk) -> None:
    """An update during which the input ended is looked for when the preview is over, and not written again."""
    desk.process.notables("review", "ev1", "admin", comment="container 1")
    desk.keep(replace(desk.case(1), writeback=WRITING))
    assert desk.round(LINK, preview=True) == []
    assert desk.row(1).writeback == WRITING
    assert [one["comment"] for one in desk.round(LINK)] == ["container 1"]
    assert len(desk.reviews()) == 1


def test_a_preview_remembers_nothing_as_written(desk: Desk) -> None:
    """Also not that an analyst's value stays: it is said, and the row's `pushed` is as it was."""
    desk.process.notables("review", "ev1", "bob", status="3")
    desk.case(1, changed=1_000.0, status="closed")
    assert [one["outcome"] for one in desk.round(CLOSED, preview=True)] == [KEPT]
    assert (desk.row(1).writeback, desk.row(1).pushed) == (KEPT, "")


def test_what_could_not_be_asked_is_asked_again(desk: Desk) -> None:
    """Without the right nothing is lost: the cases are under way, and written once when it is there."""
    desk.process.grant(RIGHT, "disabled")
    desk.case(1)
    with pytest.raises(SplunkdError, match=RIGHT):
        desk.round()
    assert desk.row(1).writeback == WRITING
    desk.process.grant(RIGHT)
    assert [one["outcome"] for one in desk.round()] == ["updated"]
    assert len(desk.reviews()) == 1


def test_what_was_written_before_the_end_is_told(desk: Desk) -> None:
    """The process ended between an update and its note: the report comes now, and nothing is written again."""
    desk.process.notables("review", "ev1", "admin", comment="an older line\ncontainer 1")
    desk.keep(replace(desk.case(1), writeback=WRITING))
    assert [(one["outcome"], one["comment"]) for one in desk.round(LINK)] == [("updated", "container 1")]
    assert len(desk.reviews()) == 1
    assert desk.row(1).writeback == DONE


def test_what_was_written_before_the_end_is_known_when_soar_comes_back_to_it(desk: Desk) -> None:
    """The process ended after a text and a status; SOAR went back before the next round, and comes to it once more."""
    desk.case(1, status="open")
    desk.round(OPENED, CLOSED, SAID)
    desk.change(1, status="closed")
    _ends_after(desk, "notable_update", OPENED, CLOSED, SAID)
    desk.change(1, status="open")
    for status in ("closed", "open", "closed"):
        desk.round(OPENED, CLOSED, SAID)
        desk.change(1, status=status)
    desk.round(OPENED, CLOSED, SAID)
    assert [one["status"] for one in desk.reviews()] == ["2", "5", "2", "5", "2", "5"]
    assert [one["comment"] for one in desk.reviews()] == ["", "closed 1", "", "", "", ""]
    assert (desk.row(1).writeback, "under_way" in desk.row(1).pushed) == (DONE, False)


def test_an_update_of_which_nothing_came_is_forgotten_when_soar_went_back(desk: Desk) -> None:
    """The process ended before the update, and no rule says it any more: the case is done, and nothing is written."""
    desk.case(1, status="closed")
    desk.process.grant(RIGHT, "disabled")
    with pytest.raises(SplunkdError):
        desk.round(CLOSED)
    assert "under_way" in desk.row(1).pushed
    desk.process.grant(RIGHT)
    desk.change(1, status="open")
    assert desk.round(CLOSED) == []
    assert (desk.row(1).writeback, "under_way" in desk.row(1).pushed, desk.reviews()) == (DONE, False, [])


@pytest.mark.parametrize("version", [7, 8])
def test_a_lookup_that_was_emptied_repeats_nothing(version: int, request: pytest.FixtureRequest) -> None:
    """Containers are seen like new ones when they change: texts and risk that stand there are not written again."""
    desk: Desk = request.getfixturevalue("desk" if version == 7 else "desk8")
    rules = (LINK, CLOSED, NOTE, RISK)
    desk.case(1, status="closed", risk_object="h")
    desk.round(*rules)
    before = desk.reviews(), desk.notes(), list(desk.risks)
    desk.case(1, status="closed", risk_object="h")  # as a poll makes it anew
    assert desk.round(*rules) == []
    assert (desk.reviews(), desk.notes(), desk.risks) == before
    assert desk.row(1).writeback == DONE
    desk.change(1, severity="high")
    assert [one["urgency"] for one in desk.round(*rules, URGENT)] == ["high"]


def _ends_after(desk: Desk, call: str, *stanzas: dict[str, str]) -> None:
    """The process ends right after a call to splunkd."""
    desk.ends_after = call
    with pytest.raises(Crash):
        desk.round(*stanzas)
    desk.ends_after = ""
    desk.steps.start(None)


@pytest.mark.parametrize("version", [7, 8])
def test_a_process_that_ends_at_any_step_writes_nothing_twice(version: int, request: pytest.FixtureRequest) -> None:
    """However often the input is killed, before and after any call: each text stands there once, and the status."""
    desk: Desk = request.getfixturevalue("desk" if version == 7 else "desk8")

    rules = (LINK, CLOSED, OPENED, SAID, NOTE, RISK, TAG)

    @settings(max_examples=40)
    @given(ends=st.lists(st.tuples(st.integers(0, 28), st.sampled_from(["open", "closed"])), max_size=4))
    def kill(ends: list[tuple[int, str]]) -> None:
        desk.clear()
        for number in (1, 2):
            desk.process.notables("add", f"ev{number}")
            desk.case(number, status="closed", severity="high", risk_object="h")
        for steps, status in ends:
            desk.steps.start(steps)
            with contextlib.suppress(Crash):
                desk.round(*rules)
            desk.change(1, status=status)  # and SOAR goes on meanwhile, away and back
        desk.steps.start(None)
        desk.round(*rules)
        desk.change(1, status="closed")
        desk.round(*rules)
        for number in (1, 2):
            reviews = desk.reviews(f"ev{number}")
            texts = [line for one in reviews for line in one["comment"].split("\n") if line]
            texts += [text for _, text in desk.notes(f"ev{number}")]
            assert sorted(texts) == [f"closed {number}", f"container {number}", f"note {number}"]
            assert [one["status"] for one in reviews if one["status"]][-1] == "5"
            assert (desk.row(number).writeback, "under_way" in desk.row(number).pushed) == (DONE, False)
        assert len(desk.risk_ids()) == len(set(desk.risk_ids())) == len(desk.tags) == 2

    kill()
