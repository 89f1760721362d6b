"""Container and artifact bodies."""

from __future__ import annotations

from typing import Any

import pytest

from soarlink.mapping.artifact import MappedArtifact, MappedRow
from soarlink.plan.container import Bodies, cut, iso_time
from soarlink.rows.row import Row, Value
from tests.unit.samples import SCHEDULED_SID, CountingMapper, asked, make_row, make_run

FACTS = {
    "search_name": "Brute force",
    "app": "search",
    "owner": "admin",
    "results_link": "https://sh/r",
    "server_host": "sh1",
}


def container(row: Row, **changes: str) -> dict[str, Any]:
    """The container body of a row."""
    return dict(Bodies(make_run(**FACTS), asked(**changes), "events").container(row, "key").body)


def test_a_container_says_where_it_comes_from() -> None:
    """Name, label, severity, key, time, and the origin with the finding's own ids."""
    row = make_row(4, _time="1700000000.5", rule_title="Brute force on web-1", urgency="critical", event_id="E1")
    assert container(row, description="seen by {{src|default:nobody}}") == {
        "name": "Brute force on web-1",
        "label": "events",
        "severity": "high",
        "sensitivity": "amber",
        "source_data_identifier": "key",
        "description": "seen by nobody",
        "start_time": "2023-11-14T22:13:20.500000Z",
        "data": {
            "splunk": {
                **FACTS,
                "sid": SCHEDULED_SID,
                "action": "send_to_soar",
                "rid": "4",
                "event_id": "E1",
                "rule_title": "Brute force on web-1",
                "es_link": "https://sh/app/SplunkEnterpriseSecuritySuite/incident_review"
                "?earliest=1699999999&latest=now&search=event_id%3DE1",
            },
        },
    }


def test_nothing_empty_is_sent() -> None:
    """A row that says nothing leaves out description, tags and time; the name falls back, and that is told."""
    made = Bodies(make_run(), asked(container_name="{{nope}}"), "events").container(make_row(), "key")
    assert made.body["name"] == "Splunk finding"
    assert not {"description", "tags", "start_time"} & set(made.body)
    assert [note for note in made.notes if "container_name" in note] == [
        'container_name "{{nope}}" gives no name for this result: the container is called "Splunk finding"'
    ]


def test_a_name_that_the_template_gives_needs_no_note() -> None:
    """Also when it is the one that the template itself falls back to."""
    for name in ("{{title}}", "{{nope|default:Splunk finding}}"):
        made = Bodies(make_run(), asked(container_name=name), "events").container(make_row(title="T"), "key")
        assert not any("container_name" in note for note in made.notes)


def test_labels_and_tags_are_templates() -> None:
    """A label that renders empty is the account's; tags are rendered, emptied of blanks, and unique."""
    row = make_row(kind="email", team="soc")
    assert container(row, label="{{kind}}", tags="{{team}},splunk,{{nope}},soc")["label"] == "email"
    assert container(row, label="{{nope}}")["label"] == "events"
    assert container(row, tags="{{team}},splunk,{{nope}},soc")["tags"] == ["soc", "splunk"]


@pytest.mark.parametrize(
    ("severity", "level", "note"),
    [
        ("High", "high", ""),
        ("Sev 1", "Sev 1", ""),
        ("{{level}}", "medium", 'severity "P1" is none of high, medium, low: sent as medium'),
    ],
)
def test_a_severity_written_out_is_sent_as_written(severity: str, level: str, note: str) -> None:
    """Only a value from a row is fitted, and then the note says so."""
    body, notes, *_ = Bodies(make_run(), asked(severity=severity), "events").container(make_row(level="P1"), "key")
    assert (body["severity"], notes) == (level, ((note,) if note else ()))


def test_an_artifact_carries_the_mapped_and_the_whole_row() -> None:
    """CEF fields with their types, link, times, and every field of the row, lists as lists."""
    row = make_row(_raw="raw text", src=("10.0.0.1", "10.0.0.2"), _time="0", severity="low")
    cef: dict[str, Value] = {"sourceAddress": ("10.0.0.1", "10.0.0.2"), "cs1": "x"}
    mapped = MappedRow((MappedArtifact(cef, {"sourceAddress": ("ip",)}),), (), (), {})
    (artifact,) = Bodies(make_run(**FACTS), asked(container_name="N"), "events").artifacts(row, mapped)
    body = dict(artifact)
    assert body.pop("source_data_identifier").startswith(f"{SCHEDULED_SID}+0#")
    assert body == {
        "name": "N",
        "label": "event",
        "severity": "low",
        "cef": {"sourceAddress": ["10.0.0.1", "10.0.0.2"], "cs1": "x", "_originating_search": "https://sh/r"},
        "cef_types": {"sourceAddress": ["ip"]},
        "data": {"row": {"_raw": "raw text", "src": ["10.0.0.1", "10.0.0.2"], "_time": "0", "severity": "low"}},
        "start_time": "1970-01-01T00:00:00.000000Z",
    }


def test_the_mappings_own_originating_search_wins() -> None:
    """A row that brings an originating search keeps it."""
    mapped = MappedRow((MappedArtifact({"_originating_search": "own"}, {}),), (), (), {})
    (body,) = Bodies(make_run(**FACTS), asked(), "events").artifacts(make_row(), mapped)
    assert body["cef"] == {"_originating_search": "own"}


def test_bodies_are_the_same_whenever_they_are_asked_for() -> None:
    """The same row gives equal bodies from two makers."""
    row = make_row(name="x", artifacts="3")
    first, second = (Bodies(make_run(), asked(), "events") for _ in range(2))
    mapped = CountingMapper().map(row)
    assert first.artifacts(row, mapped) == second.artifacts(row, mapped)
    assert first.container(row, "k") == second.container(row, "k")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("1700000000", "2023-11-14T22:13:20.000000Z"),
        ("1700000000.123456", "2023-11-14T22:13:20.123456Z"),
        ("253402300799.5", "9999-12-31T23:59:59.500000Z"),
        *((text, None) for text in ("", "now", "nan", "inf", "-inf", "-1", "253402300800", "1e300", "2023-11-14")),
    ],
)
def test_an_epoch_time_becomes_soars_form_and_nothing_else_does(text: str, shown: str | None) -> None:
    """Whatever is no time between 1970 and 9999 is left out."""
    assert iso_time(text) == shown


def test_a_name_is_one_line_of_at_most_256_characters() -> None:
    """Line breaks become blanks; the cut shows."""
    assert cut(" a\r\n b\t c ") == "a b c"
    assert cut("x" * 256) == "x" * 256
    assert cut("x" * 257) == "x" * 255 + "…"
