"""SOAR severities for what Splunk calls severity and urgency."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SOAR_SEVERITIES: tuple[str, ...] = ("high", "medium", "low")
"""What every SOAR server accepts (REST severity reference); further ones are the server's own."""

DEFAULT = "medium"

_BUILT_IN = frozenset(SOAR_SEVERITIES)
_NAMES: Mapping[str, str] = {
    "informational": "low",
    "info": "low",
    "unknown": DEFAULT,
    "critical": "high",
    "fatal": "high",
}


def is_built_in(value: str) -> bool:
    """Whether every server has a severity of that name."""
    return value.strip().lower() in _BUILT_IN


def fit(value: str, known: Sequence[str] = ()) -> tuple[str, str]:
    """The server's severity for a value from a row, and a note when that is another word than the row's.

    Args:
        value: what the row says; empty means the default.
        known: the server's own severities, where they are known.

    SOAR's three and the server's own are sent as they are. Splunk's ``critical`` has no equal on a plain server and
    becomes its highest, ``high``; ``informational`` becomes ``low``; anything else ``medium``. Each of these is told.
    """
    wanted = value.strip().lower()
    if wanted in _BUILT_IN:
        return wanted, ""
    for name in known:
        if name.lower() == wanted:
            return name, ""
    if not wanted:
        return DEFAULT, ""
    level = _NAMES.get(wanted, DEFAULT)
    listed = ", ".join(known or SOAR_SEVERITIES)
    return level, f'severity "{value.strip()}" is none of {listed}: sent as {level}'
