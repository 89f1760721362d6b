"""The outbox in numbers, by account."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from soarlink.outbox.item import DELIVERED, DISCARDED, PENDING, REJECTED

if TYPE_CHECKING:
    from soarlink.outbox.item import OutboxItem


@dataclass(frozen=True)
class AccountStatistics:
    """Numbers of one account. Ages and times in seconds; None when nothing is pending."""

    account: str
    pending: int
    due: int
    unclear: int
    rejected: int
    delivered: int
    discarded: int
    pending_rows: int
    stored_bytes: int
    most_attempts: int
    oldest_age: float | None
    next_attempt: float | None
    last_error: str


def summarise(items: Iterable[OutboxItem], now: float) -> list[AccountStatistics]:
    """Numbers for each account, by name.

    Args:
        items: rows of the outbox.
        now: epoch seconds.
    """
    accounts: dict[str, list[OutboxItem]] = {}
    for item in items:
        accounts.setdefault(item.account, []).append(item)
    return [_of_account(account, accounts[account], now) for account in sorted(accounts)]


def _of_account(account: str, items: list[OutboxItem], now: float) -> AccountStatistics:
    pending = [item for item in items if item.state == PENDING]
    failed = [item for item in items if item.error_text]
    states = [item.state for item in items]
    return AccountStatistics(
        account=account,
        pending=len(pending),
        due=sum(item.next_attempt <= now for item in pending),
        unclear=sum(item.unclear for item in pending),
        rejected=states.count(REJECTED),
        delivered=states.count(DELIVERED),
        discarded=states.count(DISCARDED),
        pending_rows=sum(item.rows for item in pending),
        stored_bytes=sum(item.payload_bytes for item in items),
        most_attempts=max((item.attempts for item in pending), default=0),
        oldest_age=max((now - item.created for item in pending), default=None),
        next_attempt=min((item.next_attempt for item in pending), default=None),
        last_error=max(failed, key=lambda item: item.updated).error_text if failed else "",
    )
