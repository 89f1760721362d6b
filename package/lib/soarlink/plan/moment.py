"""Times as rows and people write them, and as SOAR takes them. No clock: a time comes from what was found."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from functools import lru_cache

_YEAR_10000 = 253_402_300_800
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECONDS = 1_000_000
_WITHOUT_ZONE = -len("+00:00")
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_SPAN = re.compile(r"(?:\d{1,9}[smhdw])+")
_SPAN_PART = re.compile(r"(\d+)([smhdw])")
_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?\s*(Z|[+-]\d\d:?\d\d)?", re.IGNORECASE
)
_DISPATCHED = re.compile(r"_at_(\d{9,11})_|^(?:rt_)?(\d{9,11})\.")


def epoch(text: str) -> float | None:
    """Seconds since 1970 for an epoch time between 1970 and 9999; None for any other text."""
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if 0 <= seconds < _YEAR_10000 else None  # False for nan too


def written(seconds: float) -> str:
    """A time as SOAR writes it, ``2026-01-13T22:11:24.248000Z``."""
    whole = int(seconds)
    micro = round((seconds - whole) * _MICROSECONDS)
    if micro == _MICROSECONDS:
        whole, micro = whole + 1, 0
    minute, second = divmod(whole, 60)
    return f"{_minute(minute)}:{second:02}.{micro:06}Z"


@lru_cache(maxsize=256)
def _minute(minutes: int) -> str:
    """Results of one search are close together, and dates are slow to reckon."""
    return (_EPOCH + timedelta(minutes=minutes)).isoformat(timespec="minutes")[:_WITHOUT_ZONE]


def iso_time(text: str) -> str | None:
    """An epoch time as SOAR writes times; None when the text is no epoch time."""
    seconds = epoch(text)
    return None if seconds is None else written(seconds)


def point(text: str) -> float | None:
    """Seconds since 1970 for an epoch time or an ISO 8601 date and time (UTC where no zone is named)."""
    seconds = epoch(text)
    if seconds is not None:
        return seconds
    match = _ISO.fullmatch(text.strip())
    if match is None:
        return None
    date, clock, second, fraction, zone = match.groups()
    offset = "+0000" if zone is None or zone in "Zz" else zone.replace(":", "")
    try:
        moment = datetime.strptime(f"{date} {clock or '00:00'}:{second or '00'} {offset}", "%Y-%m-%d %H:%M:%S %z")
    except ValueError:
        return None
    seconds = (moment - _EPOCH).total_seconds() + (float(f"0.{fraction}") if fraction else 0.0)
    return seconds if 0 <= seconds < _YEAR_10000 else None


def span(text: str) -> float:
    """Seconds of a span such as ``30m``, ``24h``, ``1d12h``.

    Raises:
        ValueError: any other text, or a span of nothing.
    """
    compact = text.replace(" ", "").lower()
    seconds = sum(int(count) * _UNITS[unit] for count, unit in _SPAN_PART.findall(compact))
    if not _SPAN.fullmatch(compact) or not seconds:
        raise ValueError("a span is needed, such as 30m, 24h, 7d or 1d12h")
    return float(seconds)


def offset(text: str) -> float | None:
    """Seconds of ``+4h``; None when the text is no offset."""
    stripped = text.strip()
    if not stripped.startswith("+"):
        return None
    try:
        return span(stripped[1:])
    except ValueError:
        return None


def dispatched(sid: str) -> float | None:
    """When splunkd started the search, as the search id itself says; None when it does not."""
    match = _DISPATCHED.search(sid)
    return None if match is None else float(match.group(1) or match.group(2))
