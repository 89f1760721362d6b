"""SOAR severities for what Splunk calls severity and urgency."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SOAR_SEVERITIES: tuple[str, ...] = ("high", "medium", "low")
"""What every SOAR server accepts (REST severity reference); further ones are the server's own."""

DEFAULT = "medium"

_NAMES: Mapping[str, str] = {
    "informational": "low",
    "info": "low",
    "unknown": DEFAULT,
    "critical": "high",
    "fatal": "high",
}


def fit(value: str, known: Sequence[str] = SOAR_SEVERITIES) -> tuple[str, str]:
    """The server's severity for a value from a row, and a note when the value says nothing to the server.

    Splunk's ``critical`` has no equal on a plain server and becomes its highest, ``high``; ``informational`` becomes
    ``low``. Anything else that the server does not know becomes ``medium``, and the note says so.
    """
    wanted = value.strip().lower()
    for name in known:
        if name.lower() == wanted:
            return name, ""
    if wanted in _NAMES:
        return _NAMES[wanted], ""
    if not wanted:
        return DEFAULT, ""
    return DEFAULT, f'severity "{value.strip()}" is none of {", ".join(known)}: sent as {DEFAULT}'
