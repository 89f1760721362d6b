"""One artifact for all rows of a container: for each field the list of its distinct values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from soarlink.mapping.artifact import MappedRow
    from soarlink.rows.row import Row, Value

MAX_VALUES = 1_000
"""Most distinct values of one field."""

MAX_CHARACTERS = 500_000
"""Most characters of all values together."""


class Summary:
    """Takes mapped rows; keeps distinct values in the order in which they come, within bounds."""

    def __init__(self) -> None:
        self.rows = 0
        self._cef = _Distinct()
        self._rest = _Distinct()
        self._types: dict[str, tuple[str, ...] | None] = {}

    def add(self, row: Row, mapped: MappedRow) -> None:
        """Take a row: what was mapped or kept goes to ``cef``, what the mapping dropped (``_raw``) to ``data``."""
        self.rows += 1
        for artifact in mapped.artifacts:
            for name, value in artifact.cef.items():
                self._cef.add(name, value)
                types = artifact.cef_types.get(name)
                if self._types.setdefault(name, types) != types:
                    self._types[name] = None  # values of several types: no one type is right
        for name in mapped.dropped:
            if name in row.fields:
                self._rest.add(name, row.fields[name])

    @property
    def cef(self) -> dict[str, Value]:
        """The distinct values of each field."""
        return self._cef.values()

    @property
    def cef_types(self) -> dict[str, tuple[str, ...]]:
        """The data types of fields whose values all have the same."""
        return {name: types for name, types in self._types.items() if types}

    @property
    def data(self) -> dict[str, Any]:
        """How many results it stands for, and the distinct values of fields that are not for ``cef``."""
        return {"results": self.rows, "values": self._rest.values()}

    @property
    def cut(self) -> Mapping[str, int]:
        """Fields that have more values than are listed, with the number of values left out (repeats counted)."""
        return {**self._rest.left_out, **self._cef.left_out}


class _Distinct:
    def __init__(self) -> None:
        self._fields: dict[str, dict[str, None]] = {}
        self.characters = 0
        self.left_out: dict[str, int] = {}

    def add(self, name: str, value: Value) -> None:
        known = self._fields.setdefault(name, {})
        for text in (value,) if isinstance(value, str) else value:
            if text in known:
                continue
            if len(known) >= MAX_VALUES or self.characters + len(text) > MAX_CHARACTERS:
                self.left_out[name] = self.left_out.get(name, 0) + 1
                continue
            known[text] = None
            self.characters += len(text)

    def values(self) -> dict[str, Value]:
        return {
            name: next(iter(found)) if len(found) == 1 else tuple(found)
            for name, found in self._fields.items()
            if found
        }
