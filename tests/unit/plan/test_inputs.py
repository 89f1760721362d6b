"""Inputs of playbooks: filled from a result, never empty by accident."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soarlink.plan import parameters
from soarlink.plan.inputs import OtherInputs, PlaybookInputs
from soarlink.plan.shipment import PlaybookCall
from soarlink.rows.row import Row, Value
from tests.unit.samples import make_row

FACTS = {"search_name": "Brute force"}


def inputs(text: str, playbooks: str = "local/x") -> PlaybookInputs:
    """As the action makes them of its parameters."""
    asked = parameters.parse({"playbooks": playbooks, "inputs": text, "scope": "new"}, "run_soar_playbook")
    return PlaybookInputs(asked.playbooks, FACTS)


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("", ()),
        ("host={{dest}}, why=test", (("host", "web01"), ("why", "test"))),
        ("why={{search_name}}", (("why", "Brute force"),)),
        ("host={{nope|or:dest}}", (("host", "web01"),)),
        ("host={{nope|default:}},why=test", (("why", "test"),)),
        ("host={{nope}} {{dest}}", (("host", "web01"),)),
        ("host=", (("host", ""),)),
    ],
)
def test_inputs_are_filled_from_the_result(text: str, filled: tuple[tuple[str, str], ...]) -> None:
    """What may be missing is left out; a fixed text is sent as it is, if it is empty."""
    assert inputs(text, "local/x,local/y").calls(make_row(dest="web01")) == tuple(
        PlaybookCall(name, "new", filled) for name in ("local/x", "local/y")
    )


def test_an_input_that_is_empty_by_accident_is_a_refusal() -> None:
    """Each of them, with the fields that have no value and what to write."""
    (call,) = inputs("host={{dest|or:dvc|first}},ip={{src}},why=test").calls(make_row(user="jdoe"))
    assert "Its input host is empty: the container's first result has no value in dest, dvc." in call.refusal
    assert "{{dest|default:}} if the playbook can do without it." in call.refusal
    assert "Its input ip is empty" in call.refusal
    assert call.plain() == {"playbook": "local/x", "scope": "new", "inputs": {"why": "test"}, "refusal": call.refusal}


_VALUES = st.none() | st.text(max_size=3) | st.lists(st.text(max_size=3), max_size=2).map(tuple)


@given(_VALUES)
def test_no_call_has_an_empty_input(value: Value | None) -> None:
    """Whatever the field holds: a value, or no start."""
    fields: dict[str, Value] = {} if value is None else {"dest": value}
    (call,) = inputs("host={{dest}}").calls(Row("0", 0, fields))
    assert bool(call.refusal) == (call.inputs == ())
    assert all(text for _, text in call.inputs)


@pytest.mark.parametrize(
    ("text", "rows", "said"),
    [
        ("host={{dest}}", ["a", "a"], ""),
        ("host={{dest}}", ["a", "b", "", "a"], "2 of its 4 results have other values of host."),
        ("host={{dest}},ip={{src}},why=test", ["a", "b"], "1 of its 2 results have other values of host."),
        ("why=test", ["a", "b"], ""),
        ("", ["a", "b"], ""),
    ],
)
def test_other_values_of_other_results_are_counted(text: str, rows: list[str], said: str) -> None:
    """Only of inputs that come from the results."""
    first, *rest = (make_row(n, dest=value, src="1.1.1.1") for n, value in enumerate(rows))
    others = OtherInputs(inputs(text), first)
    for row in rest:
        others.look(row)
    assert [said in note for note in others.notes()] == [True] * bool(said)
