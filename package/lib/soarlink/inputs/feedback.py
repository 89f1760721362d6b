"""The modular input ``soar_feedback``: brings back what happened in SOAR."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from soarlink.errors import SendToSoarError
from soarlink.feedback import checkpoint, settings
from soarlink.feedback.cases import Cases
from soarlink.feedback.event import Event
from soarlink.feedback.poll import Poll, Sinks
from soarlink.inputs.script import InputScript
from soarlink.inputs.session import logger
from soarlink.inputs.tenure import apply_for
from soarlink.plan import moment
from soarlink.soar.client import SoarClient
from soarlink.splunk import conf, spool
from soarlink.splunk.apilog import ApiLog
from soarlink.splunk.kvstore import KvStore
from soarlink.splunk.logline import fields
from soarlink.splunk.settings import Settings
from soarlink.writeback import path, rule
from soarlink.writeback import risk as risks
from soarlink.writeback.enterprise import EnterpriseSecurity
from soarlink.writeback.round import SOURCETYPE, Round
from soarlink.writeback.round import Sinks as Outlets

if TYPE_CHECKING:
    import logging
    import threading
    from collections.abc import Callable, Sequence

    from soarlink.feedback.cursor import Cursor
    from soarlink.inputs.session import Session

LOOK_EVERY = 5.0
"""Seconds between two looks at what is due."""

LEASE_SECONDS = 300.0
"""How long the lease lasts without renewal; longer where an account's timeouts allow longer requests."""

_SOURCE = "soar_feedback"
_RETRY_SECONDS = 60.0


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
        self._log: logging.Logger = logger(session.home, _SOURCE)
        self._calls = ApiLog(session.home, _SOURCE, session.clock)
        self._parent = os.getppid()
        self._kv = KvStore(session.splunkd())
        self._tenure = apply_for(session, _SOURCE, LEASE_SECONDS)
        self._due: dict[str, float] = {}
        self._said: dict[str, str] = {}

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
            due = [name for name in sorted(known.accounts) if self._due.get(name, 0.0) <= self._session.monotonic()]
            if not due or not self._tenure.begin():
                return
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
            self._say(name, "" if wanted.scope == settings.OFF else self._poll(known, name, wanted))
        except (SendToSoarError, OSError) as error:
            self._say(name, str(error))
        except Exception:  # noqa: BLE001 - the input goes on; the log has it
            self._log.exception("Unexpected error %s", fields({"account": name}))
        self._due[name] = self._session.monotonic() + interval

    def _poll(self, known: Settings, name: str, wanted: settings.FeedbackSettings) -> str:
        """Poll one account; what SOAR refused to show."""
        account = self._session.account(known, name)
        client = SoarClient(account, observe=self._calls.connection(name))
        state = checkpoint.load(self._kv, name)
        counts: dict[str, int] = {}

        def emit(events: Sequence[Event]) -> None:
            now = self._session.clock()
            texts = [spool.stamped(one.text(), one.sourcetype) for one in events]
            spool.put(self._session.home, index=known.index, source=_SOURCE, events=texts, now=now)
            for one in events:
                counts[one.sourcetype] = counts.get(one.sourcetype, 0) + 1

        def keep(resource: str, cursor: Cursor) -> None:
            nonlocal state
            state = state.moved(resource, cursor)
            checkpoint.save(self._kv, state)

        def go_on() -> bool:
            return self._goes_on() and self._tenure.outlasts(account.longest_request)

        first = moment.written(max(0.0, self._session.clock() - wanted.first_window))
        host = urlsplit(account.url).netloc
        try:
            cases = Cases(self._kv, client, wanted.holds)
            poll = Poll(client, host, cases, wanted, Sinks(emit, keep, go_on))
            end = poll.run(state.cursors, first)
            self._write_back(known, cases, client, go_on)
            now = self._session.clock()
            polled = now if end.complete else state.polled
            checkpoint.save(self._kv, replace(state, polled=polled, tried=now, error=" ".join(end.problems)))
            return " ".join(end.problems)
        except (SendToSoarError, OSError) as error:
            checkpoint.save(self._kv, replace(state, tried=self._session.clock(), error=str(error)))
            raise
        finally:
            client.close()
            if counts:
                self._log.info("Events written %s", fields({"account": name, **counts}))

    def _write_back(self, known: Settings, cases: Cases, client: SoarClient, go_on: Callable[[], bool]) -> None:
        """Carry on to Enterprise Security, where there is one."""
        mode = known.writeback_mode
        rules = rule.rules_of(conf.read(self._session.app, rule.CONF)) if mode != "off" else ()
        if not rules or not go_on():
            return
        splunkd = self._session.splunkd()
        try:
            way = path.choose(splunkd)
            if way is None:
                return
            reports: list[dict[str, Any]] = []
            work = Round(
                cases,
                EnterpriseSecurity(splunkd, way),
                rules,
                clock=self._session.clock,
                sinks=Outlets(reports.append, self._risk, client.add_tags),
                preview=mode == "preview",
            )
            try:
                work.run()
            finally:
                self._report(known, reports)
        finally:
            splunkd.close()

    def _report(self, known: Settings, reports: Sequence[dict[str, Any]]) -> None:
        if reports:
            now = self._session.clock()
            texts = [spool.stamped(Event(SOURCETYPE, now, one).text(), SOURCETYPE) for one in reports]
            spool.put(self._session.home, index=known.index, source=_SOURCE, events=texts, now=now)

    def _risk(self, texts: Sequence[str]) -> None:
        """Hand risk modifiers over to Enterprise Security's index."""
        now = self._session.clock()
        events = [spool.stamped(text, risks.SOURCETYPE, time=f"{now:.6f}") for text in texts]
        spool.put(self._session.home, index=risks.INDEX, source=risks.SOURCE, events=events, now=now)

    def _goes_on(self) -> bool:
        return not self._stop.is_set() and os.getppid() == self._parent

    def _say(self, account: str, problem: str) -> None:
        """Log what is wrong once, and once when it is over."""
        before = self._said.get(account, "")
        if problem and problem != before:
            self._log.warning("Not polled %s", fields({"account": account, "reason": problem}))
        elif before and not problem:
            self._log.info("Polled again %s", fields({"account": account}))
        self._said[account] = problem
