"""Slots and the fields of one artifact → its CEF side, with the account of every field.

A CEF name belongs to the first field that claims it; nothing is ever overwritten. ``assemble`` is the hot path; with a
recorder it does the same and also says why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Callable, Optional

from soarlink.mapping.artifact import TraceLine
from soarlink.mapping.slot import NO_BRANCH, Piece, Slot, Verdict
from soarlink.rows.row import Value

Types = tuple[str, ...]
Steps = tuple[tuple[str, Callable[[Value], Optional[Verdict]], Slot, bool, str], ...]
"""Field, what the slot remembers, slot, whether it copies, its only target: unpacking is cheaper than attributes."""


class Draft:
    """One artifact in the making."""

    __slots__ = (
        "beside",
        "cef",
        "dropped",
        "fields",
        "holders",
        "kept",
        "mapped",
        "notes",
        "own",
        "recorder",
        "renames",
        "types",
    )

    def __init__(self, fields: Mapping[str, Value], field_names: str, recorder: list[TraceLine] | None) -> None:
        """``fields`` are those of this artifact; ``recorder`` receives the trace when one is wanted."""
        self.fields = fields
        self.renames = field_names != "original"
        self.beside = field_names == "both"
        self.recorder = recorder
        self.cef: dict[str, Value] = {}
        self.own: dict[str, Value] = {}
        self.types: dict[str, Types] = {}
        self.holders: dict[str, str] = {}
        self.mapped: list[str] = []
        self.kept: list[str] = []
        self.dropped: dict[str, str] = {}
        self.notes: list[str] = []

    def claim(self, slot: Slot, targets: Sequence[str], value: Value, types: Types) -> str:
        """Deliver under the first target that is free or says the same already; "" when there is none.

        A target that is itself a field of the row belongs to that field.
        """
        for name in targets:
            holder = self.cef.get(name)
            if holder is None:
                holder = self.fields.get(name)
            if holder is None:
                self.cef[name] = value
                if types:
                    self.types[name] = types
                self.holders[name] = slot.field
                return name
            if holder == value or _holds(holder, value):
                return name
        return ""

    def drop(self, slot: Slot, value: Value) -> None:
        """The rule says that the field is not for SOAR, and why."""
        reason = slot.rule.reason
        self.dropped[slot.field] = reason
        if self.recorder is not None:
            for text in (value,) if isinstance(value, str) else value:
                self.recorder.append(TraceLine(slot.field, text, slot.rule.stanza, "", "", reason))

    def deliver(self, slot: Slot, value: Value) -> None:
        """Values that are several, or that a transform changes: grouped by where they want to go."""
        values = self._treated(slot, value)
        taken_apart = [slot.pieces(text) for text in values]
        groups: dict[tuple[str, ...], list[tuple[str, Types]]] = {}
        for text, (_, targets, types, _) in chain.from_iterable(taken_apart):
            groups.setdefault(targets, []).append((text, types))
        names = {}
        for targets, members in groups.items():
            if targets and self.renames:
                packed = _packed([text for text, _ in members], slot)
                shared = _shared([types for _, types in members], packed)
                names[targets] = self.claim(slot, targets, packed, shared)
        if self.recorder is not None:
            for text, pieces in zip(values, taken_apart):
                for piece in pieces:
                    self._record(slot, text, piece, names.get(piece[1][1], ""))
        if not slot.copies:
            (self.mapped if any(names.values()) else self.kept).append(slot.field)
            self._keep(slot, values, taken_apart, names)

    def _treated(self, slot: Slot, value: Value) -> tuple[str, ...]:
        """The values that are delivered: all, or the first with a word about the others."""
        values = (value,) if isinstance(value, str) else value
        if slot.treatment.kind != "first" or len(values) == 1:
            return values
        if not slot.copies:
            said = f"{slot.field}: the first of {len(values)} values is delivered; the artifact's data has all."
            self.notes.append(said)
        return values[:1]

    def _keep(
        self,
        slot: Slot,
        values: Sequence[str],
        taken_apart: Sequence[list[Piece]],
        names: Mapping[tuple[str, ...], str],
    ) -> None:
        """Under the field's own name: all values, or with ``cef`` those of which some part found no CEF name."""
        texts: list[str] = []
        types: list[Types] = []
        for value, pieces in zip(values, taken_apart):
            if not self.beside and all(names.get(targets) for _, (_, targets, _, _) in pieces):
                continue
            if any(targets for _, (_, targets, _, _) in pieces):
                # Beside a CEF name the value stays as it came; a changed one is no longer what the type says.
                texts.append(value)
                types.append(pieces[0][1][2] if len(pieces) == 1 and pieces[0][0] == value else ())
            else:
                texts += [text for text, _ in pieces]
                types += [kinds for _, (_, _, kinds, _) in pieces]
        if texts:
            packed = self.own[slot.field] = _packed(texts, slot)
            shared = _shared(types, packed)
            if shared:
                self.types[slot.field] = shared

    def explain(self, slot: Slot, value: Value, name: str) -> None:
        """Put down why, for a value that goes one way."""
        for text in (value,) if isinstance(value, str) else value:
            for piece in slot.pieces(text):
                self._record(slot, text, piece, name)

    def _record(self, slot: Slot, value: str, piece: Piece, name: str) -> None:
        """Put down why, from what was decided; decides nothing itself."""
        if self.recorder is None or (slot.copies and not name):
            return
        text, verdict = piece
        recogniser, targets, _, _ = verdict
        taken = f"taken for {recogniser}" if recogniser else "whatever the value"
        if name and slot.copies:
            why = f"{taken}: also copied to {name}"
        elif name:
            holder = self.holders.get(name, name)
            why = f"{taken}: goes to {name}" + ("" if holder == slot.field else f", which has it from {holder} already")
        elif targets and self.renames:
            holder = self.holders.get(targets[-1], targets[-1])
            why = f"{taken}: {' and '.join(targets)} belongs to {holder}, so kept under its own name"
        else:
            lacking = ", for which the rule has no target" if verdict is NO_BRANCH else ""
            why = (
                f"{taken}{lacking}: kept under its own name" if slot.rule.stanza else "no rule: kept under its own name"
            )
        if text != value:
            why = f"{why}; made of it: {text}"
        self.recorder.append(TraceLine(slot.field, value, slot.rule.stanza, recogniser, name or slot.field, why))


def steps(slots: Sequence[Slot], field_names: str) -> Steps:
    """What :func:`assemble` needs of the slots; copies go under CEF names, so ``original`` has none of them."""
    return tuple(
        [
            (slot.field, slot.known.get, slot, slot.copies, slot.only_target)
            for slot in slots
            if field_names != "original" or not slot.copies
        ]
    )


def assemble(steps: Steps, draft: Draft) -> None:  # noqa: C901, PLR0912 - the hot path: calls cost more than branches
    """Every slot in its turn."""
    fields, cef, own, types = draft.fields, draft.cef, draft.own, draft.types
    renames, beside, holders, recorder = draft.renames, draft.beside, draft.holders, draft.recorder
    mapped, kept = draft.mapped.append, draft.kept.append
    for field, known, slot, copies, only_target in steps:
        value = fields.get(field)
        if value is None or (copies and (only_target in cef or only_target in fields)):
            continue
        _, targets, kinds, text = known(value) or slot.judge(value)
        if text is None:
            delivered = value
        elif text:
            delivered = text
        else:
            draft.drop(slot, value) if slot.drops else draft.deliver(slot, value)
            continue
        name = ""
        if targets and renames:
            name = targets[0]
            if name in cef or name in fields:
                name = draft.claim(slot, targets, delivered, kinds)
            else:
                cef[name] = delivered
                if kinds:
                    types[name] = kinds
                if recorder is not None:
                    holders[name] = field
        if not copies:
            (mapped if name else kept)(field)
            if beside or not name:
                # As in Draft.keep: beside a CEF name the value stays as it came.
                own[field] = value if targets else delivered
                if kinds and (text is None or not targets):
                    types[field] = kinds
        if recorder is not None:
            draft.explain(slot, value, name)


def _packed(texts: Sequence[str], slot: Slot) -> Value:
    """One value as a string; several as a tuple, or joined when the treatment says so."""
    if len(texts) == 1:
        return texts[0]
    return slot.treatment.separator.join(texts) if slot.treatment.kind == "join" else tuple(texts)


def _shared(types: Sequence[Types], packed: Value) -> Types:
    """The data types if all values have the same; a joined text is no longer of any type."""
    if isinstance(packed, str) and len(types) > 1:
        return ()
    return types[0] if types.count(types[0]) == len(types) else ()


def _holds(holder: Value, value: Value) -> bool:
    """Whether every value is already there."""
    there = (holder,) if isinstance(holder, str) else holder
    return value in there if isinstance(value, str) else set(value).issubset(there)
