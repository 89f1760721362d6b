"""What playbook runs answered, as flat fields."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soarlink.automation import answers
from soarlink.automation.answers import ROOM, shape

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)
NAMES = st.sampled_from(
    """id action action_run app app_id app_name content create_time message name outputs parameters playbook_run
    result_summary status targets title""".split()
)
RECORD = st.dictionaries(NAMES, VALUES | st.just("x" * 3_000), max_size=6)
RECORDS = st.lists(RECORD, max_size=4)


@given(runs=RECORDS, actions=RECORDS, app_runs=RECORDS, notes=RECORDS)
def test_no_answer_breaks_it(runs: Any, actions: Any, app_runs: Any, notes: Any) -> None:
    """Whatever SOAR answers: flat texts under our names, none of them empty, within bounds."""
    found = shape(runs, actions, app_runs, notes)
    assert all(found.values())
    assert all(name.startswith(("enrichment.", "enrichment_")) for name in found)
    cut = found.pop("enrichment_cut", "")
    assert len(cut) < 1_000
    assert sum(len(name) + len(text) for name, text in found.items()) <= ROOM


@pytest.mark.parametrize(
    ("outputs", "fields"),
    [
        ({"verdict": ["unknown"]}, {"enrichment.verdict": "unknown"}),
        ({"score": 7, "known": True, "none": None, "empty": []}, {"enrichment.score": "7", "enrichment.known": "true"}),
        ({"geo": {"country": "SE", "city": ""}}, {"enrichment.geo.country": "SE"}),
        ({"hits": [{"ip": "10.0.0.1"}]}, {"enrichment.hits": '[{"ip": "10.0.0.1"}]'}),
        ({"my output": "a\nb"}, {"enrichment.my_output": "a b"}),
        ({}, {}),
        (None, {}),
    ],
)
def test_each_output_is_a_field(outputs: Any, fields: dict[str, str]) -> None:
    """Lists are joined, members of an object are fields of their own, what is empty is left out."""
    assert shape([{"id": 1, "outputs": outputs}], [], [], []) == fields


def test_outputs_of_the_same_name_stand_together() -> None:
    """Two playbooks that both say a verdict: both are told, each once."""
    runs = [{"id": number, "outputs": {"verdict": text}} for number, text in enumerate(("clean", "malicious", "clean"))]
    assert shape(runs, [], [], []) == {"enrichment.verdict": "clean, malicious"}


def test_an_action_is_told_with_the_parameters_of_its_app() -> None:
    """Two apps answered one action: each line has its own parameters, without SOAR's context and without secrets."""
    parameter = {"ip": "10.0.0.1", "context": {"guid": "x"}, "api_key": "hunter2"}
    targets = [
        {"app_id": 1, "parameters": [parameter]},
        {"app_id": 2, "parameters": [{"ip": "10.0.0.2"}, {"ip": "10.0.0.3"}]},
    ]
    actions = [{"id": 5, "action": "lookup ip", "targets": targets, "status": "success"}]
    summary = {"total_objects": 2, "found": False}
    app_runs = [
        {"action_run": 5, "app": 1, "app_name": "A", "action": "lookup ip", "status": "failed", "message": "no\nway"},
        {"action_run": 5, "app": 2, "app_name": "B", "status": "success", "message": "", "result_summary": summary},
    ]
    assert shape([], actions, app_runs, [])["enrichment_actions"].splitlines() == [
        "A | lookup ip | ip=10.0.0.1, api_key=(not shown) | failed | no way | -",
        "B | lookup ip | ip=10.0.0.2; ip=10.0.0.3 | success | - | total_objects=2, found=false",
    ]


def test_an_action_that_reached_no_app_is_told() -> None:
    """It failed before: its own message is all there is. A prompt is no action of an app."""
    actions = [
        {"id": 5, "action": "lookup ip", "status": "failed", "message": "app_id has invalid format"},
        {"id": 6, "action": "prompt", "status": "success"},
    ]
    assert shape([], actions, [], []) == {
        "enrichment_actions": "- | lookup ip | - | failed | app_id has invalid format | -"
    }


def test_what_is_cut_is_told() -> None:
    """A long note ends in an ellipsis, and a field says how long it was; later ones find no room, and that is told."""
    notes = [{"title": f"N{number}", "content": "x" * 50_000} for number in range(12)]
    found = shape([{"id": 1, "outputs": {"verdict": "ok"}}], [], [], notes)
    assert found["enrichment.verdict"] == "ok"
    assert found["enrichment_notes"].startswith("N0: xxx")
    assert found["enrichment_notes"].splitlines()[0].endswith("x…")
    assert "note N0 (50004 characters)" in found["enrichment_cut"]
    assert "and 7 more" in found["enrichment_cut"]


class Soar:
    """Answers from lists, and keeps what was asked."""

    def __init__(self, **records: list[dict[str, Any]]) -> None:
        self._records = records
        self.asked: list[str] = []

    def records(self, resource: str, query: Any) -> list[dict[str, Any]]:
        """All records of the resource, whatever the query chooses."""
        self.asked.append(resource)
        return self._records.get(resource, [])


def test_answers_belong_to_their_container() -> None:
    """Several containers are read with one request of each kind; each gets its own runs, and notes since they began."""
    soar = Soar(
        playbook_run=[
            {"id": 1, "outputs": {"verdict": "a"}, "start_time": "2026-01-01T10:00:00.000000Z"},
            {"id": 2, "outputs": {"verdict": "b"}, "start_time": "2026-01-01T11:00:00.000000Z"},
        ],
        app_run=[{"playbook_run": 2, "action": "x", "status": "success"}],
        note=[
            {"container": 8, "title": "late", "create_time": "2026-01-01T11:30:00.000000Z"},
            {"container": 8, "title": "early", "create_time": "2026-01-01T10:30:00.000000Z"},
        ],
    )
    first, second = answers.read(soar, [(7, [1]), (8, [2])])  # type: ignore[arg-type]
    assert first == {"enrichment.verdict": "a"}
    assert (second["enrichment.verdict"], second["enrichment_notes"]) == ("b", "late")
    assert second["enrichment_actions"] == "- | x | - | success | - | -"
    assert sorted(soar.asked) == ["action_run", "app_run", "note", "playbook_run"]
