"""Texts that must never show."""

from __future__ import annotations


class Secret:
    """A text that never shows: not in ``repr``, ``str``, formatting, or an exception's arguments."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself, for the one place that sends it."""
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __repr__(self) -> str:
        return "Secret(…)"
