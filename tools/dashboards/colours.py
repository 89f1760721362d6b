"""Colours: written as Splunk reads them, and text that can be read on its ground in both themes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from tools.dashboards.definition import Dashboard, Part, texts

_HEX = re.compile(r"#[0-9A-Fa-f]{6}(00)?")
_NAMES = re.compile(r"colou?rs?(byfield)?$", re.IGNORECASE)
_READABLE = 4.5
"""Contrast that the accessibility guidelines (WCAG 2.1, AA) ask of text."""
_LINEAR = 0.03928
"""Below it a channel of sRGB is linear."""
_CONTEXT = re.compile(r"\| (?:match|range)Value\((\w+)\)")


def problems(dashboard: Dashboard) -> Iterator[str]:
    """What is wrong, a line for each."""
    for name, panel in dashboard.visualizations.items():
        place = f"visualizations/{name}"
        for where, colour in _colours(panel):
            if not (_HEX.fullmatch(colour) or colour.startswith(">")):
                yield f"{place}{where}: {colour} is no colour like #2E8B57, #00000000 for none"
        for column, format_ in panel.get("options", {}).get("columnFormat", {}).items():
            yield from _cells(f"{place}, column {column}", format_, panel.get("context", {}))


def _colours(panel: Part) -> Iterator[tuple[str, str]]:
    for where, text in texts(panel.get("options", {})):
        if any(_NAMES.search(part) for part in where.split("/")):
            yield where, text
    for name, ranges in panel.get("context", {}).items():
        for one in ranges if isinstance(ranges, list) else ():
            if isinstance(one, Mapping) and "value" in one:
                yield f"/context/{name}", str(one["value"])


def _cells(place: str, format_: Part, context: Part) -> Iterator[str]:
    if "rowBackgroundColors" not in format_:
        return
    ground, text = (_by_match(format_.get(name, ""), context) for name in ("rowBackgroundColors", "rowColors"))
    for match, colour in ground.items():
        if match not in text:
            yield f"{place}: {match} has a ground and no colour of its text"
        elif contrast(colour, text[match]) < _READABLE:
            yield f"{place}: {match} can't be read, {text[match]} on {colour}"


def _by_match(option: str, context: Part) -> dict[str, str]:
    found = _CONTEXT.search(option)
    entries = context.get(found[1], []) if found else []
    return {entry["match"]: entry["value"] for entry in entries}


def contrast(one: str, other: str) -> float:
    """The contrast of two colours like ``#2E8B57``, 1 to 21."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [value / 12.92 if value <= _LINEAR else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
