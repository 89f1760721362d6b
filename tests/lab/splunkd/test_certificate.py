"""What splunkd's TLS looks like, in its default and in its well-kept form."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography import x509

from lab.splunkd import StandInSplunkd
from lab.splunkd.certificate import default_certificates
from lab.splunkd.python.splunk.clilib import conffile
from tests.lab.splunkd.client import Start


def handshake(splunkd: StandInSplunkd, ca: Path, host: str = "127.0.0.1", *, check_name: bool) -> bytes:
    """Connect, verify and return the peer's certificate (DER)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = check_name
    context.load_verify_locations(ca)
    address = ("127.0.0.1", urlsplit(splunkd.uri).port or 0)
    with (
        socket.create_connection(address, timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=host) as tls,
    ):
        return tls.getpeercert(binary_form=True) or b""


def ssl_config(splunkd: StandInSplunkd) -> dict[str, str]:
    """Return server.conf [sslConfig] over all layers."""
    return conffile.merged(str(splunkd.home), "server")["sslConfig"]


def resolved(splunkd: StandInSplunkd, path: str) -> Path:
    """Return a path of server.conf with $SPLUNK_HOME put in."""
    return Path(path.replace("$SPLUNK_HOME", str(splunkd.home)))


def test_default_certificate_is_that_of_a_new_installation(splunkd: StandInSplunkd) -> None:
    """By default the certificate is CN=SplunkServerDefaultCert, signed by the CA of server.conf, without a SAN."""
    settings = ssl_config(splunkd)
    certificate = x509.load_der_x509_certificate(
        handshake(splunkd, resolved(splunkd, settings["caCertFile"]), check_name=False)
    )
    assert "CN=SplunkServerDefaultCert" in certificate.subject.rfc4514_string()
    assert list(certificate.extensions) == []
    assert settings["sslVerifyServerCert"] == "false"
    assert settings["enableSplunkdSSL"] == "true"
    assert "sslRootCAPath" not in settings


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_default_certificate_names_no_host(splunkd: StandInSplunkd, host: str) -> None:
    """A client that checks the name refuses the default certificate."""
    with pytest.raises(ssl.SSLCertVerificationError, match=r"mismatch|not valid for"):
        handshake(splunkd, splunkd.ca_file, host, check_name=True)


def test_default_certificate_is_not_trusted_by_others(splunkd: StandInSplunkd, tmp_path: Path) -> None:
    """A client that trusts another CA refuses the default certificate."""
    other = default_certificates(tmp_path / "other")
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(splunkd, other.ca, check_name=False)


def test_server_file_holds_certificate_and_key(splunkd: StandInSplunkd) -> None:
    """etc/auth/server.pem holds certificate and key, readable by its owner only."""
    file = resolved(splunkd, ssl_config(splunkd)["serverCert"])
    text = file.read_text(encoding="ascii")
    assert "BEGIN CERTIFICATE" in text
    assert "PRIVATE KEY" in text
    assert file.stat().st_mode & 0o777 == 0o600


def test_certificates_survive_a_restart(start: Start) -> None:
    """A restart presents the same certificate."""
    first = start()
    certificate = handshake(first, first.ca_file, check_name=False)
    second = start()
    assert handshake(second, second.ca_file, check_name=False) == certificate


def test_named_certificate_passes_every_check(start: Start) -> None:
    """The named certificate passes every check with the CA of sslRootCAPath; the default one can come back."""
    splunkd = start(certificate="named")
    assert handshake(splunkd, Path(ssl_config(splunkd)["sslRootCAPath"]), check_name=True)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(splunkd, splunkd.home / "etc/auth/cacert.pem", check_name=False)
    again = start()
    assert "sslRootCAPath" not in ssl_config(again)
    assert handshake(again, again.home / "etc/auth/cacert.pem", check_name=False)
