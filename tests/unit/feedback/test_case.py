"""What the lookup knows of a container."""

from __future__ import annotations

from dataclasses import replace

from soarlink.feedback.case import OPEN, WRITING, Case, of_container, of_document

RECORD = {"id": 7, "name": "Paired", "status": "new", "create_time": "2026-01-01T00:00:00.000000Z"}
MARK = {"splunk": {"event_id": "ev7", "orig_sid": "run1", "orig_rid": "1"}}


def test_a_container_that_a_finding_joined_is_adopted() -> None:
    """It gets the finding's ids and is for the write-back; what is known of its runs stays."""
    theirs = of_container("lab", "u", RECORD).ran("contain", 3, "2026-01-02", "succeeded", "")
    assert not theirs.ours
    ours = theirs.adopted(of_container("lab", "u", {**RECORD, "data": MARK}))
    assert (ours.ours, ours.event_id, ours.orig_sid, ours.writeback) == (True, "ev7", "run1", OPEN)
    assert (ours.last_playbook, ours.last_run_id, ours.verdict) == ("contain", 3, "succeeded")


def test_only_what_stands_in_the_row_makes_it_newer() -> None:
    """A tag of our own moves the container, and makes nothing newer than an analyst's change; a verdict does."""
    case = of_container("lab", "u", {**RECORD, "data": MARK})
    tagged = case.seen({**RECORD, "tags": ["told"], "container_update_time": "2026-01-03T00:00:00.000000Z"})
    assert (tagged.updated, tagged.changed) == ("2026-01-03T00:00:00.000000Z", RECORD["create_time"])
    closed = tagged.seen({**RECORD, "status": "closed", "container_update_time": "2026-01-04T00:00:00.000000Z"})
    assert closed.changed == "2026-01-04T00:00:00.000000Z"
    ran = closed.ran("contain", 3, "2026-01-05T00:00:00.000000Z", "running", "")
    again = ran.ran("contain", 3, "2026-01-06T00:00:00.000000Z", "running", "")
    assert (again.last_run_time, again.changed) == ("2026-01-06T00:00:00.000000Z", "2026-01-05T00:00:00.000000Z")


def test_nothing_else_is_adopted() -> None:
    """Not one without our mark, and not one that is ours already: its update may be under way."""
    theirs = of_container("lab", "u", RECORD)
    assert theirs.adopted(of_container("lab", "v", RECORD)) is theirs
    ours = replace(of_container("lab", "u", {**RECORD, "data": MARK}), writeback=WRITING)
    assert ours.adopted(of_container("lab", "u", {**RECORD, "data": {"splunk": {"event_id": "ev8"}}})) is ours


def test_a_change_reopens_a_case_whose_update_is_not_under_way() -> None:
    """One that was cut short is still looked for, whatever SOAR changes meanwhile; the same again is no change."""
    case = of_container("lab", "u", {**RECORD, "data": MARK})
    for before, after in ((WRITING, WRITING), ("done", OPEN), ("refused", OPEN)):
        known = replace(case, writeback=before)
        assert known.seen(RECORD).writeback == before
        assert known.seen({**RECORD, "status": "closed"}).writeback == after
        assert known.ran("p", 1, "2026-01-02", "failed", "why").writeback == after


def test_the_row_of_the_lookup_is_the_case() -> None:
    """Numbers that the KV store gives back as floats are numbers; what another version wrote is left alone."""
    case = Case("lab", 7, ours=True, last_run_id=3, risk_object="h")
    assert of_document({**case.document(), "container_id": 7.0, "last_run_id": 3.0, "colour": "red"}) == case
