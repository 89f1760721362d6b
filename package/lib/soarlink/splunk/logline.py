"""Values on a log line of ``key="value"`` pairs."""

from __future__ import annotations

import re
from collections.abc import Mapping

_UNSAFE = re.compile(r'["\x00-\x1f\x7f\x85\u2028\u2029]')
_VALUE_LIMIT = 1_000


def clean(value: object) -> str:
    """A value on one line, without quotes, and not ending in a backslash, which would escape the closing quote."""
    text = str(value)
    # Nearly every value is safe, and to see that takes a fraction of the search.
    if '"' in text or not text.isprintable():
        text = _UNSAFE.sub(_replacement, text)
    if len(text) > _VALUE_LIMIT:
        text = text[: _VALUE_LIMIT - 1] + "…"
    return text + " " if text.endswith("\\") else text


def fields(values: Mapping[str, object]) -> str:
    """``key="value"`` pairs; what is empty is left out."""
    return " ".join(f'{name}="{clean(value)}"' for name, value in values.items() if value not in (None, ""))


def _replacement(match: re.Match[str]) -> str:
    return "'" if match.group() == '"' else " "
