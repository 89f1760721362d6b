"""How far a stream was read. All times are SOAR's own, as it writes them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from soarlink.plan import moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

OVERLAP = 60.0
"""Seconds that are read again: a transaction may commit after a later one, with an earlier time."""

_TOLERANCE = OVERLAP / 2
"""Seconds by which SOAR's clock may seem to have been set back: two clocks, one of them to the second."""

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

    def since(self, name: str, first: str, read: float | None = None) -> str:
        """From when records are asked for, however long ago that is.

        Args:
            name: the time field.
            first: the time from which is read what never was.
            read: when SOAR was read last, by its clock as it goes now; None where that is not known. What was read has
                later times than that where SOAR's clock was set back, or was ahead for a while.
        """
        position = self.positions.get(name)
        if not position:
            return first
        seconds = moment.point(position)
        if read is not None and seconds is not None and read < seconds - _TOLERANCE:
            return _before(moment.written(max(0.0, read)))
        return _before(position)

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
        # Times before the position are read when SOAR's clock was set back; what is read again then begins there.
        oldest = _before(min(position, read[-1][1]))
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
