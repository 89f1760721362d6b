"""Field name → the rules that can be for it. Built once per mapping; a header asks it for each of its fields."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from soarlink.mapping import glob
from soarlink.mapping.fieldname import bare
from soarlink.mapping.rule import Rule


class Match(NamedTuple):
    """A rule whose ``fields`` match a name."""

    rule: Rule
    place: int
    """Position of the matching pattern in the rule's ``fields``: it decides between fields of one rule."""
    captured: tuple[str, ...]


class RuleIndex:
    """Rules by plain name, by ending (``*suffix``, the most usual pattern) and by other patterns."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules
        self._exact: dict[str, list[tuple[int, int]]] = {}
        self._endings: list[tuple[int, int, str]] = []
        self._globs: list[tuple[int, int, str]] = []
        for index, rule in enumerate(rules):
            for place, pattern in enumerate(rule.fields):
                if not glob.is_glob(pattern):
                    self._exact.setdefault(pattern, []).append((index, place))
                elif pattern.rfind("*") == 0 and pattern != "*":
                    self._endings.append((index, place, pattern))
                else:
                    self._globs.append((index, place, pattern))
        self._suffixes = tuple(pattern[1:].lower() for _, _, pattern in self._endings)

    def matches(self, field: str) -> tuple[Match, ...]:
        """All rules for the field in their order, by its name as it stands and by its bare name."""
        found: dict[int, Match] = {}
        for name in dict.fromkeys((field, bare(field))):
            for index, place in self._exact.get(name, ()):
                found.setdefault(index, Match(self._rules[index], place, ()))
            patterns = self._globs
            if name.lower().endswith(self._suffixes):
                patterns = self._endings + self._globs
            for index, place, pattern in patterns:
                if index not in found:
                    captured = glob.captures(pattern, name)
                    if captured is not None:
                        found[index] = Match(self._rules[index], place, captured)
        return tuple(found[index] for index in sorted(found))
