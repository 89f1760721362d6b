"""Every check by name, in the order in which they are shown, and the questions that they answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """A check: its name for machines, the section that it stands in, and what it looks at, for people."""

    name: str
    section: str
    looks_at: str


@dataclass(frozen=True)
class Question:
    """What users ask. ``checks``: those that may know the answer, the likeliest cause of all others first.

    ``cause`` begins the answer when one of them failed, ``fine`` is the answer when none did.
    """

    name: str
    text: str
    cause: str
    fine: str
    checks: tuple[str, ...]


ACCOUNT, CONNECTION, RIGHTS, NAMES, ADDON, BACKLOG, SPLUNK = (
    "account",
    "connection",
    "rights",
    "what is sent",
    "add-on",
    "waiting",
    "Splunk",
)

CHECKS: tuple[Check, ...] = (
    Check("account", ACCOUNT, "the account is configured, complete, and the caller may use it"),
    Check("dns", CONNECTION, "the name of the server has an address"),
    Check("tcp", CONNECTION, "the server accepts connections on the port"),
    Check("proxy", CONNECTION, "the proxy in force connects to the server"),
    Check("tls", CONNECTION, "the certificate is signed by an authority that is trusted, and names the host"),
    Check("certificate", CONNECTION, "the certificate does not end within 30 days"),
    Check("http", CONNECTION, "the server answers requests"),
    Check("soar", CONNECTION, "what answers is SOAR, and no login page or proxy"),
    Check("sign_in", CONNECTION, "token or password are accepted, from this machine's address"),
    Check("version", CONNECTION, "SOAR is not too old"),
    Check("containers", CONNECTION, "containers may be viewed"),
    Check("clock", CONNECTION, "the clocks of both machines agree"),
    Check("rights", RIGHTS, "the account may do in SOAR what the add-on does"),
    Check("privilege", RIGHTS, "the account may not do far more than that, as an administrator's token may"),
    Check("create", RIGHTS, "with create=true: a test container is sent, read back and closed"),
    Check(
        "search",
        NAMES,
        "with search=…: it is enabled, scheduled, has the action, right parameters, no dry run, an owner who may",
    ),
    Check("label", NAMES, "SOAR has the label"),
    Check("severity", NAMES, "SOAR has the severity"),
    Check("playbook", NAMES, "with a playbook: it exists under that name, is no input playbook, fits the label"),
    Check("automation", NAMES, "an active playbook starts by itself on the label"),
    Check("container", NAMES, "with container=…: why no playbook ran in it, or ran too early"),
    Check("mapping", ADDON, "every mapping rule compiles"),
    Check("overrides", ADDON, "no setting in local is without effect"),
    Check("limits", ADDON, "how many results Splunk hands over"),
    Check("interpreter", ADDON, "the Python that runs the add-on is one that it is tested on"),
    Check("package", ADDON, "the add-on's files are as they were built"),
    Check("delivery", BACKLOG, "the delivery input is enabled and alive"),
    Check("journals", BACKLOG, "no alert lies unfinished on this search head"),
    Check("pause", BACKLOG, "the server is not left alone because it turned us away"),
    Check("outbox", BACKLOG, "nothing waits in the outbox, or not for long"),
    Check("rejects", BACKLOG, "nothing in the outbox was rejected"),
    Check(
        "feedback", BACKLOG, "the feedback input is enabled and alive, and its last poll of the account was complete"
    ),
    Check("kv_store", SPLUNK, "the KV store is ready"),
    Check("index", SPLUNK, "the index of the result events exists, and the caller may search it"),
    Check("cim", SPLUNK, "the action's log is parsed, Splunk_SA_CIM is enabled if it is there"),
    Check(
        "enterprise_security",
        SPLUNK,
        "the caller may update notables, and none of the updates was refused; says by which way they go, and why",
    ),
)

_REACH = ("account", "dns", "tcp", "proxy", "tls", "http", "soar", "sign_in", "version", "containers", "rights")

QUESTIONS: Mapping[str, Question] = {
    one.name: one
    for one in (
        Question(
            "arrival",
            "SOAR receives nothing",
            "SOAR receives nothing because of",
            "Nothing stands in the way of what is sent. Look whether the search had results and whether the action "
            "ran: "
            '`soar_index` sourcetype="soar:action:result". create=true proves the whole way.',
            (
                *_REACH,
                "search",
                "label",
                "mapping",
                "interpreter",
                "package",
                "create",
                "delivery",
                "journals",
                "kv_store",
                "pause",
                "outbox",
                "rejects",
                "index",
            ),
        ),
        Question(
            "playbook",
            "the playbook does not start",
            "The playbook does not start because of",
            "A playbook should start. container=<id> looks at one container in which none did.",
            (*_REACH, "search", "container", "label", "playbook", "automation", "rejects", "outbox"),
        ),
        Question(
            "data",
            "data is incomplete",
            "Data is incomplete because of",
            "No setting keeps data back. | soarpreview shows, for a search's results, where each field goes and why.",
            (
                "account",
                "mapping",
                "search",
                "package",
                "rejects",
                "outbox",
                "journals",
                "overrides",
                "limits",
                "severity",
            ),
        ),
    )
}

ANSWER = "answer"
"""The check of the closing line under a question."""
