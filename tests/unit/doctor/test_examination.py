"""All checks together: each once, in order; a question gets its answer."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soarlink.doctor.catalogue import ANSWER, CHECKS, QUESTIONS, Question
from soarlink.doctor.diagnosis import Diagnosis, Verdict
from soarlink.doctor.examination import answering, diagnose, is_sound
from soarlink.doctor.facts import Subject, Unread
from tests.unit.doctor.samples import AWAY, CONNECTION, disk, examination, index, soar, splunk, statistics

NAMES = tuple(check.name for check in CHECKS)


def test_every_check_is_made_once_in_the_catalogues_order() -> None:
    """And a healthy add-on has no fault."""
    found = diagnose(examination())
    assert tuple(one.check for one in found) == NAMES
    assert len(set(NAMES)) == len(NAMES)
    assert {one.check for one in found if one.verdict in (Verdict.WARNING, Verdict.FAILED)} == set()
    assert is_sound(found)


def test_questions_name_checks_that_exist() -> None:
    """And none twice."""
    for question in QUESTIONS.values():
        assert set(question.checks) <= set(NAMES)
        assert len(set(question.checks)) == len(question.checks)


def test_without_an_account_soar_is_not_judged() -> None:
    """What needs SOAR is skipped, the rest is checked."""
    found = {
        one.check: one for one in diagnose(examination(account=Unread("None.", "Add one."), connection=(), soar=None))
    }
    assert found["account"] == Diagnosis.failed("account", "None.", "Add one.")
    for name in ("dns", "clock", "rights", "label", "container", "create"):
        assert found[name] == Diagnosis.skipped(name, "Not reached, because account failed.")
    assert found["mapping"].verdict is Verdict.OK
    assert not is_sound(found.values())


@pytest.mark.parametrize(
    ("limited_to", "account", "verdict"),
    [
        ((), '"prod": https://soar.', Verdict.OK),
        (("user", "admin"), '"prod": https://soar.', Verdict.OK),
        (("user", "sock", "soc"), '"prod": https://soar.', Verdict.WARNING),
        (("sock", "soc"), Unread("It is limited to other roles.", "Ask."), Verdict.FAILED),
    ],
)
def test_roles_that_there_are_not_are_named(
    limited_to: tuple[str, ...], account: str | Unread, verdict: Verdict
) -> None:
    """A slip of the pen shuts everyone out: it is said to whom it shuts out, too, with the roles that there are."""
    found = {one.check: one for one in diagnose(examination(account=account, limited_to=frozenset(limited_to)))}
    assert found["account"].verdict is verdict
    said = "It is limited to roles that Splunk does not have: soc, sock."
    assert (said in found["account"].evidence) == (verdict is not Verdict.OK)
    assert ("There are: admin, user." in found["account"].remedy) == (verdict is not Verdict.OK)
    unread = splunk(index=index(readers=AWAY))
    blind = diagnose(examination(splunk=unread, limited_to=frozenset({"soc"})))
    assert {one.verdict for one in blind if one.check == "account"} == {Verdict.OK}


def test_an_account_whose_secret_is_not_the_callers_is_no_fault() -> None:
    """What needs the secret is skipped, with the reason."""
    found = diagnose(examination(connection=(), soar=None, withheld="Only the delivery input has it."))
    for name in ("dns", "clock", "rights", "container"):
        assert Diagnosis.skipped(name, "Only the delivery input has it.") in found
    assert is_sound(found)


def test_where_the_connection_ends_the_rest_is_skipped() -> None:
    """Each says which step failed."""
    broken = tuple(Diagnosis.failed("tls", "Expired.", "Renew.") if one.check == "tls" else one for one in CONNECTION)
    found = {one.check: one for one in diagnose(examination(connection=broken, soar=None))}
    assert found["automation"] == Diagnosis.skipped("automation", "Not reached, because tls failed.")


@pytest.mark.parametrize(
    ("question", "change", "begins"),
    [
        ("arrival", {"subject": Subject("nope")}, "SOAR receives nothing because of label: "),
        ("arrival", {"disk": disk(mapping=Unread("[x] bad"))}, "SOAR receives nothing because of mapping: "),
        ("playbook", {"soar": soar(playbooks=())}, "If anything: The playbook does not start because of automation: "),
        (
            "data",
            {"splunk": splunk(outbox=(statistics(rejected=1),))},
            "If anything: Data is incomplete because of rejects: ",
        ),
        ("arrival", {}, "Nothing stands in the way"),
        ("playbook", {}, "A playbook should start."),
        ("data", {}, "No setting keeps data back."),
    ],
)
def test_a_question_is_answered(question: str, change: dict[str, object], begins: str) -> None:
    """The last line names the cause, or says that there is none."""
    asked = QUESTIONS[question]
    found = answering(asked, diagnose(examination(**change)))
    assert tuple(one.check for one in found) == (*asked.checks, ANSWER)
    assert found[-1].evidence.startswith(begins), found[-1]


@given(st.lists(st.sampled_from(list(Verdict)), min_size=1, max_size=8))
def test_the_answer_is_the_first_of_the_worst(verdicts: list[Verdict]) -> None:
    """A failure comes before any warning, whatever the order; the other suspects are named."""
    names = [check.name for check in CHECKS[: len(verdicts)]]
    found = [Diagnosis(name, verdict, f"<{name}>", "Do.") for name, verdict in zip(names, verdicts)]
    question = Question("q", "t", "Because of", "Fine.", tuple(names))
    answer = answering(question, found)[-1]
    worst = next((one for one in (Verdict.FAILED, Verdict.WARNING) if one in verdicts), Verdict.OK)
    assert answer.verdict is worst
    suspects = [one.check for one in found if one.verdict is worst] if worst is not Verdict.OK else []
    if not suspects:
        assert answer.evidence == "Fine."
    else:
        assert f"Because of {suspects[0]}: <{suspects[0]}>" in answer.evidence
        assert all(name in answer.evidence for name in suspects)
        assert answer.remedy == "Do."


def test_an_input_that_is_silent_fails_when_something_waits() -> None:
    """In the outbox or in journals; alone it warns."""
    silent = replace(splunk().delivery, lease=None, log_age=None)
    quiet = {one.check: one for one in diagnose(examination(splunk=splunk(delivery=silent)))}
    assert quiet["delivery"].verdict is Verdict.WARNING
    waiting = splunk(delivery=silent, outbox=(statistics(pending=1, oldest_age=5.0),))
    assert {one.check: one for one in diagnose(examination(splunk=waiting))}["delivery"].verdict is Verdict.FAILED
