"""Facts of a healthy add-on, for tests that spoil one of them."""

from __future__ import annotations

from typing import Any

from soarlink.doctor.diagnosis import Diagnosis
from soarlink.doctor.examination import Examination
from soarlink.doctor.facts import (
    Caller,
    Container,
    DiskFacts,
    Heartbeat,
    Index,
    Interpreter,
    Lease,
    Package,
    Playbook,
    Run,
    SavedSearch,
    SoarFacts,
    SoarUser,
    SplunkFacts,
    Subject,
    Unread,
)
from soarlink.doctor.permission import VIEWS
from soarlink.outbox.statistics import AccountStatistics

NOW = 1_790_000_000.0
REFUSED = Unread("SOAR answered HTTP 403: no permission.", "Ask.", 403)
AWAY = Unread("It did not answer.", "Try again.")

TRIAGE = Playbook(1, "local/triage", active=True, labels=("*",))
PHISHING = Playbook(2, "local/phishing", active=True, labels=("email",))
ASLEEP = Playbook(3, "local/contain", active=False, labels=("events",))
INPUT = Playbook(4, "community/enrich", active=False, kind="data", labels=("*",))
PLAYBOOKS = (TRIAGE, PHISHING, ASLEEP, INPUT)

CONNECTION = tuple(
    Diagnosis.ok(name, "Fine.")
    for name in (
        "dns",
        "tcp",
        "proxy",
        "tls",
        "certificate",
        "http",
        "soar",
        "sign_in",
        "version",
        "containers",
        "clock",
    )
)


def soar(**changes: Any) -> SoarFacts:
    """What a SOAR says whose token can do just what is needed."""
    views = {area: None if area in ("containers", "playbooks") else REFUSED for area in VIEWS}
    facts: dict[str, Any] = {
        "user": SoarUser("splunk"),
        "views": views,
        "labels": ("events", "email"),
        "severities": ("High", "Medium", "Low"),
        "playbooks": PLAYBOOKS,
        **changes,
    }
    return SoarFacts(**facts)


def container(**changes: Any) -> Container:
    """A container with two artifacts, and a run that has seen both."""
    facts: dict[str, Any] = {"id": 7, "label": "events", "artifacts": (10, 11), "runs": (Run(1, "success", 11),)}
    return Container(**{**facts, **changes})


def saved(**changes: Any) -> SavedSearch:
    """A saved search that sends."""
    facts: dict[str, Any] = {"name": "Brute force", "app": "search", "owner": "ann", "disabled": False}
    return SavedSearch(**{**facts, "scheduled": True, "attached": True, **changes})


def beat(**changes: Any) -> Heartbeat:
    """A modular input that works for all search heads."""
    facts: dict[str, Any] = {"enabled": True, "lease": Lease("sh1:42", NOW + 200), "log_age": 100.0}
    return Heartbeat(**{**facts, **changes})


def statistics(**changes: Any) -> AccountStatistics:
    """An account with nothing in the outbox."""
    facts: dict[str, Any] = {
        **dict.fromkeys(("pending", "due", "unclear", "rejected", "delivered", "discarded", "pending_rows"), 0),
        **dict.fromkeys(("stored_bytes", "most_attempts"), 0),
        "account": "prod",
        "oldest_age": None,
        "next_attempt": None,
        "last_error": "",
    }
    return AccountStatistics(**{**facts, **changes})


def caller(*capabilities: str) -> Caller:
    """An analyst."""
    return Caller("ann", ("user",), frozenset(capabilities))


def index(**changes: Any) -> Index:
    """An index that users may search."""
    facts: dict[str, Any] = {"name": "main", "is_here": True, "readers": {"user": ("*",), "admin": ("*", "_*")}}
    return Index(**{**facts, **changes})


def splunk(**changes: Any) -> SplunkFacts:
    """What a healthy splunkd says."""
    facts: dict[str, Any] = {
        "caller": caller(),
        "version": "10.0.1",
        "kv_store": "ready",
        "outbox": (),
        "delivery": beat(),
        "feedback": Heartbeat(None, None, None),
        "index": index(),
        "cim": None,
        "es": None,
        "parsing": {"sourcetype": "modular_alerts:send_to_soar"},
    }
    return SplunkFacts(**{**facts, **changes})


def disk(**changes: Any) -> DiskFacts:
    """What the disk of a healthy search head says."""
    facts: dict[str, Any] = {
        "mapping": 174,
        "limits": {"maxresults": "50000", "maxtime": "5m"},
        "interpreter": Interpreter((3, 13, 1), "/opt/splunk/bin/python3.13", "OpenSSL 3.0"),
        "package": Package(500),
    }
    return DiskFacts(**{**facts, **changes})


def examination(**changes: Any) -> Examination:
    """Everything, and nothing is wrong."""
    facts: dict[str, Any] = {
        "account": '"prod": https://soar.example.com.',
        "connection": CONNECTION,
        "soar": soar(),
        "splunk": splunk(),
        "disk": disk(),
        "subject": Subject("events"),
        "now": NOW,
    }
    return Examination(**{**facts, **changes})
