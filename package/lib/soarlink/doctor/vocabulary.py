"""Names that SOAR must know: the label, the severity."""

from __future__ import annotations

import difflib

from soarlink.doctor.diagnosis import Diagnosis
from soarlink.doctor.facts import SoarFacts, Subject, Unread
from soarlink.doctor.wording import listed
from soarlink.plan import severity as severities

_TEMPLATE = "{{"


def label(facts: SoarFacts, subject: Subject) -> Diagnosis:
    """Whether SOAR has the label: it refuses containers of any other."""
    name, wanted = "label", subject.label
    if isinstance(facts.labels, Unread):
        return Diagnosis.skipped(name, f"SOAR's labels can't be read: {facts.labels.what}")
    if _TEMPLATE in wanted:
        return Diagnosis.skipped(name, f'"{wanted}" is filled from each result; SOAR has {listed(facts.labels)}.')
    if wanted in facts.labels:
        return Diagnosis.ok(name, f'SOAR has the label "{wanted}".')
    for known in facts.labels:
        if known.casefold() == wanted.casefold():
            return Diagnosis.ok(name, f'SOAR has the label "{known}", which "{wanted}" is sent as.')
    close = difflib.get_close_matches(wanted, facts.labels, 1)
    meant = f' Is "{close[0]}" meant?' if close else ""
    return Diagnosis.failed(
        name,
        f'SOAR has no label "{wanted}": it refuses every container of it. There are: {listed(facts.labels)}.',
        "Correct the parameter label or the account's default label, or create it in SOAR (Administration > Event "
        f"settings > Label settings).{meant}",
    )


def severity(facts: SoarFacts, subject: Subject) -> Diagnosis:
    """Whether SOAR has the severity: results with one that is written out and that it lacks are rejected."""
    name, wanted = "severity", subject.severity
    if isinstance(facts.severities, Unread):
        return Diagnosis.skipped(name, f"SOAR's severities can't be read: {facts.severities.what}")
    if not wanted or _TEMPLATE in wanted:
        note = severities.fit("critical", facts.severities)[1]
        told = f"; of Splunk's, {note}" if note else ""
        return Diagnosis.ok(name, f"Each result brings its own; SOAR has {listed(facts.severities)}{told}.")
    for known in facts.severities:
        if known.casefold() == wanted.casefold():
            return Diagnosis.ok(name, f'SOAR has the severity "{known}".')
    return Diagnosis.failed(
        name,
        f'SOAR has no severity "{wanted}": every result is rejected. There are: {listed(facts.severities)}.',
        "Correct the parameter severity, use a template with a default such as {{urgency|default:medium}}, or create "
        "it in SOAR (Administration > Event settings).",
    )
