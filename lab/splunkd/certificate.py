"""splunkd's certificates, written where a Splunk installation has them."""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_YEARS_10 = dt.timedelta(days=3650)


@dataclass(frozen=True)
class CertificateFiles:
    """Where a server's certificate with key, and the CA that signed it, lie."""

    server: Path
    ca: Path


@dataclass(frozen=True)
class _Authority:
    certificate: x509.Certificate
    key: rsa.RSAPrivateKey


def default_certificates(home: Path) -> CertificateFiles:
    """Return the certificates that a new installation makes for itself; they are made when absent.

    A CA of the instance's own signs a certificate for CN=SplunkServerDefaultCert. It names no host, has no subject
    alternative name and, as `openssl x509 -req` writes it, no extension at all. `etc/auth/server.pem` holds
    certificate, key and CA; `etc/auth/cacert.pem` the CA.
    """
    auth = home / "etc" / "auth"
    files = CertificateFiles(auth / "server.pem", auth / "cacert.pem")
    if not (files.server.exists() and files.ca.exists()):
        names = {NameOID.COUNTRY_NAME: "US", NameOID.ORGANIZATION_NAME: "Splunk", NameOID.COMMON_NAME: "SplunkCommonCA"}
        authority = _authority(_name(names))
        subject = {NameOID.COMMON_NAME: "SplunkServerDefaultCert", NameOID.ORGANIZATION_NAME: "SplunkUser"}
        _write(files, authority, _name(subject), [])
    return files


def named_certificates(home: Path) -> CertificateFiles:
    """Return certificates as a careful administrator installs them; they are made when absent.

    A private CA signs a certificate for `localhost` and 127.0.0.1, both below `etc/auth/mycerts`.
    """
    folder = home / "etc" / "auth" / "mycerts"
    files = CertificateFiles(folder / "splunkd.pem", folder / "private-ca.pem")
    if not (files.server.exists() and files.ca.exists()):
        authority = _authority(_name({NameOID.COMMON_NAME: "Example Private CA"}))
        hosts = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        _write(files, authority, _name({NameOID.COMMON_NAME: "localhost"}), hosts)
    return files


def _authority(name: x509.Name) -> _Authority:
    key = _key()
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    builder = (
        _builder(name, name, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return _Authority(builder.sign(key, hashes.SHA256()), key)


def _write(
    files: CertificateFiles,
    authority: _Authority,
    subject: x509.Name,
    hosts: list[x509.GeneralName],
) -> None:
    key = _key()
    builder = _builder(subject, authority.certificate.subject, key)
    if hosts:
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
        builder = (
            builder.add_extension(x509.SubjectAlternativeName(hosts), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(identifier, critical=False)
        )
    certificate = builder.sign(authority.key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
    ca = authority.certificate.public_bytes(pem)
    files.server.parent.mkdir(parents=True, exist_ok=True)
    files.ca.write_bytes(ca)
    with os.fdopen(os.open(files.server, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(certificate.public_bytes(pem) + private + ca)


def _builder(subject: x509.Name, issuer: x509.Name, key: rsa.RSAPrivateKey) -> x509.CertificateBuilder:
    # Real time, not an injected clock: TLS libraries judge validity by the machine's.
    start = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + _YEARS_10)
    )


def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _name(attributes: dict[x509.ObjectIdentifier, str]) -> x509.Name:
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in attributes.items()])
