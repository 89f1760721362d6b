"""The modular input ``soar_delivery``: finishes what actions could not finish."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from soarlink.errors import SendToSoarError
from soarlink.inputs.choices import LONGEST_WAIT, Choices
from soarlink.inputs.complaints import Complaints
from soarlink.inputs.deliveries import Deliveries
from soarlink.inputs.journals import Journals
from soarlink.inputs.script import InputScript
from soarlink.inputs.session import logger
from soarlink.inputs.tenure import apply_for
from soarlink.journal.journal import JournalStore, journal_root
from soarlink.outbox.collection import Outbox
from soarlink.splunk.kvstore import KvStore
from soarlink.splunk.logline import fields

if TYPE_CHECKING:
    import logging
    import threading
    from collections.abc import Callable

    from soarlink.inputs.session import Session

LOOK_EVERY = 1.0
"""Seconds between two looks at the journals: a folder listing, next to nothing."""

OUTBOX_EVERY = 5.0
"""Seconds between two looks at the outbox, when the last one found nothing."""

LEASE_SECONDS = 300.0
"""How long the lease lasts without renewal; longer where an account's timeouts allow longer requests."""

REMEMBER_SECONDS = 24 * 3600.0
"""How long a finished run is remembered, in case Splunk calls its action again."""

HEARTBEAT_EVERY = 300.0
_OUTBOX = "Delivery"


class DeliveryScript(InputScript):
    """The input as splunkd sees it."""

    def __init__(self) -> None:
        super().__init__(
            "Send to SOAR: delivery",
            "Delivers what the alert actions could not deliver at once. Leave it switched on.",
            lambda session, stop: Delivery(session, stop).run(),
        )


class Delivery:
    """The input's loop.

    Args:
        session: splunkd and clocks.
        stop: set when the input is to end.
    """

    def __init__(self, session: Session, stop: threading.Event) -> None:
        self._session = session
        self._stop = stop
        self._log: logging.Logger = logger(session.home, "soar_delivery")
        self._store = JournalStore(journal_root(session.home), clock=session.clock)
        self._journals = Journals(session, self._store, self._log, stop)
        self._complaints = Complaints(self._log, session.monotonic)
        self._parent = os.getppid()
        kv = KvStore(session.splunkd())
        self._outbox = Outbox(kv)
        self._tenure = apply_for(session, "soar_delivery", LEASE_SECONDS)
        self._deliveries = Deliveries(
            session, self._outbox, self._log, self._tenure, stop, is_needed=self._journals.is_due
        )
        self._choices = Choices(session, kv, self._log, self._has_lease)
        self._choices_at = 0.0
        self._outbox_at = 0.0
        self._heartbeat_at = 0.0

    def run(self) -> None:
        """Work until told to stop."""
        self._log.info("Delivery started %s", fields({"pid": os.getpid()}))
        while not self._stop.is_set() and os.getppid() == self._parent:
            worked = self._round()
            if not worked:
                self._stop.wait(LOOK_EVERY)
        self._end()

    def _round(self) -> bool:
        """Journals first, then the outbox, then the form's choices; what stops one does not stop the others."""
        works = (("Journals", self._work_journals), (_OUTBOX, self._work_outbox), ("Choices", self._work_choices))
        results = [self._guarded(subject, work) for subject, work in works]
        if None in results:
            self._stop.wait(OUTBOX_EVERY)
        return True in results

    def _guarded(self, subject: str, work: Callable[[], bool]) -> bool | None:
        """Whether something was done; None when it could not be."""
        try:
            return work()
        except SendToSoarError as error:
            self._complaints.waits(subject, error)
        except Exception:  # noqa: BLE001 - the input goes on; the log has it
            self._log.exception("Unexpected error")
        return None

    def _work_journals(self) -> bool:
        return bool(self._journals.round(self._outbox))

    def _work_outbox(self) -> bool:
        now = self._session.monotonic()
        if now < self._outbox_at or self._stop.is_set():
            return False
        self._outbox_at = now + OUTBOX_EVERY
        tried = self._deliveries.round() if self._tenure.begin() else None
        self._complaints.goes_on(_OUTBOX)
        if tried is None:
            return False
        if tried:
            self._outbox_at = now
        if now >= self._heartbeat_at:
            self._heartbeat_at = now + HEARTBEAT_EVERY
            self._store.forget(self._session.clock() - REMEMBER_SECONDS)
            self._deliveries.clear_up()
            self._log.info("Heartbeat")
        return bool(tried)

    def _work_choices(self) -> bool:
        """One list at a time, so that deliveries don't wait; by whoever has the lease anyway."""
        now = self._session.monotonic()
        if now < self._choices_at or self._stop.is_set() or not self._has_lease():
            return False
        self._choices_at = now + OUTBOX_EVERY
        worked = self._choices.round()
        if worked:
            self._choices_at = now
        return worked

    def _has_lease(self) -> bool:
        return self._tenure.outlasts(2 * LONGEST_WAIT)

    def _end(self) -> None:
        try:
            self._tenure.end()
        except SendToSoarError as error:
            self._log.warning("Lease not released %s", fields({"reason": error}))
        self._log.info("Delivery stopped")
