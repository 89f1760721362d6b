"""The preview: the delivery's own plan, with the trace, bounded and never silent about it."""

from __future__ import annotations

import json

import pytest

from soarlink.mapping import shipped
from soarlink.mapping.search import SearchContext
from soarlink.plan import parameters
from soarlink.plan.planner import Planner
from soarlink.plan.run import AlertRun
from soarlink.plan.vocabulary import STATUS, Vocabulary
from soarlink.preview.document import document, failure
from soarlink.preview.preview import Preview, limit_note, preview
from soarlink.preview.records import CONTAINER, FIELD, FIELDS, NOTE, PLAYBOOK, records
from soarlink.rows.row import Row, Value

RUN = AlertRun("send_to_soar", "scheduler__admin__search__RMD5x_at_1700000000_1", search_name="S", scheduled=True)
FIELD_NAMES = ("_time", "src", "dest", "user", "note")


def rows(*each: dict[str, Value]) -> list[Row]:
    """Rows as the results file gives them."""
    return [Row(str(position), position, fields) for position, fields in enumerate(each)]


ROWS = rows(
    {"_time": "1700000000", "src": "203.0.113.7", "dest": "web01", "user": ("anna", "søren")},
    {"_time": "1700000001", "src": "10.0.0.2", "dest": "db02", "note": "x"},
    {"src": "10.0.0.3", "dest": "web01"},
)


def made(
    configuration: dict[str, str] | None = None,
    *,
    limit: int = 0,
    most_trace: int = 1000,
    vocabulary: Vocabulary | None = None,
    source: list[Row] | None = None,
    action: str = "send_to_soar",
) -> Preview:
    """Preview the rows with these parameters."""
    return preview(
        RUN,
        parameters.parse(configuration or {}, action),
        shipped.load(),
        "events",
        rows=ROWS if source is None else source,
        columns=FIELD_NAMES,
        limit=limit,
        vocabulary=vocabulary,
        most_trace=most_trace,
    )


@pytest.mark.parametrize(
    "configuration",
    [
        {},
        {"container_per": "group", "group_by": "dest"},
        {"container_per": "search", "multivalue": "each"},
        {"container_per": "search", "artifacts": "summary", "attach_results": "csv"},
    ],
)
def test_it_is_the_plan_of_delivery(configuration: dict[str, str]) -> None:
    """Containers, artifacts, owners, files and keys are those that the planner hands to delivery."""
    asked = parameters.parse(configuration)
    mapper = shipped.load().bind(FIELD_NAMES, SearchContext(RUN.search_name, app=RUN.app), asked.mapping)
    shipments = list(Planner(RUN, asked, mapper, "events", columns=FIELD_NAMES).plan(ROWS))
    found = made(configuration)
    assert [one.identity for one in found.containers] == list(dict.fromkeys(s.identity for s in shipments))
    assert [one for c in found.containers for one in c.artifacts] == [one for s in shipments for one in s.artifacts]
    assert [file for c in found.containers for file in c.attachments] == [
        (file.name, len(file.content)) for s in shipments for file in s.attachments
    ]
    assert sorted(rid for c in found.containers for rid in c.rids) == ["0", "1", "2"]
    assert [result.rid for result in found.results] == ["0", "1", "2"]


def test_every_value_of_every_field_is_in_the_trace() -> None:
    """Nothing goes unexplained."""
    traced = {(one.rid, one.line.field, one.line.value) for one in made().trace}
    for row in ROWS:
        for name in row.fields:
            for value in row.values(name):
                assert (row.rid, name, value) in traced
    assert all(one.line.why and (one.line.target or one.line.rule) for one in made().trace)


def test_the_limit_bounds_what_is_looked_at() -> None:
    """Two of three results; the rest leaves no trace."""
    found = made(limit=2)
    assert (found.looked_at, found.limit) == (2, 2)
    assert {one.rid for one in found.trace} == {"0", "1"}
    assert made(limit=9).looked_at == 3


@pytest.mark.parametrize(
    ("looked_at", "limit", "total", "words"),
    [
        (2, 2, 3, "only the first 2 of 3 results"),
        (2, 2, None, "only the first 2 results"),
        (2, 2, 2, ""),
        (2, 3, None, ""),
        (9, 0, None, ""),
    ],
)
def test_what_was_not_looked_at_is_said(looked_at: int, limit: int, total: int | None, words: str) -> None:
    """Only when there may be more than was looked at."""
    note = limit_note(looked_at, limit, total)
    assert note.startswith(words)
    assert bool(note) == bool(words)


def test_a_cut_trace_says_so() -> None:
    """The lines are bounded, and how many are missing is in the notes."""
    whole = len(made().trace)
    found = made(most_trace=5)
    assert len(found.trace) == 5
    assert found.notes == (f"the trace is cut: {whole - 5} of {whole} lines are left out",)
    assert len(found.containers) == 3


def test_a_refusal_is_shown() -> None:
    """A name that SOAR does not have, as far as its vocabulary is known, is the container's refusal."""
    known = Vocabulary({STATUS: {"open": "open"}})
    (first, *_) = made({"status": "nonsense"}, vocabulary=known).containers
    assert "nonsense" in first.refusal
    assert made({"status": "open"}, vocabulary=known).containers[0].refusal == ""


def test_the_document_is_plain_json() -> None:
    """The binding keys of `lab preview --json`, and the sums beside them."""
    found = json.loads(json.dumps(document([made(limit=2)], sid=RUN.sid, mapping="d", total=3, notes=("n",))))
    container = found["containers"][0]
    assert (container["name"], container["rids"], container["label"]) == ("S", ["0"], "events")
    assert container["artifacts"][0]["cef"]["sourceAddress"] == "203.0.113.7"
    assert container["artifacts"][0]["cef_types"]["sourceAddress"] == ["ip"]
    line = next(line for line in found["trace"] if line["field"] == "src")
    assert {"rid", "field", "value", "rule", "target", "why"} <= set(line)
    assert (line["rid"], line["value"], line["rule"], line["target"]) == ("0", "203.0.113.7", "src", "sourceAddress")
    assert found["rows"] == {"looked_at": 2, "total": 3, "limit": 2, "complete": False}
    assert found["notes"] == ["n", "only the first 2 of 3 results were looked at: the limit is 2"]
    assert found["results"][1]["container"] == 1
    assert set(failure("x", 3)) == set(found)


def test_documents_of_several_calls_are_one() -> None:
    """In per-result mode each result is a call; containers are counted through."""
    one = [made(source=[row]) for row in ROWS[:2]]
    found = document(one, sid=RUN.sid, mapping="d", total=2)
    assert [result["container"] for result in found["results"]] == [0, 1]
    assert found["rows"]["complete"] is True
    assert document([], sid="", mapping="d", total=0)["containers"] == []


def test_records_have_all_columns_and_read_by_themselves() -> None:
    """Each row has every column; the text of an event says the same in one line."""
    found = list(records(made({"container_per": "search"}), {"0": "1700000000"}))
    assert {tuple(sorted(record)) for record in found} == {tuple(sorted(FIELDS))}
    assert found[0]["kind"] == CONTAINER
    assert (found[0]["rid"], found[0]["artifacts"]) == (["0", "1", "2"], 3)
    assert json.loads(found[0]["body"])["label"] == "events"
    src = next(record for record in found if record["kind"] == FIELD and record["field"] == "src")
    assert (src["_time"], src["types"]) == (1700000000.0, ["ip"])
    assert src["_raw"].startswith("src=203.0.113.7 → sourceAddress (ip) [src] ")
    dropped = next(record for record in found if record["field"] == "_time")
    assert "dropped" in dropped["_raw"]


def test_records_tell_notes_and_refusals() -> None:
    """What an outcome would say stands below the result, what a refusal says at the container."""
    found = list(records(made({"severity": "{{note}}"}), {}))
    assert any(record["kind"] == NOTE and record["why"] for record in found)
    refused = made({"status": "nonsense"}, vocabulary=Vocabulary({STATUS: {"open": "open"}}))
    assert "would be rejected: SOAR has no status" in next(records(refused, {}))["_raw"]


@pytest.mark.parametrize(
    ("scope", "words"),
    [("", "on all artifacts of a new container"), ("new", "on what is new since"), ("artifacts", "these results make")],
)
def test_playbooks_are_shown_as_they_would_be_called(scope: str, words: str) -> None:
    """With scope and inputs of each container, in the records and in the document; and what would not be started."""
    asked = {"playbooks": "local/x", "scope": scope, "inputs": "who={{user}},host={{dest}}"}
    found = made(asked, action="run_soar_playbook")
    shown = [record for record in records(found, {"0": "1700000000"}) if record["kind"] == PLAYBOOK]
    assert [one["rid"] for one in shown] == [["0"], ["1"], ["2"]]
    assert (shown[0]["target"], shown[0]["value"], shown[0]["_time"]) == (
        "local/x",
        "who=anna, søren; host=web01",
        1700000000.0,
    )
    assert words in shown[0]["why"]
    assert shown[1]["why"].startswith("would not be started: Its input who is empty")
    plans = document([found], sid=RUN.sid, mapping="d", total=3)["plans"]
    inputs = {"who": "anna, søren", "host": "web01"}
    assert plans[0]["runs"] == [{"playbook": "local/x", "scope": scope or "auto", "inputs": inputs}]
    assert plans[0]["playbooks"] == ["local/x"]
    assert plans[1]["runs"][0]["refusal"].startswith("Its input who is empty")
