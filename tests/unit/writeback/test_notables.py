"""What is asked of Enterprise Security, and what its answers mean."""

from __future__ import annotations

import pytest

from soarlink.errors import SplunkdError
from soarlink.writeback.change import Change
from soarlink.writeback.notables import Notables, Review
from tests.unit.writeback.desk import Desk, Scripted

CHANGE = Change((("status", "5"), ("owner", "ann")), ("first", "second"))
MANY = [f"other{number}" for number in range(205)]


@pytest.fixture
def notables(desk: Desk) -> Notables:
    """Return Enterprise Security of the desk."""
    return Notables(desk.session)


def test_notables_are_found_by_the_run_that_made_them(desk: Desk, notables: Notables) -> None:
    """More origins than one search takes; those without a notable are missing."""
    origins = [("run1", one) for one in ("1", *MANY, "3")]
    assert notables.event_ids(origins) == {("run1", "1"): "ev1", ("run1", "3"): "ev3"}
    searches = [call for call in desk.process.calls() if "jobs/export" in call]
    assert len(searches) == 3


def test_quotes_in_a_name_stay_in_it(notables: Notables) -> None:
    """A search id with a quote or a backslash is no other search."""
    assert notables.event_ids([('run1"', "1"), ("run1\\", "1")]) == {}


def test_an_update_is_one_review_with_all_of_it(desk: Desk, notables: Notables) -> None:
    """Values and comments of several notables arrive in one call, and are read back."""
    assert notables.update(["ev1", "ev2"], CHANGE) == ""
    found = notables.reviews(["ev1", "ev2", "ev3", *MANY])
    assert set(found) == {"ev1", "ev2"}
    review = found["ev1"]
    assert (review.status, review.owner, set(review.comments)) == ("5", "ann", {"first\nsecond"})
    assert review.part(CHANGE) == CHANGE
    other = Change((("status", "2"), ("owner", "ann")), ("second", "seco"), ("first", "note"))
    assert review.part(other) == Change((("owner", "ann"),), ("second",), ("first",))
    assert len(desk.reviews()) == 2


def test_the_last_change_of_somebody_else_counts(desk: Desk, notables: Notables) -> None:
    """Values are those of the last review; its time and reviewer are of the last one that is not our own."""
    notables.update(["ev1"], CHANGE)
    assert (notables.reviews(["ev1"])["ev1"].time, notables.reviews(["ev1"])["ev1"].reviewer) == (0.0, "")
    desk.process.notables("review", "ev1", "bob", status="3", comment="mine")
    notables.update(["ev1"], Change((("urgency", "high"),)))
    review = notables.reviews(["ev1"])["ev1"]
    assert (review.reviewer, review.status, review.owner, review.urgency) == ("bob", "3", "ann", "high")
    assert review.time > 0
    assert set(review.comments) == {"first\nsecond", "mine"}


def test_a_refusal_says_what_enterprise_security_says(desk: Desk, notables: Notables) -> None:
    """One of two is refused: the answer is the message."""
    desk.process.notables("refuse", "ev2", "You may not")
    assert notables.update(["ev1", "ev2"], CHANGE) == "You may not"
    assert notables.update(["ev1"], CHANGE) == ""


def test_an_answer_without_words_is_told_by_its_status() -> None:
    """Whatever stands before splunkd: a refusal is one, also without JSON."""
    assert Notables(Scripted((418, b"<html>no</html>"))).update(["ev1"], CHANGE) == "status 418"
    assert Notables(Scripted((200, b'{"success": true, "success_count": 1}'))).update(["ev1", "ev2"], CHANGE)


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 503])
def test_an_answer_that_says_nothing_of_the_notable_is_an_error(desk: Desk, notables: Notables, status: int) -> None:
    """Missing rights, no Enterprise Security, too many calls, a broken splunkd: nothing was refused."""
    desk.process.fault("POST", "notable_update", status=status, body="so it is")
    with pytest.raises(SplunkdError, match="so it is") as error:
        notables.update(["ev1"], CHANGE)
    assert error.value.status == status
    assert ("edit_notable_events" in str(error.value)) == (status in (401, 403))


def test_another_refusal_concerns_the_notable(desk: Desk, notables: Notables) -> None:
    """A change that is not valid is told with its status."""
    desk.process.fault("POST", "notable_update", status=400, body="no such status")
    assert notables.update(["ev1"], CHANGE) == "no such status"


def test_a_search_that_fails_is_an_error(desk: Desk, notables: Notables) -> None:
    """It is never taken for a notable that is not there."""
    desk.process.fault("POST", "jobs/export", status=503, body="busy")
    with pytest.raises(SplunkdError, match="busy"):
        notables.reviews(["ev1"])


def test_a_search_that_ends_in_the_middle_is_an_error() -> None:
    """Splunk answers 200 before it begins: a fatal message among the rows is not taken for the end of them."""
    rows = b'{"preview":false,"result":{"rule_id":"ev1"}}\n{"messages":[{"type":"FATAL","text":"No more searches"}]}'
    user = b'{"entry":[{"content":{"username":"system"}}]}'
    with pytest.raises(SplunkdError, match="No more searches"):
        Notables(Scripted((200, user), (200, rows))).reviews(["ev1"])
    rows = rows.replace(b"FATAL", b"WARN")
    assert set(Notables(Scripted((200, user), (200, rows))).reviews(["ev1"])) == {"ev1"}


def test_a_review_without_a_time_is_as_old_as_can_be(desk: Desk, notables: Notables) -> None:
    """What can't be read as a time does not stop the write-back."""
    desk.process.notables("review", "ev1", "bob", time="yesterday")
    assert notables.reviews(["ev1"])["ev1"] == Review(0.0, "bob")
