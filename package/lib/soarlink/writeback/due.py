"""A case with what is to be written, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from soarlink.writeback.change import Change, pushed_of

if TYPE_CHECKING:
    from soarlink.feedback.case import Case


@dataclass(frozen=True)
class Due:
    """A case with what is to be written."""

    case: Case
    change: Change

    def begun(self) -> Due:
        """The same from when it is under way."""
        pushed = replace(pushed_of(self.case.pushed), under_way=self.change)
        return Due(replace(self.case, pushed=pushed.text()), self.change)

    def after(self, written: Change) -> Due:
        """The same once a part of it is written."""
        pushed = pushed_of(self.case.pushed).after(written)
        return Due(replace(self.case, pushed=pushed.text()), self.change.but(written))


@dataclass(frozen=True)
class Answered:
    """What became of an update.

    Args:
        due: the update.
        refused: the part that was refused.
        reason: why, or what else is to be told.
        waits: the part that is tried again later.
    """

    due: Due
    refused: Change
    reason: str
    waits: Change

    @property
    def written(self) -> Change:
        """What was taken."""
        return self.due.change.but(self.refused).but(self.waits)


def alike(due: Iterable[Due]) -> dict[Change, list[Due]]:
    """By what the notable itself gets: these can be written together."""
    found: dict[Change, list[Due]] = {}
    for one in due:
        found.setdefault(one.change.notable, []).append(one)
    return found
