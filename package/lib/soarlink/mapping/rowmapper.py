"""Rows of one search → their artifacts: the hot path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from soarlink.mapping import glob
from soarlink.mapping.artifact import MappedArtifact, MappedRow, TraceLine
from soarlink.mapping.assemble import Draft, Steps, assemble, steps
from soarlink.mapping.explode import explode
from soarlink.mapping.resolve import Condition, Header, Resolver
from soarlink.mapping.slot import Slot
from soarlink.rows.row import Row, Value

_MOST_PLANS = 256

_Plan = tuple[Steps, tuple[Slot, ...]]
"""For all rows that meet the same conditions: the steps, and the slots if any field may have several artifacts."""


class RowMapper:
    """The rules bound to one header. Keeps decisions it has made, so use one per search and thread."""

    __slots__ = ("_field_names", "_fields", "_header", "_met", "_plans", "_resolver")

    def __init__(self, resolver: Resolver, fields: Sequence[str], field_names: str) -> None:
        """``field_names`` is ``both``, ``cef`` or ``original``."""
        self._resolver = resolver
        self._field_names = field_names
        self._plans: dict[tuple[bool, ...], _Plan] = {}
        self._met: dict[tuple[Condition, Value], bool] = {}
        self._fields = frozenset(fields)
        self._header: Header = resolver.header(fields)

    def map(self, row: Row) -> MappedRow:
        """The row's artifacts, and where each of its fields ended."""
        return self._mapped(row, None)

    def explain(self, row: Row) -> tuple[MappedRow, tuple[TraceLine, ...]]:
        """The same as :meth:`map`, by the same decisions, with a line for every value of every field."""
        recorder: list[TraceLine] = []
        mapped = self._mapped(row, recorder)
        return mapped, tuple(dict.fromkeys(recorder))

    def _mapped(self, row: Row, recorder: list[TraceLine] | None) -> MappedRow:
        fields = row.fields
        path, exploding = self._plan(fields)
        parts, notes = explode(exploding, fields) if exploding else ((fields,), ())
        drafts = [Draft(part, self._field_names, recorder) for part in parts]
        for draft in drafts:
            assemble(path, draft)
        return _mapped_row(drafts, notes)

    def _plan(self, fields: Mapping[str, Value]) -> _Plan:
        """The plan for this row: the header's slots, narrowed by what only the row can tell."""
        if not self._fields.issuperset(fields):
            self._fields = self._fields.union(fields)
            self._header = self._resolver.header(tuple(self._fields))
            self._plans.clear()
        met = tuple([self._is_met(condition, fields) for condition in self._header.conditions])
        plan = self._plans.get(met)
        if plan is None:
            if len(self._plans) >= _MOST_PLANS:
                self._plans.clear()
            slots = self._resolver.slots(self._header, dict(zip(self._header.conditions, met)))
            explodes = any(slot.treatment.kind in {"each", "zip"} for slot in slots)
            plan = self._plans[met] = (steps(slots, self._field_names), slots if explodes else ())
        return plan

    def _is_met(self, condition: Condition, fields: Mapping[str, Value]) -> bool:
        field, patterns = condition
        if field.startswith("!"):
            return field[1:] not in fields
        value = fields.get(field)
        if value is None or not patterns:
            return value is not None
        known = self._met.get((condition, value))
        if known is None:
            if len(self._met) >= _MOST_PLANS:
                self._met.clear()
            values = (value,) if isinstance(value, str) else value
            known = self._met[condition, value] = all(glob.matches(patterns, text) for text in values)
        return known


def _mapped_row(drafts: Sequence[Draft], notes: tuple[str, ...]) -> MappedRow:
    """The drafts as one row. A field that has a CEF name in any artifact counts as mapped."""
    artifacts = []
    for draft in drafts:
        draft.cef.update(draft.own)
        artifacts.append(MappedArtifact(draft.cef, draft.types))
    if len(drafts) == 1:
        draft = drafts[0]
        return MappedRow(
            tuple(artifacts), tuple(draft.mapped), tuple(draft.kept), draft.dropped, notes + tuple(draft.notes)
        )
    mapped = dict.fromkeys(field for draft in drafts for field in draft.mapped)
    return MappedRow(
        artifacts=tuple(artifacts),
        mapped=tuple(mapped),
        kept=tuple(dict.fromkeys(field for draft in drafts for field in draft.kept if field not in mapped)),
        dropped={field: reason for draft in drafts for field, reason in draft.dropped.items()},
        notes=notes + tuple(dict.fromkeys(note for draft in drafts for note in draft.notes)),
    )
