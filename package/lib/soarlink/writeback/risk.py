"""Risk modifiers: events in Enterprise Security's index ``risk``, in the form of its own.

What such an event needs are ``risk_object``, ``risk_object_type``, ``risk_score`` and ``risk_message``, as
``key="value"`` under the sourcetype ``stash`` (splunkd reference, 5.7).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from soarlink.feedback.case import Case

INDEX = "risk"
SOURCETYPE = "stash"
SOURCE = "Send to SOAR"
"""Enterprise Security counts the sources of an object's risk: all of ours are one."""

FORM = "a score, a type (system, user, other) and the object, such as: 40 system {{risk_object}}"

_FORM = re.compile(r"(-?\d{1,6}(?:\.\d{1,3})?)\s+([A-Za-z_]{1,50})\s+(\S.*)", re.DOTALL)
_UNPRINTED = re.compile(r"[\x00-\x1f\x7f]+")


@dataclass(frozen=True)
class Risk:
    """A risk modifier.

    Args:
        rule: the rule that says so.
        score: the risk score, a number.
        kind: the risk object's type: ``system``, ``user`` or ``other``.
        name: the risk object.
    """

    rule: str
    score: str
    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.score} {self.kind} {self.name}"


def risk_of(rule: str, text: str) -> Risk | None:
    """The risk modifier that a rule's text says; None where it says none (see :data:`FORM`)."""
    match = _FORM.fullmatch(text.strip())
    return Risk(rule, match.group(1), match.group(2).lower(), match.group(3)) if match else None


def id_of(risk: Risk, case: Case) -> str:
    """The same for the same modifier of the same container, by whichever account: ``soar_event_id`` of its event."""
    said = f"{risk.rule}\n{risk}".encode("utf-8", "backslashreplace")
    return f"{urlsplit(case.url).netloc}|{case.container_id}|risk|{hashlib.sha256(said).hexdigest()[:16]}"


def text_of(risk: Risk, case: Case, now: float) -> str:
    """The event.

    Args:
        risk: the modifier.
        case: its container.
        now: seconds since 1970.
    """
    message = f"Splunk SOAR: container {case.container_id}, {case.name or 'without a name'}, status {case.status}"
    fields = {
        "search_name": f"Send to SOAR: {risk.rule}",
        "risk_object": risk.name,
        "risk_object_type": risk.kind,
        "risk_score": risk.score,
        "risk_message": f"{message}, verdict {case.verdict}" if case.verdict else message,
        "soar_event_id": id_of(risk, case),
        "account": case.account,
        "container_id": str(case.container_id),
        "container_url": case.url,
        "splunk_id": case.event_id,
    }
    return ", ".join([f"{now:.3f}", *(f'{name}="{_escaped(value)}"' for name, value in fields.items() if value)])


def _escaped(value: str) -> str:
    return _UNPRINTED.sub(" ", value).replace("\\", "\\\\").replace('"', '\\"')
