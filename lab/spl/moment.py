"""Times as searches write them: modifiers such as ``-24h@h``, spans such as ``1d``, and formats."""

from __future__ import annotations

import datetime as dt
import math
import re

from lab.spl.refusal import SearchRefused

_UNITS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), "m"),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), "h"),
    **dict.fromkeys(("d", "day", "days"), "d"),
    **dict.fromkeys(("w", "week", "weeks"), "w"),
    **dict.fromkeys(("mon", "month", "months"), "mon"),
    **dict.fromkeys(("y", "yr", "year", "years"), "y"),
}
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_MODIFIER = re.compile(r"(now(?:\(\))?)?((?:[-+]\d*[a-z]+|@[a-z]+\d?)*)")
_PART = re.compile(r"[-+]\d*[a-z]+|@[a-z]+\d?")
_SPAN = re.compile(r"(\d+)([a-z]+)")
_CODES = frozenset("YmdHMSFTbBaAejpIyszZ%")
_FRACTION = re.compile(r"%[369][NQ]|%[NQ]")
_MONTHS = 12
_UTC = dt.UTC


def point(modifier: str, now: float) -> float | None:
    """Give the epoch second of a time modifier; None for "" and for all of time (``0``).

    Args:
        modifier: epoch seconds, ``now``, or offsets and snaps such as ``-7d@d``.
        now: epoch seconds.

    Raises:
        SearchRefused: it is none of these.
    """
    modifier = modifier.strip()
    if re.fullmatch(r"\d+(\.\d+)?", modifier):
        return float(modifier) or None
    match = _MODIFIER.fullmatch(modifier)
    if match is None:
        raise SearchRefused(f"Invalid value {modifier!r} for a time.")
    if not modifier:
        return None
    moment = now
    for part in _PART.findall(match[2]):
        moment = _snapped(moment, part[1:]) if part[0] == "@" else _shifted(moment, part)
    return moment


def span(words: str) -> int:
    """Give a span in seconds.

    Raises:
        SearchRefused: it is none, or one whose length differs (months).
    """
    match = _SPAN.fullmatch(words)
    unit = _UNITS.get(match[2]) if match else None
    if match is None or unit not in _SECONDS or unit == "w":
        raise SearchRefused(f"The span {words!r} is not evaluated here: use s, m, h or d.")
    return int(match[1]) * _SECONDS[unit]


def formatted(moment: float, form: str) -> str:
    """Write an epoch second as ``strftime`` does.

    Raises:
        SearchRefused: the format has a code that is not evaluated here.
    """
    date = dt.datetime.fromtimestamp(moment, _UTC)
    _check(form)
    micro = f"{date.microsecond:06d}"
    form = _FRACTION.sub(lambda code: micro[: int(code[0][1])] if code[0][1].isdigit() else micro[:3], form)
    form = form.replace("%s", str(int(moment))).replace("%F", "%Y-%m-%d").replace("%T", "%H:%M:%S")
    return date.strftime(form)


def parsed(words: str, form: str) -> float | None:
    """Read a time as ``strptime`` does; None when the text has another form.

    Raises:
        SearchRefused: the format has a code that is not evaluated here.
    """
    _check(form)
    form = _FRACTION.sub("%f", form).replace("%F", "%Y-%m-%d").replace("%T", "%H:%M:%S")
    try:
        date = dt.datetime.strptime(words, form)  # noqa: DTZ007 - UTC is put in below
    except ValueError:
        return None
    return (date if date.tzinfo else date.replace(tzinfo=_UTC)).timestamp()


def _check(form: str) -> None:
    for code in re.findall(r"%(.?)", _FRACTION.sub("", form)):
        if code not in _CODES or not code:
            raise SearchRefused(f"The time format code %{code} is not evaluated here.")


def _unit(word: str, whole: str) -> str:
    unit = _UNITS.get(word)
    if unit is None:
        raise SearchRefused(f"Invalid time unit {word!r} in {whole!r}.")
    return unit


def _shifted(moment: float, part: str) -> float:
    match = re.fullmatch(r"([-+])(\d*)([a-z]+)", part)
    if match is None:
        raise SearchRefused(f"Invalid time offset {part!r}.")
    unit, count = _unit(match[3], part), int(match[2] or 1) * (1 if match[1] == "+" else -1)
    if unit in _SECONDS:
        return moment + count * _SECONDS[unit]
    date = dt.datetime.fromtimestamp(moment, _UTC)
    months = date.year * _MONTHS + date.month - 1 + count * (_MONTHS if unit == "y" else 1)
    shifted = date.replace(day=1, year=months // _MONTHS, month=months % _MONTHS + 1)
    following = (shifted.replace(day=28) + dt.timedelta(days=4)).replace(day=1)
    last = (following - dt.timedelta(days=1)).day
    return shifted.replace(day=min(date.day, last)).timestamp()


def _snapped(moment: float, word: str) -> float:
    unit = _unit(word.rstrip("0123456789"), f"@{word}")
    if unit in ("s", "m", "h", "d"):
        return float(math.floor(moment / _SECONDS[unit]) * _SECONDS[unit])
    date = dt.datetime.fromtimestamp(moment, _UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if unit == "w":
        first = int(word[-1]) % 7 if word[-1].isdigit() else 0
        return (date - dt.timedelta(days=(date.isoweekday() - first) % 7)).timestamp()
    return date.replace(day=1, month=date.month if unit == "mon" else 1).timestamp()
