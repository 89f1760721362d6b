"""Why a search is not run."""

from __future__ import annotations


class SearchRefused(Exception):
    """The search is wrong, or uses what is outside the part of SPL that is evaluated here.

    Args:
        text: what is wrong.
        position: where in the search, macros expanded, counted from 0; None where no place can be named.
    """

    def __init__(self, text: str, position: int | None = None) -> None:
        super().__init__(text if position is None else f"{text} (at character {position})")
        self.text = text
        self.position = position
