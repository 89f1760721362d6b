"""Credentials from splunkd, and whom to trust there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from soarlink.errors import SplunkdError
from soarlink.secret import Secret
from soarlink.splunk.anchors import trust
from soarlink.splunk.splunkd import Splunkd
from soarlink.wire.trust import Trust
from tests.unit.certificates import Authority
from tests.unit.conftest import Serve
from tests.unit.rawserver import Connection, RawServer

SEP = "``splunk_cred_sep``"
MARK = SEP.join(["", "S", "P", "L", "U", "N", "K", ""])
REALM = "__REST_CREDENTIAL__#TA_send_to_soar#configs/conf-ta_send_to_soar_account"


def chunk(stanza: str, number: int | str, text: str, realm: str = REALM) -> dict[str, Any]:
    """An entry of storage/passwords."""
    return {"content": {"username": f"{stanza}{SEP}{number}", "realm": realm, "clear_password": text}}


def stored(stanza: str, secret: str, size: int = 9) -> list[dict[str, Any]]:
    """What solnlib makes of a secret."""
    parts = [secret[at : at + size] for at in range(0, len(secret), size)] + [MARK]
    return [chunk(stanza, number, text) for number, text in enumerate(parts, start=1)]


class Feed:
    """A splunkd that answers every request with one body."""

    def __init__(self, serve: Serve, body: bytes, status: str) -> None:
        def script(connection: Connection) -> None:
            while connection.read_request():
                connection.answer(body, status)

        self.server: RawServer = serve(script)


def ask(authority: Authority, serve: Serve, body: Any, status: str = "200 OK") -> tuple[dict[str, str], RawServer]:
    """The credentials of `prod` from a splunkd that answers so."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    server = Feed(serve, raw, status).server
    splunkd = Splunkd(f"{server.url}/", Secret("geheim"), Trust(authority.pem))
    try:
        return dict(splunkd.credentials("ta_send_to_soar_account", "prod")), server
    finally:
        splunkd.close()


def test_a_secret_is_put_together_from_its_chunks(authority: Authority, serve: Serve) -> None:
    """In the order of their numbers, whatever the order of the answer; others are left alone."""
    secret = json.dumps({"token": "T" * 120, "password": "ü\\"})
    entries = (
        stored("prod", secret)[::-1] + stored("prod2", '{"token": "no"}') + [chunk("prod", 1, "no", "other realm")]
    )
    found, server = ask(authority, serve, {"entry": entries})
    assert found == {"token": "T" * 120, "password": "ü\\"}
    (request,) = server.requests
    assert request.line == (
        "GET /servicesNS/nobody/TA_send_to_soar/storage/passwords?output_mode=json&count=0&search="
        "realm%3D__REST_CREDENTIAL__%23TA_send_to_soar%23configs%2Fconf-ta_send_to_soar_account HTTP/1.1"
    )
    assert request.headers["authorization"] == "Splunk geheim"


def test_stale_chunks_behind_the_end_mark_do_not_count(authority: Authority, serve: Serve) -> None:
    """A shorter secret leaves old chunks behind."""
    entries = [*stored("prod", '{"token": "new"}', 100), chunk("prod", 3, "stale"), chunk("prod", 4, MARK)]
    assert ask(authority, serve, {"entry": entries})[0] == {"token": "new"}


def test_no_chunks_are_no_secrets(authority: Authority, serve: Serve) -> None:
    """An account that was never saved has none; odd entries are passed over."""
    odd = [{"content": None}, {}, "text", chunk("prod", "x", "a"), {"content": {"username": "prod", "realm": REALM}}]
    assert ask(authority, serve, {"entry": odd})[0] == {}


@pytest.mark.parametrize("text", ["{broken", '["list"]', "7"])
def test_a_secret_that_is_no_object_is_told_without_showing_it(authority: Authority, serve: Serve, text: str) -> None:
    """A half-rotated secret: enter it again."""
    with pytest.raises(SplunkdError, match=r'secret of "prod" can\'t be read.*Enter it again') as caught:
        ask(authority, serve, {"entry": stored("prod", text)})
    assert text not in str(caught.value)


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden"])
def test_who_may_not_read_passwords_is_told_what_it_takes(authority: Authority, serve: Serve, status: str) -> None:
    """The capability, and the access list."""
    with pytest.raises(SplunkdError, match=r"list_storage_passwords.*read access to the add-on's passwords") as caught:
        ask(authority, serve, {"messages": []}, status)
    assert caught.value.status == int(status[:3])


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"<html>", "503 Busy"), ({"messages": []}, "500 Error"), ([1], "200 OK"), (b"", "200 OK"), (b"3", "200 OK")],
)
def test_an_answer_that_is_no_feed_is_told(authority: Authority, serve: Serve, body: Any, status: str) -> None:
    """With its status."""
    with pytest.raises(SplunkdError, match=f"HTTP {status[:3]} without a feed") as caught:
        ask(authority, serve, body, status)
    assert caught.value.status == int(status[:3])


def test_a_splunkd_that_is_away_is_told() -> None:
    """No answer: no status, and the session key does not show."""
    splunkd = Splunkd("https://127.0.0.1:1", Secret("geheim"), Trust())
    with pytest.raises(SplunkdError, match=r"splunkd: 127\.0\.0\.1:1 refuses connections") as caught:
        splunkd.credentials("ta_send_to_soar_account", "prod")
    assert caught.value.status is None
    assert "geheim" not in repr(caught.value)
    splunkd.close()


class TestTrust:
    """What server.conf says is what counts."""

    def test_authorities_and_the_own_certificate_are_anchors(self, tmp_path: Path, authority: Authority) -> None:
        """Relative to $SPLUNK_HOME, by variable, or absolute; keys are left out, missing files trust nobody."""
        (tmp_path / "ca.pem").write_text("# CA\n" + authority.pem, encoding="ascii")
        own = authority.issue("own", "DNS:localhost")
        conf = {"sslRootCAPath": "ca.pem", "caCertFile": "$SPLUNK_HOME/absent.pem", "serverCert": str(own)}
        found = trust("https://127.0.0.1:8089", lambda key: conf.get(key, ""), tmp_path)
        assert found.anchors.count("BEGIN CERTIFICATE") == 2
        assert "PRIVATE" not in found.anchors
        assert found.anchors_are_pinned

    @pytest.mark.parametrize(
        ("uri", "is_checked"),
        [
            ("https://127.0.0.1:8089", False),
            ("https://localhost:8089", False),
            ("https://[::1]:8089", False),
            ("https://sh1.example:8089", True),
            ("https://127.0.0.1.example:8089", True),
            ("", True),
        ],
    )
    def test_the_name_is_left_unchecked_on_loopback_only(self, uri: str, is_checked: bool) -> None:  # noqa: FBT001
        """Nothing set: the public authorities; elsewhere the name counts."""
        assert trust(uri, lambda _: "", Path("/none")) == Trust("", check_name=is_checked)

    def test_a_default_splunkd_is_trusted(self, tmp_path: Path, authority: Authority, serve: Serve) -> None:
        """Its own authority, no name: works out of the box, over the address 127.0.0.1."""

        def script(connection: Connection) -> None:
            connection.read_request()
            connection.answer(b'{"entry": []}')

        (tmp_path / "ca.pem").write_text(authority.pem, encoding="ascii")
        server = serve(script, authority.issue("SplunkServerDefaultCert-2", None))
        uri = f"https://127.0.0.1:{server.port}"
        found = trust(uri, {"caCertFile": "ca.pem", "sslRootCAPath": "", "serverCert": ""}.__getitem__, tmp_path)
        splunkd = Splunkd(uri, Secret("k"), found)
        assert splunkd.credentials("ta_send_to_soar_account", "prod") == {}
        splunkd.close()


@pytest.mark.parametrize("entry", [None, 3])
def test_a_feed_without_a_list_is_told(authority: Authority, serve: Serve, entry: object) -> None:
    """Whatever splunkd answers, the error is a plain one."""
    with pytest.raises(SplunkdError):
        ask(authority, serve, {"entry": entry})
