"""The late lines and events of rows that the outbox has brought to their end."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from soarlink.actions.clerk import Clerk, require_lines
from soarlink.splunk import payload
from soarlink.splunk.cam import CommonAction, log_of
from soarlink.splunk.camhistory import Histories

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from soarlink.delivery.outcome import RowOutcome
    from soarlink.inputs.session import Session
    from soarlink.plan.run import AlertRun

    Told = dict[tuple[AlertRun, str], list[RowOutcome]]
    """Outcomes by alert run and account: what is resent may go by another account than the run's others."""


class Teller:
    """Tells rows their end. Not for use by several threads at once.

    Args:
        session: splunkd and clocks.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._histories: dict[Path, Histories] = {}

    def tell(self, index: str, told: Told) -> None:
        """The lines and events of these outcomes; a crash before the receipt is why the log is asked first.

        Args:
            index: where result events go.
            told: outcomes by the run that they belong to, and the account that they went by.

        Raises:
            JournalError: the log has no room for the lines.
        """
        known = self._known(told)
        last = {run.action: (run, account) for run, account in told}
        events: dict[str, list[str]] = {}
        for (run, account), outcomes in told.items():
            action = CommonAction(payload.parse(_text(run), run.action), self._session.home, index, self._session.clock)
            action.account = account
            action.events = events.pop(run.action, [])
            action.hold_lines()
            clerk = Clerk(action, history=known[run.action][run.sid])
            for outcome in outcomes:
                clerk.tell(outcome)
            if last[run.action] != (run, account):  # one file for the events of all runs: it is synced to disk
                events[run.action], action.events = action.events, []
            clerk.flush()
            action.close()
            require_lines(action)

    def _known(self, told: Told) -> dict[str, Mapping[str, Mapping[str, frozenset[str]]]]:
        """What the log of each action says of its runs that are to be told."""
        sids: dict[str, dict[str, None]] = {}
        for run, _ in told:
            sids.setdefault(run.action, {})[run.sid] = None
        found = {}
        for action, asked in sids.items():
            log = log_of(action, self._session.home)
            found[action] = self._histories.setdefault(log, Histories(log)).of(asked)
        return found

    def forget(self) -> None:
        """Forget what the logs say: they are read anew the next time."""
        self._histories.clear()


def _text(run: AlertRun) -> bytes:
    """The run as an alert payload, for the Common Action Model."""
    facts = {
        "sid": run.sid,
        "search_name": run.search_name,
        "app": run.app,
        "owner": run.owner,
        "results_link": run.results_link,
        "server_host": run.server_host,
        "configuration": {},
    }
    return json.dumps(facts).encode("ascii")
