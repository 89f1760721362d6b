"""``| soardoctor``: what is wrong between Splunk and SOAR, and what to do. Changes nothing unless ``create=true``."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from splunklib.searchcommands import Configuration

from soarlink.commands.doctor_arguments import DoctorArguments, read
from soarlink.commands.outbox_command import APP, OutboxCommand, home
from soarlink.commands.session import CAPABILITY, caller
from soarlink.doctor import disk_reader, soar_reader, splunk_reader, trial
from soarlink.doctor.catalogue import ANSWER, CHECKS, QUESTIONS
from soarlink.doctor.connection import connection, first_failed
from soarlink.doctor.examination import Examination, answering, diagnose
from soarlink.doctor.facts import SavedSearch, Subject, Trial, Unread
from soarlink.errors import ParameterError, SendToSoarError, SettingsError, SplunkdError
from soarlink.plan.parameters import DEFAULTS
from soarlink.secret import Secret
from soarlink.soar.client import SoarClient
from soarlink.splunk import grant, policy
from soarlink.splunk.apilog import ApiLog
from soarlink.splunk.settings import Settings, no_secrets

if TYPE_CHECKING:
    from soarlink.doctor.diagnosis import Diagnosis
    from soarlink.doctor.facts import DiskFacts, SoarFacts, SplunkFacts
    from soarlink.outbox.collection import Outbox
    from soarlink.soar.account import Account
    from soarlink.splunk.apilog import ApiCalls
    from soarlink.splunk.splunkd import Splunkd

PATIENCE = 20.0
"""Most seconds that one answer of SOAR is waited for: a person waits."""

_REFUSED = (401, 403)
_SECTIONS = {check.name: check.section for check in CHECKS}


@Configuration(type="reporting")
class DoctorCommand(OutboxCommand):
    """One row for each check: section, check, verdict, evidence, remedy, account."""

    request = DoctorArguments()

    def parse(self, words: list[str], now: float) -> None:  # noqa: ARG002 - see the base
        """Read the arguments."""
        try:
            self.request = read(words)
        except ParameterError as error:
            # "Correct the action's parameters" is no way out here.
            raise SendToSoarError(" ".join(error.problems)) from None

    def records(self, outbox: Outbox, splunkd: Splunkd) -> Iterator[dict[str, Any]]:  # noqa: ARG002 - see the base
        """Examine, and give the rows."""
        request = self.request
        if request.create:
            _require_right(splunkd)
        facts, account = self._examine(splunkd)
        found = diagnose(facts)
        if request.question:
            found = answering(QUESTIONS[request.question], found)
        for diagnosis in found:
            yield _record(diagnosis, account)

    def _examine(self, splunkd: Splunkd) -> tuple[Examination, Account | None]:
        request, now = self.request, self.clock()
        settings = Settings.load(APP)
        logs = splunk_reader.Inputs(
            disk_reader.log_age(home(), "soar_delivery", now), disk_reader.log_age(home(), "soar_feedback", now)
        )
        splunk = splunk_reader.read(splunkd, settings, request.search, logs, now)
        account, withheld = _account(splunkd, settings, request.account or _parameters(splunk).get("account", ""))
        subject = _subject(request, _parameters(splunk), account)
        name = "" if isinstance(account, Unread) else account.name
        disk: DiskFacts = disk_reader.read(APP, home(), name, self.clock)
        limited = _limited_to(settings, request.account or _parameters(splunk).get("account", ""))
        if isinstance(account, Unread):
            return Examination(account, (), None, splunk, disk, subject, now, limited_to=limited), None
        polls = splunk_reader.polls(splunkd, settings, account.name)
        said = f'"{account.name}": {account.url}, default label {account.default_label}.'
        if withheld:
            return Examination(said, (), None, splunk, disk, subject, now, None, polls, withheld, limited), account
        log = ApiLog(home(), "soardoctor", self.clock)
        try:
            calls = log.connection(account.name, {"user": caller(splunkd).name})
            steps = connection(account, self.clock, calls)
            soar, attempt = (None, None) if first_failed(steps) else self._ask(account, subject, splunkd, calls)
        finally:
            log.close()
        return Examination(said, steps, soar, splunk, disk, subject, now, attempt, polls, "", limited), account

    def _ask(
        self, account: Account, subject: Subject, splunkd: Splunkd, calls: ApiCalls
    ) -> tuple[SoarFacts, Trial | None]:
        client = SoarClient(account, observe=calls)
        try:
            attempt = None
            if self.request.create:
                identity = f"send_to_soar_test:{uuid.uuid4().hex}"
                attempt = trial.attempt(client, subject, caller(splunkd).name, identity)
            return soar_reader.read(client, subject), attempt
        finally:
            client.close()


class ChecksCommand(DoctorCommand):
    """The same for views: it sends nothing, so Splunk runs it without asking first."""

    def parse(self, words: list[str], now: float) -> None:
        """Read the arguments; ``create`` is none of them."""
        super().parse(words, now)
        if any(word.partition("=")[0].strip() == "create" for word in words):
            raise SendToSoarError("soarchecks sends nothing.", "A test container is sent by | soardoctor create=true.")


def _account(splunkd: Splunkd, settings: Settings, wanted: str) -> tuple[Account | Unread, str]:
    """The account with its secret, as the caller may have it: the one place where the doctor gets it.

    Returns:
        The account, or why there is none; and, where the caller may use the account but not have its secret, why: only
        the delivery input sends for it. Who may read stored passwords has the secret all the same.
    """
    withheld = ""
    try:
        name = settings.account_name(wanted)
        granted = grant.ask(splunkd, name)
        try:
            account = settings.account(name, splunkd.credentials if granted.by_service else granted.credentials)
        except SplunkdError as error:
            if not granted.by_service or error.status not in _REFUSED:
                raise
            account = replace(settings.account(name, no_secrets), token=Secret(""), password=Secret(""), proxy=None)
            withheld = f'Only the delivery input, and administrators, have the secret of "{name}": have one run this.'
    except SendToSoarError as error:
        return Unread(error.what, error.remedy), ""
    return replace(account, read_timeout=min(account.read_timeout, PATIENCE)), withheld


def _limited_to(settings: Settings, wanted: str) -> frozenset[str]:
    try:
        name = settings.account_name(wanted)
        return policy.access(name, settings.accounts[name]).roles
    except SettingsError:
        return frozenset()


def _parameters(splunk: SplunkFacts) -> dict[str, str]:
    """What the saved search sets of the action's parameters."""
    found = splunk.search
    return {key: value for key, value in found.parameters.items() if value} if isinstance(found, SavedSearch) else {}


def _subject(request: DoctorArguments, given: dict[str, str], account: Account | Unread) -> Subject:
    default = "events" if isinstance(account, Unread) else account.default_label
    return Subject(
        label=request.label or given.get("label", "") or default,
        severity=request.severity or given.get("severity", "") or DEFAULTS["severity"],
        playbook=request.playbook or given.get("playbook", ""),
        automation=given.get("automation", DEFAULTS["automation"]).lower() in ("1", "true"),
        container=request.container,
        search=request.search,
    )


def _require_right(splunkd: Splunkd) -> None:
    """Refuse whoever may not create something in SOAR by hand.

    Raises:
        SplunkdError: with the capability and the role that has it.
    """
    who = caller(splunkd)
    if CAPABILITY not in who.capabilities:
        raise SplunkdError(
            f"{who.name} may not have a test container sent.",
            f"create=true takes the capability {CAPABILITY}, which the role send_to_soar_admin has.",
            403,
        )


def _record(diagnosis: Diagnosis, account: Account | None) -> dict[str, Any]:
    return {
        "section": _SECTIONS.get(diagnosis.check, ANSWER),
        "check": diagnosis.check,
        "verdict": diagnosis.verdict.value,
        "evidence": _without_secrets(diagnosis.evidence, account),
        "remedy": _without_secrets(diagnosis.remedy, account),
        "account": "" if account is None else account.name,
    }


def _without_secrets(text: str, account: Account | None) -> str:
    """What a server says may repeat what it was sent."""
    if account is not None:
        for secret in (*account.login().values(), account.token.reveal(), account.password.reveal()):
            text = text.replace(secret, "…") if secret else text
    return text
