"""An account's turn in a round: long enough for something to be sent, never so long that others wait for it."""

from __future__ import annotations

from typing import Callable

LONGEST = 10.0
"""Seconds after which nothing more is begun: other accounts, settings and receipts have their turn."""

GIVES_WAY = 2.0
"""The same where journals wait."""


class Turn:
    """One turn. Safe for use by several threads.

    Args:
        monotonic: seconds of a clock that nobody sets.
        is_needed: whether journals wait.
    """

    def __init__(self, monotonic: Callable[[], float], is_needed: Callable[[], bool]) -> None:
        self._monotonic = monotonic
        self._is_needed = is_needed
        self._since = monotonic()
        self._has_begun = False

    def has_time(self) -> bool:
        """Whether there is time for more."""
        took = self._monotonic() - self._since
        return took < LONGEST and not (took >= GIVES_WAY and self._is_needed())

    def may_begin(self) -> bool:
        """Asked before each batch: the first one is sent in any case, however long it took to get there."""
        has_begun, self._has_begun = self._has_begun, True
        return not has_begun or self.has_time()
