"""How numbers, ages and lists of names are said in evidence."""

from __future__ import annotations

from collections.abc import Collection

MOST_LISTED = 12
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def age(seconds: float) -> str:
    """A span in its largest whole unit: ``3 min``; below a minute in seconds."""
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(max(0, seconds))} s"


def count(number: int, noun: str) -> str:
    """``1 rule``, ``2 rules``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def listed(names: Collection[str]) -> str:
    """The names, the first twelve of many; ``none`` for none."""
    shown = [*names][:MOST_LISTED]
    more = len(names) - len(shown)
    return (", ".join(shown) or "none") + (f" and {more} more" if more else "")
