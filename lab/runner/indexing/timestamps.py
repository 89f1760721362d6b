"""An event's time, found by TIME_PREFIX, TIME_FORMAT and MAX_TIMESTAMP_LOOKAHEAD."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import TYPE_CHECKING

from lab.runner.indexing.patterns import splunk_regex

if TYPE_CHECKING:
    from collections.abc import Mapping

_DIRECTIVES = {
    "Y": r"(?P<Y>\d{4})",
    "m": r"(?P<m>\d{1,2})",
    "d": r"(?P<d>\d{1,2})",
    "H": r"(?P<H>\d{1,2})",
    "M": r"(?P<M>\d{1,2})",
    "S": r"(?P<S>\d{1,2})",
    "s": r"(?P<s>\d{1,11})",
    "z": r"(?P<z>[+-]\d{2}:?\d{2}|Z)",
    "Z": r"(?P<z>[+-]\d{2}:?\d{2}|Z|UTC|GMT)",
}
_DIRECTIVE = re.compile(r"%(?:(\d?)([NQ])|(.))")


def event_time(raw: str, settings: Mapping[str, str]) -> float | None:
    """Find an event's time in its text.

    Args:
        raw: the event's text.
        settings: its props.

    Returns:
        Seconds since the epoch; None when the settings name no format or the text holds no such time.
    """
    time_format = settings.get("TIME_FORMAT", "")
    if not time_format:
        return None
    start = 0
    prefix = settings.get("TIME_PREFIX", "")
    if prefix:
        found = re.search(splunk_regex(prefix), raw)
        if found is None:
            return None
        start = found.end()
    window = raw[start : start + int(settings["MAX_TIMESTAMP_LOOKAHEAD"])]
    match = _format(time_format).search(window)
    return None if match is None else _epoch({key: text for key, text in match.groupdict().items() if text})


@lru_cache(maxsize=32)
def _format(text: str) -> re.Pattern[str]:
    parts: list[str] = []
    position = 0
    for directive in _DIRECTIVE.finditer(text):
        parts.append(re.escape(text[position : directive.start()]))
        if directive[2]:
            parts.append(rf"(?P<f>\d{{1,{directive[1] or 9}}})")
        else:
            parts.append(_DIRECTIVES[directive[3]])
        position = directive.end()
    parts.append(re.escape(text[position:]))
    return re.compile("".join(parts))


def _epoch(found: Mapping[str, str]) -> float:
    fraction = float(f"0.{found['f']}") if "f" in found else 0.0
    if "s" in found:
        return int(found["s"]) + fraction
    moment = datetime(
        int(found["Y"]),
        int(found["m"]),
        int(found["d"]),
        int(found.get("H", "0")),
        int(found.get("M", "0")),
        int(found.get("S", "0")),
        tzinfo=_zone(found.get("z", "Z")),
    )
    return moment.timestamp() + fraction


def _zone(text: str) -> timezone:
    if text in {"Z", "UTC", "GMT"}:
        return UTC
    hours, minutes = int(text[1:3]), int(text[-2:])
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if text[0] == "-" else offset)
