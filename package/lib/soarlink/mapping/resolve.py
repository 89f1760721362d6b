"""Which rule is for which field: resolved once per header, so that rows only meet the answer."""

from __future__ import annotations

from collections.abc import Mapping as Dictionary
from collections.abc import Sequence
from typing import NamedTuple

from soarlink.mapping import glob
from soarlink.mapping.fieldname import bare
from soarlink.mapping.index import RuleIndex
from soarlink.mapping.multivalue import Treatment, parse_multivalue
from soarlink.mapping.rule import OWN_NAME, Branch, Rule
from soarlink.mapping.search import SearchContext
from soarlink.mapping.slot import Slot

Condition = tuple[str, tuple[str, ...]]
"""A field, and the patterns that all its values must match; no patterns: it must be there; ``!field``: it must not."""


class Candidate(NamedTuple):
    """A rule that can be for a field, as far as header and search tell."""

    rule: Rule
    place: int
    captured: tuple[str, ...]
    conditions: tuple[Condition, ...]
    """What only the row can tell."""


class Header(NamedTuple):
    """A header with the candidates of its fields, and all conditions that rows must be asked for."""

    candidates: tuple[tuple[str, tuple[Candidate, ...]], ...]
    conditions: tuple[Condition, ...]
    names: Dictionary[str, str]
    """Field names as rules write them → as they stand in the header."""


_KEPT = Candidate(Rule("", 0, ("*",), (Branch("", (OWN_NAME,), ()),)), 0, (), ())
"""For a field that no rule is for, when someone has switched off the rule for all others."""


class Resolver:
    """The rules, as far as search and options decide them."""

    def __init__(self, index: RuleIndex, search: SearchContext, treatment: Treatment) -> None:
        """Leave out rules that are not for this search; ``treatment`` is for fields whose rule does not say."""
        self._index = index
        self._search = search
        self._treatment = treatment

    def header(self, fields: Sequence[str]) -> Header:
        """The candidates for each field of a header."""
        names: dict[str, str] = {}
        for field in fields:
            names.setdefault(bare(field), field)
        names.update((field, field) for field in fields)
        candidates = tuple((field, self._candidates(field, names)) for field in sorted(set(fields)))
        conditions = {condition for _, found in candidates for candidate in found for condition in candidate.conditions}
        return Header(candidates, tuple(sorted(conditions)), names)

    def slots(self, header: Header, met: Dictionary[Condition, bool]) -> tuple[Slot, ...]:
        """The slots for rows that meet the given conditions, in the order in which they claim CEF names."""
        chosen = [pair for field, candidates in header.candidates for pair in _chosen(field, candidates, met)]
        chosen.sort(key=lambda pair: (pair[1].rule.order, pair[1].place, pair[0]))
        return tuple(self._slot(field, candidate, header.names) for field, candidate in chosen)

    def _slot(self, field: str, candidate: Candidate, names: Dictionary[str, str]) -> Slot:
        text = candidate.rule.values
        treatment = Treatment("zip") if text == "zip" else parse_multivalue(text) if text else self._treatment
        partners = tuple(names[partner] for partner in candidate.rule.partners if partner in names)
        return Slot(field, candidate.rule, candidate.captured, treatment, partners)

    def _candidates(self, field: str, names: Dictionary[str, str]) -> tuple[Candidate, ...]:
        """Every rule that can be for the field, in order."""
        candidates = []
        for rule, place, captured in self._index.matches(field):
            conditions = _conditions(rule, names) if _wanted(rule, self._search) else None
            if conditions is not None:
                candidates.append(Candidate(rule, place, captured, conditions))
        return tuple(candidates)


def _chosen(
    field: str, candidates: Sequence[Candidate], met: Dictionary[Condition, bool]
) -> list[tuple[str, Candidate]]:
    """The first rule that maps or drops the field, and the copies beside it; a dropped field is not copied."""
    holding = [candidate for candidate in candidates if all(met[condition] for condition in candidate.conditions)]
    decisive = next((candidate for candidate in holding if candidate.rule.mode != "copy"), _KEPT)
    if decisive.rule.mode == "drop":
        return [(field, decisive)]
    return [(field, candidate) for candidate in holding if candidate.rule.mode == "copy"] + [(field, decisive)]


def _wanted(rule: Rule, search: SearchContext) -> bool:
    """Whether the rule is for this search at all."""
    asked = (
        (rule.when_data_model, search.data_model),
        (rule.when_search_name, search.search_name),
        (rule.when_app, search.app),
    )
    return all(not patterns or glob.matches(patterns, text) for patterns, text in asked)


def _conditions(rule: Rule, names: Dictionary[str, str]) -> tuple[Condition, ...] | None:
    """What rows must be asked for this rule; None when no row of this header can meet it."""
    asked = rule.when_field + ((("sourcetype", rule.when_sourcetype),) if rule.when_sourcetype else ())
    conditions = []
    for field, patterns in asked:
        if field.startswith("!"):
            if field[1:] in names:
                conditions.append((f"!{names[field[1:]]}", patterns))
        elif field in names:
            conditions.append((names[field], patterns))
        else:
            return None
    return tuple(conditions)
