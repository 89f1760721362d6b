"""Rows on their way from command to command."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lab.spl.value import Row

_LEADING = ("_time", "_raw")


@dataclass(frozen=True)
class Table:
    """Rows, with their columns in order where a command has set them.

    Args:
        rows: the rows. A command never changes a row that it was given.
        columns: names of the columns; None while they are whatever the rows have.
        transformed: whether the rows are figures, not events.
    """

    rows: list[Row]
    columns: tuple[str, ...] | None = None
    transformed: bool = False

    def fields(self) -> tuple[str, ...]:
        """Give the columns."""
        if self.columns is not None:
            return self.columns
        names = dict.fromkeys(name for row in self.rows for name, value in row.items() if value is not None)
        return tuple(sorted(names, key=lambda name: (name not in _LEADING, name)))

    def with_rows(self, rows: list[Row]) -> Table:
        """Give a table of the same columns with other rows."""
        return Table(rows, self.columns, self.transformed)

    def having(self, rows: list[Row], added: Iterable[str]) -> Table:
        """Give the table with other rows that may have these columns besides."""
        if self.columns is None:
            return self.with_rows(rows)
        columns = dict.fromkeys((*self.columns, *added))
        return Table(rows, tuple(columns), self.transformed)


def figures(rows: list[Row], columns: Sequence[str]) -> Table:
    """Give a table of figures."""
    return Table(rows, tuple(columns), transformed=True)
