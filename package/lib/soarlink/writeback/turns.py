"""Whose turn it is, from round to round: so that no case keeps others from being written.

It lives as long as the process. A new one begins from the start, and knows of no faults: nothing is lost by that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from soarlink.feedback.case import Case

FIRST_PAUSE, LONGEST_PAUSE = 60.0, 900.0
"""Seconds for which a case is left alone after an error: each further one doubles them."""


class Turns:
    """One account's.

    Args:
        monotonic: seconds of a clock that nobody sets.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._places: dict[bool, str] = {}
        self._faults: dict[str, tuple[int, float]] = {}

    def now(self) -> float:
        """Seconds of that clock."""
        return self._monotonic()

    def place(self, *, named: bool) -> str:
        """Key of the last case that had its turn, of those with or without a known notable; "" before the first."""
        return self._places.get(named, "")

    def had(self, case: Case, *, named: bool) -> None:
        """This case was the last one of a round."""
        self._places[named] = case.key

    def is_due(self, case: Case) -> bool:
        """Whether a case is not left alone for a while."""
        return self._faults.get(case.key, (0, 0.0))[1] <= self._monotonic()

    def faults(self, case: Case) -> int:
        """How often in a row an update of it ended in an error."""
        return self._faults.get(case.key, (0, 0.0))[0]

    def put_off(self, case: Case) -> None:
        """An update of it ended in an error."""
        count = self.faults(case) + 1
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(count - 1, 10))
        self._faults[case.key] = count, self._monotonic() + pause

    def done(self, case: Case) -> None:
        """An update of it was answered."""
        self._faults.pop(case.key, None)
