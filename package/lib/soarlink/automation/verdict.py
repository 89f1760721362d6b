"""What a playbook run came to.

SOAR calls a run a success when its code reached the end: also when its prompt was refused, or its actions failed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

STARTED = "started"
RUNNING = "running"
WAITING = "waiting"
SUCCEEDED = "succeeded"
FAILED = "failed"
REFUSED = "refused"
CANCELLED = "cancelled"

OPEN = frozenset((STARTED, RUNNING, WAITING))
"""Verdicts that are not final."""

_NO = frozenset(("no", "n", "deny", "denied", "reject", "rejected", "cancel"))
_LONGEST = 500


@dataclass(frozen=True)
class Verdict:
    """One run.

    Args:
        state: one of the names above.
        reason: the action that failed, the prompt and its answer, who cancelled, so that it reads on behind the state:
            "refused" "at the prompt: …"; "" where there is nothing to say.
        waiting_since: since when a prompt waits, as SOAR writes times; "" when none does.
        moved: when a prompt of a run that goes on was last opened or answered, which may not move the run's own times.
    """

    state: str
    reason: str = ""
    waiting_since: str = ""
    moved: str = field(default="", compare=False)

    @property
    def is_open(self) -> bool:
        """Whether there is more to come."""
        return self.state in OPEN


def judge(
    run: Mapping[str, Any], approvals: Sequence[Mapping[str, Any]] = (), actions: Sequence[Mapping[str, Any]] = ()
) -> Verdict:
    """Judge a run by itself, by what it asked people and by what its actions came to.

    Args:
        run: a record of ``/rest/playbook_run`` (REST reference, 6.2).
        approvals: its prompts and approvals (8.3).
        actions: its records of ``/rest/action_run`` (6.4).
    """
    status = str(run.get("status") or "").lower()
    if run.get("cancelled") or status in {"cancelled", "canceled"}:
        by = run.get("cancelled")
        return Verdict(CANCELLED, _cut(f"by {by}") if isinstance(by, str) and by.strip() else "")
    if status == "pending":
        return Verdict(STARTED)
    if status == "running":
        times = [str(one.get(name) or "") for one in approvals for name in ("start_time", "close_time")]
        moved = max(times, default="")
        waiting = next((one for one in approvals if one.get("status") == "pending"), None)
        if waiting is None:
            return Verdict(RUNNING, moved=moved)
        since = str(waiting.get("start_time") or "")
        return Verdict(WAITING, f"for an answer: {question(waiting)}", since, moved)
    asked, failure = _asked(approvals), _failures(actions)
    failed = Verdict(FAILED, failure) if failure else None
    if status == "success":
        return asked or failed or Verdict(SUCCEEDED)
    said = message_of(run)
    words = f"with the message: {said}" if said else f'with SOAR\'s status "{status}"'
    return failed or asked or Verdict(FAILED, _cut(words))


def message_of(run: Mapping[str, Any]) -> str:
    """What the run says: SOAR writes a JSON document as text, or plain text (REST reference, 6.2)."""
    said = _document(run).get("message")
    return str(said) if said else ("" if _document(run) else str(run.get("message") or ""))


def playbook_of(run: Mapping[str, Any]) -> str:
    """The playbook as ``repository/name`` where the run says so, else its name or ""."""
    return str(_document(run).get("playbook") or run.get("_pretty_playbook") or "")


def question(approval: Mapping[str, Any]) -> str:
    """What a prompt asks, or the name of its block."""
    asked = approval.get("jitc")
    text = asked.get("message") if isinstance(asked, dict) else ""
    return _cut(str(text or approval.get("name") or "a prompt"))


def _document(run: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        parsed = json.loads(str(run.get("message") or ""))
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _asked(approvals: Sequence[Mapping[str, Any]]) -> Verdict | None:
    """What people's answers make of a run; None where nobody said no. One that was handed on is judged by its heir."""
    known = {str(one.get("id")) for one in approvals if one.get("id")}
    handed_on = {str(one.get("parent")) for one in approvals if one.get("parent")}
    for one in approvals:
        if str(one.get("id")) in handed_on or str(one.get("escalated_approval")) in known:
            continue
        if one.get("status") == "expired":
            return Verdict(FAILED, f"at the prompt: {question(one)} (nobody answered in time)")
        no = _no(one)
        if no:
            return Verdict(REFUSED, f"at the prompt: {question(one)} ({no})")
    return None


def _no(approval: Mapping[str, Any]) -> str:
    """How a person said no; "" where nobody did."""
    answers = approval.get("responses")
    first = str(answers[0]).strip() if isinstance(answers, list) and answers else ""
    if first.lower() in _NO:
        return f"answer: {first}"
    return "denied" if approval.get("status") == "denied" else ""


def _failures(actions: Sequence[Mapping[str, Any]]) -> str:
    """The actions that failed; a prompt is judged by its approval."""
    failed = [one for one in actions if one.get("status") == "failed" and one.get("action") != "prompt"]
    if not failed:
        return ""
    first = failed[0]
    name = first.get("name") or first.get("action") or "an action"
    more = f" ({len(failed)} of {len(actions)} actions failed)" if len(failed) > 1 else ""
    return _cut(f"in the action {name}: {first.get('message') or 'without a message'}{more}")


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
