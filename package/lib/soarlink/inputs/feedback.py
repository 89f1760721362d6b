"""The modular input ``soar_feedback``: brings back what happened in SOAR."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from soarlink.errors import SendToSoarError
from soarlink.feedback import checkpoint, settings
from soarlink.feedback.cases import Cases
from soarlink.feedback.event import Event
from soarlink.feedback.poll import Poll, Sinks
from soarlink.inputs.script import InputScript
from soarlink.inputs.session import logger
from soarlink.inputs.tenure import apply_for
from soarlink.inputs.updates import SOURCE, Updates
from soarlink.plan import moment
from soarlink.soar.client import SoarClient
from soarlink.splunk import spool
from soarlink.splunk.apilog import ApiLog
from soarlink.splunk.kvstore import KvStore
from soarlink.splunk.logline import fields
from soarlink.splunk.settings import Settings
from soarlink.splunk.splunkd import CONNECT_TIMEOUT, READ_TIMEOUT
from soarlink.writeback.beginning import pass_over

if TYPE_CHECKING:
    import logging
    import threading
    from collections.abc import Callable, Mapping, Sequence

    from soarlink.feedback.checkpoint import Checkpoint
    from soarlink.feedback.cursor import Cursor
    from soarlink.inputs.session import Session
    from soarlink.inputs.updates import Course

LOOK_EVERY = 5.0
"""Seconds between two looks at what is due."""

LEASE_SECONDS = 300.0
"""How long the lease lasts without renewal; longer where an account's timeouts allow longer requests."""

LONGEST_CALL = CONNECT_TIMEOUT + READ_TIMEOUT
"""Seconds that a call to splunkd takes at most."""

LONGEST_LOOK = 24 * 3600.0
"""Seconds that are read again at most when SOAR's clock seems to have been set back: it may be ours that is wrong."""

SHORTLY_OFF = 24 * 3600.0
"""Seconds for which notables may not be updated, and what changes is written afterwards all the same: an upgrade."""

_RETRY_SECONDS = 60.0
_READ = ("Not polled", "Polled again")
_UPDATED = ("Notables not updated", "Notables updated again")
"""What the log says of an account when something is wrong, and when it is over."""


class FeedbackScript(InputScript):
    """The input as splunkd sees it."""

    def __init__(self) -> None:
        super().__init__(
            "Send to SOAR: feedback",
            "Brings back from SOAR what became of containers. Leave it switched on.",
            lambda session, stop: Feedback(session, stop).run(),
        )


class Feedback:
    """The input's loop.

    Args:
        session: splunkd and clocks.
        stop: set when the input is to end.
    """

    def __init__(self, session: Session, stop: threading.Event) -> None:
        self._session = session
        self._stop = stop
        self._log: logging.Logger = logger(session.home, SOURCE)
        self._calls = ApiLog(session.home, SOURCE, session.clock)
        self._parent = os.getppid()
        self._kv = KvStore(session.splunkd())
        self._tenure = apply_for(session, SOURCE, LEASE_SECONDS)
        self._due: dict[str, float] = {}
        self._accounts: frozenset[str] | None = None
        self._updates = Updates(session)
        self._said: dict[tuple[str, tuple[str, str]], str] = {}

    def run(self) -> None:
        """Work until told to stop."""
        self._log.info("Feedback started %s", fields({"pid": os.getpid()}))
        while self._goes_on():
            self.round()
            self._stop.wait(LOOK_EVERY)
        try:
            self._tenure.end()
        except SendToSoarError as error:
            self._log.warning("Lease not released %s", fields({"reason": error}))
        self._log.info("Feedback stopped")

    def round(self) -> None:
        """Poll every account that is due, if the lease is ours. What stops one account does not stop the others."""
        try:
            known = Settings.load(self._session.app)
            names = frozenset(known.accounts)
            due = [name for name in sorted(names) if self._due.get(name, 0.0) <= self._session.monotonic()]
            if (not due and names == self._accounts) or not self._tenure.begin():
                return
            if names != self._accounts:
                self._forget(names)
        except SendToSoarError as error:
            self._say("", f"Feedback waits: {error}")
            return
        self._say("", "")
        for name in due:
            if self._goes_on():
                self._account(known, name)

    def _account(self, known: Settings, name: str) -> None:
        interval = _RETRY_SECONDS
        try:
            wanted = settings.of_account(name, known.accounts[name])
            interval = wanted.interval
            self._say(name, self._rest(name) if wanted.scope == settings.OFF else self._poll(known, name, wanted))
        except (SendToSoarError, OSError) as error:
            self._say(name, str(error))
        except Exception:  # noqa: BLE001 - the input goes on; the log has it
            self._log.exception("Unexpected error %s", fields({"account": name}))
        self._due[name] = self._session.monotonic() + interval

    def _forget(self, names: frozenset[str]) -> None:
        """Note which accounts are there no more: their checkpoints would seem to stand still for ever."""
        for gone in sorted(checkpoint.followed(self._kv) - names):
            self._rest(gone)
        self._accounts = names

    def _rest(self, name: str) -> str:
        """Note since when an account is not read any more: its cases update no notable. Nothing is wrong with it."""
        state = checkpoint.load(self._kv, name)
        if state.interval:
            since = state.writeback_off_since or (self._session.clock() if state.cursors else 0.0)
            state = replace(state, interval=0.0, error="", writeback_error="", writeback_off_since=since)
            checkpoint.save(self._kv, state)
        return ""

    def _poll(self, known: Settings, name: str, wanted: settings.FeedbackSettings) -> str:
        """Poll one account, then update notables, also when SOAR could not be read; what is wrong with SOAR."""
        account = self._session.account(known, name)
        client = SoarClient(account, observe=self._calls.connection(name))
        state = replace(checkpoint.load(self._kv, name), interval=wanted.interval)
        counts: dict[str, int] = {}

        def emit(events: Sequence[Event]) -> None:
            now = self._session.clock()
            texts = [spool.stamped(one.text(), one.sourcetype) for one in events]
            spool.put(self._session.home, index=known.index, source=SOURCE, events=texts, now=now)
            for one in events:
                counts[one.sourcetype] = counts.get(one.sourcetype, 0) + 1

        def keep(resource: str, cursor: Cursor) -> None:
            nonlocal state
            state = state.moved(resource, cursor, self._session.clock())
            checkpoint.save(self._kv, state)

        def go_on() -> bool:
            return self._goes_on() and self._tenure.outlasts(max(account.longest_request, LONGEST_CALL))

        first = moment.written(max(0.0, self._session.clock() - wanted.first_window))
        host = urlsplit(account.url).netloc
        cases = Cases(self._kv, client, wanted.holds)
        try:
            course, fault = self._course(known)
            is_on = None if fault else course is not None
            is_near = self._session.clock() - state.polled <= SHORTLY_OFF
            state = self._begun(state, cases, go_on, is_on=is_on, is_read=is_near)
            try:
                now = self._session.clock()
                elapsed = min(max(0.0, now - (state.read or now)), LONGEST_LOOK)
                end = Poll(client, host, cases, wanted, Sinks(emit, keep, go_on)).run(state.cursors, first, elapsed)
                polled = state.polled if end.problems or not end.complete else self._session.clock()
                state = replace(state, polled=polled, read=self._session.clock(), error=" ".join(end.problems))
                checkpoint.save(self._kv, state)
                state = self._begun(state, cases, go_on, is_on=is_on, is_read=end.complete)
            except SendToSoarError as error:
                state = replace(state, error=str(error))
                cases = Cases(self._kv, client, wanted.holds)  # without what was only half read
            if course is not None:
                begins = not state.writeback_off_since and go_on()
                fault = self._update(course, known.index, cases, client, go_on) if begins else state.writeback_error
            checkpoint.save(self._kv, replace(state, tried=self._session.clock(), writeback_error=fault))
            self._say(name, fault, _UPDATED)
            return state.error
        except (SendToSoarError, OSError) as error:
            checkpoint.save(self._kv, replace(state, tried=self._session.clock(), error=str(error)))
            raise
        finally:
            client.close()
            self._count(name, counts)

    def _count(self, name: str, counts: Mapping[str, int]) -> None:
        """Log how many events of each kind were written."""
        if counts:
            self._log.info("Events written %s", fields({"account": name, **counts}))

    def _course(self, known: Settings) -> tuple[Course | None, str]:
        """How notables are updated, and why that is not clear: no reason not to read SOAR."""
        try:
            return self._updates.course(known), ""
        except SendToSoarError as error:
            return None, str(error)

    def _begun(
        self, state: Checkpoint, cases: Cases, go_on: Callable[[], bool], *, is_on: bool | None, is_read: bool
    ) -> Checkpoint:
        """The checkpoint with since when no notable is updated. What changed in a long such time is left as it is.

        Where SOAR was not read in that time either, this waits for a poll that reads it up to now (``is_read``).
        Nothing changes as long as it is not known whether notables are updated.
        """
        now, since = self._session.clock(), state.writeback_off_since
        if is_on is None or is_on is not bool(since):
            return state
        if is_on and now - since > SHORTLY_OFF and not (is_read and pass_over(cases, go_on)):
            return state
        state = replace(state, writeback_off_since=0.0 if is_on else now)
        checkpoint.save(self._kv, state)
        return state

    def _update(self, course: Course, index: str, cases: Cases, client: SoarClient, go_on: Callable[[], bool]) -> str:
        """Carry on to Enterprise Security; what kept updates from being written. SOAR was read all the same."""
        try:
            return self._updates.run(course, index, cases, client, go_on)
        except (SendToSoarError, OSError) as error:
            return str(error)

    def _goes_on(self) -> bool:
        return not self._stop.is_set() and os.getppid() == self._parent

    def _say(self, account: str, problem: str, words: tuple[str, str] = _READ) -> None:
        """Log what is wrong once, and once when it is over."""
        before = self._said.get((account, words), "")
        if problem and problem != before:
            self._log.warning("%s %s", words[0], fields({"account": account, "reason": problem}))
        elif before and not problem:
            self._log.info("%s %s", words[1], fields({"account": account}))
        self._said[account, words] = problem
