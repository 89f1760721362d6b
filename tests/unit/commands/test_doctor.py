"""`| soardoctor`: rows for machines, an answer for people, and nothing changed unless it is asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from soarlink.commands.doctor_arguments import DoctorArguments, read
from soarlink.doctor.catalogue import CHECKS, QUESTIONS
from soarlink.errors import ParameterError
from tests.unit.commands.conftest import Search
from tests.unit.outbox.splunkd import SplunkdProcess
from tests.unit.standin import TOKEN, StandIn

PASSWORDS = "/servicesNS/nobody/TA_send_to_soar/storage/passwords"
REALM = "__REST_CREDENTIAL__#TA_send_to_soar#configs/conf-ta_send_to_soar_account"


@pytest.fixture
def connected(soar: StandIn, splunkd: SplunkdProcess, app: Path) -> Iterator[StandIn]:
    """Return the stand-in SOAR, which is the default account `lab` of the add-on."""
    pem = soar.ca.strip().replace("\n", "\\\n")
    account = f"[lab]\nurl = {soar.url}\nis_default = 1\nca_certificate = {pem}\n\n"
    account += "[prod]\nurl = https://soar\ndelivery = service\n"
    installed = splunkd.home / "etc/apps/TA_send_to_soar/local"  # where the access endpoint looks
    installed.mkdir(exist_ok=True)
    for folder in (app / "local", installed):
        (folder / "ta_send_to_soar_account.conf").write_text(account, encoding="utf-8")
    secret = {"realm": REALM, "name": "lab``splunk_cred_sep``1", "password": json.dumps({"token": TOKEN})}
    session = splunkd.session()
    reply = session.request("POST", PASSWORDS, urlencode(secret).encode(), "application/x-www-form-urlencoded")
    assert reply.status == 201, reply.body
    yield soar
    session.request("DELETE", f"{PASSWORDS}/{quote(f'{REALM}:lab``splunk_cred_sep``1:', safe='')}")
    session.close()
    (installed / "ta_send_to_soar_account.conf").unlink()


def verdicts(rows: Any) -> dict[str, str]:
    """Check → verdict."""
    return {row["check"]: row["verdict"] for row in rows}


def test_every_check_is_a_row(search: Search, connected: StandIn) -> None:
    """In the catalogue's order, with its section and the account; no secret, nothing written in SOAR."""
    answer = search("soardoctor")
    assert (answer.code, answer.messages) == (0, [])
    assert [(row["check"], row["section"]) for row in answer.rows] == [(one.name, one.section) for one in CHECKS]
    assert {row["account"] for row in answer.rows} == {"lab"}
    found = verdicts(answer.rows)
    for name in (
        "account",
        "tls",
        "sign_in",
        "rights",
        "label",
        "severity",
        "automation",
        "mapping",
        "kv_store",
        "index",
    ):
        assert found[name] == "ok", name
    assert found["create"] == "skipped"
    assert TOKEN not in str(answer.rows)
    assert [one for one in connected.requests() if one["method"] != "GET"] == []


def test_a_question_is_answered_in_the_last_row(search: Search, connected: StandIn) -> None:
    """With the checks of that question above it."""
    assert connected.url
    answer = search("soardoctor", "question=arrival", "label=nope")
    assert [row["check"] for row in answer.rows] == [*QUESTIONS["arrival"].checks, "answer"]
    assert answer.rows[-1]["evidence"].startswith('SOAR receives nothing because of label: SOAR has no label "nope"')
    assert answer.rows[-1]["verdict"] == "failed"


def test_a_saved_search_brings_account_label_and_playbook(
    search: Search, connected: StandIn, splunkd: SplunkdProcess
) -> None:
    """What is typed in comes first."""
    assert connected.url
    session = splunkd.session()
    prefix = "action.send_to_soar.param"
    fields = {
        "name": "Doctor",
        "search": "x",
        "is_scheduled": "1",
        "action.send_to_soar": "1",
        f"{prefix}.label": "email",
        f"{prefix}.playbook": "local/contain_host",
        f"{prefix}.automation": "0",
        f"{prefix}.account": "lab",
    }
    path = "/servicesNS/nobody/search/saved/searches"
    assert session.request("POST", path, urlencode(fields).encode(), "application/x-www-form-urlencoded").status == 201
    rows = {row["check"]: row for row in search("soardoctor", "search=Doctor").rows}
    assert rows["search"]["verdict"] == "ok"
    assert 'label "email"' in rows["label"]["evidence"]
    assert 'not for label "email"' in rows["playbook"]["evidence"]
    assert "automation is 0" in rows["automation"]["evidence"]
    rows = {row["check"]: row for row in search("soardoctor", "search=Doctor", "label=events").rows}
    assert rows["playbook"]["verdict"] == "ok"
    assert session.request("DELETE", f"{path}/Doctor").status == 200
    session.close()


@pytest.mark.parametrize(
    ("account", "evidence"),
    [
        ("nope", 'There is no SOAR account "nope"; there are: lab, prod.'),
        ("prod", 'The account "prod" has no automation token.'),
    ],
)
def test_without_a_usable_account_the_rest_is_still_checked(
    search: Search, connected: StandIn, account: str, evidence: str
) -> None:
    """What is wrong with it stands in the first row; SOAR is not asked."""
    rows = {row["check"]: row for row in search("soardoctor", f"account={account}").rows}
    assert (rows["account"]["verdict"], rows["account"]["evidence"]) == ("failed", evidence)
    assert rows["dns"]["evidence"] == "Not reached, because account failed."
    assert rows["mapping"]["verdict"] == "ok"
    assert connected.requests() == []


def test_where_soar_does_not_answer_its_checks_are_skipped(search: Search, connected: StandIn) -> None:
    """The step that failed is named."""
    connected.fault("GET /rest/version", "503", times=None)
    rows = {row["check"]: row for row in search("soardoctor").rows}
    assert rows["http"]["verdict"] == "failed"
    assert rows["label"]["evidence"] == "Not reached, because http failed."
    assert connected.requests("GET /rest/playbook") == []


def test_a_server_that_repeats_the_secret_gives_nothing_away(search: Search, connected: StandIn) -> None:
    """Its words are told without it."""
    connected.fault("GET /rest/playbook", "failed", message=f"what is {TOKEN}?", times=None)
    rows = {row["check"]: row for row in search("soardoctor").rows}
    assert "what is …?" in rows["automation"]["evidence"]
    assert TOKEN not in str(rows)


def test_a_user_who_may_not_read_the_secret_is_told(search: Search, connected: StandIn) -> None:
    """Which right it takes."""
    row = search("soardoctor", user="analyst").rows[0]
    assert (row["check"], row["verdict"]) == ("account", "failed")
    assert connected.requests() == []


def test_an_account_of_the_delivery_input_is_no_fault(
    search: Search, connected: StandIn, splunkd: SplunkdProcess
) -> None:
    """Who may use it and not have its secret is told who can look."""
    splunkd.add_user("ann", "user", "send_to_soar_user")
    rows = {row["check"]: row for row in search("soardoctor", "account=prod", user="ann").rows}
    assert (rows["account"]["verdict"], rows["account"]["account"]) == ("ok", "prod")
    assert "administrators, have the secret" in rows["sign_in"]["evidence"]
    # Of the add-on's files only settings are here.
    assert {name for name, row in rows.items() if row["verdict"] == "failed"} == {"package"}
    assert connected.requests() == []


def test_a_splunkd_that_does_not_say_who_may_is_told(
    search: Search, connected: StandIn, splunkd: SplunkdProcess
) -> None:
    """The account fails with splunkd's answer."""
    assert connected.url
    splunkd.fault("POST", "ta_send_to_soar/access", status=503)
    row = search("soardoctor").rows[0]
    assert (row["check"], row["verdict"]) == ("account", "failed")
    assert "HTTP 503" in row["evidence"]


def test_a_test_container_is_for_those_who_may(search: Search, connected: StandIn) -> None:
    """Others are refused before anything is asked of SOAR."""
    refused = search("soardoctor", "create=true", user="analyst")
    assert (refused.code, list(refused.rows)) == (1, [])
    (said,) = refused.errors
    assert said.startswith("analyst may not have a test container sent. create=true takes the capability")
    assert said.endswith("edit_soar_outbox, which the role send_to_soar_admin has.")
    assert connected.requests() == []
    row = next(row for row in search("soardoctor", "create=true").rows if row["check"] == "create")
    assert row["verdict"] == "ok", row
    number = int(row["evidence"].split()[1])
    assert connected.container(number)["status"] == "closed"
    assert "admin" in connected.container(number)["description"]


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["colour=red"], '"colour=red" is not understood; there are: account, question,'),
        (["arrival"], '"arrival" is not understood'),
        (["label=a", "label=b"], "label is given twice."),
        (["question=why"], 'question="why" is none of all, arrival, playbook, data.'),
        (["container=x"], 'container="x" must be the id of a container'),
        (["create=maybe"], 'create="maybe" must be true or false.'),
    ],
)
def test_mistakes_are_named(search: Search, words: list[str], problem: str) -> None:
    """With what is allowed."""
    answer = search("soardoctor", *words)
    assert answer.code == 1
    assert problem in answer.errors[0]
    assert "action's parameters" not in answer.errors[0]


def test_words_are_parsed() -> None:
    """Quotes and blanks around values are no part of them; all mistakes come together."""
    assert read([]) == DoctorArguments()
    words = ["account=prod", 'search="Brute force"', "container=7", "create=1", "question=data", "playbook= local/x "]
    assert read(words) == DoctorArguments(
        account="prod", search="Brute force", container=7, create=True, question="data", playbook="local/x"
    )
    with pytest.raises(ParameterError) as caught:
        read(["a=b", "create=x", "container=-1"])
    assert len(caught.value.problems) == 3


def test_a_view_says_default_and_all() -> None:
    """A view's choices must have a value each: these two mean that nothing was chosen."""
    assert read(["account=default", "question=all"]) == DoctorArguments()


def test_the_checks_for_views_send_nothing(search: Search, connected: StandIn) -> None:
    """The rows of the doctor; a test container is refused, with the command that sends one."""
    rows = search("soarchecks", "account=lab").rows
    assert [row["check"] for row in rows] == [row["check"] for row in search("soardoctor", "account=lab").rows]
    answer = search("soarchecks", "create=false")
    assert answer.code == 1
    assert "soarchecks sends nothing. A test container is sent by | soardoctor create=true." in answer.errors[0]
