"""Works off the outbox: what is due, account by account, under the lease."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Callable

from soarlink.actions.alert_action import open_gate
from soarlink.delivery.outcome import REJECTED, RowOutcome
from soarlink.delivery.pace import Pace
from soarlink.delivery.verdict import AUTHENTICATION
from soarlink.errors import OutboxError, SendToSoarError
from soarlink.inputs.age import RESEND, too_old
from soarlink.inputs.attempt import Terms, after, final
from soarlink.inputs.cargo import Cargo, NotedRuns
from soarlink.inputs.complaints import Complaints
from soarlink.inputs.conclusions import concluding
from soarlink.inputs.telling import Teller
from soarlink.inputs.turn import Turn
from soarlink.outbox import item as states
from soarlink.splunk.apilog import ApiLog, several
from soarlink.splunk.logline import fields
from soarlink.splunk.settings import Settings

if TYPE_CHECKING:
    import logging

    from soarlink.delivery.carrier import ServerTraits
    from soarlink.delivery.progress import ContainerReport
    from soarlink.inputs.conclusions import Conclusions
    from soarlink.inputs.session import Session
    from soarlink.inputs.telling import Told
    from soarlink.inputs.tenure import Tenure
    from soarlink.outbox.collection import Outbox
    from soarlink.outbox.item import OutboxItem
    from soarlink.outbox.payload import Payload
    from soarlink.plan.shipment import Shipment
    from soarlink.soar.account import Account

AT_ONCE = 1000
"""Most items that are looked up together."""

POSTPONED = 60.0
"""Seconds until an account that can't be used is looked at again."""

CONCLUDED_TOGETHER = 500
"""Most items whose outcomes are told and written together, while others are on their way."""

CONCLUDED_WITHIN = 2.0
"""Seconds after which fewer are, where SOAR or its rate limit is slow."""

CONCLUDE = 30.0
"""Seconds of the lease that must be left for the KV store to take the outcomes of a round."""


class Deliveries:
    """The outbox in delivery.

    Args:
        session: splunkd and clocks.
        outbox: the outbox.
        log: the input's log.
        tenure: the lease; without it nothing is sent, told or written.
        stop: set when the input is to end.
        is_needed: whether other work waits for the end of a round.
    """

    def __init__(
        self,
        session: Session,
        outbox: Outbox,
        log: logging.Logger,
        tenure: Tenure,
        stop: threading.Event,
        *,
        is_needed: Callable[[], bool] = lambda: False,
    ) -> None:
        self._session = session
        self._outbox = outbox
        self._tenure = tenure
        self._complaints = Complaints(log, session.monotonic)
        self._stop = stop
        self._is_needed = is_needed
        self._log = log
        self._traits: dict[tuple[str, str], ServerTraits] = {}
        self._paces: dict[tuple[str, int], Pace] = {}
        self._teller = Teller(session)
        self._told: dict[str, tuple[str, str]] = {}  # what the outbox has no receipts of yet, by item
        self._served: dict[str, float] = {}
        self._postponed: dict[str, float] = {}

    def round(self) -> int:
        """Send what is due; how many items were tried.

        Up to :data:`AT_ONCE` items, of each account in turn, none for longer than its :class:`Turn`. The line of
        an account that is alone goes on behind them without a break. Where journals wait, accounts have their turn in
        further rounds, those first that have waited longest.
        """
        settings, now = Settings.load(self._session.app), self._now()
        self._tell_discarded(settings)
        items = self._outbox.due(now, AT_ONCE, exclude=self._idle(settings))
        if not items:  # what was learned holds as long as there is work without a break
            self._traits.clear()
            self._teller.forget()
        by_account: dict[str, list[OutboxItem]] = {}
        for item in items:
            by_account.setdefault(item.account, []).append(item)
        tried = 0
        for name in sorted(by_account, key=lambda account: self._served.get(account, 0.0)):
            if self._stop.is_set() or (tried and self._is_needed()) or not self._tenure.outlasts(CONCLUDE):
                break
            tried += self._send(settings, name, by_account[name], now)
            self._served[name] = self._session.monotonic()
        return tried

    def _idle(self, settings: Settings) -> list[str]:
        """Accounts that are left alone for a while."""
        now = self._session.monotonic()
        self._postponed = {name: until for name, until in self._postponed.items() if now < until}
        return [*self._postponed, *filter(self._is_paused, settings.accounts)]

    def _line(self, items: list[OutboxItem], now: float, turn: Turn) -> Iterator[OutboxItem]:
        """These items of one account, and where they are a round's only ones, those behind them while it may last.

        Of several items of one container one has its turn in a round.
        """
        seen: set[str] = set()
        taken: list[OutboxItem] = []
        while items:
            for item in items:
                if item.identity not in seen:
                    seen.add(item.identity)
                    yield item
            last = items[-1]
            is_more = len(items) == AT_ONCE and turn.has_time() and not self._is_needed() and not self._stop.is_set()
            goes_on = is_more and self._tenure.outlasts(CONCLUDE) and not self._is_paused(last.account)
            taken = [one for one in (*taken, *items) if one.created == last.created]
            items = self._outbox.behind(taken, now, AT_ONCE) if goes_on else []

    def clear_up(self) -> None:
        """Remove receipts that are old enough, in bulk, under the lease."""
        kept = Settings.load(self._session.app).delivery.receipts
        count = self._outbox.purge(self._now() - kept)
        if count:
            self._log.info("Receipts removed %s", fields({"count": count}))

    def _is_paused(self, account: str) -> bool:
        return open_gate(self._session.home, account, None, **self._session.clocks).check() is not None

    def _send(self, settings: Settings, name: str, items: list[OutboxItem], now: float) -> int:
        """Load, send and conclude at the same time; how many items were tried."""
        try:
            account = self._session.account(settings, name)
        except SendToSoarError as error:
            self._postpone(settings, items, error)
            self._postponed[name] = self._session.monotonic() + POSTPONED
            return len(items)
        self._complaints.goes_on("Outbox", name)
        turn = Turn(self._session.monotonic, self._is_needed)
        with concluding(self._log) as conclusions:
            cargo = Cargo(self._outbox, self._line(items, now, turn), turn.has_time)
            self._deliver(settings, account, cargo, turn, conclusions)
            if cargo.unusable:
                conclusions.add(partial(self._reject, cargo.unusable))
            if cargo.failure is not None:
                conclusions.fail(cargo.failure)
        return cargo.count

    def _deliver(
        self, settings: Settings, account: Account, cargo: Cargo, turn: Turn, conclusions: Conclusions
    ) -> None:
        runs = NotedRuns(self._outbox, cargo.loaded)
        with closing(self._carry(account, cargo, turn, runs)) as carried:
            for reports in _together(carried, self._session.monotonic):
                conclude = partial(self._conclude, settings, cargo, runs, reports, account.read_timeout)
                conclusions.add(conclude)
                if conclusions.has_failed:
                    break  # the outbox takes no outcomes: nothing more is sent

    def _reject(self, items: Sequence[OutboxItem]) -> None:
        if self._tenure.outlasts(CONCLUDE):
            now = self._now()
            self._outbox.settle_many(replace(one, state=states.REJECTED, updated=now) for one in items)

    def _carry(
        self, account: Account, cargo: Cargo, turn: Turn, runs: NotedRuns
    ) -> Generator[ContainerReport, None, None]:
        from soarlink.delivery.carrier import Carrier, ServerTraits
        from soarlink.delivery.sender import send
        from soarlink.soar.client import SoarClient

        traits = self._traits.setdefault((account.name, account.url), ServerTraits())
        gate = open_gate(
            self._session.home,
            account.name,
            None,
            may_ask=lambda: self._may_ask(account),
            may_begin=turn.may_begin,
            **self._session.clocks,
        )
        log = ApiLog(self._session.home, "soar_delivery", self._session.clock)

        def connect() -> Carrier:
            calls = log.connection(account.name)
            client = SoarClient(account, permit=gate.permit, observe=calls)
            return Carrier(client, traits, runs, lambda sent: calls.about(_about(cargo.loaded, sent)))

        try:
            yield from send(cargo.shipments(), connect, account.connections, gate, self._pace(account))
        finally:
            log.close()

    def _pace(self, account: Account) -> Pace | None:
        """The account's pace, kept from round to round."""
        if not account.rate_limit:
            return None
        key = (account.name, account.rate_limit)
        if key not in self._paces:
            self._paces[key] = Pace(account.rate_limit)
        return self._paces[key]

    def _may_ask(self, account: Account) -> bool:
        return not self._stop.is_set() and self._tenure.outlasts(account.longest_request)

    def _conclude(
        self, settings: Settings, cargo: Cargo, runs: NotedRuns, reports: Sequence[ContainerReport], settle: float
    ) -> None:
        if not self._tenure.outlasts(CONCLUDE):
            # Somebody else may be at these items already: who has the lease finds in SOAR what arrived, and tells it.
            self._log.warning("Lease lost %s", fields({"containers": len(reports), "remedy": "the next owner goes on"}))
            return
        terms = Terms(settle, settings.delivery.age_limit, self._session.random)
        ended: list[OutboxItem] = []
        waiting: list[OutboxItem] = []
        told: Told = {}
        noted = {item.key for item in (cargo.loaded[report.identity][0] for report in reports) if runs.knows(item)}
        for report in reports:
            item, found = cargo.loaded.pop(report.identity)
            row = after(item, report, self._now(), terms)
            if row.state != states.PENDING:
                ended.append(row)
                if self._told.get(item.key) != (row.state, item.payload):
                    told.setdefault((found.run, item.account), []).extend(final(report, row))
            elif row is not item:
                waiting.append(row)
        self._report(reports, waiting)
        self._outbox.replace_many(waiting)
        self._teller.tell(settings.index, told)
        self._told.update((one.key, (one.state, one.payload)) for one in ended)
        if ended:
            self._outbox.settle_many(ended, noted)
        for one in ended:
            self._told.pop(one.key, None)
        if ended or waiting:
            facts = {"ended": len(ended), "waiting": len(waiting), "account": (*ended, *waiting)[0].account}
            self._log.info("Outbox worked %s", fields(facts))

    def _report(self, reports: Sequence[ContainerReport], waiting: Sequence[OutboxItem]) -> None:
        """Tell people of defects of our own, and of an account that is turned away: once, however many containers."""
        for pending in (report.progress.pending for report in reports):
            if pending is not None and pending.__cause__ is not None:
                self._log.error("Unexpected error", exc_info=pending.__cause__)
        turned_away = next((one for one in waiting if one.error_class == AUTHENTICATION.name and one.attempts), None)
        if turned_away is not None:
            self._bulletin(turned_away.account, turned_away.error_text)

    def _postpone(self, settings: Settings, items: Sequence[OutboxItem], error: SendToSoarError) -> None:
        """The account can't be used now: settings, secret or splunkd. What is too old is rejected."""
        limit, now = settings.delivery.age_limit, self._now()
        reason = f"{too_old(str(error), limit)} {RESEND}"
        tried = [
            replace(one, updated=now, next_attempt=now + POSTPONED, error_class="settings", error_text=str(error))
            for one in items
        ]
        waiting = [one for one in tried if now - one.queued <= limit]
        ended: list[OutboxItem] = []
        told: Told = {}
        for item, found in self._outbox.load_many(one for one in tried if now - one.queued > limit):
            why = str(found) if isinstance(found, OutboxError) else reason
            ended.append(replace(item, state=states.REJECTED, error_text=why))
            if not isinstance(found, OutboxError):
                rows = [account for shipment in found.shipments for account in shipment.rows]
                outcomes = (RowOutcome(row, REJECTED, reason=reason) for row in rows)
                told.setdefault((found.run, item.account), []).extend(outcomes)
        name = items[0].account
        self._complaints.waits("Outbox", error, name)
        if ended:
            self._log.error("Too old %s", fields({"account": name, "rejected": len(ended), "reason": error}))
        self._outbox.replace_many(waiting)
        self._teller.tell(settings.index, told)
        self._outbox.settle_many(ended)

    def _tell_discarded(self, settings: Settings) -> None:
        """Items that a person discarded: their rows end as rejected, then what they would have sent goes."""
        items = self._outbox.unreported(AT_ONCE)
        told: Told = {}
        for item, found in self._outbox.load_many(items):
            if isinstance(found, OutboxError):
                continue
            who = item.acts[-1] if item.acts else "somebody"
            rows = [account for shipment in found.shipments for account in shipment.rows]
            reason = f"Discarded from the outbox: {who}"
            outcomes = (RowOutcome(row, REJECTED, reason=reason) for row in rows)
            told.setdefault((found.run, item.account), []).extend(outcomes)
        self._teller.tell(settings.index, told)
        if items:
            self._outbox.settle_many(items)

    def _bulletin(self, account: str, error: str) -> None:
        """A message in Splunk's own list: somebody has to mend the account."""
        from urllib.parse import urlencode

        body = {
            "name": f"send_to_soar_{account}",
            "value": f"Send to SOAR: the account {account} is turned away: {error}",
            "severity": "error",
        }
        splunkd = self._session.splunkd()
        try:
            splunkd.request(
                "POST",
                "/services/messages?output_mode=json",
                urlencode(body).encode(),
                "application/x-www-form-urlencoded",
            )
        except SendToSoarError as failure:
            self._log.warning("Bulletin message not posted %s", fields({"reason": failure}))
        finally:
            splunkd.close()

    def _now(self) -> float:
        return self._session.clock()


def _together(reports: Iterable[ContainerReport], monotonic: Callable[[], float]) -> Iterator[list[ContainerReport]]:
    some: list[ContainerReport] = []
    since = monotonic()
    for report in reports:
        some.append(report)
        if len(some) >= CONCLUDED_TOGETHER or monotonic() - since >= CONCLUDED_WITHIN:
            yield some
            some, since = [], monotonic()
    if some:
        yield some


def _about(loaded: Mapping[str, tuple[OutboxItem, Payload]], shipments: Sequence[Shipment]) -> dict[str, object]:
    """What the log of calls says of the runs that a request carries, which can be several."""
    items = [loaded[shipment.identity][0] for shipment in shipments]
    return {
        "sid": several(item.sid for item in items),
        "search": several(item.search_name for item in items),
        "user": several(item.owner for item in items),
        "rid": several(row.rid for shipment in shipments for row in shipment.rows),
        "attempt": max((item.attempts + 1 for item in items), default=1),
    }
