"""Container fields that name things of the SOAR server, or that have a grammar: filled per row, told when adjusted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

from soarlink.plan import moment, severity
from soarlink.plan.fitting import cut_text
from soarlink.plan.vocabulary import (
    CUSTOM_FIELD,
    LABEL,
    ROLE,
    SEVERITY,
    STATUS,
    TENANT,
    USER,
    WORKBOOK,
    Vocabulary,
)
from soarlink.rows.row import Row

if TYPE_CHECKING:
    from collections.abc import Mapping

    from soarlink.plan.parameters import SendParameters
    from soarlink.plan.template import Template

KILL_CHAIN: tuple[str, ...] = (
    "Reconnaissance",
    "Weaponization",
    "Delivery",
    "Exploitation",
    "Installation",
    "Command & Control",
    "Actions on Objectives",
)
"""The stages that SOAR knows (REST reference, 3.1)."""

ROLE_PREFIX = "role:"


class Filled:
    """The fields of one container, notes on what was adjusted, and why the container can't be sent as asked."""

    __slots__ = ("body", "notes", "refusals")

    def __init__(self) -> None:
        self.body: dict[str, Any] = {}
        self.notes: list[str] = []
        self.refusals: list[str] = []


class ContainerFields:
    """Fills these fields for the rows of one run.

    A name that the server lacks is a refusal, and stands in the body as it was asked for: who sends the container again
    after all, lets SOAR judge it.

    Args:
        parameters: what the user asked for.
        default_label: the account's container label, used where the parameter is empty.
        facts: what templates may use beside the row.
        vocabulary: the server's names; a name of a part that it does not know is sent as it stands, an owner's with a
            note, because SOAR wants an id.
        started: when the search was dispatched, seconds since 1970; None when that is not known.
    """

    def __init__(
        self,
        parameters: SendParameters,
        default_label: str,
        facts: Mapping[str, str],
        vocabulary: Vocabulary,
        started: float | None = None,
    ) -> None:
        self._parameters = parameters
        self._default_label = default_label
        self._facts = facts
        self._vocabulary = vocabulary
        self._started = started
        self._severities = vocabulary.names(SEVERITY)
        self._fixed_severity, self._severity_refusal = self._of_fixed(parameters.severity)
        fillers: tuple[tuple[Template, Callable[[Row, str, Filled], None]], ...] = (
            (parameters.status, self._status),
            (parameters.owner, self._owner),
            (parameters.tenant, lambda _, text, filled: self._named("tenant", TENANT, "tenant_id", text, filled)),
            (
                parameters.workbook,
                lambda _, text, filled: self._named("workbook", WORKBOOK, "template_id", text, filled),
            ),
            (parameters.due, self._due),
            (parameters.kill_chain, self._kill_chain),
        )
        # Most runs use none of them.
        self._fillers = tuple((template, fill) for template, fill in fillers if template.text)

    def fill(self, row: Row) -> Filled:
        """All but the severity, for the row that a container begins with; what renders empty leaves its field out."""
        filled = Filled()
        self._label(self._parameters.label.render(row, self._facts), filled)
        if self._severity_refusal:
            filled.refusals.append(self._severity_refusal)
        for template, fill in self._fillers:
            text = template.render(row, self._facts)
            if text:
                fill(row, text, filled)
        if self._parameters.custom_fields:
            self._custom_fields(row, filled)
        return filled

    def severity(self, row: Row) -> tuple[str, str]:
        """The severity of a row's container and artifacts, and a note when it is not the row's own word."""
        template = self._parameters.severity
        if template.is_fixed:
            return self._fixed_severity, ""
        return severity.fit(template.render(row, self._facts), self._severities)

    def _of_fixed(self, template: Template) -> tuple[str, str]:
        """The severity that a user wrote in full, which is never adjusted, and why it can't be used."""
        if not template.is_fixed:
            return "", ""
        text = template.render(Row("", 0, {}), self._facts)
        if severity.is_built_in(text):
            return text.lower(), ""
        found = self._vocabulary.find(SEVERITY, text)
        if found is not None:
            return found[0], ""
        known = self._vocabulary.knows(SEVERITY)
        return text, self._vocabulary.refusal("parameter severity", SEVERITY, text) if known else ""

    def _label(self, text: str, filled: Filled) -> None:
        name = text or self._default_label
        found = self._vocabulary.find(LABEL, name)
        if found is None and self._vocabulary.knows(LABEL):
            where = "parameter label" if text else "the account's default label"
            filled.refusals.append(self._vocabulary.refusal(where, LABEL, name))
        filled.body["label"] = found[0] if found else name

    def _status(self, _row: Row, text: str, filled: Filled) -> None:
        found = self._vocabulary.find(STATUS, text)
        if found is None and self._vocabulary.knows(STATUS):
            filled.refusals.append(self._vocabulary.refusal("parameter status", STATUS, text))
        filled.body["status"] = found[0] if found else text.lower()

    def _owner(self, _row: Row, text: str, filled: Filled) -> None:
        is_role = text.lower().startswith(ROLE_PREFIX)
        name = text[len(ROLE_PREFIX) :].strip() if is_role else text
        if name:
            self._named("owner", ROLE if is_role else USER, "role_id" if is_role else "owner_id", name, filled)

    def _named(self, parameter: str, part: str, key: str, name: str, filled: Filled) -> None:
        """A name as the id that SOAR wants; digits are an id already."""
        found = self._vocabulary.find(part, name)
        if found is not None:
            filled.body[key] = found[1]
        elif name.isdecimal():
            filled.body[key] = int(name)
        else:
            filled.body[key] = name
            if self._vocabulary.knows(part):
                filled.refusals.append(self._vocabulary.refusal(f"parameter {parameter}", part, name))
            else:
                filled.notes.append(f'{parameter} "{name}" was not looked up in SOAR')

    def _due(self, row: Row, text: str, filled: Filled) -> None:
        later = moment.offset(text)
        due = moment.point(text)
        if later is not None:
            start = moment.epoch(row.first("_time"))
            if start is None and self._started is not None:
                start = self._started
                filled.notes.append(f'due "{text}" counts from the start of the search: the result has no _time')
            due = None if start is None else start + later
        if due is None:
            filled.notes.append(f'due "{text}" is no time that SOAR could use: left to SOAR')
        else:
            filled.body["due_time"] = moment.written(due)

    def _kill_chain(self, _row: Row, text: str, filled: Filled) -> None:
        stage = kill_chain_stage(text)
        if stage:
            filled.body["kill_chain"] = stage
        else:
            filled.notes.append(f'kill_chain "{text}" is none of {", ".join(KILL_CHAIN)}: left out')

    def _custom_fields(self, row: Row, filled: Filled) -> None:
        values: dict[str, str] = {}
        for name, template in self._parameters.custom_fields:
            found = self._vocabulary.find(CUSTOM_FIELD, name)
            if found is None and self._vocabulary.knows(CUSTOM_FIELD):
                filled.refusals.append(self._vocabulary.refusal("parameter custom_fields", CUSTOM_FIELD, name))
            text = template.render(row, self._facts)
            if text:
                values[found[0] if found else name] = cut_text(text)
                if values[found[0] if found else name] != text:
                    filled.notes.append(f"custom field {name} was cut: it has {len(text)} characters")
        if values:
            filled.body["custom_fields"] = values


def kill_chain_stage(text: str) -> str:
    """The stage as SOAR spells it, "" for anything else; ``-``, ``_`` and ``and`` are as good as their spelling."""
    wanted = _folded(text)
    return next((stage for stage in KILL_CHAIN if _folded(stage) == wanted), "")


def _folded(text: str) -> str:
    return " ".join(text.lower().replace("&", " and ").replace("-", " ").replace("_", " ").split())
