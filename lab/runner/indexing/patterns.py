"""Path patterns of inputs.conf and props.conf."""

from __future__ import annotations

import re
from functools import lru_cache

_WILDCARD = re.compile(r"\.\.\.|\*")


@lru_cache(maxsize=256)
def path_pattern(text: str) -> re.Pattern[str]:
    """Compile a pattern: ``...`` stands for any number of folders or characters, ``*`` for anything but a ``/``."""
    parts: list[str] = []
    position = 0
    for wildcard in _WILDCARD.finditer(text):
        parts.append(re.escape(text[position : wildcard.start()]))
        parts.append(".*" if wildcard[0] == "..." else "[^/]*")
        position = wildcard.end()
    parts.append(re.escape(text[position:]))
    return re.compile("".join(parts), re.DOTALL)


def splunk_regex(text: str) -> str:
    """Write a PCRE with Python's spelling of named groups."""
    return re.sub(r"\(\?<(?=[A-Za-z_])", "(?P<", text)
