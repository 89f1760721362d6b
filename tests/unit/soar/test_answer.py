"""What SOAR's answers mean: every case of the error catalogue."""

from __future__ import annotations

import json
from typing import Any

import pytest

from soarlink.errors import AuthFailed, MaybeSent, NotPermitted, Refused, ServerFault, SoarError, Throttled
from soarlink.soar import answer
from soarlink.soar.answer import Created
from soarlink.wire.exchange import Reply


def reply(status: int, body: Any, **headers: str) -> Reply:
    """An answer: bytes as they are, anything else as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(status, {name.replace("_", "-"): value for name, value in headers.items()}, raw)


def failed(message: str, **more: Any) -> dict[str, Any]:
    """SOAR's error body."""
    return {"failed": True, "message": message, **more}


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (401, failed("No supported auth information provided in request"), AuthFailed, "Check the account's token"),
        (401, failed("Invalid automation token"), AuthFailed, "Check the account's token"),
        (400, failed("Invalid automation token"), AuthFailed, "Check the account's token"),
        (200, failed("User is inactive"), AuthFailed, "Check the account's token"),
        (403, failed("Request from IP 10.0.0.9 is not allowed for this user"), AuthFailed, "allowed IPs"),
        (403, failed("user x does not have permission to edit containers"), NotPermitted, "role the permission"),
        (403, b"<html>forbidden</html>", AuthFailed, "HTTP 403"),
        (404, failed("Requested item not found"), Refused, "Requested item not found"),
        (404, failed('Playbook "9999" not found'), Refused, "repository/name"),
        (404, b"<html>not here</html>", Refused, "<html>not here"),
        (405, failed("Method not allowed"), Refused, "Method not allowed"),
        (400, failed("Missing required parameter: name"), Refused, "custom field that SOAR requires"),
        (400, failed("Invalid JSON: x"), Refused, "Invalid JSON: x"),
        (400, failed('Label "foobar" is not a known label.'), Refused, "Create the label in SOAR"),
        (400, failed('Severity "x" is not a known severity.'), Refused, "severity that SOAR lists"),
        (400, failed("ContainerStatus matching query does not exist."), Refused, "matching query"),
        (400, failed('"owner_id" Not found'), Refused, "owner_id"),
        (400, failed("ingesting asset_id 3"), Refused, "ingesting asset_id"),
        (400, failed(""), Refused, "HTTP 400"),
        (400, {}, Refused, "HTTP 400"),
        (200, failed("no"), Refused, "SOAR refuses it: no."),
        (200, {"success": False, "message": "nope."}, Refused, "SOAR refuses it: nope."),
        (413, b"<html>413 Request Entity Too Large</html>", Refused, "too large"),
        (302, b"", Refused, "a redirect"),
        (301, b"<html>moved</html>", Refused, "where SOAR itself answers"),
        (500, b"", ServerFault, "HTTP 500"),
        (502, b"<html>Bad Gateway</html>", ServerFault, "proxies before it"),
        (503, failed("maintenance"), ServerFault, "maintenance"),
        (200, b"", MaybeSent, "an empty body"),
        (400, b'{"failed": true, "message": "duplicate with', MaybeSent, "which is cut"),
        (200, b'{"success": tr', MaybeSent, "no SOAR answer"),
        (200, b"<!DOCTYPE html><title>Sign in</title>", MaybeSent, "login page"),
        (204, b"", MaybeSent, "HTTP 204"),
        (200, b'"text"', MaybeSent, "no SOAR answer"),
        (200, b"\xff\xfe\x00", MaybeSent, "no SOAR answer"),
        (418, b"teapot", Refused, "teapot"),
    ],
)
def test_an_answer_that_is_no_success_becomes_its_leaf(
    status: int, body: Any, kind: type[SoarError], words: str
) -> None:
    """Each kind of failure has its class, its status, SOAR's words and a way out."""
    with pytest.raises(SoarError) as caught:
        answer.parse(reply(status, body), "SOAR at soar:443")
    assert type(caught.value) is kind
    assert caught.value.status == status
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("headers", "seconds"), [({}, None), ({"Retry_After": "7"}, 7.0), ({"retry_after": " 30 "}, 30.0)]
)
def test_a_throttled_call_says_how_long_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    """429 with and without Retry-After, in any spelling of the header."""
    with pytest.raises(Throttled) as caught:
        answer.parse(reply(429, b"slow down", **headers), "SOAR")
    assert (caught.value.retry_after, caught.value.status) == (seconds, 429)


@pytest.mark.parametrize(
    "body", [{"success": True, "id": 1}, {"playbook_run_id": "46", "received": True}, {"count": 0, "data": []}, [1]]
)
def test_a_success_is_handed_on(body: Any) -> None:
    """Success bodies of every endpoint, and lists, come back parsed."""
    assert answer.parse(reply(200, body), "SOAR") == body


@pytest.mark.parametrize("status", [200, 400, 409])
def test_a_duplicate_is_an_answer_whatever_its_status(status: int) -> None:
    """The id of what is there is what counts."""
    body = failed("duplicate with source_data_identifier x", existing_container_id=17)
    assert answer.created(answer.parse(reply(status, body), "SOAR")) == Created(17, existed=True)


def test_a_list_is_handed_on_even_when_all_failed() -> None:
    """HTTP 400 with a list: each element says for itself."""
    elements = [failed("a"), failed("b")]
    assert answer.as_list(answer.parse(reply(400, elements), "SOAR"), 2) == elements


@pytest.mark.parametrize("body", [[], [1, 2, 3], {"success": True}, None])
def test_a_list_that_does_not_match_what_was_sent_is_unclear(body: Any) -> None:
    """More or fewer answers than items: nothing can be told of any of them."""
    with pytest.raises(MaybeSent, match="to a list of 2"):
        answer.as_list(body, 2)


@pytest.mark.parametrize(
    ("element", "embedded", "made"),
    [
        ({"success": True, "id": 24, "new_artifact_ids": [1, 2]}, 2, Created(24, artifact_ids=(1, 2))),
        ({"success": True, "id": 24, "new_artifacts_ids": [1, "2"]}, 2, Created(24, artifact_ids=(1, 2))),
        ({"success": True, "id": "24"}, 0, Created(24)),
        ({"success": True, "id": 24, "new_artifact_ids": [1]}, 0, Created(24)),
        ({"success": True, "id": 24}, 2, Created(24)),
        (
            {"id": 24, "artifacts": [{"id": 1}, {"existing_artifact_id": 7}, {"failed": True, "message": "x"}, 9]},
            4,
            Created(24, artifact_ids=(1, 7, None, 9)),
        ),
        (
            {"failed": True, "message": "artifact already exists", "existing_artifact_id": 7},
            0,
            Created(7, existed=True),
        ),
        ({"failed": True, "existing_container_id": "17"}, 0, Created(17, existed=True)),
    ],
)
def test_an_element_that_soar_has(element: Any, embedded: int, made: Created) -> None:
    """New or there before; ids as numbers or text; artifacts in each of the three forms."""
    assert answer.created(element, embedded) == made


@pytest.mark.parametrize(
    ("element", "kind", "words"),
    [
        (failed("Missing required parameter: name"), Refused, "Missing required parameter: name. A custom field"),
        ({"failed": True}, Refused, "no reason given"),
        ({"success": False, "message": "no"}, Refused, "no"),
        ({"failed": True, "existing_container_id": None, "message": "duplicate"}, Refused, "duplicate"),
        ({"success": True}, MaybeSent, "without an id"),
        ({"success": True, "id": None}, MaybeSent, "without an id"),
        ({"success": True, "id": True}, MaybeSent, "without an id"),
        ("text", MaybeSent, "where an object was expected"),
        (None, MaybeSent, "where an object was expected"),
    ],
)
def test_an_element_that_soar_does_not_have(element: Any, kind: type[SoarError], words: str) -> None:
    """Refused in SOAR's words, or neither yes nor no."""
    with pytest.raises(SoarError) as caught:
        answer.created(element)
    assert type(caught.value) is kind
    assert words in str(caught.value)


def test_long_bodies_are_cut_in_messages() -> None:
    """At most 200 characters of a body are shown, on one line."""
    with pytest.raises(MaybeSent) as caught:
        answer.parse(reply(200, b"<html>\n" + b"x" * 10_000), "SOAR")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_retry_after_may_be_a_date() -> None:
    """HTTP allows a date; then too it is said how long to wait."""
    with pytest.raises(Throttled) as caught:
        answer.parse(reply(429, b"", Retry_After="Fri, 31 Dec 2099 23:59:59 GMT"), "SOAR")
    assert caught.value.retry_after is not None


@pytest.mark.parametrize("status", [408, 425])
def test_a_request_that_may_be_repeated_is_not_refused(status: int) -> None:
    """408 and 425 come from proxies that saw a timeout, not from SOAR saying no."""
    with pytest.raises(SoarError) as caught:
        answer.parse(reply(status, b"<html>timeout</html>"), "SOAR")
    assert not isinstance(caught.value, Refused)
