"""One row → the field sets of its artifacts, when one artifact per value or zipped fields are asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from soarlink.mapping.slot import Slot
from soarlink.rows.row import Value

Fields = Mapping[str, Value]


def explode(slots: Sequence[Slot], fields: Fields) -> tuple[tuple[Fields, ...], tuple[str, ...]]:
    """The field sets, one per artifact, and what should be said about them.

    An axis is one field that is delivered value by value, or several that are zipped. With several axes each value gets
    an artifact of its own, axis by axis; fields of the other axes are not in it, because nobody said what belongs to
    what.
    """
    notes: list[str] = []
    axes = _axes(slots, fields, notes)
    if not axes:
        return (fields,), tuple(notes)
    if len(axes) > 1:
        listed = "; ".join(" with ".join(axis) for axis in axes)
        notes.append(
            f"Several fields have one artifact per value ({listed}): an artifact holds values of one of them only."
        )
    spread = {field for axis in axes for field in axis}
    common = {field: value for field, value in fields.items() if field not in spread}
    found: list[Fields] = []
    for axis in axes:
        columns = [fields[field] for field in axis]
        found.extend({**common, **dict(zip(axis, values))} for values in zip(*columns))
    return tuple(found), tuple(notes)


def _axes(slots: Sequence[Slot], fields: Fields, notes: list[str]) -> list[tuple[str, ...]]:
    """Zipped fields first, then single ones, in the order of the rules; no field is in two axes."""
    usable = {slot.field for slot in slots if not slot.copies and not slot.drops and slot.field in fields}
    axes: dict[str, tuple[str, ...]] = {}
    taken: set[str] = set()
    for slot in slots:
        if slot.treatment.kind != "zip" or slot.copies or slot.field not in usable or slot.field in taken:
            continue
        members = tuple(dict.fromkeys(field for field in (slot.field, *slot.partners) if field in usable))
        lengths = [1 if isinstance(fields[field], str) else len(fields[field]) for field in members]
        if max(lengths) == 1:
            continue
        if min(lengths) != max(lengths) or taken.intersection(members):
            said = ", ".join(f"{field} {length}" for field, length in zip(members, lengths))
            notes.append(f"[{slot.rule.stanza}] can't zip: different numbers of values ({said}). Delivered as lists.")
            taken.update(members)
            continue
        axes[slot.field] = members
        taken.update(members)
    for slot in slots:
        free = slot.treatment.kind == "each" and slot.field in usable and slot.field not in taken and not slot.copies
        if free and not isinstance(fields[slot.field], str):
            axes[slot.field] = (slot.field,)
            taken.add(slot.field)
    return list(axes.values())
