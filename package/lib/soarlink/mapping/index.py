"""Field name → the rules that can be for it. Built once per mapping; a header asks it for each of its fields."""

from __future__ import annotations

from collections.abc import Sequence

from soarlink.mapping import glob
from soarlink.mapping.fieldname import bare
from soarlink.mapping.rule import Rule

Match = tuple[Rule, int, tuple[str, ...]]
"""A rule whose ``fields`` match a name; the position of the matching pattern in them, which decides between fields of
one rule; what the pattern's stars stand for."""

_Glob = tuple[str, str, int, int, str]
"""What a name must begin and end with, in lower case; rule, position of the pattern, pattern."""


class RuleIndex:
    """Rules by plain name, by ending (``*suffix``, the most usual pattern) and by other patterns."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules
        self._exact: dict[str, list[tuple[int, int]]] = {}
        self._endings: list[_Glob] = []
        self._globs: list[_Glob] = []
        for index, rule in enumerate(rules):
            for place, pattern in enumerate(rule.fields):
                if "*" not in pattern:
                    self._exact.setdefault(pattern, []).append((index, place))
                    continue
                lower = pattern.lower()
                found = (lower[: lower.find("*")], lower[lower.rfind("*") + 1 :], index, place, pattern)
                (self._endings if pattern.rfind("*") == 0 and pattern != "*" else self._globs).append(found)
        self._suffixes = tuple([tail for _, tail, _, _, _ in self._endings])

    def matches(self, field: str) -> tuple[Match, ...]:
        """All rules for the field in their order, by its name as it stands and by its bare name."""
        found: dict[int, Match] = {}
        for name in dict.fromkeys((field, bare(field))):
            for index, place in self._exact.get(name, ()):
                found.setdefault(index, (self._rules[index], place, ()))
            lower = name.lower()
            patterns = self._endings + self._globs if lower.endswith(self._suffixes) else self._globs
            for head, tail, index, place, pattern in patterns:
                # Nearly all patterns are out by their plain ends: the matcher is for the others.
                if lower.startswith(head) and lower.endswith(tail) and index not in found:
                    captured = glob.captures(pattern, name)
                    if captured is not None:
                        found[index] = (self._rules[index], place, captured)
        return tuple([found[index] for index in sorted(found)])
