"""The ``__mv_<field>`` cells of Splunk's CSV: ``$a$;$b$``, with ``$$`` for a dollar sign inside a value.

Source: "Multivalue fields" of the custom search command and alert documentation; the same grammar as
``splunktaucclib.cim_actions.parse_mv``, of which a property test keeps this codec an exact match on well-formed cells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

PREFIX = "__mv_"


def encode(values: Iterable[str]) -> str:
    """The cell that Splunk writes for these values."""
    return ";".join("$" + value.replace("$", "$$") + "$" for value in values)


def decode(cell: str) -> tuple[str, ...] | None:
    """The values of an ``__mv_`` cell; None when it is not in this grammar (the plain column then counts)."""
    if len(cell) <= 1 or cell[0] != "$" or cell[-1] != "$":
        return None
    if "$$" not in cell:
        return _split_plain(cell)
    return _scan(cell)


def _split_plain(cell: str) -> tuple[str, ...] | None:
    # Without an escaped dollar, every "$;$" is a boundary and no other dollar may be left.
    values = tuple(cell[1:-1].split("$;$"))
    return None if any("$" in value for value in values) else values


def _scan(cell: str) -> tuple[str, ...] | None:
    values = []
    at, end = 0, len(cell)
    while True:
        if at >= end or cell[at] != "$":
            return None
        at += 1
        parts = []
        while True:
            dollar = cell.find("$", at)
            if dollar < 0:
                return None
            parts.append(cell[at:dollar])
            if cell.startswith("$$", dollar):
                parts.append("$")
                at = dollar + 2
                continue
            at = dollar + 1
            break
        values.append("".join(parts))
        if at == end:
            return tuple(values)
        if cell[at] != ";":
            return None
        at += 1
