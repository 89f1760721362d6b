"""What is written down and not in SOAR yet, and whether somebody works on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from soarlink.doctor.diagnosis import Diagnosis
from soarlink.doctor.facts import Heartbeat, Lease, Polls, Unread, WaitingJournal
from soarlink.doctor.wording import age, count
from soarlink.outbox.statistics import AccountStatistics

TOO_LONG = 1_800.0
"""Seconds after which a waiting container is late; the shipped alert "Undelivered for too long" has the same."""

TAKEN_UP = 120.0
"""Seconds in which the delivery input takes up a journal at the latest: it looks every second, and again after 30."""

SILENT = 900.0
"""Three of the heartbeats that the delivery input writes into its log every 300 seconds."""

_AGAIN = (
    "Mend the cause; the delivery input tries again every 30 seconds, until the age limit. soar_delivery.log has more."
)
_RUN = (
    "Enable the input soar_delivery (Settings > Data inputs), and look at var/log/splunk/soar_delivery.log and "
    "splunkd.log."
)


def outbox(found: tuple[AccountStatistics, ...] | Unread) -> Diagnosis:
    """What waits in the KV store for SOAR to take it."""
    name = "outbox"
    if isinstance(found, Unread):
        return Diagnosis.skipped(name, f"The outbox can't be read: {found.what}")
    waiting = [one for one in found if one.pending]
    if not waiting:
        return Diagnosis.ok(name, "Nothing waits.")
    oldest = max(one.oldest_age or 0.0 for one in waiting)
    accounts = "; ".join(
        f"{one.account}: {count(one.pending, 'container')}, {count(one.most_attempts, 'attempt')} at most"
        + (f", last error: {one.last_error}" if one.last_error else "")
        for one in waiting
    )
    evidence = f"Since {age(oldest)} wait {accounts}"
    remedy = "See | soaroutbox state=pending; when the cause is mended, | soaroutboxctl action=deliver sends at once."
    judge = Diagnosis.failed if oldest > TOO_LONG else Diagnosis.warning
    return judge(name, evidence, remedy)


def rejects(found: tuple[AccountStatistics, ...] | Unread) -> Diagnosis:
    """What SOAR, or the add-on, refused for good."""
    name = "rejects"
    if isinstance(found, Unread):
        return Diagnosis.skipped(name, f"The outbox can't be read: {found.what}")
    refused = [one for one in found if one.rejected]
    if not refused:
        return Diagnosis.ok(name, "The outbox holds nothing that was rejected.")
    accounts = "; ".join(
        f"{one.account}: {count(one.rejected, 'container')}"
        + (f", last error: {one.last_error}" if one.last_error else "")
        for one in refused
    )
    return Diagnosis.warning(
        name,
        f"Rejected, and not tried again: {accounts}",
        "See | soaroutbox state=rejected; then | soaroutboxctl action=resend, with label=… or severity=… where that "
        "is the reason, or action=discard.",
    )


def journals(found: Sequence[WaitingJournal]) -> Diagnosis:
    """Alerts on this search head's disk that are not finished."""
    name = "journals"
    if not found:
        return Diagnosis.ok(name, "No alert is unfinished on this search head.")
    idle = [one for one in found if not one.owned]
    oldest = max(one.age for one in found)
    evidence = (
        f"{count(len(found), 'alert')} unfinished on this search head, the oldest since {age(oldest)}, "
        f"{len(found) - len(idle)} under way"
    )
    if any((one.age if one.idle is None else one.idle) > TAKEN_UP for one in idle):
        return Diagnosis.failed(name, f"{evidence}; nobody takes up the others.", _RUN)
    reasons = Counter(one.why for one in idle if one.why)
    if not reasons:
        return Diagnosis.ok(name, f"{evidence}.")
    said = "; ".join(f"{number} {'waits' if number == 1 else 'wait'}: {why}" for why, number in reasons.most_common(3))
    return Diagnosis.warning(name, f"{evidence}; {said}", _AGAIN)


def pause(reason: str) -> Diagnosis:
    """Whether the server is left alone for a while because it turned us away."""
    name = "pause"
    if not reason:
        return Diagnosis.ok(name, "The account's server is not paused.")
    return Diagnosis.warning(
        name,
        f"The account's server is left alone for up to 5 minutes: {reason}",
        "Mend the cause; the next attempt ends the pause.",
    )


def feedback(beat: Heartbeat, polls: Polls | Unread | None, now: float) -> Diagnosis:
    """Whether what happens in SOAR comes back.

    Args:
        beat: the input's signs of life.
        polls: how far it has come with the account; None when there is no account.
        now: epoch seconds.
    """
    name = "feedback"
    alive = heartbeat(name, "soar_feedback", beat, now, waits=False)
    if polls is None or not isinstance(beat.enabled, bool) or not beat.enabled:
        return alive
    if isinstance(polls, Unread):
        return replace(alive, evidence=f"{alive.evidence} How far it has come can't be read: {polls.what}")
    if polls.is_off:
        return Diagnosis.skipped(name, "Not configured: the account's setting feedback is off.")
    if not polls.polled and not polls.error:
        return alive
    last = f"last complete poll {age(now - polls.polled)} ago" if polls.polled else "no complete poll yet"
    is_late = now - polls.polled > max(SILENT, 3 * polls.interval)
    if polls.error:
        judge = Diagnosis.failed if is_late else Diagnosis.warning
        return judge(
            name, f"The last poll was not complete ({last}): {polls.error}", "Mend the cause; it goes on by itself."
        )
    if is_late:
        remedy = alive.remedy or _RUN.replace("soar_delivery", "soar_feedback")
        return Diagnosis.warning(name, f"Nothing comes back: {last}. {alive.evidence}", remedy)
    if polls.writeback_error:
        return Diagnosis.warning(
            name,
            f"It comes back: {last}. But notables were not all updated: {polls.writeback_error}",
            "Mend the cause; what is open is written then. The check enterprise_security says which way is taken.",
        )
    return Diagnosis.ok(name, f"It comes back: {last}. {alive.evidence}")


def heartbeat(name: str, input_name: str, beat: Heartbeat, now: float, *, waits: bool) -> Diagnosis:
    """Whether a modular input runs.

    Args:
        name: the check's name.
        input_name: the input's.
        beat: its signs of life.
        now: epoch seconds.
        waits: something waits for it; without that a silent input has held nothing up yet.
    """
    if beat.enabled is None:
        return Diagnosis.skipped(name, f"This version of the add-on has no input {input_name}.")
    if isinstance(beat.enabled, Unread):
        return Diagnosis.skipped(name, f"The input {input_name} can't be read: {beat.enabled.what}")
    remedy = _RUN.replace("soar_delivery", input_name)
    if not beat.enabled:
        return Diagnosis.failed(name, f"The input {input_name} is disabled.", remedy)
    log = "no log on this search head" if beat.log_age is None else f"last log line {age(beat.log_age)} ago"
    judge = Diagnosis.failed if waits else Diagnosis.warning
    if isinstance(beat.lease, Lease):
        if beat.lease.expires > now:
            return Diagnosis.ok(name, f"{beat.lease.owner} works for all search heads; {log}.")
        ended = f"since {age(now - beat.lease.expires)}" if beat.lease.expires else f"({beat.lease.owner} gave it back)"
        return judge(name, f"No search head has the lease {ended}; {log}.", remedy)
    if beat.lease is None and beat.log_age is None:
        return judge(name, f"The input {input_name} has never run here.", remedy)
    if beat.log_age is not None and beat.log_age <= SILENT:
        return Diagnosis.ok(name, f"The input {input_name} runs: {log}.")
    if isinstance(beat.lease, Unread):
        return Diagnosis.skipped(
            name,
            f"{log[0].upper()}{log[1:]}; another search head may work: who has the lease only administrators can read.",
        )
    return judge(name, f"No search head has the lease; {log}.", remedy)
