"""Whom a connection trusts."""

from __future__ import annotations

import ssl

import pytest

from soarlink.errors import SettingsError
from soarlink.wire.exchange import Endpoint, Exchanger
from soarlink.wire.failure import ExchangeFailed
from soarlink.wire.trust import Trust, certificates
from tests.unit.certificates import Authority
from tests.unit.conftest import Serve
from tests.unit.rawserver import Connection


def ask(url: str, trust: Trust) -> int:
    """Ask a server once."""
    made = Exchanger(Endpoint(url, trust), {})
    try:
        return made.exchange("GET", "/").status
    finally:
        made.close()


def once(connection: Connection) -> None:
    """Answer one request."""
    connection.read_request()
    connection.answer(b"{}")


def test_certificates_are_always_verified(authority: Authority) -> None:
    """Every context verifies, with TLS 1.2 or newer."""
    for trust in (Trust(), Trust(authority.pem), Trust(authority.pem, check_name=False, anchors_are_pinned=True)):
        context = trust.context("localhost")
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_the_name_is_checked_by_ssl_where_it_can_be(authority: Authority) -> None:
    """Ssl checks host names; an address is left to urllib3, and nothing is checked only where that is asked for."""
    assert Trust(authority.pem).context("soar.example").check_hostname
    assert not Trust(authority.pem).context("10.0.0.1").check_hostname
    assert not Trust(authority.pem, check_name=False).context("localhost").check_hostname


def test_without_anchors_the_public_authorities_count() -> None:
    """An account without a CA certificate trusts what requests ships."""
    assert Trust().context("localhost").cert_store_stats()["x509_ca"] > 50


def test_with_anchors_nothing_else_counts(authority: Authority) -> None:
    """A CA certificate of the account replaces the public ones."""
    assert Trust(authority.pem).context("localhost").cert_store_stats()["x509"] == 1


@pytest.mark.parametrize(
    "text",
    [
        "no certificate at all",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
        "-----BEGIN CERTIFICATE-----\n????\n-----END CERTIFICATE-----",
    ],
)
def test_an_unusable_certificate_is_told(text: str) -> None:
    """A text without a usable certificate is an error that says what to paste."""
    with pytest.raises(SettingsError, match=r"CA certificate can't be used.*Paste it in PEM form"):
        Trust(text).context("localhost")


def test_only_certificates_are_taken_from_a_text(authority: Authority) -> None:
    """Remarks and keys between certificates are left out."""
    text = f"# remark\n{authority.pem}-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n{authority.pem}"
    assert certificates(text).splitlines() == [line for line in (authority.pem * 2).splitlines() if line]


def test_a_certificate_that_names_no_host_is_taken_on_loopback(authority: Authority, serve: Serve) -> None:
    """A default splunkd: known authority, no name. Without the check of names it is trusted, else not."""
    server = serve(once, authority.issue("SplunkServerDefaultCert", None))
    assert ask(server.url, Trust(authority.pem, check_name=False)) == 200
    assert ask(f"https://127.0.0.1:{server.port}", Trust(authority.pem, check_name=False)) == 200
    with pytest.raises(ExchangeFailed, match="not trusted"):
        ask(server.url, Trust(authority.pem))


def test_without_the_check_of_names_the_authority_still_counts(serve: Serve) -> None:
    """An unknown authority is refused on loopback too."""
    with pytest.raises(ExchangeFailed, match="not trusted"):
        ask(serve(once).url, Trust(check_name=False))


def test_a_servers_own_certificate_may_be_the_anchor(authority: Authority, serve: Serve) -> None:
    """Pinned, a certificate that is no authority counts; not pinned, it does not."""
    leaf = authority.issue("pinned", "DNS:localhost")
    server = serve(once, leaf)
    own = certificates(leaf.read_text(encoding="ascii"))
    assert ask(server.url, Trust(own, anchors_are_pinned=True)) == 200
    with pytest.raises(ExchangeFailed, match="not trusted"):
        ask(server.url, Trust(own))
