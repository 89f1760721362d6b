"""What an action makes of the endpoint's answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from soarlink.errors import AccessRefused, SendToSoarError, SettingsError, SplunkdError
from soarlink.secret import Secret
from soarlink.splunk import grant
from soarlink.splunk.grant import Grant
from soarlink.splunk.splunkd import Splunkd
from soarlink.wire.trust import Trust
from tests.unit.certificates import Authority
from tests.unit.conftest import Serve
from tests.unit.rawserver import Connection, Received


def asked(authority: Authority, serve: Serve, document: Any, status: str = "200 OK") -> tuple[Grant, Received]:
    """Ask a splunkd that answers so, and what it was asked."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()

    def script(connection: Connection) -> None:
        while connection.read_request():
            connection.answer(body, status)

    server = serve(script)
    splunkd = Splunkd(server.url, Secret("key"), Trust(authority.pem))
    try:
        return grant.ask(splunkd, "prod & co"), server.requests[0]
    finally:
        splunkd.close()


def test_secrets_come_and_do_not_show(authority: Authority, serve: Serve) -> None:
    """The account's name is in the body, not in the address that splunkd logs."""
    found, request = asked(authority, serve, {"delivery": "direct", "secrets": {"token": "geheim"}})
    assert found.credentials("any", "any") == {"token": "geheim"}
    assert not found.by_service
    assert "geheim" not in repr(found)
    assert request.line == "POST /services/ta_send_to_soar/access?output_mode=json HTTP/1.1"
    assert request.body == b"account=prod+%26+co"


def test_a_service_account_comes_without_secrets(authority: Authority, serve: Serve) -> None:
    """The delivery input sends."""
    assert asked(authority, serve, {"delivery": "service"})[0] == Grant(by_service=True)
    assert asked(authority, serve, {"delivery": "direct", "secrets": None})[0].secrets == {}


REFUSAL = {"refusal": {"what": "No.", "remedy": "Do that."}, "messages": []}


@pytest.mark.parametrize(
    ("status", "document", "kind", "text"),
    [
        ("403 Forbidden", REFUSAL, AccessRefused, "No. Do that."),
        ("403 Forbidden", {"messages": [{"text": "requires capability"}]}, AccessRefused, "role send_to_soar_user"),
        ("403 Forbidden", b"<html>", AccessRefused, "capability use_soar_actions"),
        ("401 Unauthorized", {"messages": []}, AccessRefused, "session"),
        ("400 Bad Request", REFUSAL, SettingsError, "No. Do that."),
        ("400 Bad Request", {}, SplunkdError, "HTTP 400"),
        ("404 Not Found", {"messages": []}, SplunkdError, "must be restarted"),
        ("500 Error", REFUSAL, SplunkdError, "No. Do that."),
        ("503 Busy", b"busy", SplunkdError, "HTTP 503"),
        ("200 OK", {"delivery": "else"}, SplunkdError, "HTTP 200"),
        ("200 OK", b"[1]", SplunkdError, "HTTP 200"),
    ],
)
def test_a_refusal_is_final_and_a_failure_is_not(  # noqa: PLR0917 - fixtures and a table
    authority: Authority, serve: Serve, status: str, document: Any, kind: type[SendToSoarError], text: str
) -> None:
    """Refused: nothing of the alert is kept. Failed: it is kept, and the input asks again."""
    with pytest.raises(SendToSoarError, match=text) as caught:
        asked(authority, serve, document, status)
    assert type(caught.value) is kind
