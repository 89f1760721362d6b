"""Values of fields: text, numbers, several texts, and nothing."""

from __future__ import annotations

import re
from typing import TypeAlias

Number: TypeAlias = "int | float"
Value: TypeAlias = "str | int | float | bool | list[str] | None"
"""What a field holds; a bool exists within an expression only."""

Row: TypeAlias = "dict[str, Value]"

_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_INTEGER = re.compile(r"[-+]?\d+")
_LARGEST_WHOLE = 1e15


def number(value: Value) -> Number | None:
    """Give a value as a number; None for text that is none, for several values and for a truth value."""
    if isinstance(value, (bool, list)):
        return None
    if isinstance(value, (int, float)):
        return value
    if value is None:
        return None
    text = value.strip()
    if not _NUMBER.fullmatch(text):
        return None
    return int(text) if _INTEGER.fullmatch(text) else float(text)


def text(value: str | float | bool) -> str:  # noqa: FBT001 - a value like any other
    """Give one value as the text that a search returns."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if value == int(value) and abs(value) < _LARGEST_WHOLE:
            return str(int(value))
        return f"{value:.15g}"
    return str(value)


def texts(value: Value) -> list[str]:
    """Give all of a field's values as texts; none for an empty field."""
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [text(value)]


def joined(values: list[str]) -> Value:
    """Give texts as a field holds them: nothing, one, or several."""
    if not values:
        return None
    return values[0] if len(values) == 1 else values


def shown(value: Value) -> str | list[str] | None:
    """Give a value as a search returns it."""
    if value is None or isinstance(value, list):
        return value
    return text(value)


def order(value: Value) -> tuple[int, float, str]:
    """Give the sort key of a value: numbers by size before texts by their characters."""
    first = (value[0] if value else None) if isinstance(value, list) else value
    size = number(first)
    if size is not None:
        return 0, float(size), ""
    return 1, 0.0, "" if first is None else text(first)
