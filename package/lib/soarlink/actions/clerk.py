"""Tells each row its end: once, in order, and across processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from soarlink.delivery.outcome import CAM_STATUS, REJECTED, RowOutcome, count, exit_code
from soarlink.errors import JournalError
from soarlink.splunk.cam import EVENTS_PER_FILE
from soarlink.splunk.camhistory import ENDS, INVOKED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Protocol

    from soarlink.plan.shipment import RowAccount
    from soarlink.splunk.cam import CommonAction

    class Told(Protocol):
        """Where it is kept which rows were told what."""

        def is_told(self, position: int, state: str) -> bool:
            """Whether the row was told this state, event and all."""
            ...

        def note_told(self, positions: Sequence[int], state: str) -> None:
            """Keep that these rows were told this state."""
            ...


def require_lines(action: CommonAction) -> None:
    """Refuse to go on as if rows had been told, where their lines are not in the log.

    Raises:
        JournalError: says what to do.
    """
    if action.has_lost_lines:
        raise JournalError(
            "There is no room for the results' lines in var/log/splunk.",
            "Make room on the disk; what is sent is kept, and told then.",
        )


class Clerk:
    """Announces rows and tells their outcomes.

    Args:
        action: the Common Action Model's side.
        told: what earlier processes told; None where there was none and will be none.
        history: what the log says already, by result id (see :mod:`soarlink.splunk.camhistory`).
    """

    def __init__(
        self,
        action: CommonAction,
        told: Told | None = None,
        history: Mapping[str, frozenset[str]] | None = None,
    ) -> None:
        self._action = action
        self._told = told
        self._history = history or {}
        self._open: dict[int, RowAccount] = {}
        self._unannounced: list[RowAccount] = []
        self._unnoted: dict[str, list[int]] = {}
        self._events = 0
        self._has_outcome = bytearray()  # one byte for each row: a set of positions would not stay flat
        self.totals: dict[str, int] = dict(count(()))
        self._all_unreachable = True

    def announce(self, account: RowAccount) -> None:
        """The row's invocation line: with those of others by :meth:`announced`, or before the next outcome."""
        self._open[account.position] = account
        if not self._has_been(account, INVOKED, INVOKED):
            self._unannounced.append(account)

    def announced(self) -> None:
        """Write the lines of all rows that were announced: before anything of them is sent."""
        self._begin()
        self._action.flush_lines()

    def tell(self, outcome: RowOutcome) -> None:
        """The row's line and event for this state, unless it has them.

        A row has one final status, the first; what becomes of it later is a line without a status, and an event.
        """
        account, state = outcome.account, outcome.state
        if self._unannounced:
            self._begin()
        self._open.pop(account.position, None)
        self._remember(account.position)
        self.totals[state] += 1
        if state == REJECTED and not outcome.unreachable:
            self._all_unreachable = False
        if self._told is not None and self._told.is_told(account.position, state):
            return
        told = self._history.get(account.rid, frozenset())
        if told.isdisjoint(ENDS):
            if CAM_STATUS[state] not in told:
                self._action.line(outcome)
        elif CAM_STATUS[state] not in told:
            self._action.remark(outcome)
        self._action.event(outcome)
        self._note(account, state)
        self._events += 1
        if self._events >= EVENTS_PER_FILE:
            self.flush()

    def knows(self, position: int) -> bool:
        """Whether the row has an outcome."""
        return position < len(self._has_outcome) and bool(self._has_outcome[position])

    def end_open(self, state: str, reason: str) -> None:
        """Tell every row that was announced and has no outcome."""
        for account in list(self._open.values()):
            self.tell(RowOutcome(account, state, reason=reason))

    def flush(self) -> None:
        """Hand the events over, and only then keep that the rows were told.

        Raises:
            JournalError: the log has no room for their lines; what was sent is kept, and told later.
        """
        self._begin()
        self._action.flush()
        self._events = 0
        if self._told is not None:
            require_lines(self._action)
            for state, positions in self._unnoted.items():
                self._told.note_told(positions, state)
        self._unnoted = {}

    @property
    def rows(self) -> int:
        """How many rows have an outcome."""
        return sum(self.totals.values())

    def exit_code(self) -> int:
        """The process's exit code, from what the rows were told."""
        return exit_code(self.totals, all_unreachable=self._all_unreachable)

    def _begin(self) -> None:
        accounts, self._unannounced = self._unannounced, []
        if accounts:
            self._action.begin(accounts)
        for account in accounts:
            self._note(account, INVOKED)

    def _remember(self, position: int) -> None:
        missing = position + 1 - len(self._has_outcome)
        if missing > 0:
            self._has_outcome.extend(bytes(missing))
        self._has_outcome[position] = 1

    def _has_been(self, account: RowAccount, state: str, word: str) -> bool:
        if self._told is not None and self._told.is_told(account.position, state):
            return True
        return word in self._history.get(account.rid, ())

    def _note(self, account: RowAccount, state: str) -> None:
        if self._told is not None:
            self._unnoted.setdefault(state, []).append(account.position)
