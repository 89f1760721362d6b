"""What an attempt makes of an item of the outbox, and of its rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Callable

from soarlink.delivery.backoff import Backoff
from soarlink.delivery.outcome import REJECTED, RowOutcome
from soarlink.delivery.verdict import judge
from soarlink.errors import NotTried, SoarError, Throttled
from soarlink.inputs.age import too_old
from soarlink.outbox import item as states

if TYPE_CHECKING:
    from soarlink.delivery.progress import ContainerReport
    from soarlink.outbox.item import OutboxItem

_REFUSED = "refused"


@dataclass(frozen=True)
class Terms:
    """Times in seconds.

    Args:
        settle: how long a request may still be under way.
        age_limit: after which an item is rejected.
        random: a number from 0 to 1.
    """

    settle: float
    age_limit: float
    random: Callable[[], float]


def after(item: OutboxItem, report: ContainerReport, now: float, terms: Terms) -> OutboxItem:
    """The item's row after an attempt; the very same item where there was none.

    Args:
        item: as it was loaded.
        report: what became of its container.
        now: epoch seconds.
        terms: when it is tried again, and when no more.
    """
    pending, number = report.progress.pending, report.progress.container_id
    known = replace(item, updated=now, container_id=number, container_url=report.url or "")
    if pending is None:
        return _ended(known, report)
    if isinstance(pending, NotTried):
        is_news = number != item.container_id or not item.error_text
        return replace(known, next_attempt=now, error_text=str(pending)) if is_news else item
    return _waiting(known, pending, now, terms)


def final(report: ContainerReport, ended: OutboxItem) -> list[RowOutcome]:
    """The end of each row; an item that is too old rejects what still waited."""
    outcomes = report.outcomes(keep=False)
    if ended.state == states.REJECTED and report.progress.pending is not None:
        return [replace(o, reason=ended.error_text) if o.state == REJECTED else o for o in outcomes]
    return outcomes


def _ended(known: OutboxItem, report: ContainerReport) -> OutboxItem:
    outcomes = report.outcomes(keep=False)
    reason = next((outcome.reason for outcome in outcomes if outcome.state == REJECTED), None)
    if reason is None:
        return replace(known, state=states.DELIVERED, error_class="", error_code="", error_text="", unclear=False)
    return replace(known, state=states.REJECTED, error_class=_REFUSED, error_text=reason, unclear=False)


def _waiting(known: OutboxItem, pending: SoarError, now: float, terms: Terms) -> OutboxItem:
    verdict, attempts = judge(pending), known.attempts + 1
    asked = pending.retry_after if isinstance(pending, Throttled) else None
    wait = Backoff(settle=terms.settle).wait(attempts, terms.random, asked=asked, unclear=verdict.look_first)
    tried = replace(
        known,
        attempts=attempts,
        next_attempt=not_too_late(now + wait, known.queued, terms.age_limit),
        error_class=verdict.name,
        error_code=str(pending.status or ""),
        error_text=str(pending),
        unclear=verdict.look_first or known.unclear,
    )
    if now - known.queued > terms.age_limit:
        text = too_old(f"{pending} ({attempts} attempts.)", terms.age_limit)
        return replace(tried, state=states.REJECTED, error_text=text)
    return tried


def not_too_late(time: float, queued: float, age_limit: float) -> float:
    """When to try again: no later than when the item is too old, however long a server asks to wait."""
    return min(time, queued + age_limit + 1.0)
