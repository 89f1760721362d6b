"""What a person does with items of the outbox. Every act stays on the row: what, who, when."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from soarlink.commands.arguments import DELIVER, DISCARD, RESEND, ActRequest, as_mapping
from soarlink.commands.changes import Changes, apply
from soarlink.errors import OutboxError, SettingsError
from soarlink.outbox.item import DELIVERED, DISCARDED, PENDING, REJECTED, OutboxItem
from soarlink.outbox.payload import Payload

if TYPE_CHECKING:
    from soarlink.outbox.collection import Outbox

RESENT = "resent"
"""Kind (``t``) of the ledger line that a resend leaves: refusals noted before it do not count any more."""


@dataclass(frozen=True)
class Done:
    """What became of an act on one item; ``item`` is as it was before."""

    item: OutboxItem
    act: str
    is_done: bool
    message: str
    state: str


class Desk:
    """Carries out acts.

    Args:
        outbox: the outbox.
        person: who acts.
        now: epoch seconds.
    """

    def __init__(self, outbox: Outbox, person: str, now: float) -> None:
        self._outbox = outbox
        self._person = person
        self._now = now

    def carry_out(self, request: ActRequest, items: Iterable[OutboxItem]) -> Iterator[Done]:
        """Deliver, resend or discard items, one after the other; each gets its answer."""
        acts = {DELIVER: self._deliver, DISCARD: self._discard, RESEND: self._resend}
        act = acts[request.action]
        for item in items:
            try:
                yield act(item, request.changes)
            except OutboxError as error:
                yield Done(item, request.action, is_done=False, message=str(error), state=item.state)

    def _deliver(self, item: OutboxItem, _: Changes) -> Done:
        if item.state == REJECTED:
            return _refused(item, DELIVER, "It is rejected: use action=resend to send it again.")
        if item.state != PENDING:
            return _refused(item, DELIVER, f"It is {item.state}: there is nothing to deliver.")
        changed = self._signed(item, DELIVER, next_attempt=self._now)
        return self._written(item, DELIVER, self._outbox.replace(changed), "The delivery input takes it next.", PENDING)

    def _discard(self, item: OutboxItem, _: Changes) -> Done:
        if item.state in (DELIVERED, DISCARDED):
            return _refused(item, DISCARD, f"It is {item.state} already.")
        changed = self._signed(item, DISCARD, state=DISCARDED)
        if item.state == REJECTED:
            self._outbox.settle(changed)
            return Done(item, DISCARD, is_done=True, message="It will not be sent.", state=DISCARDED)
        # The stored payload says whose rows these are: the delivery input tells them their end, then deletes it.
        return self._written(item, DISCARD, self._outbox.replace(changed), "It will not be sent.", DISCARDED)

    def _resend(self, item: OutboxItem, changes: Changes) -> Done:
        if item.state not in (PENDING, REJECTED):
            return _refused(item, RESEND, f"It is {item.state}: what it would send is gone. Run the search again.")
        payload = apply(self._outbox.load(item), changes)
        line = {"t": RESENT, "time": self._now, "by": self._person}
        payload = Payload(payload.run, payload.shipments, (*payload.ledger, line))
        listed = ", ".join(f"{name}={value}" for name, value in as_mapping(changes).items())
        changed = self._signed(
            item,
            f"{RESEND} {listed}".rstrip(),
            state=PENDING,
            account=changes.account or item.account,
            attempts=0,
            next_attempt=self._now,
            queued=self._now,
            error_class="",
            error_code="",
            error_text="",
        )
        is_written = self._outbox.replace(changed, payload)
        message = "The delivery input takes it next."
        if item.container_id is not None and changes.container():
            message += f" Container {item.container_id} is in SOAR already and keeps what it has."
        return self._written(item, RESEND, is_written, message, PENDING)

    def _signed(self, item: OutboxItem, act: str, **values: object) -> OutboxItem:
        time = datetime.fromtimestamp(self._now, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        return replace(item, updated=self._now, acts=(*item.acts, f"{time} {self._person}: {act}"), **values)  # type: ignore[arg-type]

    @staticmethod
    def _written(item: OutboxItem, act: str, is_written: object, message: str, state: str) -> Done:
        if is_written:
            return Done(item, act, is_done=True, message=message, state=state)
        return _refused(item, act, "It was settled or removed in the meantime: list it again.")


def require_account(changes: Changes, accounts: Collection[str]) -> None:
    """Refuse an account that is not there.

    Raises:
        SettingsError: names those that are.
    """
    if changes.account and changes.account not in accounts:
        raise SettingsError(
            f'There is no SOAR account "{changes.account}"; there are: {", ".join(sorted(accounts)) or "none"}.',
            "Correct to_account.",
        )


def _refused(item: OutboxItem, act: str, message: str) -> Done:
    return Done(item, act, is_done=False, message=message, state=item.state)
