"""Calls to the stand-in SOAR."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from soarlink.errors import AuthFailed, MaybeSent, NotSent, Refused, ServerFault, SoarError, Throttled
from soarlink.secret import Secret
from soarlink.soar.account import Account
from soarlink.soar.answer import Created
from soarlink.soar.client import SoarClient, encode
from tests.unit.certificates import Authority
from tests.unit.conftest import Serve
from tests.unit.rawserver import Connection
from tests.unit.standin import StandIn


@pytest.fixture
def client(soar: StandIn) -> Iterator[SoarClient]:
    """Return a client of the stand-in."""
    made = SoarClient(soar.account())
    yield made
    made.close()


def body(key: str, artifacts: int = 0, **changes: Any) -> dict[str, Any]:
    """A container body."""
    embedded = [artifact(f"{key}#{n}") for n in range(artifacts)]
    made = {"name": "N", "label": "events", "source_data_identifier": key, **changes}
    return {**made, "artifacts": embedded} if artifacts else made


def artifact(key: str, **changes: Any) -> dict[str, Any]:
    """An artifact body."""
    return {"name": "A", "label": "event", "source_data_identifier": key, "cef": {"cs1": key}, **changes}


def test_a_container_is_created_with_its_artifacts(client: SoarClient, soar: StandIn, sid: str) -> None:
    """One POST; the answer has the ids of container and artifacts."""
    made = client.create_container(body(sid, 3))
    assert (made.existed, len(made.artifact_ids)) == (False, 3)
    assert [row["id"] for row in soar.artifacts(made.id)] == list(made.artifact_ids)
    assert client.artifact_count(made.id) == 3
    assert len(soar.requests("POST")) == 1


def test_a_duplicate_answers_with_the_container_that_is_there(client: SoarClient, sid: str) -> None:
    """The second POST of the same key joins."""
    first = client.create_container(body(sid))
    assert client.create_container(body(sid)) == Created(first.id, existed=True)


def test_a_list_answers_by_position(client: SoarClient, soar: StandIn, sid: str) -> None:
    """New, duplicate and refused elements stand where they were sent."""
    there = client.create_container(body(f"{sid}a"))
    results = client.create_containers([body(f"{sid}b", 2), body(f"{sid}a"), body(f"{sid}c", label="nope")])
    assert isinstance(results[0], Created)
    assert len(results[0].artifact_ids) == 2
    assert results[1] == Created(there.id, existed=True)
    assert isinstance(results[2], Refused)
    assert 'Label "nope" is not a known label' in str(results[2])


def test_artifacts_are_created_and_found_by_their_keys(client: SoarClient, soar: StandIn, sid: str) -> None:
    """Keys with quotes, backslashes and non-ASCII text are found in any number; others are not."""
    container = client.create_container(body(sid)).id
    keys = [f'{sid}#{n} "q" \\ ü+&' for n in range(85)]
    bodies = [artifact(key, container_id=container, run_automation=False) for key in keys]
    assert all(isinstance(result, Created) for result in client.create_artifacts(bodies))
    assert client.artifact_keys(container, [*keys, "absent"]) == set(keys)
    assert client.artifact_keys(container, []) == set()
    assert client.artifact_count(container) == 85


def test_a_playbook_is_queued_and_its_run_id_returned(client: SoarClient, soar: StandIn, sid: str) -> None:
    """By repository and name, and by id."""
    container = client.create_container(body(sid)).id
    run_ids = [client.start_playbook(container, playbook, "all") for playbook in ("local/splunk_triage", "1")]
    assert [run["id"] for run in soar.runs(container)] == [int(run_id) for run_id in run_ids]
    with pytest.raises(Refused, match="²"):
        client.start_playbook(container, "²", "all")


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("429", Throttled),
        ("500", ServerFault),
        ("502", ServerFault),
        ("413", Refused),
        ("drop_before_commit", MaybeSent),
        ("drop_after_commit", MaybeSent),
        ("drop_mid_body", MaybeSent),
        ("truncated_json", MaybeSent),
        ("login_page", MaybeSent),
        ("empty", MaybeSent),
        ("failed", Refused),
    ],
)
def test_every_fault_becomes_its_leaf(
    client: SoarClient, soar: StandIn, sid: str, kind: str, error: type[SoarError]
) -> None:
    """What goes wrong on the way back is unclear; what SOAR says is its word. The next call works."""
    soar.fault("POST /rest/container", kind)
    with pytest.raises(SoarError) as caught:
        client.create_container(body(sid))
    assert type(caught.value) is error
    assert isinstance(client.create_container(body(sid)), Created)


def test_a_redirect_is_refused(client: SoarClient, soar: StandIn, sid: str) -> None:
    """A URL where something else answers is told as that."""
    soar.fault("POST /rest/container", "redirect")
    with pytest.raises(Refused, match="a redirect"):
        client.create_container(body(sid))


def test_a_wrong_token_is_told(soar: StandIn) -> None:
    """An unknown token: what to check, and the token does not show."""
    made = SoarClient(soar.account(token=Secret("geheim-falsch")))
    with pytest.raises(AuthFailed, match="Check the account's token") as caught:
        made.create_container(body("x"))
    assert "geheim" not in str(caught.value)
    made.close()


def test_a_server_that_is_not_there_is_not_sent() -> None:
    """Nothing left this machine."""
    made = SoarClient(Account("a", "https://localhost:1", Secret("t")))
    with pytest.raises(NotSent, match="SOAR: localhost:1 refuses connections"):
        made.create_container(body("x"))
    made.close()


def test_user_and_password_sign_in_without_a_token(serve: Serve, authority: Authority) -> None:
    """Basic authentication, in UTF-8; a token wins over both."""

    def answer(connection: Connection) -> None:
        while connection.read_request():
            connection.answer(b'{"success": true, "id": 1}')

    server = serve(answer)
    login: dict[str, Any] = {"username": "ünser", "password": Secret("p:w"), "ca_certificate": authority.pem}
    for token in ("", "T"):
        made = SoarClient(Account("a", server.url, Secret(token), **login))
        assert made.create_container(body("x")).id == 1
        made.close()
    basic, token_sent = (request.headers for request in server.requests)
    assert basic["authorization"] == "Basic w7xuc2VyOnA6dw=="
    assert (token_sent["ph-auth-token"], "authorization" in token_sent) == ("T", False)


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        (lambda c: c.artifact_count(1), {"data": []}),
        (lambda c: c.artifact_count(1), []),
        (lambda c: c.artifact_keys(1, ["k"]), {"count": 1}),
        (lambda c: c.start_playbook(1, "l/p", "all"), {"received": True}),
        (lambda c: c.start_playbook(1, "l/p", "all"), {"received": True, "playbook_run_id": "soon"}),
        (lambda c: c.create_artifacts([{}, {}]), [{"success": True, "id": 1}]),
        (lambda c: c.create_containers([{}, {}]), {"success": True, "id": 1}),
    ],
)
def test_an_answer_without_what_was_asked_for_is_unclear(
    serve: Serve, authority: Authority, call: Any, answer: Any
) -> None:
    """A success that does not say what it must is neither success nor refusal."""

    def script(connection: Connection) -> None:
        connection.read_request()
        connection.answer(json.dumps(answer).encode())

    made = SoarClient(Account("a", serve(script).url, Secret("t"), ca_certificate=authority.pem))
    with pytest.raises(MaybeSent):
        call(made)
    made.close()


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ("Date: Fri, 15 Jan 2027 08:00:00 GMT\r\n", 1_800_000_000.0),
        ("Date: soon\r\n", None),
        ("", None),
    ],
)
def test_the_servers_clock_is_that_of_its_answer(
    serve: Serve, authority: Authority, headers: str, told: float | None
) -> None:
    """An answer without a date, or with words for one, tells no time, and is no error."""

    def script(connection: Connection) -> None:
        connection.read_request()
        connection.answer(b'{"version": "6.4.1"}', headers=headers)

    made = SoarClient(Account("a", serve(script).url, Secret("t"), ca_certificate=authority.pem))
    assert made.server_time() == told
    made.close()


def test_a_head_that_is_cut_is_unclear(serve: Serve, authority: Authority) -> None:
    """The connection ended between the status line and the body."""

    def script(connection: Connection) -> None:
        connection.read_request()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-")

    made = SoarClient(Account("a", serve(script).url, Secret("t"), ca_certificate=authority.pem))
    with pytest.raises(MaybeSent):
        made.create_container(body("x"))
    made.close()


def test_bodies_are_compact_utf_8() -> None:
    """No blanks, no escapes."""
    assert encode({"a": ["ü", 1]}) == '{"a":["ü",1]}'.encode()


def test_an_account_never_shows_its_secrets() -> None:
    """Neither token nor password is in its repr; the container's page is below its URL."""
    account = Account("a", "https://soar", Secret("geheim1"), "u", Secret("geheim2"))
    assert "geheim" not in repr(account)
    assert account.container_url(7) == "https://soar/mission/7"


def test_the_address_of_a_look_up_stays_below_what_proxies_accept(client: SoarClient, soar: StandIn) -> None:
    """Look-ups for long keys: no request line beyond 8 kB, nginx's default."""
    user, app, member = "jane.doe@corp.example.com", "U3BsdW5rRW50ZXJwcmlzZVNlY3VyaXR5U3VpdGU", f"{'0F5C3E7A-' * 4}"
    sid = f"scheduler__{user}_{app}__RMD5{'a1' * 9}_at_1700000100_12345_{member}"
    client.artifact_keys(1, [f"{sid}+{n}#{'0' * 32}" for n in range(80)])
    lines = [len(record["query"]) + 100 for record in soar.requests("GET /rest/artifact")]
    assert lines
    assert max(lines) < 8_192


def test_any_text_that_json_can_hold_can_be_sent() -> None:
    """A search name cut in the middle of an emoji does not stop the run."""
    assert encode({"name": json.loads('"\\ud83d"')})


def test_tags_are_added_to_those_that_are_there(soar: StandIn) -> None:
    """SOAR replaces tags as a whole: nobody's are lost, and what is there costs no request."""
    client = SoarClient(soar.account())
    number = client.create_container({"name": "c", "label": "events", "tags": ["mine"]}).id
    client.add_tags(number, ["told", "mine"])
    assert sorted(soar.container(number)["tags"]) == ["mine", "told"]
    soar.reset()
    client.add_tags(number, ["told"])
    assert soar.requests("POST") == []
    client.close()
