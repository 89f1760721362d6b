"""The parameters of an action, parsed once and together.

``globalConfig.json`` declares them; a test holds names and defaults equal to :data:`DEFAULTS`. splunkd leaves a
parameter out when nobody set it and hands over "" when somebody emptied it: both mean the default.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from soarlink.mapping.multivalue import parse_multivalue
from soarlink.mapping.search import MappingOptions
from soarlink.plan import moment
from soarlink.plan.containerfields import KILL_CHAIN, kill_chain_stage
from soarlink.plan.reading import ParameterReader

if TYPE_CHECKING:
    from collections.abc import Mapping

    from soarlink.plan.template import Template

DEFAULTS: Mapping[str, str] = {
    "account": "",
    "label": "",
    "severity": "{{severity|or:urgency|default:medium}}",
    "sensitivity": "amber",
    "container_name": "{{rule_title|or:rule_name|or:search_name|default:Splunk finding}}",
    "description": "{{rule_description|or:description}}",
    "status": "",
    "owner": "",
    "tags": "",
    "due": "",
    "custom_fields": "",
    "tenant": "",
    "workbook": "",
    "kill_chain": "",
    "container_per": "result",
    "group_by": "",
    "identity": "auto",
    "identity_fields": "",
    "identity_window": "",
    "on_closed": "add",
    "multivalue": "list",
    "field_names": "both",
    "artifacts": "per_result",
    "attach_results": "none",
    "max_containers": "500",
    "automation": "1",
    "playbook": "",
    "dry_run": "0",
}
"""Every parameter of ``send_to_soar`` with the value that does the sensible thing."""

SEND_TO_SOAR = "send_to_soar"
RUN_SOAR_PLAYBOOK = "run_soar_playbook"
REQUEST_SOAR_ENRICHMENT = "request_soar_enrichment"

_SHARED = """account label severity sensitivity container_name description owner container_per group_by identity
identity_fields identity_window on_closed multivalue field_names max_containers automation dry_run""".split()

_OF_RUNS: Mapping[str, str] = {
    **{name: DEFAULTS[name] for name in _SHARED},
    "automation": "0",
    "playbooks": "",
    "scope": "auto",
    "inputs": "",
    "follow": "15",
}

DEFAULTS_OF: Mapping[str, Mapping[str, str]] = {
    SEND_TO_SOAR: DEFAULTS,
    RUN_SOAR_PLAYBOOK: _OF_RUNS,
    REQUEST_SOAR_ENRICHMENT: {**_OF_RUNS, "scope": "artifacts", "fields": ""},
}
"""Every action's parameters. What an action does not have keeps the default of ``send_to_soar``."""

SENSITIVITIES = ("white", "green", "amber", "red")
FIELD_NAMES = ("both", "cef", "original")
CONTAINER_PER = ("result", "group", "search")
IDENTITIES = ("auto", "fields")
ON_CLOSED = ("add", "reopen", "new")
ARTIFACTS = ("per_result", "summary")
ATTACH_RESULTS = ("none", "csv", "json")
SCOPES = ("auto", "new", "all", "artifacts")
MOST_FOLLOWED = 240
"""Seconds that an action follows its playbook runs at most: Splunk ends it after five minutes."""


class PlaybookOrder(NamedTuple):
    """A playbook that each container gets. ``inputs`` are filled from the container's first row."""

    name: str
    scope: str = ""
    inputs: tuple[tuple[str, Template], ...] = ()


class SendParameters(NamedTuple):
    """What one run of ``send_to_soar`` was asked to do. Templates are compiled, choices are checked.

    ``identity_window`` is in seconds, 0 for none.
    """

    account: str
    label: Template
    severity: Template
    sensitivity: str
    container_name: Template
    description: Template
    status: Template
    owner: Template
    tags: tuple[Template, ...]
    due: Template
    custom_fields: tuple[tuple[str, Template], ...]
    tenant: Template
    workbook: Template
    kill_chain: Template
    container_per: str
    group_by: tuple[str, ...]
    identity: str
    identity_fields: tuple[str, ...]
    identity_window: float
    on_closed: str
    mapping: MappingOptions
    artifacts: str
    attach_results: str
    max_containers: int
    automation: bool
    playbooks: tuple[PlaybookOrder, ...]
    follow: float | None
    """Seconds for which the runs are followed to their verdict; None where nobody asks what they come to."""
    fields: tuple[str, ...]
    """The fields that artifacts are made of; all of them where none are named."""
    asks_answers: bool
    """Whether what the runs answered is told with the results."""
    dry_run: bool


def parse(configuration: Mapping[str, object], action: str = SEND_TO_SOAR) -> SendParameters:
    """Parse an alert payload's ``configuration``.

    Args:
        configuration: as splunkd hands it over.
        action: whose parameters they are.

    Raises:
        ParameterError: with every problem at once, each naming parameter, value and what is allowed.
    """
    own = DEFAULTS_OF[action]
    reader = ParameterReader(configuration, {**DEFAULTS, **_OF_RUNS, "fields": "", **own}, known=own)
    parsed = SendParameters(
        account=reader.text("account"),
        label=reader.template("label"),
        severity=reader.template("severity"),
        sensitivity=reader.choice("sensitivity", SENSITIVITIES),
        container_name=reader.template("container_name"),
        description=reader.template("description"),
        status=reader.template("status"),
        owner=reader.template("owner", _owner),
        tags=reader.templates("tags"),
        due=reader.template("due", _due),
        custom_fields=reader.pairs("custom_fields"),
        tenant=reader.template("tenant"),
        workbook=reader.template("workbook"),
        kill_chain=reader.template("kill_chain", _kill_chain),
        container_per=reader.choice("container_per", CONTAINER_PER),
        group_by=reader.names("group_by"),
        identity=reader.choice("identity", IDENTITIES),
        identity_fields=reader.names("identity_fields"),
        identity_window=reader.convert("identity_window", _window),
        on_closed=reader.choice("on_closed", ON_CLOSED),
        mapping=MappingOptions(
            field_names=reader.choice("field_names", FIELD_NAMES),
            multivalue=reader.convert("multivalue", _multivalue),
        ),
        artifacts=reader.choice("artifacts", ARTIFACTS),
        attach_results=reader.choice("attach_results", ATTACH_RESULTS),
        max_containers=reader.count("max_containers"),
        automation=reader.switch("automation"),
        playbooks=_orders(reader, action),
        follow=reader.convert("follow", _seconds) if action != SEND_TO_SOAR else None,
        fields=reader.names("fields"),
        asks_answers=action == REQUEST_SOAR_ENRICHMENT,
        dry_run=reader.switch("dry_run"),
    )
    _check_together(parsed, reader)
    if action != SEND_TO_SOAR:
        _check_runs(parsed, reader)
    reader.finish()
    return parsed


def _check_together(parsed: SendParameters, reader: ParameterReader) -> None:
    """What one parameter says about another."""
    problems = reader.problems
    if parsed.container_per == "group" and not parsed.group_by:
        problems.append(
            'Parameter group_by is empty, but container_per is "group": name the fields whose values make a group, '
            "for example dest,user."
        )
    if parsed.identity == "fields" and not parsed.identity_fields:
        problems.append(
            'Parameter identity_fields is empty, but identity is "fields": name the fields that make a finding the '
            "same one, for example src,signature."
        )
    if parsed.identity != "fields":
        problems.extend(
            f'Parameter {name} has the value "{reader.text(name)}", but identity is "auto": set identity to "fields" '
            f"or leave {name} empty."
            for name in ("identity_fields", "identity_window")
            if reader.text(name)
        )


def _orders(reader: ParameterReader, action: str) -> tuple[PlaybookOrder, ...]:
    if action == SEND_TO_SOAR:
        name = reader.text("playbook")
        return (PlaybookOrder(name),) if name else ()
    scope, inputs = reader.choice("scope", SCOPES), reader.pairs("inputs")
    names = dict.fromkeys(part.strip() for part in reader.text("playbooks").replace("\n", ",").split(","))
    return tuple(PlaybookOrder(name, "" if scope == "auto" else scope, inputs) for name in names if name)


def _check_runs(parsed: SendParameters, reader: ParameterReader) -> None:
    if not parsed.playbooks:
        reader.problems.append("Parameter playbooks is empty: name one or more, for example local/contain_host.")
    if parsed.asks_answers and not parsed.fields:
        reader.problems.append("Parameter fields is empty: name the fields to ask about, for example src,user,url.")


def _multivalue(text: str) -> str:
    parse_multivalue(text)
    return text


def _window(text: str) -> float:
    return moment.span(text) if text.strip() else 0.0


def _seconds(text: str) -> float:
    if not text.strip().isdecimal() or int(text) > MOST_FOLLOWED:
        raise ValueError(
            f"a whole number is needed, at most {MOST_FOLLOWED} seconds, because Splunk ends an action after five "
            "minutes; with 0 the runs are looked at once"
        )
    return float(text)


def _due(text: str) -> None:
    if moment.offset(text) is None and moment.point(text) is None:
        raise ValueError("write an offset from the result's _time such as +4h, an epoch time, or ISO 8601")


def _owner(text: str) -> None:
    if text.lower() == "role:":
        raise ValueError("the role's name is missing; write for example role:Incident Commander")


def _kill_chain(text: str) -> None:
    if not kill_chain_stage(text):
        raise ValueError(f"allowed are {', '.join(KILL_CHAIN)}")
