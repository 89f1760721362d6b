"""Works off the outbox: what is due, account by account, under the lease."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from soarlink.actions.alert_action import open_gate
from soarlink.actions.clerk import Clerk
from soarlink.delivery.backoff import Backoff
from soarlink.delivery.outcome import REJECTED, RowOutcome
from soarlink.delivery.verdict import AUTHENTICATION, judge
from soarlink.errors import NotTried, OutboxError, SendToSoarError, SoarError, Throttled
from soarlink.inputs.age import RESEND, too_old
from soarlink.inputs.complaints import Complaints
from soarlink.journal.ledger import FREE, RunNote
from soarlink.outbox import item as states
from soarlink.splunk import camhistory, payload
from soarlink.splunk.apilog import ApiLog, several
from soarlink.splunk.cam import CommonAction
from soarlink.splunk.logline import fields
from soarlink.splunk.settings import Settings

if TYPE_CHECKING:
    import logging

    from soarlink.delivery.progress import ContainerReport
    from soarlink.inputs.session import Session
    from soarlink.inputs.tenure import Tenure
    from soarlink.outbox.collection import Outbox
    from soarlink.outbox.item import OutboxItem
    from soarlink.outbox.payload import Payload
    from soarlink.plan.run import AlertRun
    from soarlink.plan.shipment import Shipment
    from soarlink.soar.account import Account

AT_ONCE = 500
"""Most items in one round."""

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
    """

    def __init__(
        self, session: Session, outbox: Outbox, log: logging.Logger, tenure: Tenure, stop: threading.Event
    ) -> None:
        self._session = session
        self._outbox = outbox
        self._tenure = tenure
        self._complaints = Complaints(log, session.monotonic)
        self._stop = stop
        self._log = log

    def round(self) -> int:
        """Send what is due; how many items were tried."""
        settings = Settings.load(self._session.app)
        self._tell_discarded(settings)
        paused = [name for name in settings.accounts if self._is_paused(name)]
        items = self._outbox.due(self._session.clock(), AT_ONCE, exclude=paused)
        by_account: dict[str, list[OutboxItem]] = {}
        for item in items:
            by_account.setdefault(item.account, []).append(item)
        for name, group in by_account.items():
            if self._stop.is_set() or not self._tenure.outlasts(CONCLUDE):
                break
            self._send(settings, name, group)
        return len(items)

    def clear_up(self) -> None:
        """Remove receipts that are old enough, in bulk, under the lease."""
        kept = Settings.load(self._session.app).delivery.receipts
        count = self._outbox.purge(self._now() - kept)
        if count:
            self._log.info("Receipts removed %s", fields({"count": count}))

    def _is_paused(self, account: str) -> bool:
        return open_gate(self._session.home, account, None, **self._session.clocks).check() is not None

    def _send(self, settings: Settings, name: str, items: Sequence[OutboxItem]) -> None:
        loaded: dict[str, tuple[OutboxItem, Payload]] = {}
        unusable: list[OutboxItem] = []
        for item, found in self._outbox.load_many(items):
            if isinstance(found, OutboxError):
                unusable.append(replace(item, state=states.REJECTED, error_text=str(found), updated=self._now()))
            elif item.identity not in loaded:  # a second item of the same container waits for the next round
                loaded[item.identity] = (item, found)
        if unusable:
            self._outbox.settle_many(unusable)
        try:
            account = self._session.account(settings, name)
            self._complaints.goes_on("Outbox", name)
            reports = list(self._carry(account, loaded))
        except SendToSoarError as error:
            self._postpone(settings, loaded, error)
            return
        self._conclude(settings, loaded, reports, account.read_timeout)

    def _carry(self, account: Account, loaded: Mapping[str, tuple[OutboxItem, Payload]]) -> Iterable[ContainerReport]:
        from soarlink.delivery.carrier import Carrier, ServerTraits
        from soarlink.delivery.pace import Pace
        from soarlink.delivery.sender import send
        from soarlink.soar.client import SoarClient

        runs = _Runs(self._outbox, loaded)
        traits = ServerTraits()
        gate = open_gate(
            self._session.home, account.name, None, may_ask=lambda: self._may_ask(account), **self._session.clocks
        )
        shipments = (
            _looked_for(shipment) if item.unclear else shipment
            for item, found in loaded.values()
            for shipment in found.shipments
        )
        pace = Pace(account.rate_limit) if account.rate_limit else None

        log = ApiLog(self._session.home, "soar_delivery", self._session.clock)

        def connect() -> Carrier:
            calls = log.connection(account.name)
            client = SoarClient(account, permit=gate.permit, observe=calls)
            return Carrier(client, traits, runs, lambda sent: calls.about(_about(loaded, sent)))

        try:
            yield from send(shipments, connect, account.connections, gate, pace)
        finally:
            log.close()

    def _may_ask(self, account: Account) -> bool:
        return not self._stop.is_set() and self._tenure.outlasts(account.longest_request)

    def _conclude(
        self,
        settings: Settings,
        loaded: Mapping[str, tuple[OutboxItem, Payload]],
        reports: Sequence[ContainerReport],
        settle: float,
    ) -> None:
        if not self._tenure.outlasts(CONCLUDE):
            # Somebody else may be at these items already: who has the lease finds in SOAR what arrived, and tells it.
            self._log.warning("Lease lost %s", fields({"containers": len(reports), "remedy": "the next owner goes on"}))
            return
        ended: list[OutboxItem] = []
        waiting: list[OutboxItem] = []
        told: dict[AlertRun, list[RowOutcome]] = {}
        for report in reports:
            item, found = loaded[report.identity]
            after = self._after(item, report, settle, settings.delivery.age_limit)
            if after.state == states.PENDING:
                waiting.append(after)
                continue
            ended.append(after)
            told.setdefault(found.run, []).extend(_final(report, after))
        if waiting:
            self._outbox.replace_many(waiting)
        self._tell(settings, told)
        if ended:
            self._outbox.settle_many(ended)
        facts = {"ended": len(ended), "waiting": len(waiting), "account": next(iter(loaded.values()))[0].account}
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
        told: dict[AlertRun, list[RowOutcome]] = {}
        for item, found in loaded.values():
            tried = replace(item, updated=now, next_attempt=now + 60.0, error_class="settings", error_text=str(error))
            if now - item.queued <= limit:
                waiting.append(tried)
                continue
            ended.append(replace(tried, state=states.REJECTED, error_text=reason))
            rows = [account for shipment in found.shipments for account in shipment.rows]
            told.setdefault(found.run, []).extend(RowOutcome(row, REJECTED, reason=reason) for row in rows)
        name = next((item.account for item, _ in loaded.values()), "")
        self._complaints.waits("Outbox", error, name)
        if ended:
            self._log.error("Too old %s", fields({"account": name, "rejected": len(ended), "reason": error}))
        self._outbox.replace_many(waiting)
        self._tell(settings, told)
        self._outbox.settle_many(ended)

    def _tell(self, settings: Settings, told: Mapping[AlertRun, Sequence[RowOutcome]]) -> None:
        """The late lines and events of finished rows; a crash before the receipt is why the log is asked first."""
        for run, outcomes in told.items():
            invocation = payload.parse(_text(run), run.action)
            action = CommonAction(invocation, self._session.home, settings.index, self._session.clock)
            action.hold_lines()
            clerk = Clerk(action, history=camhistory.read(action.log, run.sid))
            for outcome in outcomes:
                clerk.tell(outcome)
            clerk.flush()
            action.close()

    def _tell_discarded(self, settings: Settings) -> None:
        """Items that a person discarded: their rows end as rejected, then what they would have sent goes."""
        items = self._outbox.unreported(AT_ONCE)
        told: dict[AlertRun, list[RowOutcome]] = {}
        for item, found in self._outbox.load_many(items):
            if isinstance(found, OutboxError):
                continue
            who = item.acts[-1] if item.acts else "somebody"
            rows = [account for shipment in found.shipments for account in shipment.rows]
            reason = f"Discarded from the outbox: {who}"
            told.setdefault(found.run, []).extend(RowOutcome(row, REJECTED, reason=reason) for row in rows)
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


class _Runs:
    """What is known of the playbook runs of items, kept in the outbox before each request for one."""

    def __init__(self, outbox: Outbox, loaded: Mapping[str, tuple[OutboxItem, Payload]]) -> None:
        self._outbox = outbox
        self._lock = threading.Lock()
        self._loaded = loaded
        self._lines: dict[str, list[Mapping[str, Any]]] = {
            identity: list(found.ledger) for identity, (_, found) in loaded.items()
        }

    def run(self, identity: str, playbook: str) -> RunNote | None:
        note: RunNote | None = None
        for line in self._lines[identity]:
            if line.get("t") == "resent" and note is not None and note.state == _REFUSED:
                note = None  # somebody changed what was refused, or the server; a start that may have happened stays
            elif line.get("t") == "run" and line.get("playbook") == playbook:
                note = RunNote(str(line["state"]), line.get("id"), line.get("why"))
        return None if note is not None and note.state == FREE else note

    def note_run(self, identity: str, playbook: str, note: RunNote) -> None:
        line = {
            "t": "run",
            "key": identity,
            "playbook": playbook,
            "state": note.state,
            "id": note.id,
            "why": note.reason,
        }
        lines = self._lines[identity]
        lines.append(line)
        with self._lock:  # several connections to SOAR, one to splunkd
            self._outbox.note(self._loaded[identity][0], lines)


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


def _looked_for(shipment: Shipment) -> Shipment:
    """The last attempt may have reached SOAR: the container is looked up before it is made."""
    return replace(shipment, other_keys=(*shipment.other_keys, shipment.identity))


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
