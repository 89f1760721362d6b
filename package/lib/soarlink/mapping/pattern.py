"""A regular expression that is compiled when it is first needed: most runs need few of them."""

from __future__ import annotations

import re
from re import Match
from typing import Callable, Optional

_Matcher = Callable[[str], Optional[Match[str]]]


class Pattern:
    """``full``, ``start`` and ``search`` are those of :mod:`re`; from the second call on they are the compiled ones."""

    __slots__ = ("_flags", "_text", "full", "search", "start")

    def __init__(self, text: str, flags: int = 0) -> None:
        self._text = text
        self._flags = flags
        self.full: _Matcher = lambda value: self._compiled().full(value)
        self.start: _Matcher = lambda value: self._compiled().start(value)
        self.search: _Matcher = lambda value: self._compiled().search(value)

    def _compiled(self) -> Pattern:
        compiled = re.compile(self._text, self._flags)
        self.full, self.start, self.search = compiled.fullmatch, compiled.match, compiled.search
        return self
