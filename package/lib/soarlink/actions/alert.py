"""Delivers one journal: all of it, or as much as time and SOAR allow."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from soarlink.actions import shaping
from soarlink.actions.following import Following
from soarlink.automation import answers
from soarlink.delivery.outcome import DELIVERED, QUEUED, REJECTED, UPDATED, PlaybookRun, RowOutcome
from soarlink.delivery.verdict import judge
from soarlink.errors import (
    NotTried,
    ResultsError,
    SendToSoarError,
    SoarError,
    SplunkdError,
    Throttled,
)
from soarlink.journal.ledger import SentContainer, Waiting
from soarlink.plan.planner import cut_results_note
from soarlink.plan.shipment import RowAccount
from soarlink.splunk.apilog import ApiLog, several

if TYPE_CHECKING:
    from soarlink.actions.clerk import Clerk
    from soarlink.actions.request import Request
    from soarlink.delivery.gate import Gate
    from soarlink.delivery.progress import ContainerReport
    from soarlink.journal.journal import Journal
    from soarlink.plan.planner import Planner
    from soarlink.plan.shipment import Shipment
    from soarlink.rows.results import Results
    from soarlink.soar.account import Account
    from soarlink.splunk.cam import CommonAction
    from soarlink.splunk.camhistory import RowEnd


@dataclass(frozen=True)
class Refusal:
    """A container that SOAR refused, or of which it refused a part; then it is there, with id and page."""

    reason: str
    container_id: int | None = None
    container_url: str = ""


class Alert:
    """One journaled run in delivery.

    Args:
        request: what was asked for.
        journal: where it is written down.
        action: the Common Action Model's side.
        clerk: tells the rows.
        app: the add-on's folder.
        home: ``$SPLUNK_HOME``.
        clock: epoch seconds.
        component: who calls SOAR, for the log of these calls; "" for the action itself.
        monotonic: seconds of a clock that nobody sets.
        pause: waits for so many seconds.
    """

    def __init__(
        self,
        request: Request,
        journal: Journal,
        action: CommonAction,
        clerk: Clerk,
        *,
        app: Path,
        home: Path,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
        pause: Callable[[float], None] = time.sleep,
        component: str = "",
    ) -> None:
        self._request = request
        self._calls = ApiLog(home, component or request.invocation.run.action, clock)
        self._ledger = journal.ledger
        self._action = action
        self._clerk = clerk
        self._app = app
        self._home = home
        self._clock = clock
        self._monotonic = monotonic
        self._pause = pause
        reads = answers.read if request.asked.asks_answers else None
        self._following = Following(journal.ledger, clerk, reads) if request.asked.follow is not None else None
        self._planner: Planner | None = None
        self._most_results = 0
        self._settle_seconds = 0.0
        self.waiting: dict[str, SoarError | None] = {}
        """Identities of containers that were not delivered, with what the last attempt met."""
        self.rejected: dict[str, Refusal] = {}
        """What SOAR refused, by the container's identity: kept in the outbox, where a person can resend it."""
        self.running: set[str] = set()
        """Identities of containers that are in SOAR, and whose playbook runs have no verdict yet."""
        self.unusable: SendToSoarError | None = None
        """Why nothing of the run can ever be sent."""

    def plan(self) -> Iterator[Shipment]:
        """All shipments of the run, again: the plan is deterministic."""
        if self._planner is not None:
            yield from self._planner.plan(self._request.results)

    def deliver(
        self, account: Callable[[], Account], gate: Callable[[Account], Gate], follow_seconds: float = 0.0
    ) -> None:
        """Send what is not over yet and tell the rows.

        Args:
            account: gives the account with its secret.
            gate: gives the gate for it.
            follow_seconds: how long playbook runs are waited for, where they are followed; 0 looks once.
        """
        try:
            self._deliver(account, gate, follow_seconds)
        finally:
            self._calls.close()
        self._clerk.flush()

    def _deliver(self, account: Callable[[], Account], gate: Callable[[Account], Gate], seconds: float) -> None:
        try:
            found = account()
            opened = gate(found)
            self._prepare(found, opened)
        except SplunkdError as error:
            self._hold(error)
        except SoarError as error:
            self._hold(error) if judge(error).retry else self._refuse(error)
        except SendToSoarError as error:
            self._refuse(error)
        else:
            self._send(found, opened)
            self._follow(found, opened, seconds)

    @property
    def asks_people(self) -> bool:
        """Whether the playbook runs without a verdict wait for people's answers, and nothing else is to be done."""
        return self._following is not None and not self.waiting and self._following.asks_people

    def end_following(self, reason: str) -> None:
        """Reject the rows whose playbook runs have no verdict: nobody waits for it any longer."""
        if self._following is not None:
            self._following.end(reason)
            self.running.clear()
        self._clerk.flush()

    def _follow(self, account: Account, gate: Gate, seconds: float) -> None:
        if self._following is None:
            return
        from soarlink.soar.client import SoarClient

        end = self._monotonic() + seconds

        def goes_on(wait: float) -> bool:
            return not gate.is_stopped and self._monotonic() + wait < end

        calls = self._calls.connection(account.name, self._about(()))
        self.running = self._following.settle(lambda: SoarClient(account, observe=calls), goes_on, self._pause)

    def _tell(self, identity: str, outcomes: Sequence[RowOutcome]) -> None:
        if self._following is not None:
            self._following.tell(identity, outcomes)
            return
        for outcome in outcomes:
            self._clerk.tell(outcome)

    def give_up(self, account: Account, reason: str) -> None:
        """Reject all that is not over, without asking SOAR: it has waited too long, and a person decides.

        Args:
            account: the account, without its secret.
            reason: what the rows are told.

        Raises:
            SendToSoarError: the run can't be planned without SOAR.
        """
        self._prepare(account, None)
        self.waiting.pop("", None)
        for shipment in self._announced(self._unfinished(account)):
            self._ledger.note_rejected(shipment.identity, reason)
            self.rejected[shipment.identity] = Refusal(reason)
            for row in shipment.rows:
                self._clerk.tell(RowOutcome(row, REJECTED, reason=reason))
        self._clerk.flush()

    def _prepare(self, account: Account, gate: Gate | None) -> None:
        """Make the planner; without a gate SOAR is not asked for its names."""
        request = self._request

        def connect() -> SoarClient:
            limit = None if gate is None else gate.remaining
            calls = self._calls.connection(account.name, self._about(()))
            return SoarClient(account, Exchanger(account.endpoint(limit), account.login(), observe=calls))

        from soarlink.soar.client import SoarClient
        from soarlink.wire.exchange import Exchanger

        run, asking = request.invocation.run, None if gate is None else connect
        known = shaping.vocabulary(
            request.asked, run, request.results, account=account, home=self._home, connect=asking, gate=gate
        )
        per_result = request.invocation.fixed_rid is not None
        most = shaping.most_results(self._app, run.action, per_result=per_result)
        self._planner = request.planner(request.mapper(), account, known, most)
        self._most_results = most

    def _send(self, account: Account, gate: Gate) -> None:
        from soarlink.delivery.carrier import Carrier, ServerTraits
        from soarlink.delivery.pace import Pace
        from soarlink.delivery.sender import send
        from soarlink.soar.client import SoarClient
        from soarlink.wire.exchange import Exchanger

        self._settle_seconds = account.read_timeout
        self._action.hold_lines()
        traits = ServerTraits()
        pace = Pace(account.rate_limit) if account.rate_limit else None

        def connect() -> Carrier:
            calls = self._calls.connection(account.name, self._about(()))
            exchanger = Exchanger(account.endpoint(gate.remaining), account.login(), observe=calls)
            client = SoarClient(account, exchanger)
            return Carrier(client, traits, self._ledger, lambda shipments: calls.about(self._about(shipments)))

        shipments = self._announced(self._unfinished(account))
        for report in send(shipments, connect, account.connections, gate, pace, before=self._clerk.announced):
            self._settle(report)
        if self._most_results and self._clerk.rows == self._most_results:
            self._action.message(cut_results_note(self._most_results), level=logging.WARNING)

    def _about(self, shipments: Sequence[Shipment]) -> dict[str, object]:
        """What the log of calls says of the run, and of the results that a request carries."""
        run = self._request.invocation.run
        facts: dict[str, object] = {"sid": run.sid, "search": run.search_name, "user": run.owner}
        if shipments:
            facts["rid"] = several(row.rid for shipment in shipments for row in shipment.rows)
        again = any(self._ledger.waiting(shipment.identity) is not None for shipment in shipments)
        return {**facts, "attempt": 2 if again else 1}

    def _unfinished(self, account: Account) -> Iterator[Shipment]:
        """The shipments that are to be sent; rows of containers that have their end are told it on the way."""
        for shipment in self.plan():
            if self._ledger.is_moved(shipment.identity):
                continue
            if self._ledger.is_leaving(shipment.identity):
                self.waiting.setdefault(shipment.identity, None)
                continue
            sent = self._ledger.sent(shipment.identity)
            rejection = self._ledger.rejection(shipment.identity)
            waiting = self._ledger.waiting(shipment.identity)
            self._keep(shipment.identity, sent, rejection, account)
            if sent is not None or rejection is not None:
                for row in shipment.rows:
                    self._clerk.announce(row)
                    self._tell(
                        shipment.identity,
                        [self._known_outcome(row, shipment.identity, sent, rejection, account)],
                    )
            elif waiting is not None and self._clock() < waiting.not_before:
                self.waiting.setdefault(shipment.identity, None)
            elif waiting is not None and waiting.unclear:
                # It may have reached SOAR: its container is looked up before it is made.
                yield replace(shipment, other_keys=(*shipment.other_keys, shipment.identity))
            else:
                yield shipment

    def _keep(self, identity: str, sent: SentContainer | None, rejection: str | None, account: Account) -> None:
        """What SOAR refused of a container that is over is kept for a person."""
        if rejection is not None:
            self.rejected[identity] = Refusal(rejection)
        elif sent is not None and sent.refused:
            why, number = next(iter(sent.refused.values())), sent.container_id
            self.rejected[identity] = Refusal(why, number, account.container_url(number))

    def _known_outcome(
        self,
        row: RowAccount,
        identity: str,
        sent: SentContainer | None,
        rejection: str | None,
        account: Account,
    ) -> RowOutcome:
        if sent is None:
            return RowOutcome(row, REJECTED, reason=rejection)
        reason = sent.refused.get(row.position)
        runs = self._ledger.runs_of(identity)
        return RowOutcome(
            row,
            REJECTED if reason else UPDATED if sent.existed else DELIVERED,
            container_id=sent.container_id,
            container_url=account.container_url(sent.container_id),
            artifacts=row.artifacts if runs or not reason else 0,  # a playbook is asked for when all artifacts are in
            runs=tuple(PlaybookRun(name, note.state, note.id, note.reason) for name, note in runs),
            reason=reason,
        )

    def _announced(self, shipments: Iterable[Shipment]) -> Iterator[Shipment]:
        """Announce each row; who sends them has their invocation lines written first."""
        for shipment in shipments:
            for account in shipment.rows:
                self._clerk.announce(account)
            yield shipment

    def _settle(self, report: ContainerReport) -> None:
        pending = report.progress.pending
        outcomes = report.outcomes(keep=True)
        if pending is not None:
            if pending.__cause__ is not None:
                self._action.logger.error("Unexpected error", exc_info=pending.__cause__)
            self.waiting[report.identity] = pending
            if not isinstance(pending, NotTried):
                self._ledger.note_waiting(report.identity, self._waiting(pending))
        elif report.progress.container_id is None:
            reason = next((outcome.reason for outcome in outcomes if outcome.reason), "refused")
            self._ledger.note_rejected(report.identity, reason or "refused")
            self.rejected[report.identity] = Refusal(reason or "refused")
        else:
            refused = {o.account.position: o.reason for o in outcomes if o.state == REJECTED and o.reason}
            sent = SentContainer(report.progress.container_id, report.progress.existed, refused)
            self._ledger.note_sent(report.identity, sent)
            if refused:
                why = next(iter(refused.values()))
                self.rejected[report.identity] = Refusal(why, sent.container_id, report.url or "")
        self._tell(report.identity, outcomes)

    def _waiting(self, error: SoarError) -> Waiting:
        from soarlink.delivery.backoff import Backoff

        verdict, now = judge(error), self._clock()
        backoff = Backoff(settle=self._settle_seconds)
        asked = error.retry_after if isinstance(error, Throttled) else None
        wait = max(backoff.base, asked or 0.0, backoff.settle if verdict.look_first else 0.0)
        return Waiting(verdict.name, str(error), error.status, verdict.look_first, now, now + wait)

    def _hold(self, error: SendToSoarError) -> None:
        """Nothing can be sent now: every row waits."""
        self.waiting[""] = error if isinstance(error, SoarError) else NotTried(error.what, error.remedy)
        self._tell_all(QUEUED, str(error), logging.WARNING)

    def _refuse(self, error: SendToSoarError) -> None:
        """Nothing can be sent, ever: every row is told why."""
        self.unusable = error
        self._tell_all(REJECTED, str(error), logging.ERROR)

    def _tell_all(self, state: str, reason: str, level: int) -> None:
        self._action.message(f"Nothing was sent: {reason}", level=level)
        tell_every_row(self._request.results, self._clerk, state, reason, self._action)


def tell_every_row(
    results: Results,
    clerk: Clerk,
    state: str,
    reason: str,
    action: CommonAction,
    *,
    ends: Mapping[str, RowEnd] | None = None,
) -> None:
    """Announce every row that has no outcome and tell it the same; a row that has ended, by result id, is told that."""
    try:
        for row in results:
            if not clerk.knows(row.position):
                account = RowAccount(row.position, row.rid, row.first("orig_sid"), row.first("orig_rid"), 0, 0, 0, ())
                clerk.announce(account)
                end = (ends or {}).get(row.rid)
                clerk.tell(RowOutcome(account, state, reason=reason) if end is None else end.outcome(account))
    except ResultsError as broken:
        action.message(str(broken), level=logging.ERROR)
