"""Works off the journals that actions left behind, and moves what SOAR does not take now into the outbox."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from soarlink.actions import request as requests_of
from soarlink.actions.alert import Alert, tell_every_row
from soarlink.actions.alert_action import open_gate
from soarlink.actions.clerk import Clerk
from soarlink.delivery.outcome import REJECTED as REJECTED_ROW
from soarlink.errors import KvStoreUnavailable, MappingError, NotTried, SendToSoarError, SettingsError, SplunkdError
from soarlink.inputs.age import RESEND, too_old
from soarlink.inputs.attempt import not_too_late
from soarlink.inputs.complaints import Complaints
from soarlink.journal.journal import UNUSABLE
from soarlink.mapping.compile import compile_rules
from soarlink.outbox.item import PENDING, REJECTED, OutboxItem, item_key
from soarlink.outbox.payload import Payload
from soarlink.rows.results import Results
from soarlink.splunk import camhistory, payload, rules
from soarlink.splunk.cam import CommonAction
from soarlink.splunk.logline import fields
from soarlink.splunk.settings import Settings

if TYPE_CHECKING:
    import logging
    import threading

    from soarlink.actions.alert import Refusal
    from soarlink.actions.request import Request
    from soarlink.delivery.gate import Gate
    from soarlink.inputs.session import Session
    from soarlink.journal.journal import Journal, JournalStore, Papers
    from soarlink.journal.ledger import Ledger
    from soarlink.mapping.compiled import Mapping
    from soarlink.outbox.collection import Outbox
    from soarlink.plan.shipment import Shipment
    from soarlink.soar.account import Account

AGAIN = 30.0
"""Seconds until a journal that could not be worked off is taken up again."""

FOLLOW_EVERY = 5.0
"""Seconds until playbook runs that are followed are looked at again."""

FOLLOW_LONGEST = 120.0
"""The same for those that have waited long for somebody's answer."""

LONGEST = 60.0
"""Seconds that one alert is sent for; the rest goes into the outbox, where no account and no alert holds up others."""

_GROUP = 100


class Journals:
    """This search head's journals.

    Args:
        session: splunkd and clocks.
        store: the journals.
        log: the input's log.
        stop: set when the input is to end.
    """

    def __init__(self, session: Session, store: JournalStore, log: logging.Logger, stop: threading.Event) -> None:
        self._session = session
        self._store = store
        self._log = log
        self._stop = stop
        self._not_before: dict[str, float] = {}
        self._complaints = Complaints(log, session.monotonic)

    def round(self, outbox: Outbox) -> int:
        """Take up every journal that is free and due; how many were worked off."""
        finished = 0
        for key in list(self._store.keys()):
            if self._stop.is_set():
                break
            if self._is_due(key):
                finished += self._try(key, outbox)
        return finished

    def is_due(self) -> bool:
        """Whether a round may find work: also while a journal's action still runs."""
        return any(map(self._is_due, self._store.keys()))

    def _is_due(self, key: str) -> bool:
        return self._not_before.get(key, 0.0) <= self._session.monotonic()

    def _try(self, key: str, outbox: Outbox) -> bool:
        """One journal; whatever is wrong with it stops no other."""
        try:
            journal = self._store.resume(key)
        except SendToSoarError as error:
            self._failed(key, None, str(error))
            return False
        if journal is None:
            return False
        try:
            return self._take_up(journal, outbox)
        except SendToSoarError as error:
            self._failed(key, journal, str(error))
        except Exception as error:  # noqa: BLE001 - the log has it; the others go on
            self._log.exception("Unexpected error %s", fields({"key": key}))
            self._failed(key, journal, f"{type(error).__name__}: {error}.")
        finally:
            journal.release()
        return False

    @property
    def _age_limit(self) -> float:
        return Settings.load(self._session.app).delivery.age_limit

    def _is_too_old(self, key: str) -> bool:
        return self._session.clock() - self._store.written(key) > self._age_limit

    def _failed(self, key: str, journal: Journal | None, why: str) -> None:
        """It is tried again, until it is too old; then its results are rejected, and its folder waits for a person."""
        if not self._is_too_old(key):
            self._later(key, why)
            return
        reason = (
            f"{too_old(why, self._age_limit)} The alert is kept on this search head, below "
            f"var/lib/splunk/modinputs/soar_delivery: move {UNUSABLE}/{key} back into the folder journal to have it "
            "tried again."
        )
        try:
            self._reject_rows(self._store.papers(key), None if journal is None else journal.ledger, reason)
        except Exception:  # noqa: BLE001 - an alert whose payload can't be read has no rows to tell
            self._log.exception("Results not told %s", fields({"key": key}))
        folder = self._store.put_aside(key)
        self._let_go(key)
        self._log.error("Journal put aside %s", fields({"key": key, "reason": why, "folder": folder}))

    def _reject_rows(self, papers: Papers, ledger: Ledger | None, reason: str) -> None:
        """Tell the rows, also where only what was written down at first can be read."""
        facts = papers.facts()
        invocation = payload.parse(papers.payload(), str(facts.get("action", "send_to_soar")))
        action = CommonAction(invocation, self._session.home, clock=self._session.clock)
        try:
            action.index = Settings.load(self._session.app).index
            action.account = str(facts.get("account", ""))
            clerk = Clerk(action, ledger, camhistory.read(action.log, invocation.run.sid))
            ends = camhistory.ends(action.log, invocation.run.sid)
            results = Results(papers.results, invocation.fixed_rid, invocation.rid_suffix)
            tell_every_row(results, clerk, REJECTED_ROW, reason, action, ends=ends)
            clerk.flush()
        finally:
            action.close()

    def _take_up(self, journal: Journal, outbox: Outbox) -> bool:
        name = str(journal.settings().get("action", "send_to_soar"))
        invocation = payload.parse(journal.payload(), name)
        action = CommonAction(invocation, self._session.home, clock=self._session.clock)
        try:
            clerk = Clerk(action, journal.ledger, camhistory.read(action.log, invocation.run.sid))
            kept = journal.settings()
            written = requests_of.Written(str(kept.get("account", "")), self._mapping(str(kept.get("mapping", ""))))
            request = requests_of.read(self._session.app, invocation, journal.results, action, written)
            return self._deliver(request, journal, action, clerk, outbox)
        finally:
            action.close()

    def _mapping(self, digest: str) -> Mapping | None:
        """The mapping that a run was written down with, where it is no longer the one in force."""
        try:
            if not digest or rules.load(self._session.app).digest == digest:
                return None
        except MappingError:
            pass  # a rule that was broken since then stops new alerts, not this one
        return compile_rules(self._store.mapping(digest))

    def _deliver(self, request: Request, journal: Journal, action: CommonAction, clerk: Clerk, outbox: Outbox) -> bool:
        session = self._session
        alert = Alert(
            request,
            journal,
            action,
            clerk,
            app=session.app,
            home=session.home,
            **session.clocks,
            component="soar_delivery",
        )

        def account() -> Account:
            try:
                if not journal.settings().get("checked"):
                    session.require_access(request.invocation.run.owner, request.account_name, request.settings)
                return session.account(request.settings, request.account_name)
            except (SettingsError, SplunkdError) as error:
                raise NotTried(error.what, error.remedy) from None  # it was written down: somebody may mend it

        def gate(found: Account) -> Gate:
            return open_gate(
                session.home, found.name, LONGEST, may_ask=lambda: not self._stop.is_set(), **session.clocks
            )

        _resolve(outbox, journal.ledger)
        alert.deliver(account, gate)
        if self._stop.is_set() and alert.waiting:
            return False  # it stays where it is, for the next process
        return self._conclude(request, journal, alert, clerk, outbox)

    def _conclude(self, request: Request, journal: Journal, alert: Alert, clerk: Clerk, outbox: Outbox) -> bool:
        if "" in alert.waiting:
            why = str(alert.waiting[""])
            if not self._is_too_old(journal.key):
                self._later(journal.key, why)
                return False
            reason = f"{too_old(why, self._age_limit)} {RESEND}"
            alert.give_up(request.settings.nominal_account(request.account_name), reason)
        if self._is_followed(request, journal, alert):
            return False
        if alert.waiting or alert.rejected:
            try:
                self._move(request, journal.ledger, alert, outbox)
            except KvStoreUnavailable as error:
                self._later(journal.key, f"the KV store is away: {error}")
                return False
        self._store.finish(journal, clerk.exit_code())
        self._let_go(journal.key)
        facts = {"key": journal.key, "sid": request.invocation.run.sid, "rows": clerk.rows, "moved": len(alert.waiting)}
        self._log.info("Journal worked off %s", fields(facts))
        return True

    def _is_followed(self, request: Request, journal: Journal, alert: Alert) -> bool:
        """Whether the journal stays: its playbook runs are looked at again, and what waits is sent, from here.

        The outbox delivers containers; it follows no playbook runs.
        """
        if request.asked.follow is None or not (alert.running or alert.waiting):
            return False
        if self._is_too_old(journal.key):
            alert.end_following(too_old("No verdict was seen.", self._age_limit))
            return False
        now = self._session.clock()
        if alert.asks_people:
            wait = min(FOLLOW_LONGEST, max(FOLLOW_EVERY, (now - self._store.written(journal.key)) / 10))
        else:
            wait = FOLLOW_EVERY
        self._not_before[journal.key] = self._session.monotonic() + wait
        self._store.note_waiting(journal.key, now + wait, for_answer=alert.asks_people)
        return True

    def _move(self, request: Request, ledger: Ledger, alert: Alert, outbox: Outbox) -> None:
        """What SOAR does not take goes into the outbox, where every search head and every administrator sees it."""
        group: list[tuple[OutboxItem, Payload]] = []
        for identity, shipments in _containers(alert.plan(), ledger):
            if identity in alert.waiting or identity in alert.rejected:
                group.append(self._entry(request, ledger, shipments, alert.rejected.get(identity)))
            if len(group) >= _GROUP:
                _insert(outbox, ledger, group)
                group = []
        _insert(outbox, ledger, group)

    def _entry(
        self, request: Request, ledger: Ledger, shipments: Sequence[Shipment], refusal: Refusal | None
    ) -> tuple[OutboxItem, Payload]:
        identity = shipments[0].identity
        run, now = request.invocation.run, self._session.clock()
        rows = [account for shipment in shipments for account in shipment.rows]
        waiting = ledger.waiting(identity)
        runs = [note.line(identity, name) for name, note in ledger.runs_of(identity)]
        rids = [account.rid for account in rows]
        item = OutboxItem(
            key=item_key(run.action, run.sid, identity, [*rids, *_artifact_keys(shipments)]),
            state=PENDING,
            account=request.account_name,
            action=run.action,
            search_name=run.search_name,
            sid=run.sid,
            app=run.app,
            owner=run.owner,
            scheduled=run.scheduled,
            identity=identity,
            rows=len(rows),
            created=now,
            queued=now,
            updated=now,
        )
        if refusal is not None:
            item = replace(
                item,
                state=REJECTED,
                attempts=1,
                error_class="refused",
                error_text=refusal.reason,
                container_id=refusal.container_id,
                container_url=refusal.container_url,
            )
        elif waiting is not None:
            item = replace(
                item,
                attempts=1,
                next_attempt=not_too_late(waiting.not_before, now, self._age_limit),
                error_class=waiting.name,
                error_code=str(waiting.status or ""),
                error_text=waiting.reason,
                unclear=waiting.unclear,
            )
        return item, Payload(run, tuple(shipments), tuple(runs))

    def _let_go(self, key: str) -> None:
        self._not_before.pop(key, None)
        self._complaints.forget("Journal", key)

    def _later(self, key: str, why: str) -> None:
        self._not_before[key] = self._session.monotonic() + AGAIN
        self._store.note_waiting(key, self._session.clock() + AGAIN, why)
        self._complaints.waits("Journal", why, key, seconds=AGAIN)


def _artifact_keys(shipments: Sequence[Shipment]) -> Iterator[str]:
    """What tells two calls with other results apart, although they share search, container and result ids."""
    return (str(body["source_data_identifier"]) for shipment in shipments for body in shipment.artifacts)


def _insert(outbox: Outbox, ledger: Ledger, group: Sequence[tuple[OutboxItem, Payload]]) -> None:
    if group:
        keys = {item.identity: item.key for item, _ in group}
        outbox.known(keys.values())  # a KV store that is away takes nothing: then nothing leaves either
        ledger.note_leaving(keys)
        outbox.insert_many(group)
        ledger.note_moved(*keys)


def _resolve(outbox: Outbox, ledger: Ledger) -> None:
    """Find out how a move ended that broke off; a container is the outbox's or the journal's, never of both."""
    leaving = ledger.leaving()
    if not leaving:
        return
    try:
        known = outbox.known(leaving.values())
    except KvStoreUnavailable:
        return  # they wait
    for identity, key in leaving.items():
        if key in known:
            ledger.note_moved(identity)
        else:
            ledger.note_stayed(identity)


def _containers(shipments: Iterator[Shipment], ledger: Ledger) -> Iterator[tuple[str, list[Shipment]]]:
    """All parts of each container that is not in the outbox yet."""
    parts: list[Shipment] = []
    for shipment in shipments:
        if ledger.is_moved(shipment.identity):
            continue
        parts.append(shipment)
        if shipment.last:
            yield shipment.identity, parts
            parts = []
