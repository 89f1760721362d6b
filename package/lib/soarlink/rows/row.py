"""One search result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Union

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

Value = Union[str, tuple[str, ...]]
"""A field's value as the search put it out: one string, or the strings of a multi-value field in their order."""


@dataclass(frozen=True)
class Row:
    """One row of the results file.

    ``fields`` holds the non-empty fields in file order (Splunk's CSV writes null and "" alike, as an empty cell);
    ``__mv_`` columns are decoded into their fields and never appear by themselves.
    ``position`` counts from 0 in file order. ``rid`` is the result id that Common Action Model logs and the notable
    made from the same row agree on: the row's own, or its position.
    """

    rid: str
    position: int
    fields: Mapping[str, Value]

    def first(self, name: str) -> str:
        """The field's value, or the first of its values; "" when the row does not have it."""
        value = self.fields.get(name, "")
        return value if isinstance(value, str) else value[0]

    def only(self, names: Collection[str]) -> Row:
        """The row with no other fields than these."""
        return Row(self.rid, self.position, {name: value for name, value in self.fields.items() if name in names})

    def values(self, name: str) -> tuple[str, ...]:
        """All values of the field; empty when the row does not have it."""
        value = self.fields.get(name)
        if value is None:
            return ()
        return (value,) if isinstance(value, str) else value
