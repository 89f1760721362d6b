"""The fields of a row that an action was told to send, where it was told."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from soarlink.rows.row import Row


class ChosenFields:
    """What artifacts are made of.

    Args:
        names: the fields by name; empty for all that a row has.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(dict.fromkeys(names))

    def of(self, row: Row) -> Row:
        """The row with its chosen fields only."""
        return row.only(self._names) if self._names else row

    def are_missing(self, row: Row) -> bool:
        """Whether the row has none of them: there is nothing to make an artifact of."""
        return bool(self._names) and not any(name in row.fields for name in self._names)

    def notes(self, row: Row) -> tuple[str, ...]:
        """Which of them the row does not have: it may be a slip of the pen."""
        absent = ", ".join(name for name in self._names if name not in row.fields)
        if not absent:
            return ()
        return (f"the result has no value in {absent} (parameter fields). Check how the field is written",)

    @property
    def refusal(self) -> str:
        """What a row without any of them is told."""
        listed = ", ".join(self._names)
        return f"The result has none of the fields {listed}: there is nothing to ask about. Check the parameter fields."
