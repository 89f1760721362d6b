"""Which of the server's names a run asks for: only those parts of its vocabulary are ever fetched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from soarlink.plan import severity
from soarlink.plan.containerfields import ROLE_PREFIX
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
    from collections.abc import Iterable, Mapping, Sequence

    from soarlink.plan.parameters import SendParameters
    from soarlink.plan.template import Template

Asked = tuple[str, str]
"""(part, name)"""

REQUIRED = frozenset({USER, ROLE, TENANT, WORKBOOK})
"""Parts without which a name can't be sent, because SOAR wants an id. It judges the other names itself."""

_RESENDABLE = frozenset({"label", "severity"})
_NO_ROW = Row("", 0, {})


def judged_by_soar(parameters: SendParameters) -> frozenset[str]:
    """Parts whose names the plan only checks: without a list they are sent as they stand, and SOAR judges them."""
    return frozenset({LABEL, SEVERITY} if parameters.severity.is_fixed else {LABEL})


def missing_parts(
    parameters: SendParameters,
    facts: Mapping[str, str],
    rows: Iterable[Row],
    columns: Sequence[str],
    vocabulary: Vocabulary,
    *,
    default_label: str,
) -> frozenset[str]:
    """The parts in which the vocabulary lacks a name that the run asks for.

    Args:
        parameters: what the user asked for.
        facts: what templates may use beside the row.
        rows: the results; read only when a template needs their columns, and no further than needed.
        columns: the fields of the results file.
        vocabulary: what is known.
        default_label: the account's container label. Where labels were never listed it is SOAR's to judge: most runs
            name no label, and shall cost no request.
    """
    missing = {CUSTOM_FIELD for name, _ in parameters.custom_fields if vocabulary.find(CUSTOM_FIELD, name) is None}
    if not parameters.label.text and vocabulary.knows(LABEL) and vocabulary.find(LABEL, default_label) is None:
        missing.add(LABEL)
    per_row: list[tuple[str, Template]] = []
    for parameter, template in _templates(parameters):
        if not set(template.needs).isdisjoint(columns):
            per_row.append((parameter, template))
        else:
            missing.update(_lacking(parameter, template, _NO_ROW, facts, vocabulary))
    if per_row:
        missing.update(_in_rows(per_row, facts, rows, vocabulary))
    return frozenset(missing)


def _templates(parameters: SendParameters) -> list[tuple[str, Template]]:
    named = [
        ("label", parameters.label),
        ("severity", parameters.severity),
        ("status", parameters.status),
        ("owner", parameters.owner),
        ("tenant", parameters.tenant),
        ("workbook", parameters.workbook),
    ]
    return [(name, template) for name, template in named if template.text]


def _in_rows(
    wanted: Sequence[tuple[str, Template]], facts: Mapping[str, str], rows: Iterable[Row], vocabulary: Vocabulary
) -> set[str]:
    """Each combination of values is looked at once; when every template lacks a name there is nothing more to learn."""
    missing: set[str] = set()
    satisfied = {parameter for parameter, _ in wanted}
    fields = sorted({name for _, template in wanted for name in template.needs})
    met: set[tuple[object, ...]] = set()
    for row in rows:
        values = tuple([row.fields.get(name) for name in fields])
        if values in met:
            continue
        met.add(values)
        for parameter, template in wanted:
            found = _lacking(parameter, template, row, facts, vocabulary)
            missing |= found
            if found and parameter != "owner":  # an owner may be of either part, user or role
                satisfied.discard(parameter)
        if not satisfied or (satisfied == {"owner"} and {USER, ROLE} <= missing):
            break
    return missing


def _lacking(
    parameter: str, template: Template, row: Row, facts: Mapping[str, str], vocabulary: Vocabulary
) -> set[str]:
    asked = _asked(parameter, template.render(row, facts))
    return set() if asked is None or vocabulary.find(*asked) is not None else {asked[0]}


def _asked(parameter: str, text: str) -> Asked | None:
    """What a rendered parameter names; None when it names nothing, or something that needs no list."""
    if not text:
        return None
    if parameter == "severity":
        return None if severity.is_built_in(text) else (SEVERITY, text)
    if parameter == "label":
        return LABEL, text
    if parameter == "status":
        return STATUS, text
    if parameter == "owner" and text.lower().startswith(ROLE_PREFIX):
        name = text[len(ROLE_PREFIX) :].strip()
        return None if name.isdecimal() or not name else (ROLE, name)
    if text.isdecimal():
        return None
    return {"owner": USER, "tenant": TENANT, "workbook": WORKBOOK}[parameter], text


def refusals(parameters: SendParameters, facts: Mapping[str, str], vocabulary: Vocabulary) -> list[str]:
    """Why names that are the same for every row can't be used: told before anything is planned.

    A label and a severity are not among them: they are refused container by container, so that a person finds the
    containers in the outbox and can send them with another one.
    """
    asked = [
        (name, _asked(name, template.render(_NO_ROW, facts)))
        for name, template in _templates(parameters)
        if template.is_fixed and name not in _RESENDABLE
    ]
    asked += [("custom_fields", (CUSTOM_FIELD, name)) for name, _ in parameters.custom_fields]
    return [
        vocabulary.refusal(f"parameter {parameter}", *name)
        for parameter, name in asked
        if name is not None and vocabulary.knows(name[0]) and vocabulary.find(*name) is None
    ]
