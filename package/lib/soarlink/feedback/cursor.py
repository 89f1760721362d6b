"""How far a stream was read. All times are SOAR's own, as it writes them: our clock plays no part."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from soarlink.plan import moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

OVERLAP = 60.0
"""Seconds that are read again: a transaction may commit after a later one, with an earlier time."""

MOST_REMEMBERED = 5_000
"""Record states that are remembered of the overlap; beyond it some are read and written twice (the same event id)."""


@dataclass(frozen=True)
class Cursor:
    """Where the next poll of a stream goes on.

    Args:
        positions: time field → the latest time that was read.
        remembered: time field → states (see :func:`state_of`) within its overlap → the record's time in that field.
    """

    positions: Mapping[str, str] = field(default_factory=dict)
    remembered: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def since(self, name: str, first: str) -> str:
        """From when records are asked for, however long ago that is; ``first`` where none was read yet."""
        position = self.positions.get(name)
        return _before(position) if position else first

    def knows(self, state: str) -> bool:
        """Whether this state of a record was read already."""
        return any(state in states for states in self.remembered.values())

    def moved(self, name: str, states: Iterable[tuple[str, str]]) -> Cursor:
        """The cursor after a page: never earlier than before.

        Args:
            name: the time field.
            states: (state, the record's time in that field), in the order of those times.
        """
        read = list(states)
        if not read:
            return self
        position = max(self.positions.get(name, ""), read[-1][1])
        oldest = _before(position)
        known = {**self.remembered.get(name, {}), **dict(read)}
        kept = sorted((time, state) for state, time in known.items() if time >= oldest)[-MOST_REMEMBERED:]
        return replace(
            self,
            positions={**self.positions, name: position},
            remembered={**self.remembered, name: {state: time for time, state in kept}},
        )

    def document(self) -> dict[str, Any]:
        """The cursor as JSON."""
        return {"positions": dict(self.positions), "remembered": {k: dict(v) for k, v in self.remembered.items()}}


def cursor_of(document: Mapping[str, Any]) -> Cursor:
    """A cursor from its JSON."""
    return Cursor(dict(document.get("positions", {})), dict(document.get("remembered", {})))


def _before(position: str) -> str:
    """The time from which is read again; a position that is no time is read from where it is."""
    seconds = moment.point(position)
    return position if seconds is None else moment.written(max(0.0, seconds - OVERLAP))


def state_of(record: Mapping[str, Any], times: Iterable[str]) -> tuple[str, str]:
    """(state, time): a record at the latest of its times. The same state is the same event, whenever it is read."""
    latest = max((str(record[name]) for name in times if record.get(name)), default="")
    return f"{record.get('id')}@{latest}", latest
