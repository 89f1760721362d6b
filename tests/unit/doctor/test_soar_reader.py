"""What SOAR is asked, over real connections; what it does not tell stops nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Callable

import pytest

from soarlink.doctor import soar_reader, trial
from soarlink.doctor.facts import Container, SoarFacts, SoarUser, Subject, Unread
from soarlink.doctor.permission import VIEWS
from soarlink.secret import Secret
from soarlink.soar.account import Account
from soarlink.soar.client import SoarClient
from tests.unit.certificates import Authority
from tests.unit.conftest import Serve
from tests.unit.rawserver import Connection
from tests.unit.standin import StandIn

EVENTS = Subject("events", "high")
HOST = {"destinationHostName": "send-to-soar.example"}


@pytest.fixture
def client(soar: StandIn) -> Iterator[SoarClient]:
    """Return a client of the stand-in."""
    found = SoarClient(soar.account())
    yield found
    found.close()


Told = Callable[[Mapping[str, Any]], SoarFacts]


@pytest.fixture
def told(serve: Serve, authority: Authority) -> Told:
    """Return what is read from a server that answers only these paths, and 403 to others."""

    def read(answers: Mapping[str, Any]) -> SoarFacts:
        def script(channel: Connection) -> None:
            while True:
                request = channel.read_request()
                if request is None:
                    return
                path = request.line.split(" ")[1].partition("?")[0]
                if path in answers:
                    channel.answer(json.dumps(answers[path]).encode())
                else:
                    refusal = b'{"failed": true, "message": "User x does not have permission to view it"}'
                    channel.answer(refusal, "403 Forbidden")

        server = serve(script)
        client = SoarClient(Account("lab", server.url, Secret("token"), ca_certificate=authority.pem))
        try:
            return soar_reader.read(client, EVENTS)
        finally:
            client.close()

    return read


def test_everything_is_read_from_the_stand_in(client: SoarClient) -> None:
    """Names, playbooks with their repositories, and what may be viewed."""
    facts = soar_reader.read(client, EVENTS)
    assert facts.user == SoarUser("splunk")
    assert dict(facts.views) == dict.fromkeys(VIEWS)
    assert isinstance(facts.labels, tuple)
    assert isinstance(facts.playbooks, tuple)
    assert {"events", "email"} <= set(facts.labels)
    assert facts.severities == ("High", "Medium", "Low")
    found = {one.name: one for one in facts.playbooks}
    assert found["local/splunk_triage"].active
    assert found["local/phishing_triage"].labels == ("email",)
    assert found["local/enrich_indicators"].is_input
    assert facts.container is None


def test_a_container_is_read_with_its_artifacts_and_runs(client: SoarClient, soar: StandIn) -> None:
    """And one that is not there says so."""
    body = {"name": "x", "label": "events", "artifacts": [{"name": "a", "cef": {}}, {"name": "b", "cef": {"c": "d"}}]}
    number = int(soar.post("/rest/container", body)["id"])
    found = soar_reader.read(client, Subject("events", container=number)).container
    assert isinstance(found, Container)
    assert (found.id, found.label, len(found.artifacts)) == (number, "events", 2)
    (run,) = found.runs
    assert run.last_artifact == found.artifacts[-1]
    missing = soar_reader.read(client, Subject("events", container=999_999)).container
    assert isinstance(missing, Unread)


def test_a_part_that_fails_stops_no_other(client: SoarClient, soar: StandIn) -> None:
    """It is unread, with the reason."""
    soar.fault("GET /rest/playbook", "500", times=None)
    soar.fault("GET /rest/container_options", "login_page", times=None)
    facts = soar_reader.read(client, EVENTS)
    assert isinstance(facts.playbooks, Unread)
    assert facts.playbooks.status == 500
    assert isinstance(facts.labels, Unread)
    assert isinstance(facts.severities, Unread)
    assert isinstance(facts.user, SoarUser)


LISTS = {"data": [{"id": 1, "name": "Automation", "permissions": {"apps": ["view"], "containers": ["edit"]}}]}
ALLOW = {"permissions": {"containers": {"view": "allow", "edit": "deny"}, "apps": {"view": True}}}


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        (
            {"/rest/ph_user/4": {"roles": [1]}, "/rest/role": LISTS},
            SoarUser("s", ("Automation",), {"apps": frozenset({"view"}), "containers": frozenset({"edit"})}),
        ),
        (
            {"/rest/ph_user/4": {"roles": [{"id": "1"}]}, "/rest/role": {"data": [{"id": 1, "name": "Mine", **ALLOW}]}},
            SoarUser("s", ("Mine",), {"containers": frozenset({"view"}), "apps": frozenset({"view"})}),
        ),
        (
            {"/rest/ph_user/4": {"roles": [1]}, "/rest/role": {"data": [{"id": 1, "name": "Old"}]}},
            SoarUser("s", ("Old",)),
        ),
        ({"/rest/ph_user/4": {"roles": [9]}, "/rest/role": LISTS}, SoarUser("s")),
        ({"/rest/ph_user/4": {"roles": [1]}}, SoarUser("s")),
        ({"/rest/ph_user/4": {}, "/rest/role": LISTS}, SoarUser("s")),
        ({}, SoarUser("s")),
    ],
)
def test_roles_in_either_shape(told: Told, answers: Mapping[str, Any], expected: SoarUser) -> None:
    """Lists of verbs, or allow and deny; where they can't be read they are not known."""
    assert told({"/rest/user_info": {"id": 4, "username": "s"}, **answers}).user == expected


def test_a_token_without_rights_learns_who_it_is_and_nothing_else(told: Told) -> None:
    """Every other part is unread."""
    facts = told({"/rest/user_info": {"name": "s"}, "/rest/scm": {"data": []}})
    assert facts.user == SoarUser("s")
    assert all(isinstance(why, Unread) and why.is_refused for why in facts.views.values())
    assert isinstance(facts.playbooks, Unread)


def test_playbooks_without_repository_or_id(told: Told) -> None:
    """A bare name stays bare, a row without id is no playbook."""
    rows = {"data": [{"id": 5, "name": "x", "scm": 9}, {"name": "broken"}]}
    facts = told({"/rest/playbook": rows, "/rest/scm": {"data": []}})
    assert isinstance(facts.playbooks, tuple)
    assert [one.name for one in facts.playbooks] == ["x"]


def test_an_answer_that_is_no_object_is_no_answer(told: Told) -> None:
    """A list where a record was asked for."""
    facts = told({"/rest/user_info": []})
    assert isinstance(facts.user, Unread)
    assert "without an object" in facts.user.what


def test_a_test_container_is_sent_read_back_and_closed(client: SoarClient, soar: StandIn) -> None:
    """Labelled, tagged, and no playbook starts although one is active for every label."""
    done = trial.attempt(client, EVENTS, "ann", "test:1")
    assert done.failure is None
    assert done.done == ("created", "given an artifact", "read back as it was sent", "closed")
    assert done.container_id is not None
    assert done.url == client.account.container_url(done.container_id)
    there = soar.container(done.container_id)
    assert (there["label"], there["severity"], there["status"], there["tags"]) == (
        "events",
        "high",
        "closed",
        [trial.TAG],
    )
    assert "ann" in there["description"]
    assert [one["cef"] for one in soar.artifacts(done.container_id)] == [HOST]
    assert soar.runs(done.container_id) == []
    assert soar.triggers(done.container_id) == 0


@pytest.mark.parametrize(
    ("match", "done"),
    [
        ("POST /rest/container", ()),
        ("POST /rest/artifact", ("created",)),
        ("GET /rest/container/*", ("created", "given an artifact")),
        ("POST /rest/container/*", ("created", "given an artifact", "read back as it was sent")),
    ],
)
def test_a_test_container_that_fails_says_how_far_it_came(
    client: SoarClient, soar: StandIn, match: str, done: tuple[str, ...]
) -> None:
    """And which one was left open."""
    soar.fault(match, "failed", message="not today", times=None)
    found = trial.attempt(client, Subject("events", "{{urgency}}"), "ann", f"test:{match}")
    assert found.done == done
    assert found.failure is not None
    assert "not today" in found.failure.what
    assert (found.container_id is None) is (not done)


@pytest.mark.parametrize(
    ("container", "artifacts", "word"),
    [
        (
            {"name": trial.NAME, "label": "other", "source_data_identifier": "i"},
            [HOST],
            'label "other" for "events"',
        ),
        ({"name": trial.NAME, "label": "events", "source_data_identifier": "i"}, [], "0 artifacts"),
    ],
)
def test_what_soar_keeps_otherwise_is_told(
    serve: Serve, authority: Authority, container: dict[str, Any], artifacts: list[Any], word: str
) -> None:
    """The container is compared with what was sent, the artifacts are."""

    def script(channel: Connection) -> None:
        while True:
            request = channel.read_request()
            if request is None:
                return
            method, path = request.line.split(" ")[:2]
            if method == "POST":
                body: Any = [{"success": True, "id": 8}] if "artifact" in path else {"success": True, "id": 7}
            else:
                body = {"data": [{"cef": cef} for cef in artifacts]} if "artifacts" in path else container
            channel.answer(json.dumps(body).encode())

    server = serve(script)
    client = SoarClient(Account("lab", server.url, Secret("token"), ca_certificate=authority.pem))
    found = trial.attempt(client, EVENTS, "ann", "i")
    client.close()
    assert found.failure is not None
    assert word in found.failure.what


def test_an_element_that_is_refused_in_a_list_is_told(serve: Serve, authority: Authority) -> None:
    """The answer to the artifact is a list of one, with status 200."""

    def script(channel: Connection) -> None:
        for body in (b'{"success": true, "id": 7}', b'[{"failed": true, "message": "not this one"}]'):
            channel.read_request()
            channel.answer(body)

    server = serve(script)
    client = SoarClient(Account("lab", server.url, Secret("token"), ca_certificate=authority.pem))
    found = trial.attempt(client, EVENTS, "ann", "i")
    client.close()
    assert (found.container_id, found.done) == (7, ("created",))
    assert found.failure is not None
    assert "not this one" in found.failure.what


def test_a_severity_that_soar_lacks_is_told(client: SoarClient, soar: StandIn) -> None:
    """Nothing was created, and no artifact is sent."""
    found = trial.attempt(client, Subject("events", "nope"), "ann", "test:refused")
    assert found.failure is not None
    assert 'Severity "nope"' in found.failure.what
    assert soar.requests("POST /rest/artifact") == []
