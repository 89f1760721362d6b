"""Why a playbook runs, or does not (REST reference, 4.2 and 6.3).

A playbook starts by itself when it is active, of type automation, and its labels cover the container's, as soon as an
artifact comes that allows automation. One that an action names is started in any case, but an input playbook then gets
no inputs.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from soarlink.doctor.diagnosis import Diagnosis
from soarlink.doctor.facts import Container, Playbook, SoarFacts, Subject, Unread
from soarlink.doctor.wording import count, listed

_CLOSE = 0.8
_ACTIVATE = "In SOAR activate a playbook for the label, or name one in the action's parameter playbook."


def playbook(facts: SoarFacts, subject: Subject) -> Diagnosis:
    """Whether the playbook that the action names can run on the container."""
    name, wanted = "playbook", subject.playbook
    if not wanted:
        return Diagnosis.skipped(name, "No playbook is named (parameter playbook): see automation.")
    if isinstance(facts.playbooks, Unread):
        return Diagnosis.skipped(name, f"SOAR's playbooks can't be read: {facts.playbooks.what}")
    found = find(facts.playbooks, wanted)
    if found is None:
        return _missing(facts.playbooks, wanted)
    if found.disabled:
        return Diagnosis.failed(name, f"{_described(found)}. It is disabled.", "Enable it in SOAR, or name another.")
    if found.is_input:
        return Diagnosis.failed(
            name,
            f"{_described(found)}. It takes inputs, and Send to SOAR gives none.",
            "Name a playbook of type automation; it may call this one with inputs.",
        )
    if "/" not in wanted and not wanted.isdecimal():
        return Diagnosis.warning(
            name, f'"{wanted}" names no repository; SOAR takes {found.name}.', f"Write {found.name}."
        )
    if not found.starts_on(subject.label) and "{{" not in subject.label:
        return Diagnosis.warning(
            name,
            f'{_described(found)}. The action starts it, but it is not for label "{subject.label}".',
            "Give the playbook the label in SOAR, or send with a label of its.",
        )
    if found.draft:
        return Diagnosis.warning(name, f"{_described(found)}. It is in draft mode.", "Save it as final in SOAR.")
    return Diagnosis.ok(name, f"{_described(found)}. The action starts it, active or not.")


def automation(facts: SoarFacts, subject: Subject) -> Diagnosis:
    """Whether a playbook starts by itself on what is sent."""
    name, label = "automation", subject.label
    if not subject.automation:
        return Diagnosis.warning(
            name, "The parameter automation is 0: no playbook starts by itself.", "Set automation to 1, if one should."
        )
    if isinstance(facts.playbooks, Unread):
        return Diagnosis.skipped(name, f"SOAR's playbooks can't be read: {facts.playbooks.what}")
    if "{{" in label:
        return Diagnosis.skipped(name, f'The label "{label}" is filled from each result.')
    starting = active_for(facts.playbooks, label)
    if starting:
        names = listed([one.name for one in starting])
        return Diagnosis.ok(name, f'On label "{label}" start by themselves: {names}.')
    if subject.playbook:
        return Diagnosis.ok(name, f'No playbook is active for label "{label}"; {subject.playbook} is started by name.')
    return Diagnosis.warning(
        name, f'No playbook is active for label "{label}". {_instead(facts.playbooks, label)}', _ACTIVATE
    )


def container(facts: SoarFacts) -> Diagnosis:
    """Why nothing started in one container."""
    name, found = "container", facts.container
    if found is None:
        return Diagnosis.skipped(name, "Not asked for: container=<id> looks at the playbook runs of one.")
    if isinstance(found, Unread):
        return Diagnosis.failed(name, f"The container can't be read: {found.what}", found.remedy or "Check its id.")
    what = f'Container {found.id} has label "{found.label}" and {count(len(found.artifacts), "artifact")}'
    if not found.artifacts:
        return Diagnosis.failed(
            name,
            f"{what}: active playbooks start with artifacts.",
            "Find out why it has none: | soaroutbox, and the result event.",
        )
    if not found.runs:
        return _never_started(what, found, facts.playbooks)
    later = _came_later(found)
    states = listed([f"{run.state} (playbook {_name(facts.playbooks, run.playbook)})" for run in found.runs])
    if later:
        return Diagnosis.warning(
            name,
            f"{what}; {count(later, 'artifact')} came after the last run began. Runs: {states}.",
            "Run the playbook again with scope new. In Send to SOAR keep automation at 1: the last artifact then "
            "starts it.",
        )
    return Diagnosis.ok(name, f"{what}. Runs: {states}.")


def find(playbooks: Sequence[Playbook], wanted: str) -> Playbook | None:
    """The playbook of that id, ``repository/name`` or bare name, as SOAR looks it up."""
    for one in playbooks:
        if wanted in (str(one.id), one.name):
            return one
    return next((one for one in playbooks if one.name.rpartition("/")[2] == wanted), None)


def active_for(playbooks: Sequence[Playbook], label: str) -> list[Playbook]:
    """Those that SOAR starts by itself on a container of that label."""
    return [one for one in playbooks if one.active and not one.disabled and not one.is_input and one.starts_on(label)]


def _never_started(what: str, found: Container, playbooks: tuple[Playbook, ...] | Unread) -> Diagnosis:
    name = "container"
    if isinstance(playbooks, Unread):
        return Diagnosis.warning(
            name, f"{what}, and no playbook ever ran in it.", f"SOAR's playbooks can't be read: {playbooks.what}"
        )
    starting = active_for(playbooks, found.label)
    if not starting:
        return Diagnosis.failed(
            name, f"{what}. No playbook is active for that label. {_instead(playbooks, found.label)}", _ACTIVATE
        )
    return Diagnosis.failed(
        name,
        f"{what}. {listed([one.name for one in starting])} would start, but its artifacts came with automation off, "
        "or before the playbook was active.",
        "Set the action's parameter automation to 1; in this container run the playbook by hand.",
    )


def _missing(playbooks: Sequence[Playbook], wanted: str) -> Diagnosis:
    names = [one.name for one in playbooks]
    bare = wanted.rpartition("/")[2]
    elsewhere = [name for name in names if name.rpartition("/")[2] == bare]
    close = elsewhere or difflib.get_close_matches(wanted, names, 2, _CLOSE)
    meant = f" Is {' or '.join(close)} meant?" if close else ""
    return Diagnosis.failed(
        "playbook",
        f'SOAR has no playbook "{wanted}".{meant}',
        "Write it as repository/name, for example local/triage, and see that it is in SOAR.",
    )


def _instead(playbooks: Sequence[Playbook], label: str) -> str:
    """What comes near to starting on a label."""
    asleep = [one.name for one in playbooks if not one.active and not one.is_input and one.starts_on(label)]
    other = [
        f"{one.name} ({', '.join(one.labels) or 'no label'})"
        for one in playbooks
        if one.active and not one.is_input and not one.starts_on(label)
    ]
    parts = []
    if asleep:
        parts.append(f"Inactive for it: {listed(asleep)}.")
    if other:
        parts.append(f"Active for other labels: {listed(other)}.")
    return " ".join(parts)


def _came_later(found: Container) -> int:
    """Artifacts that no run has seen; 0 where SOAR does not say what a run has seen."""
    seen = [run.last_artifact for run in found.runs if run.last_artifact is not None]
    return sum(number > max(seen) for number in found.artifacts) if seen else 0


def _name(playbooks: tuple[Playbook, ...] | Unread, number: int) -> str:
    known = () if isinstance(playbooks, Unread) else playbooks
    return next((one.name for one in known if one.id == number), str(number))


def _described(found: Playbook) -> str:
    kind = "input playbook" if found.is_input else found.kind or "playbook"
    state = "active" if found.active else "not active"
    return f"{found.name} (id {found.id}): {kind}, {state}, labels {listed(found.labels)}"
