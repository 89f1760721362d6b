"""No case keeps others from being written: not one without a notable, not one that meets an error, not a stop."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soarlink.errors import SplunkdError
from soarlink.feedback.case import WRITING, Case
from soarlink.writeback.ledger import DONE, FAILED, NONE
from soarlink.writeback.round import LONGEST
from soarlink.writeback.turns import FIRST_PAUSE, LONGEST_PAUSE, Turns
from soarlink.writeback.writer import MOST_FAULTS
from tests.unit.writeback.desk import CLOSED, LINK, Desk

NOTE = {"order": "40", "field": "created", "set": "note", "to": "note {{container_id}}"}
RISK = {"order": "50", "field": "created", "set": "risk", "to": "40 system host1"}


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three cases are read at once."""
    monkeypatch.setattr("soarlink.feedback.cases._AWAITING", 3)


@pytest.mark.usefixtures("few")
def test_cases_without_a_notable_hold_up_nobody(desk: Desk) -> None:
    """Those that have one are written in the first round; of the others each has its turn, however many there are."""
    for number in range(10, 17):
        desk.case(number, event_id="", orig_sid="run", orig_rid=str(number))
    desk.case(2)
    desk.process.notables("add", "ev16", "run", "16")
    assert [one["event_id"] for one in desk.round(LINK)] == ["ev2"]
    found = [one["event_id"] for _ in range(3) for one in desk.round(LINK)]
    assert found == ["ev16"]
    desk.process.notables("add", "ev10", "run", "10")  # which had its turn before, and has it again
    assert [one["event_id"] for _ in range(3) for one in desk.round(LINK)] == ["ev10"]


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize(("seconds", "rounds"), [(0.0, 1), (LONGEST, 3)])
def test_a_backlog_is_worked_off_without_waiting_for_polls(desk: Desk, seconds: float, rounds: int) -> None:
    """As long as that is quick; what takes long leaves the rest to the next round, for others wait."""
    numbers = range(10, 17)
    for number in numbers:
        desk.process.notables("add", f"ev{number}")
        desk.case(number)

    def goes_on() -> bool:
        desk.seconds += seconds
        return True

    desk.goes_on = goes_on
    for turn in range(1, rounds + 1):
        desk.round(LINK)
        assert (len(desk.reviews()) == len(numbers)) == (turn == rounds)
    assert sorted(one["rule_id"] for one in desk.reviews()) == [f"ev{number}" for number in numbers]


@pytest.mark.usefixtures("few")
def test_cases_that_meet_errors_end_the_round(desk: Desk) -> None:
    """A page full of cases that are left alone for a while is passed, and each is looked at once."""
    for number in range(10, 17):
        desk.process.notables("add", f"ev{number}")
        desk.case(number)
    desk.process.fault("POST", "notable_update", status=503)
    for _ in range(4):
        with contextlib.suppress(SplunkdError):
            desk.round(LINK)
    desk.process.clear()
    desk.process.calls()
    desk.round(LINK)
    assert len([call for call in desk.process.calls() if "soar_containers" in call and call.startswith("GET")]) < 8


@pytest.mark.usefixtures("few")
def test_what_names_no_run_is_settled_at_once(desk: Desk) -> None:
    """Nothing can be looked for: it is none, and the place is free."""
    for number in range(10, 16):
        desk.case(number, event_id="", orig_sid="run" if number == 10 else "")
    desk.round(LINK)
    desk.round(LINK)
    assert {desk.row(number).writeback for number in range(10, 16)} == {NONE}


def test_an_error_of_one_update_concerns_no_other(desk: Desk) -> None:
    """The others are written in the same round; it is told once, left alone for a while, then written once."""
    desk.process.notables("breaks_down", "ev1")
    for number in (1, 2, 3):
        desk.case(number)
    outcomes = {one["event_id"]: one["outcome"] for one in desk.round(LINK)}
    assert outcomes == {"ev1": FAILED, "ev2": "updated", "ev3": "updated"}
    assert (desk.row(1).writeback, "Unexpected error at ev1" in desk.row(1).writeback_note) == (WRITING, True)
    assert desk.problem.startswith("Updates of notables that are tried again: 1. splunkd answered notable_update")
    desk.process.calls()
    assert desk.round(LINK) == []
    assert [call for call in desk.process.calls() if "notable_update" in call] == []
    desk.seconds += FIRST_PAUSE
    assert desk.round(LINK) == []  # tried, and not told again
    assert [call for call in desk.process.calls() if "notable_update" in call] == ["POST /services/notable_update"]
    desk.process.notables("mend", "ev1")
    desk.seconds += 2 * FIRST_PAUSE
    assert [one["outcome"] for one in desk.round(LINK)] == ["updated"]
    assert (desk.row(1).writeback, desk.row(1).writeback_note, desk.problem) == (DONE, "", "")
    assert len(desk.reviews("ev1")) == 1


def test_an_error_in_a_batch_concerns_one_notable(desk: Desk) -> None:
    """A call for three breaks down at the second: the first is not written again, the third is."""
    desk.process.notables("breaks_down", "ev2")
    for number in (1, 2, 3):
        desk.case(number, status="closed")
    outcomes = {one["event_id"]: one["outcome"] for one in desk.round(CLOSED)}
    assert outcomes == {"ev1": "updated", "ev2": FAILED, "ev3": "updated"}
    assert [one["rule_id"] for one in desk.reviews()] == ["ev1", "ev3"]


def test_an_error_of_one_note_concerns_no_other(desk8: Desk) -> None:
    """What is refused on one finding for want of a right keeps the other's note from nothing."""
    desk8.process.fault("POST", "ev1/notes", status=403)
    for number in (1, 2):
        desk8.case(number)
    outcomes = {one["event_id"]: one["outcome"] for one in desk8.round(NOTE)}
    assert outcomes == {"ev1": FAILED, "ev2": "updated"}
    desk8.process.clear()
    desk8.process.fault("GET", "ev1/notes", status=500)  # nor when it can't be looked for
    desk8.seconds += FIRST_PAUSE
    desk8.case(3)
    assert [one["event_id"] for one in desk8.round(NOTE)] == ["ev3"]


def test_enterprise_security_that_is_away_is_not_asked_on_and_on(desk: Desk) -> None:
    """After errors in a row the round ends; the next one begins with those that met none."""
    numbers = range(1, MOST_FAULTS + 4)
    for number in numbers:
        desk.process.notables("add", f"ev{number}")
        desk.case(number)
    desk.process.fault("POST", "notable_update", status=503)
    desk.process.calls()
    with pytest.raises(SplunkdError, match="503"):
        desk.round(LINK)
    assert len([call for call in desk.process.calls() if "notable_update" in call]) == MOST_FAULTS
    desk.process.clear()
    assert len(desk.round(LINK)) == len(numbers) - MOST_FAULTS
    desk.seconds += FIRST_PAUSE
    assert len(desk.round(LINK)) == MOST_FAULTS
    assert len(desk.reviews()) == len(numbers)


@pytest.mark.parametrize("calls", range(8))
def test_a_round_that_is_to_end_ends_in_good_order(desk: Desk, calls: int) -> None:
    """Before whichever call: what is written is told and done, and the next round writes the rest, once."""
    for number in (1, 2, 3):
        desk.case(number, status="closed" if number == 3 else "new")
    left = [calls]

    def goes_on() -> bool:
        left[0] -= 1
        return left[0] >= 0

    desk.goes_on = goes_on
    told = list(desk.round(LINK, CLOSED))
    done = [number for number in (1, 2, 3) if desk.row(number).writeback == DONE]
    assert len(told) == len(desk.reviews()) == len(done) == min(3, max(0, calls - 2))
    desk.goes_on = lambda: True
    told += desk.round(LINK, CLOSED)
    assert sorted(one["event_id"] for one in told) == ["ev1", "ev2", "ev3"]
    assert len(desk.reviews()) == 3


def test_risk_is_not_repeated_while_the_notable_fails(desk: Desk) -> None:
    """Also when searches do not find it yet: it is remembered as soon as it is out, and told then."""
    desk.is_searchable = False
    desk.process.notables("breaks_down", "ev1")
    desk.case(1)
    told = [(one["outcome"], "risk" in one) for one in desk.round(LINK, RISK)]
    assert told == [("updated", True), (FAILED, False)]
    for _ in range(3):
        desk.seconds += LONGEST_PAUSE
        assert desk.round(LINK, RISK) == []
    assert len(desk.risks) == 1


@given(st.integers(1, 3_000))
def test_a_pause_grows_and_ends(faults: int) -> None:
    """Each error makes it longer, up to a quarter of an hour; an answer ends it."""
    now = [0.0]
    turns, case = Turns(lambda: now[0]), Case("lab", 1)
    pauses = []
    for _ in range(faults):
        turns.put_off(case)
        begun = now[0]
        while not turns.is_due(case):
            now[0] += 30.0
        pauses.append(now[0] - begun)
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1] <= LONGEST_PAUSE) == (FIRST_PAUSE, True)
    turns.put_off(case)
    turns.done(case)
    assert (turns.is_due(case), turns.faults(case)) == (True, 0)
