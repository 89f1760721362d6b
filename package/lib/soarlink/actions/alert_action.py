"""What every alert action does: writes the alert down, delivers it, and tells the truth about each row."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Callable

from soarlink.actions import request as requests_of
from soarlink.actions.alert import Alert, tell_every_row
from soarlink.actions.clerk import Clerk
from soarlink.delivery.outcome import EXIT_CONFIGURATION, EXIT_INTERNAL, EXIT_REJECTED, QUEUED, REJECTED, SIMULATED
from soarlink.errors import (
    AccessRefused,
    JournalError,
    PayloadError,
    ResultsError,
    SendToSoarError,
    SettingsError,
    SplunkdError,
)
from soarlink.journal.journal import AlreadyJournaled, Journal, JournalStore, journal_root, run_key
from soarlink.rows.results import Results
from soarlink.splunk import camhistory, payload, rules
from soarlink.splunk.cam import CommonAction

if TYPE_CHECKING:
    from collections.abc import Mapping

    from soarlink.actions.request import Request
    from soarlink.delivery.gate import Gate
    from soarlink.soar.account import Account
    from soarlink.splunk.grant import Grant

APP = Path(__file__).resolve().parents[3]
"""The add-on's folder: ``lib/soarlink/actions`` is three below it."""


def main(
    argv: list[str],
    stdin: IO[bytes],
    clock: Callable[[], float] = time.time,
    monotonic: Callable[[], float] = time.monotonic,
    *,
    name: str,
) -> int:
    """Run the action as splunkd starts it.

    Args:
        argv: script name and ``--execute``.
        stdin: the alert payload.
        clock: epoch seconds.
        monotonic: seconds of a clock that nobody sets.
        name: the alert action; they differ in their parameters, and in whether playbook runs are followed.

    Returns:
        The process's exit code, see :mod:`soarlink.delivery.outcome`.
    """
    if argv[1:] != ["--execute"]:
        sys.stderr.write(f"{name} is started by splunkd: --execute, and an alert payload on standard input.\n")
        return EXIT_CONFIGURATION
    try:
        invocation = payload.parse(stdin.read(), name)
    except PayloadError as error:
        sys.stderr.write(f"ERROR {name}: {error}\n")  # splunkd.log is all there is without a payload
        return EXIT_CONFIGURATION
    home = Path(os.environ["SPLUNK_HOME"])
    action = CommonAction(invocation, home, clock=clock)
    try:
        return _Run(invocation, action, home, clock, monotonic).execute()
    finally:
        action.close()


class _Run:
    """One call of the action."""

    def __init__(
        self,
        invocation: payload.Invocation,
        action: CommonAction,
        home: Path,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        self._clock = clock
        self._monotonic = monotonic
        self._invocation = invocation
        self._action = action
        self._home = home
        self._history: Mapping[str, frozenset[str]] = {}
        self._clerk = Clerk(action)
        self._is_written_down = False
        self._results = Results(invocation.results_file, invocation.fixed_rid, invocation.rid_suffix)

    def execute(self) -> int:
        try:
            return self._execute()
        except ResultsError as error:
            self._tell_all(REJECTED, error)
            return EXIT_INTERNAL
        except JournalError as error:  # written down, but how far it has come can't be: the delivery input goes on
            self._action.message(str(error), level=logging.ERROR)
            self._clerk.end_open(QUEUED, str(error))
            tell_every_row(self._results, self._clerk, QUEUED, str(error), self._action)
            return self._clerk.exit_code()
        except Exception as error:
            self._action.logger.exception("Unexpected error")
            reason = f"Internal error of the add-on: {type(error).__name__}. The log has the details."
            # What is written down is tried again by the delivery input; what is not has its end here.
            state = QUEUED if self._is_written_down else REJECTED
            self._clerk.end_open(state, reason)
            tell_every_row(self._results, self._clerk, state, reason, self._action)
            return EXIT_INTERNAL

    def _recall(self) -> None:
        """What the results were told already, when the action was called for this search before."""
        invocation = self._invocation
        call = f"{invocation.fixed_rid or ''}{invocation.rid_suffix}"
        if not JournalStore(journal_root(self._home), clock=self._clock).note_call(
            invocation.run.action, invocation.run.sid, call
        ):
            self._history = camhistory.read(self._action.log, invocation.run.sid)
            self._clerk = Clerk(self._action, history=self._history)

    def _execute(self) -> int:
        self._recall()
        try:
            request = requests_of.read(APP, self._invocation, self._invocation.results_file, self._action)
            if request.asked.dry_run:
                return self._simulate(request)
        except ResultsError:
            raise
        except SendToSoarError as error:
            self._tell_all(REJECTED, error)
            return EXIT_CONFIGURATION
        if request.damage is not None:
            self._action.message(
                f"The first {request.rows} results are sent; the ones after them can't be read: {request.damage}",
                level=logging.ERROR,
            )
        if not request.rows:
            self._action.message("No results: nothing to send")
            return EXIT_INTERNAL if request.damage is not None else 0
        return self._write_down(request)

    def _simulate(self, request: Request) -> int:
        from soarlink.actions.simulation import simulate_run

        return simulate_run(request, self._clerk, self._action, APP, self._home)

    def _write_down(self, request: Request) -> int:
        """Write the run down, once it is known that the user may use the account.

        When splunkd can't tell, the alert is written down all the same: the delivery input asks before it sends.
        """
        grant: Grant | SplunkdError
        try:
            grant = self._ask(request)
        except (AccessRefused, SettingsError) as error:
            self._tell_all(REJECTED, error)
            return EXIT_CONFIGURATION
        except SplunkdError as error:
            grant = error
        store = JournalStore(journal_root(self._home), clock=self._clock)
        invocation = self._invocation
        call = f"{invocation.fixed_rid or ''}{invocation.rid_suffix} {request.account_name}{request.errand()}"
        key = run_key(invocation.run.action, invocation.run.sid, call, invocation.results_file)
        try:
            store.save_mapping(request.mapping.digest, lambda: rules.stanzas(APP))
            journal = store.create(
                key, json.loads(invocation.text.reveal()), invocation.results_file, _facts(request, grant)
            )
        except AlreadyJournaled:
            return self._stand_back()
        except JournalError as error:
            self._tell_all(REJECTED, error)
            return EXIT_REJECTED
        self._is_written_down = True
        self._clerk = Clerk(self._action, journal.ledger, self._history)
        if not isinstance(grant, SplunkdError) and grant.by_service:
            return self._hand_over(request, journal)
        return self._deliver(request, store, journal, grant)

    def _stand_back(self) -> int:
        """The same call is under way, or waits to be: rows that have ended stay so, the others wait with it."""
        history = camhistory.read(self._action.log, self._invocation.run.sid)  # it may have told more meanwhile
        self._clerk = Clerk(self._action, history=history)
        reason = "This run is written down and under way: it is not sent twice."
        self._action.message(f"Nothing was sent: {reason}", level=logging.WARNING)
        self._tell_rest(reason)
        return self._clerk.exit_code()

    def _tell_rest(self, reason: str) -> None:
        """Rows that somebody else delivers: those that have ended are told their end, the others wait."""
        ends = camhistory.ends(self._action.log, self._invocation.run.sid)
        real = {rid: end for rid, end in ends.items() if end.state != SIMULATED}
        tell_every_row(self._results, self._clerk, QUEUED, reason, self._action, ends=real)

    def _hand_over(self, request: Request, journal: Journal) -> int:
        """The account's secret is the delivery input's alone."""
        try:
            reason = (
                f'Written down; the delivery input sends it: the account "{request.account_name}" leaves that to it.'
            )
            self._tell_rest(reason)
            self._clerk.flush()
            return self._clerk.exit_code() or (EXIT_INTERNAL if request.damage is not None else 0)
        finally:
            journal.release()

    def _deliver(self, request: Request, store: JournalStore, journal: Journal, grant: Grant | SplunkdError) -> int:
        clock, monotonic = self._clock, self._monotonic
        alert = Alert(
            request, journal, self._action, self._clerk, app=APP, home=self._home, clock=clock, monotonic=monotonic
        )
        limits = request.settings.delivery
        seconds = limits.seconds if self._invocation.fixed_rid is None else limits.seconds_per_result

        def gate(account: Account) -> Gate:
            found = open_gate(self._home, account.name, seconds, clock=self._clock, monotonic=self._monotonic)
            signal.signal(signal.SIGTERM, lambda *_: found.stop())
            return found

        try:
            follow = 0.0 if self._invocation.fixed_rid is not None else request.asked.follow or 0.0
            alert.deliver(lambda: _account(request, grant), gate, follow)
            if journal.ledger.moved_pending():
                self._tell_rest("An earlier call of this run put it into the outbox: it is delivered from there.")
                self._clerk.flush()
            code = self._clerk.exit_code() or (EXIT_INTERNAL if request.damage is not None else 0)
            if alert.unusable is not None:
                code = EXIT_CONFIGURATION
            if not alert.waiting and not alert.rejected and not alert.running:
                store.finish(journal, code)
            return code
        finally:
            journal.release()

    def _ask(self, request: Request) -> Grant:
        from soarlink.splunk import grant
        from soarlink.splunk.session import connect

        invocation = self._invocation
        splunkd = connect(invocation.server_uri, invocation.session_key, self._home)
        try:
            return grant.ask(splunkd, request.account_name)
        finally:
            splunkd.close()

    def _tell_all(self, state: str, error: SendToSoarError) -> None:
        self._action.message(f"Nothing was sent: {error}", level=logging.ERROR)
        tell_every_row(self._results, self._clerk, state, str(error), self._action)


def open_gate(
    home: Path,
    account: str,
    seconds: float | None,
    *,
    clock: Callable[[], float],
    monotonic: Callable[[], float],
    may_ask: Callable[[], bool] = lambda: True,
    may_begin: Callable[[], bool] = lambda: True,
) -> Gate:
    """The gate of one run towards an account's server, see :class:`Gate`; ``clock`` gives epoch seconds."""
    from soarlink.delivery.breaker import Breaker
    from soarlink.delivery.gate import Gate

    return Gate(Breaker(journal_root(home) / "breaker", account, clock), seconds, monotonic, may_ask, may_begin)


def _account(request: Request, grant: Grant | SplunkdError) -> Account:
    if isinstance(grant, SplunkdError):
        raise grant
    return request.settings.account(request.account_name, grant.credentials)


def _facts(request: Request, grant: Grant | SplunkdError) -> dict[str, Any]:
    """What the journal keeps beside the payload; ``checked``: the user may use the account."""
    return {
        "action": request.invocation.run.action,
        "account": request.account_name,
        "checked": not isinstance(grant, SplunkdError),
        "mapping": request.mapping.digest,
    }
