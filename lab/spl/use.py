"""Which fields a search reads, and which of them no row has: mostly names that are misspelt."""

from __future__ import annotations

from dataclasses import dataclass, field

from lab.spl.value import Row, Value


@dataclass
class FieldUse:
    """The fields of one search.

    Args:
        read: names that its commands read.
        found: those of them that some row had.
    """

    read: set[str] = field(default_factory=set)
    found: set[str] = field(default_factory=set)

    def get(self, row: Row, name: str) -> Value:
        """Read a field of a row."""
        value = row.get(name)
        if value is not None:
            self.found.add(name)
        return value

    @property
    def missing(self) -> frozenset[str]:
        """Fields that were read and that no row had."""
        return frozenset(self.read - self.found)
