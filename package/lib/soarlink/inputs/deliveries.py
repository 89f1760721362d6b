"""Works off the outbox: what is due, account by account, under the lease."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Callable

from soarlink.actions.alert_action import open_gate
from soarlink.actions.clerk import Clerk
from soarlink.delivery.backoff import Backoff
from soarlink.delivery.outcome import REJECTED, RowOutcome
from soarlink.delivery.verdict import AUTHENTICATION, judge
from soarlink.errors import NotTried, OutboxError, SendToSoarError, SoarError, Throttled
from soarlink.inputs.age import RESEND, too_old
from soarlink.inputs.cargo import Cargo, NotedRuns
from soarlink.inputs.complaints import Complaints
from soarlink.inputs.conclusions import concluding
from soarlink.outbox import item as states
from soarlink.splunk import payload
from soarlink.splunk.apilog import ApiLog, several
from soarlink.splunk.cam import CommonAction
from soarlink.splunk.camhistory import Histories
from soarlink.splunk.logline import fields
from soarlink.splunk.settings import Settings

if TYPE_CHECKING:
    import logging
    from pathlib import Path

    from soarlink.delivery.carrier import ServerTraits
    from soarlink.delivery.progress import ContainerReport
    from soarlink.inputs.conclusions import Conclusions
    from soarlink.inputs.session import Session
    from soarlink.inputs.tenure import Tenure
    from soarlink.outbox.collection import Outbox
    from soarlink.outbox.item import OutboxItem
    from soarlink.outbox.payload import Payload
    from soarlink.plan.run import AlertRun
    from soarlink.plan.shipment import Shipment
    from soarlink.soar.account import Account

    Told = dict[tuple[AlertRun, str], list[RowOutcome]]
    """Outcomes by alert run and account: what is resent may go by another account than the run's others."""

AT_ONCE = 1000
"""Most items that are looked up together."""

LONGEST = 10.0
"""Seconds after which a round looks up no more: other accounts, settings and receipts have their turn."""

CONCLUDED_TOGETHER = 500
"""Most items whose outcomes are told and written together, while others are on their way."""

CONCLUDED_WITHIN = 2.0
"""Seconds after which fewer are, where SOAR or its rate limit is slow."""

CONCLUDE = 30.0
"""Seconds of the lease that must be left for the KV store to take the outcomes of a round."""

_REFUSED = "refused"


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
        self._histories: dict[Path, Histories] = {}

    def round(self) -> int:
        """Send what is due; how many items were tried.

        Up to :data:`AT_ONCE` items, of each account in turn. The line of an account that is alone goes on behind them
        without a break, for up to :data:`LONGEST` seconds and while no other work waits.
        """
        settings = Settings.load(self._session.app)
        until, now = self._session.monotonic() + LONGEST, self._now()
        self._tell_discarded(settings)
        paused = [name for name in settings.accounts if self._is_paused(name)]
        items = self._outbox.due(now, AT_ONCE, exclude=paused)
        if not items:  # what was learned holds as long as there is work without a break
            self._traits.clear()
            self._histories.clear()
        by_account: dict[str, list[OutboxItem]] = {}
        for item in items:
            by_account.setdefault(item.account, []).append(item)
        tried = 0
        for name, group in by_account.items():
            if self._stop.is_set() or not self._tenure.outlasts(CONCLUDE):
                break
            tried += self._send(settings, name, group, self._line(group, now, until))
        return tried

    def _line(self, items: list[OutboxItem], now: float, until: float) -> Iterator[OutboxItem]:
        """These items of one account, and where they are a round's only ones, those behind them while it may last."""
        yield from items
        while len(items) == AT_ONCE and self._goes_on(items[-1].account, until):
            items = self._outbox.behind(items[-1], now, AT_ONCE)
            yield from items

    def _goes_on(self, account: str, until: float) -> bool:
        if self._stop.is_set() or self._is_needed() or self._session.monotonic() >= until:
            return False
        return self._tenure.outlasts(CONCLUDE) and not self._is_paused(account)

    def clear_up(self) -> None:
        """Remove receipts that are old enough, in bulk, under the lease."""
        kept = Settings.load(self._session.app).delivery.receipts
        count = self._outbox.purge(self._now() - kept)
        if count:
            self._log.info("Receipts removed %s", fields({"count": count}))

    def _is_paused(self, account: str) -> bool:
        return open_gate(self._session.home, account, None, **self._session.clocks).check() is not None

    def _send(self, settings: Settings, name: str, items: Sequence[OutboxItem], line: Iterator[OutboxItem]) -> int:
        """Load, send and conclude at the same time; how many items were tried."""
        with concluding(self._log) as conclusions:
            try:
                account = self._session.account(settings, name)
            except SendToSoarError as error:
                cargo = Cargo(self._outbox, items)
                cargo.load_all()
                if cargo.loaded:
                    conclusions.add(partial(self._postpone, settings, cargo.loaded, error))
            else:
                cargo = Cargo(self._outbox, line)
                self._complaints.goes_on("Outbox", name)
                self._deliver(settings, account, cargo, conclusions)
            if cargo.unusable:
                conclusions.add(partial(self._reject, cargo.unusable))
            if cargo.failure is not None:
                conclusions.fail(cargo.failure)
        return cargo.count

    def _deliver(self, settings: Settings, account: Account, cargo: Cargo, conclusions: Conclusions) -> None:
        runs = NotedRuns(self._outbox, cargo.loaded)
        with closing(self._carry(account, cargo, runs)) as carried:
            for reports in _together(carried, self._session.monotonic):
                conclude = partial(self._conclude, settings, cargo, runs, reports, account.read_timeout)
                conclusions.add(conclude)
                if conclusions.has_failed:
                    break  # the outbox takes no outcomes: nothing more is sent

    def _reject(self, items: Sequence[OutboxItem]) -> None:
        if self._tenure.outlasts(CONCLUDE):
            now = self._now()
            self._outbox.settle_many(replace(one, state=states.REJECTED, updated=now) for one in items)

    def _carry(self, account: Account, cargo: Cargo, runs: NotedRuns) -> Generator[ContainerReport, None, None]:
        from soarlink.delivery.carrier import Carrier, ServerTraits
        from soarlink.delivery.pace import Pace
        from soarlink.delivery.sender import send
        from soarlink.soar.client import SoarClient

        traits = self._traits.setdefault((account.name, account.url), ServerTraits())
        gate = open_gate(
            self._session.home, account.name, None, may_ask=lambda: self._may_ask(account), **self._session.clocks
        )
        pace = Pace(account.rate_limit) if account.rate_limit else None

        log = ApiLog(self._session.home, "soar_delivery", self._session.clock)

        def connect() -> Carrier:
            calls = log.connection(account.name)
            client = SoarClient(account, permit=gate.permit, observe=calls)
            return Carrier(client, traits, runs, lambda sent: calls.about(_about(cargo.loaded, sent)))

        try:
            yield from send(cargo.shipments(), connect, account.connections, gate, pace)
        finally:
            log.close()

    def _may_ask(self, account: Account) -> bool:
        return not self._stop.is_set() and self._tenure.outlasts(account.longest_request)

    def _conclude(
        self, settings: Settings, cargo: Cargo, runs: NotedRuns, reports: Sequence[ContainerReport], settle: float
    ) -> None:
        if not self._tenure.outlasts(CONCLUDE):
            # Somebody else may be at these items already: who has the lease finds in SOAR what arrived, and tells it.
            self._log.warning("Lease lost %s", fields({"containers": len(reports), "remedy": "the next owner goes on"}))
            return
        ended: list[OutboxItem] = []
        waiting: list[OutboxItem] = []
        told: Told = {}
        noted = {item.key for item in (cargo.loaded[report.identity][0] for report in reports) if runs.knows(item)}
        for report in reports:
            item, found = cargo.loaded.pop(report.identity)
            after = self._after(item, report, settle, settings.delivery.age_limit)
            if after.state == states.PENDING:
                waiting.append(after)
                continue
            ended.append(after)
            told.setdefault((found.run, item.account), []).extend(_final(report, after))
        if waiting:
            self._outbox.replace_many(waiting)
        self._tell(settings, told)
        if ended:
            self._outbox.settle_many(ended, noted)
        facts = {"ended": len(ended), "waiting": len(waiting), "account": (*ended, *waiting)[0].account}
        self._log.info("Outbox worked %s", fields(facts))

    def _after(self, item: OutboxItem, report: ContainerReport, settle: float, age_limit: float) -> OutboxItem:
        """The item's row after an attempt; ``settle``: seconds that a request may be under way."""
        pending = report.progress.pending
        now = self._now()
        known = replace(item, updated=now, container_id=report.progress.container_id, container_url=report.url or "")
        if pending is None:
            outcomes = report.outcomes(keep=False)
            reason = next((outcome.reason for outcome in outcomes if outcome.state == REJECTED), None)
            if reason is None:
                return replace(
                    known, state=states.DELIVERED, error_class="", error_code="", error_text="", unclear=False
                )
            return replace(known, state=states.REJECTED, error_class=_REFUSED, error_text=reason, unclear=False)
        if isinstance(pending, NotTried):
            return replace(known, next_attempt=now, error_text=str(pending))
        if pending.__cause__ is not None:
            self._log.error("Unexpected error", exc_info=pending.__cause__)
        verdict = judge(pending)
        if verdict is AUTHENTICATION:
            self._bulletin(item.account, pending)
        attempts = item.attempts + 1
        asked = pending.retry_after if isinstance(pending, Throttled) else None
        unclear = verdict.look_first or item.unclear
        wait = Backoff(settle=settle).wait(attempts, self._session.random, asked=asked, unclear=verdict.look_first)
        tried = replace(
            known,
            attempts=attempts,
            next_attempt=now + wait,
            error_class=verdict.name,
            error_code=str(pending.status or ""),
            error_text=str(pending),
            unclear=unclear,
        )
        if now - item.queued > age_limit:
            text = too_old(f"{pending} ({attempts} attempts.)", age_limit)
            return replace(tried, state=states.REJECTED, error_text=text)
        return tried

    def _postpone(
        self, settings: Settings, loaded: Mapping[str, tuple[OutboxItem, Payload]], error: SendToSoarError
    ) -> None:
        """The account can't be used now: settings, secret or splunkd. What is too old is rejected."""
        limit = settings.delivery.age_limit
        now, reason = self._now(), f"{too_old(str(error), limit)} {RESEND}"
        waiting: list[OutboxItem] = []
        ended: list[OutboxItem] = []
        told: Told = {}
        for item, found in loaded.values():
            tried = replace(item, updated=now, next_attempt=now + 60.0, error_class="settings", error_text=str(error))
            if now - item.queued <= limit:
                waiting.append(tried)
                continue
            ended.append(replace(tried, state=states.REJECTED, error_text=reason))
            rows = [account for shipment in found.shipments for account in shipment.rows]
            outcomes = (RowOutcome(row, REJECTED, reason=reason) for row in rows)
            told.setdefault((found.run, item.account), []).extend(outcomes)
        name = next(iter(loaded.values()))[0].account
        self._complaints.waits("Outbox", error, name)
        if ended:
            self._log.error("Too old %s", fields({"account": name, "rejected": len(ended), "reason": error}))
        self._outbox.replace_many(waiting)
        self._tell(settings, told)
        self._outbox.settle_many(ended)

    def _tell(self, settings: Settings, told: Told) -> None:
        """The late lines and events of finished rows; a crash before the receipt is why the log is asked first."""
        for (run, account), outcomes in told.items():
            invocation = payload.parse(_text(run), run.action)
            action = CommonAction(invocation, self._session.home, settings.index, self._session.clock)
            action.account = account
            action.hold_lines()
            histories = self._histories.setdefault(action.log, Histories(action.log))
            sids = dict.fromkeys((run.sid, *(one.sid for one, _ in told if one.action == run.action)))
            clerk = Clerk(action, history=histories.of(list(sids))[run.sid])
            for outcome in outcomes:
                clerk.tell(outcome)
            clerk.flush()
            action.close()

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
        self._tell(settings, told)
        if items:
            self._outbox.settle_many(items)

    def _bulletin(self, account: str, error: SoarError) -> None:
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


def _final(report: ContainerReport, after: OutboxItem) -> list[RowOutcome]:
    """The end of each row; an item that is too old rejects what still waited."""
    outcomes = report.outcomes(keep=False)
    if after.state == states.REJECTED and report.progress.pending is not None:
        return [replace(o, reason=after.error_text) if o.state == REJECTED else o for o in outcomes]
    return outcomes


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
