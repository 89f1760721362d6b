"""From facts to diagnoses: all checks in their order, or those that answer a question."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from soarlink.doctor import addon, backlog, permission, platform, playbook, vocabulary
from soarlink.doctor.catalogue import ANSWER, CHECKS, Question
from soarlink.doctor.diagnosis import Diagnosis, Verdict
from soarlink.doctor.facts import DiskFacts, Polls, SoarFacts, SplunkFacts, Subject, Trial, Unread
from soarlink.doctor.search import search
from soarlink.doctor.wording import listed

_NO_ACCOUNT = "Not reached, because account failed."
_CONNECTION = tuple(check.name for check in CHECKS if check.section == "connection")
_IN_SOAR = ("rights", "privilege", "create", "label", "severity", "playbook", "automation", "container")


@dataclass(frozen=True)
class Examination:
    """Everything that is known.

    ``account`` says in words which account it is, or why there is none. ``connection`` holds the diagnoses of the
    connection, ``soar`` what SOAR says; None when it could not be asked. ``now`` is in epoch seconds. ``polls`` tells
    of the account's feedback.
    """

    account: str | Unread
    connection: tuple[Diagnosis, ...]
    soar: SoarFacts | None
    splunk: SplunkFacts
    disk: DiskFacts
    subject: Subject
    now: float
    trial: Trial | None = None
    polls: Polls | Unread | None = None
    withheld: str = ""
    """Why the caller may not have the account's secret, although others use the account; empty where they have it."""
    limited_to: frozenset[str] = frozenset()
    """The Splunk roles that the account's settings name as those that may use it."""


def diagnose(facts: Examination) -> tuple[Diagnosis, ...]:
    """Every check, once, in the catalogue's order."""
    found = {one.check: one for one in (*_of_account(facts), *_of_soar(facts), *_of_disk(facts), *_of_splunk(facts))}
    return tuple(found[check.name] for check in CHECKS)


def answering(question: Question, found: Iterable[Diagnosis]) -> tuple[Diagnosis, ...]:
    """The checks that may know the answer, in the question's order, and the answer."""
    by_name = {one.check: one for one in found}
    chosen = tuple(by_name[name] for name in question.checks)
    return (*chosen, answer(question, chosen))


def answer(question: Question, chosen: Sequence[Diagnosis]) -> Diagnosis:
    """The closing line: the first check that failed, else the first that warns, is the cause."""
    for verdict, judge in ((Verdict.FAILED, Diagnosis.failed), (Verdict.WARNING, Diagnosis.warning)):
        causes = [one for one in chosen if one.verdict is verdict]
        if causes:
            first, others = causes[0], [one.check for one in causes[1:]]
            more = f" Look at {', '.join(others)} too." if others else ""
            doubt = "" if verdict is Verdict.FAILED else "If anything: "
            return judge(ANSWER, f"{doubt}{question.cause} {first.check}: {first.evidence}{more}", first.remedy)
    return Diagnosis.ok(ANSWER, question.fine)


def is_sound(found: Iterable[Diagnosis]) -> bool:
    """Whether nothing failed."""
    return all(one.verdict is not Verdict.FAILED for one in found)


def _of_account(facts: Examination) -> Iterable[Diagnosis]:
    unknown, remedy = _unknown_roles(facts)
    if isinstance(facts.account, Unread):
        what = f"{facts.account.what} {unknown}".rstrip()
        yield Diagnosis.failed("account", what, remedy or facts.account.remedy)
        yield from (Diagnosis.skipped(name, _NO_ACCOUNT) for name in _CONNECTION)
    else:
        if unknown:
            yield Diagnosis.warning("account", f"{facts.account} {unknown}", remedy)
        else:
            yield Diagnosis.ok("account", facts.account)
        yield from facts.connection or (Diagnosis.skipped(name, facts.withheld) for name in _CONNECTION)


def _unknown_roles(facts: Examination) -> tuple[str, str]:
    """What there is to say, and to do, of roles that the account is limited to and that Splunk does not have."""
    known = facts.splunk.index.readers
    if isinstance(known, Unread):
        return "", ""
    missing = sorted(facts.limited_to - {role.lower() for role in known})
    if not missing:
        return "", ""
    return (
        f"It is limited to roles that Splunk does not have: {listed(missing)}.",
        f"Correct Allowed roles of the account, or make the role. There are: {listed(sorted(known))}.",
    )


def _of_soar(facts: Examination) -> Iterable[Diagnosis]:
    soar, subject = facts.soar, facts.subject
    yield search(facts.splunk.search)
    if soar is None:
        broken = next((one.check for one in facts.connection if one.verdict is Verdict.FAILED), "account")
        why = facts.withheld or f"Not reached, because {broken} failed."
        yield from (Diagnosis.skipped(name, why) for name in _IN_SOAR)
        return
    yield permission.rights(soar, subject)
    yield permission.privilege(soar)
    yield permission.create(facts.trial)
    yield vocabulary.label(soar, subject)
    yield vocabulary.severity(soar, subject)
    yield playbook.playbook(soar, subject)
    yield playbook.automation(soar, subject)
    yield playbook.container(soar)


def _of_disk(facts: Examination) -> Iterable[Diagnosis]:
    disk = facts.disk
    yield addon.mapping(disk)
    yield addon.overrides(disk.overrides)
    yield addon.limits(disk.limits)
    yield platform.interpreter(disk.interpreter)
    yield addon.package(disk.package)
    yield backlog.journals(disk.journals)
    yield backlog.pause(disk.pause)


def _of_splunk(facts: Examination) -> Iterable[Diagnosis]:
    splunk = facts.splunk
    pending = not isinstance(splunk.outbox, Unread) and any(one.pending for one in splunk.outbox)
    waits = pending or bool(facts.disk.journals)
    yield backlog.heartbeat("delivery", "soar_delivery", splunk.delivery, facts.now, waits=waits)
    yield backlog.feedback(splunk.feedback, facts.polls, facts.now)
    yield backlog.outbox(splunk.outbox)
    yield backlog.rejects(splunk.outbox)
    yield platform.kv_store(splunk.kv_store)
    yield platform.index(splunk.index, splunk.caller)
    yield platform.cim(splunk.cim, splunk.parsing)
    yield platform.enterprise_security(splunk.es, splunk.caller, splunk.updates)
