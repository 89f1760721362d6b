"""Events are flat, without nulls, and named as the data dictionary has them."""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soarlink.automation.verdict import Verdict
from soarlink.feedback import stream
from soarlink.feedback.case import Case, of_container, of_document
from soarlink.feedback.event import Judged, of_record
from soarlink.feedback.stream import Stream
from tests.unit.standin import ROOT

CASE = Case("prod", 7, name="Case", url="https://soar/mission/7", event_id="ev@@notable@@1", search_name="Rule")
SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
ALL = (*stream.STREAMS, stream.ARTIFACTS)


def names(source: Stream) -> set[str]:
    """Field names that the dictionary has for a kind of record."""
    columns = (*stream.CASE_COLUMNS, *source.columns, *stream.DERIVED_COLUMNS.get(source.sourcetype, ()))
    return {column.name for column in columns} | {"note_type"}


@pytest.mark.parametrize("source", ALL, ids=lambda source: source.resource)
@given(data=st.data())
def test_whatever_soar_answers_the_event_is_flat(source: Stream, data: st.DataObject) -> None:
    """No nulls, no empty text, no objects; every name stands in the dictionary, or is a member of a field that does."""
    keys = {key for column in source.columns for key in column.source.split("|")} | set(source.times)
    record: dict[str, Any] = {key: data.draw(VALUES, label=key) for key in sorted(keys)}
    judged = Judged("local/x", Verdict("waiting", "why")) if source is stream.PLAYBOOK_RUNS else None
    event = of_record(source, record, CASE, "soar:8443", judged)
    read = json.loads(event.text())
    for name, value in read.items():
        assert isinstance(value, (str, int, float)), name
        assert value != "", name
        assert name in names(source) or name.partition(".")[0] in names(source), name
    assert event.text().startswith('{"time": ')


def test_the_same_state_has_the_same_id() -> None:
    """The id names server, record and state; it changes with the record, not with what we call the account."""
    record = {"id": 3, "start_time": "2026-01-13T22:11:24.000000Z", "end_time": None, "action": "geolocate ip"}
    later = {**record, "end_time": "2026-01-13T22:11:25.500000Z"}
    other = Case("renamed", 7)
    first, again = (of_record(stream.ACTION_RUNS, record, case, "soar") for case in (CASE, other))
    ended = of_record(stream.ACTION_RUNS, later, CASE, "soar")
    assert (
        first.fields["soar_event_id"] == again.fields["soar_event_id"] == "soar|app_run|3@2026-01-13T22:11:24.000000Z"
    )
    assert ended.fields["soar_event_id"] != first.fields["soar_event_id"]
    assert (ended.time, ended.fields["duration"]) == (1768342285.5, 1.5)


def test_members_become_fields_and_lists_become_text() -> None:
    """Custom fields have a field each; tags are one text."""
    record = {"id": 7, "create_time": "2026-01-13T22:11:24.000000Z", "tags": ["a", "b"], "custom_fields": {"x": "1"}}
    fields = of_record(stream.CONTAINERS, record, CASE, "soar").fields
    assert (fields["tags"], fields["custom_fields.x"], fields["splunk_id"]) == ("a, b", "1", "ev@@notable@@1")


def test_a_case_knows_what_it_comes_from() -> None:
    """Our mark in the container's data tells search and finding; a container without it is not ours; rows read back."""
    origin = {"search_name": "Rule", "event_id": ["e1", "e2"], "sid": "s", "rid": "0"}
    ours = of_container("prod", "url", {"id": 7, "data": {"splunk": origin}, "create_time": "t"})
    assert (ours.ours, ours.search_name, ours.event_id, ours.orig_sid, ours.orig_rid) == (True, "Rule", "e1", "s", "0")
    assert not of_container("prod", "url", {"id": 8, "data": {"x": 1}}).ours
    assert of_document({**ours.document(), "_user": "nobody", "more": 1}) == ours


def test_an_older_run_does_not_take_the_verdict_back() -> None:
    """The lookup tells the run that moved last, whatever order they are read in."""
    newer = CASE.ran("local/b", 2, "2026-01-02", "failed", "why")
    assert newer.ran("local/a", 1, "2026-01-01", "succeeded", "") is newer
    assert newer.ran("local/b", 2, "2026-01-03", "succeeded", "").verdict == "succeeded"


def test_the_documented_fields_are_those_of_today() -> None:
    """docs/feedback.md is generated, and names every field of the lookup."""
    command = [str(ROOT / ".venv" / "bin" / "python"), "-m", "tools.feedback_fields", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    lookup = (ROOT / "docs" / "feedback.md").read_text(encoding="utf-8").partition("### Lookup")[2]
    documented = set(re.findall(r"`(\w+)`", lookup))
    assert set(CASE.document()) - {"_key", "format"} <= documented


def test_the_lookup_has_every_field_of_a_case() -> None:
    """collections.conf and transforms.conf name what the input writes."""
    default = ROOT / "package" / "default"
    collection = (default / "collections.conf").read_text(encoding="utf-8").partition("[soar_containers]")[2]
    declared = set(re.findall(r"^field\.(\w+)", collection.partition("\n[")[0], re.MULTILINE))
    transforms = (default / "transforms.conf").read_text(encoding="utf-8")
    written = set(CASE.document()) - {"_key"}
    assert declared == written
    for name in ("soar_containers", "phantom_results"):
        listed = re.search(rf"\[{name}\].*?fields_list = ([^\n]+)", transforms, re.DOTALL)
        assert listed is not None
        assert set(listed[1].split(", ")) == (written | {"_key"}) - {"format"}
