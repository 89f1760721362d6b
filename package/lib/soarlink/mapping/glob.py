"""Field-name patterns: plain names, and names with ``*``. Without ``re``: compiling would cost more than matching."""

from __future__ import annotations

from collections.abc import Sequence


def problem(pattern: str) -> str:
    """What is wrong with a pattern, in plain words; "" when nothing is."""
    if not pattern.strip():
        return "is empty"
    return "has two stars side by side" if "**" in pattern else ""


def captures(pattern: str, name: str) -> tuple[str, ...] | None:
    """What the stars of ``pattern`` stand for in ``name``; None when it does not match.

    A plain name must be equal, case and all. A pattern with stars ignores case, and a star stands for as little as it
    can (the last one for the rest).
    """
    if "*" not in pattern:
        return () if pattern == name else None
    parts = pattern.lower().split("*")
    lower = name.lower()
    if len(lower) != len(name) or not lower.startswith(parts[0]) or not lower.endswith(parts[-1]):
        return None
    end = len(name) - len(parts[-1])
    position = len(parts[0])
    found = []
    for part in parts[1:-1]:
        index = lower.find(part, position, end)
        if index < 0:
            return None
        found.append(name[position:index])
        position = index + len(part)
    if position > end:
        return None
    found.append(name[position:end])
    return tuple(found)


def matches(patterns: Sequence[str], text: str) -> bool:
    """Whether any of the patterns matches, and none of those that begin with ``!``.

    With only such ones all other texts match.
    """
    wanted = [pattern for pattern in patterns if not pattern.startswith("!")]
    if any(captures(pattern[1:], text) is not None for pattern in patterns if pattern.startswith("!")):
        return False
    return not wanted or any(captures(pattern, text) is not None for pattern in wanted)
