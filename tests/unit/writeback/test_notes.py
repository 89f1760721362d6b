"""Notes on findings of Enterprise Security 8."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from soarlink.errors import SplunkdError
from soarlink.feedback.case import WRITING
from soarlink.writeback.ledger import DONE, REFUSED
from soarlink.writeback.notes import Notes
from soarlink.writeback.path import ROOTS
from tests.unit.writeback.desk import LINK, Desk, Scripted

NOTE = {"order": "40", "field": "verdict", "set": "note", "to": "{{last_playbook}}: {{verdict}}"}
RAN: dict[str, Any] = {"last_playbook": "contain", "verdict": "succeeded"}


@pytest.fixture
def notes(desk8: Desk) -> Notes:
    """Return the notes of the desk."""
    return Notes(desk8.session, ROOTS[0])


def test_a_note_is_written_and_read(desk8: Desk, notes: Notes) -> None:
    """Its text is whatever it is; a finding's id is a part of an address."""
    desk8.process.notables("add", "a/b@@notable@@time1")
    for event_id in ("ev1", "a/b@@notable@@time1"):
        assert notes.found(event_id) == frozenset()
        assert notes.add(event_id, "Title", "déjà\nvu") == ""
        assert notes.found(event_id) == frozenset([("Title", "déjà\nvu")])


def test_a_finding_that_is_not_known(notes: Notes) -> None:
    """It is no refusal, and no fault."""
    assert notes.found("ev9") == frozenset()
    assert notes.add("ev9", "Title", "text") is None


def test_a_refused_note_says_why(desk8: Desk, notes: Notes) -> None:
    """In the words of Enterprise Security, or by the status."""
    desk8.process.notables("refuse", "ev1", "It is locked")
    assert notes.add("ev1", "Title", "text") == "It is locked"
    assert Notes(Scripted((409, b"")), "").add("ev1", "Title", "text") == "status 409"


@pytest.mark.parametrize("status", [401, 403, 429, 500])
def test_what_says_nothing_of_the_finding_is_an_error(desk8: Desk, notes: Notes, status: int) -> None:
    """Rights, too many calls, faults: the note is tried again later."""
    desk8.process.fault("", "notes", status=status)
    for ask in (lambda: notes.add("ev1", "Title", "text"), lambda: notes.found("ev1")):
        with pytest.raises(SplunkdError) as error:
            ask()
        assert error.value.status == status


@pytest.mark.parametrize(
    "shape",
    [
        [{"content": "a"}, {"content": "b"}],
        {"notes": [{"content": "a"}], "items": [{"content": "b"}]},
        {"data": {"results": [{"content": "a"}, {"content": "b", "files": []}, 7, None]}},
    ],
)
def test_notes_are_found_in_whatever_shape(shape: Any) -> None:
    """The list's shape is documented nowhere."""
    found = Notes(Scripted((200, json.dumps(shape).encode())), "").found("ev1")
    assert found == frozenset([("", "a"), ("", "b")])


def test_a_note_stands_beside_the_comment(desk8: Desk) -> None:
    """Version 8: the comment is a review, the note a note with the container in its title; each once."""
    desk8.case(1, **RAN)
    (report,) = desk8.round(LINK, NOTE)
    assert (report["outcome"], report["comment"], report["note"]) == ("updated", "container 1", "contain: succeeded")
    desk8.change(1)
    assert desk8.round(LINK, NOTE) == []
    assert desk8.notes() == [("Splunk SOAR: container 1", "contain: succeeded")]
    assert [one["comment"] for one in desk8.reviews()] == ["container 1"]
    assert desk8.row(1).writeback == DONE


def test_a_note_alone_is_no_review(desk8: Desk) -> None:
    """An update that is nothing but a note does not ask notable_update for anything."""
    desk8.case(1, **RAN)
    desk8.process.calls()
    assert [one["outcome"] for one in desk8.round(NOTE)] == ["updated"]
    assert [call for call in desk8.process.calls() if "notable_update" in call] == []
    assert len(desk8.notes()) == 1


def test_version_7_gets_the_note_as_a_comment(desk: Desk) -> None:
    """Beside the comment of another rule, in one review, once; also after an upgrade to version 8."""
    desk.case(1, **RAN)
    assert [one["outcome"] for one in desk.round(LINK, NOTE)] == ["updated"]
    assert [one["comment"] for one in desk.reviews()] == ["container 1\ncontain: succeeded"]
    desk.change(1)
    assert desk.round(LINK, NOTE) == []


def test_what_the_api_does_not_know_becomes_a_comment(desk8: Desk) -> None:
    """And it is said."""
    desk8.process.fault("POST", "notes", status=404)
    desk8.case(1, **RAN)
    (report,) = desk8.round(LINK, NOTE)
    assert report["outcome"] == "updated"
    assert "the note became a comment" in report["reason"]
    assert [one["comment"] for one in desk8.reviews()] == ["container 1", "contain: succeeded"]
    assert "became a comment" in desk8.row(1).writeback_note
    assert desk8.notes() == []


def test_a_note_of_another_container_is_not_its_own(desk8: Desk) -> None:
    """Two containers of one finding come to the same: the process ended after the first note, the second is written."""
    for number in (1, 2):
        desk8.keep(replace(desk8.case(number, event_id="ev1", **RAN), writeback=WRITING))
    desk8.process.notables("annotate", "ev1", "admin", "Splunk SOAR: container 1", "contain: succeeded")
    assert [one["outcome"] for one in desk8.round(NOTE)] == ["updated"] * 2
    assert [title for title, _ in desk8.notes("ev1")] == [f"Splunk SOAR: container {number}" for number in (1, 2)]


def test_a_refused_note_leaves_the_rest_written(desk8: Desk) -> None:
    """The comment counts as written, the note is told, and only the note is tried again."""
    desk8.process.fault("POST", "notes", status=400, body="Too long")
    desk8.case(1, **RAN)
    updated, refused = desk8.round(LINK, NOTE)
    assert (updated["outcome"], updated["comment"], "note" in updated) == ("updated", "container 1", False)
    assert (refused["outcome"], refused["reason"], refused["note"]) == (REFUSED, "Too long", "contain: succeeded")
    assert desk8.row(1).writeback == REFUSED
    desk8.process.clear()
    desk8.change(1)
    assert [one.get("comment") for one in desk8.round(LINK, NOTE)] == [None]
    assert len(desk8.notes()) == len(desk8.reviews()) == 1


def test_a_note_that_becomes_a_refused_comment_is_refused(desk8: Desk) -> None:
    """Neither way takes it: the reason of the second is told."""
    desk8.process.fault("POST", "notes", status=404)
    desk8.process.notables("refuse", "ev1", "It is locked")
    desk8.case(1, **RAN)
    (report,) = desk8.round(NOTE)
    assert (report["outcome"], report["reason"]) == (REFUSED, "It is locked")
