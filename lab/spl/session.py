"""One evaluation: where rows come from, its time range and clock, and what its commands have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from lab.spl.use import FieldUse

if TYPE_CHECKING:
    from lab.spl.pipeline import Command, Macro
    from lab.spl.table import Table
    from lab.spl.value import Row


class Sources(Protocol):
    """Where rows come from. What is not there, or not for the caller, raises :class:`SearchRefused`."""

    @property
    def macros(self) -> Mapping[str, Macro]:
        """Macros by the names of their stanzas."""

    def events(self) -> Sequence[Row]:
        """Every event of the indexes that the caller may search, in any order, with `_time` as a number."""

    def lookup(self, name: str) -> list[Row]:
        """The rows of a lookup."""

    def saved_search(self, name: str) -> str:
        """The search of a saved search."""

    def rest(self, arguments: str) -> list[Row]:
        """The rows of ``| rest`` with these arguments."""

    def command(self, name: str, arguments: str) -> list[Row] | None:
        """The rows of a generating command that an app brings; None for a name that no app has."""


@dataclass(frozen=True)
class Session:
    """What a command can use.

    Args:
        sources: where rows come from.
        now: the time of the search, epoch seconds.
        earliest: begin of its range, epoch seconds; None for all.
        latest: its end; what lies on it is outside.
        indexed: begin and end of the time in which events were indexed; None for all.
        use: the fields that are read.
        run: runs the commands of a subsearch, from nothing or on a table.
    """

    sources: Sources
    now: float
    earliest: float | None
    latest: float | None
    run: Callable[[str, int, Session, Table | None], Table]
    indexed: tuple[float | None, float | None] = (None, None)
    use: FieldUse = field(default_factory=FieldUse)

    def within(self, earliest: float | None, latest: float | None) -> Session:
        """Give the session with another range."""
        return replace(self, earliest=earliest, latest=latest)


Work = Callable[["Session", "Command", "Table"], "Table"]
