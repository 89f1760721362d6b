"""The compiled mapping: immutable rules, and how they are bound to the header of one search's results."""

from __future__ import annotations

from collections.abc import Mapping as Dictionary
from collections.abc import Sequence

from soarlink.mapping.artifact import MappedRow, TraceLine
from soarlink.mapping.index import RuleIndex
from soarlink.mapping.multivalue import parse_multivalue
from soarlink.mapping.resolve import Resolver
from soarlink.mapping.rowmapper import RowMapper
from soarlink.mapping.rule import Rule
from soarlink.mapping.search import MappingOptions, SearchContext
from soarlink.rows.row import Row, Value

__all__ = ["Mapping", "MappingOptions", "SearchContext", "explain_fields"]


class Mapping:
    """The rules in their order. Made by :func:`soarlink.mapping.compile.compile_rules` or ``shipped.load``."""

    __slots__ = ("_digest", "_index", "_rules")

    def __init__(self, rules: tuple[Rule, ...], digest: str = "") -> None:
        """Take the rules, already in ascending order, and their digest where it is known."""
        self._rules = rules
        self._digest = digest
        self._index: RuleIndex | None = None

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules in the order in which they apply."""
        return self._rules

    @property
    def digest(self) -> str:
        """SHA-256 (hex) over the canonical rules: the same for the same rules, however they were written down."""
        if not self._digest:
            import hashlib
            import json

            canonical = json.dumps(self._rules)
            self._digest = hashlib.sha256(canonical.encode("ascii")).hexdigest()
        return self._digest

    def bind(self, fields: Sequence[str], search: SearchContext, options: MappingOptions) -> RowMapper:
        """Resolve the rules for one header.

        Args:
            fields: the names of the results' columns (without ``__mv_`` ones). A row may still have others.
            search: what is known about the search.
            options: the action's parameters.

        Raises:
            ValueError: when an option is wrong.
        """
        treatment = parse_multivalue(options.multivalue)
        if self._index is None:
            self._index = RuleIndex(self._rules)
        return RowMapper(Resolver(self._index, search, treatment), tuple(fields), options.field_names)


def explain_fields(
    mapping: Mapping, fields: Dictionary[str, Value], search: SearchContext, options: MappingOptions
) -> tuple[MappedRow, tuple[TraceLine, ...]]:
    """Map and explain single fields, as ``lab map FIELD=VALUE…`` does."""
    row = Row(rid="0", position=0, fields=fields)
    return mapping.bind(tuple(fields), search, options).explain(row)
