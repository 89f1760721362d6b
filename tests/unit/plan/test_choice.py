"""Chosen fields: what artifacts are made of, and nothing else."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from soarlink.plan.choice import ChosenFields
from tests.unit.samples import make_row

NAMES = st.sampled_from(("src", "user", "url", "dest", "usr"))


@given(names=st.lists(NAMES), present=st.sets(NAMES))
def test_only_what_was_chosen_is_left(names: list[str], present: set[str]) -> None:
    """The row keeps its place and exactly the chosen fields that it has; the others are named; no choice means all."""
    row = make_row(3, **{name: f"value of {name}" for name in present})
    chosen = ChosenFields(names)
    shown = chosen.of(row)
    if not names:
        assert (shown, chosen.notes(row), chosen.are_missing(row)) == (row, (), False)
        return
    assert (shown.rid, shown.position) == (row.rid, row.position)
    assert set(shown.fields) == set(names) & set(row.fields)
    assert all(shown.fields[name] == row.fields[name] for name in shown.fields)
    absent = set(names) - set(row.fields)
    assert bool(chosen.notes(row)) == bool(absent)
    assert all(name in chosen.notes(row)[0] for name in absent)
    assert chosen.are_missing(row) == (not shown.fields)
