"""What a fresh stand-in holds: vocabularies, roles, apps, playbooks and workbook templates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.soar.cef_fields import TYPED, UNTYPED
from lab.soar.switches import Outcome, ScriptedAction
from lab.soar.timestamp import format_time
from lab.soar.user import AUTOMATION_PERMISSIONS
from lab.soar.vocabulary import add_label

if TYPE_CHECKING:
    from lab.soar.storage import Store

SYSTEM_USER = "automation"
"""The hidden user on whose behalf active playbooks run."""

_LABELS = ("events", "notable", "email", "intel")
_SEVERITIES = (("High", "red"), ("Medium", "yellow"), ("Low", "green"))
_STATUSES = (("new", "new"), ("open", "open"), ("closed", "resolved"))
_PEOPLE = (("soar_local_admin", "Local", "Admin"), ("alice", "Alice", "Moreau"), ("bob", "Bob", "Lindqvist"))
_ROLES = ("Administrator", "Automation", "Incident Commander", "Observer")
_CUSTOM_FIELDS = (("splunk_sid", "Splunk search id"), ("splunk_rid", "Splunk result id"), ("detection", "Detection"))
_APPS = (
    ("MaxMind", "c566e153-3118-4033-abda-14dd9748c91a", "MaxMind", "1.2.0", "information"),
    ("VirusTotal v3", "b70eb7e1-5e0b-4e9d-a6e7-3f6a5d6a2c11", "VirusTotal", "1.7.1", "reputation"),
    ("CrowdStrike OAuth API", "ceb48320-d51e-4af8-8a3c-0a2a2b4f6a56", "CrowdStrike", "5.1.0", "endpoint"),
)
_WORKBOOK = (
    "Incident response",
    (
        ("Detection", (("Confirm the alert", False), ("Find the affected systems and users", False))),
        ("Containment", (("Isolate affected systems", True), ("Disable affected accounts", True))),
        ("Recovery", (("Restore service", False), ("Write down what was learned", True))),
    ),
)
_DATA_INPUTS = [
    {"name": "indicators", "description": "Values to look up", "contains": ["ip", "domain", "hash", "url"]},
]
_DATA_OUTPUTS = [{"name": "verdict", "description": "What the sources say"}]

_PLAYBOOKS: tuple[dict[str, Any], ...] = (
    {
        "name": "splunk_triage",
        "category": "Triage",
        "active": True,
        "labels": ["*"],
        "description": "First look at whatever comes in",
    },
    {
        "name": "phishing_triage",
        "category": "Triage",
        "labels": ["email"],
        "tags": ["phishing"],
        "description": "Looks up senders, addresses and links of a reported mail, then opens the case",
    },
    {
        "name": "contain_host",
        "category": "Response",
        "labels": ["events", "notable"],
        "tags": ["containment"],
        "description": "Asks an analyst, then isolates the host",
    },
    {
        "name": "enrich_indicators",
        "category": "Enrichment",
        "playbook_type": "data",
        "input_spec": _DATA_INPUTS,
        "output_spec": _DATA_OUTPUTS,
        "description": "Answers what is known about indicators",
    },
)
_LOOKUPS = (
    ScriptedAction("geolocate ip", "MaxMind", "ip", ("sourceAddress", "destinationAddress")),
    ScriptedAction("url reputation", "VirusTotal v3", "url", ("requestURL",)),
)
_QUARANTINE = ScriptedAction(
    "quarantine device", "CrowdStrike OAuth API", "hostname", ("destinationHostName", "destinationAddress"), "contain"
)
SEEDED_OUTCOMES: dict[str, Outcome] = {
    "local/splunk_triage": Outcome(comment="Triage done: artifacts read, no earlier container with these values."),
    "local/phishing_triage": Outcome(
        note=("Phishing triage", "Sender, addresses and links were looked up; see the action results."),
        container_status="open",
        tags=("triaged",),
        actions=_LOOKUPS,
    ),
    "local/contain_host": Outcome(
        status="prompt", message="Isolate the host?", container_status="open", actions=(_QUARANTINE,)
    ),
    "local/enrich_indicators": Outcome(outputs={"verdict": ["unknown"]}),
}
"""How the runs of the seeded playbooks end."""


def seed(store: Store, now: float) -> None:
    """Fill an empty store; one that has been filled stays as it is."""
    with store.transaction():
        if store.count("scm"):
            return
        moment = format_time(now)
        _seed_vocabulary(store, moment)
        _seed_people(store)
        _seed_automation(store, moment)
        _seed_workbook(store, moment)


def _seed_vocabulary(store: Store, moment: str) -> None:
    for label in _LABELS:
        add_label(store, label)
    for order, (name, color) in enumerate(_SEVERITIES):
        is_default = name == "Medium"
        values = {"name": name, "color": color, "is_default": is_default, "disabled": False, "order": order}
        store.insert("severity", values)
    for name, status_type in _STATUSES:
        values = {"name": name, "status_type": status_type, "is_default": True, "is_mutable": False, "order": 0}
        times = {"create_time": moment, "modified_time": moment}
        store.insert("container_status", {**values, **times, "disabled": False})
    for name, label in _CUSTOM_FIELDS:
        values = {"name": name, "label": label, "data_type": "text", "required": False, "container_type": "default"}
        store.insert("custom_field", values)
    for name in sorted([*TYPED, *UNTYPED], key=str.lower):
        store.insert("cef", {"type": "default", "name": name, "data_type": list(TYPED.get(name, ()))})
    store.insert("feature_flag", {"name": "webhooks", "enabled": False})
    store.insert("feature_flag", {"name": "indicators", "enabled": False})


def _seed_people(store: Store) -> None:
    for name in _ROLES:
        permissions = AUTOMATION_PERMISSIONS if name in {"Administrator", "Automation"} else {"containers": ["view"]}
        store.insert("role", {"name": name, "description": name, "immutable": True, "permissions": permissions})
    person = {"is_active": True, "roles": [], "default_tenant": 0, "permissions": {}}
    store.insert("ph_user", {**person, "username": SYSTEM_USER, "type": "automation", "allowed_ips": []})
    for username, first, last in _PEOPLE:
        names = {"username": username, "first_name": first, "last_name": last, "email": f"{username}@example.com"}
        store.insert("ph_user", {**person, **names, "type": "normal"})


def _seed_automation(store: Store, moment: str) -> None:
    scm = store.insert("scm", {"name": "local", "type": "git", "branch": "main", "read_only": False, "version": 1})
    store.insert("scm", {"name": "community", "type": "git", "branch": "main", "read_only": True, "version": 1})
    for playbook in _PLAYBOOKS:
        values = {
            "scm": scm,
            "tags": [],
            "active": False,
            "disabled": False,
            "draft_mode": False,
            "playbook_type": "automation",
            "labels": ["*"],
            "input_spec": [],
            "output_spec": [],
            "playbook_trigger": "artifact_created",
            "python": "",
            "version": 1,
            "create_time": moment,
            "update_time": moment,
        }
        store.insert("playbook", {**values, **playbook})
    for name, appid, vendor, version, kind in _APPS:
        values = {"name": name, "appid": appid, "product_name": name, "product_vendor": vendor, "type": kind}
        app = store.insert("app", {**values, "app_version": version})
        asset = {"name": name.lower().replace(" ", "_"), "product_name": name, "product_vendor": vendor, "app": app}
        store.insert("asset", {**asset, "type": kind, "disabled": False, "tags": [], "version": 1})


def _seed_workbook(store: Store, moment: str) -> None:
    name, phases = _WORKBOOK
    values = {"name": name, "description": name, "is_default": True, "version": 1, "create_time": moment}
    template = store.insert("workbook_template", values)
    for phase_order, (phase_name, tasks) in enumerate(phases, start=1):
        phase_values = {"name": phase_name, "template": template, "order": phase_order}
        phase = store.insert("workbook_phase_template", phase_values)
        for order, (task, is_note_required) in enumerate(tasks, start=1):
            values = {"name": task, "phase": phase, "order": order, "is_note_required": is_note_required}
            store.insert("workbook_task_template", values)
