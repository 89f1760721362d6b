"""Certificates made on the spot with the openssl command."""

from __future__ import annotations

import subprocess
from pathlib import Path

_CONFIG = """
[ca]
default_ca = this
[this]
dir = {folder}
database = $dir/index.txt
new_certs_dir = $dir
rand_serial = yes
default_md = sha256
policy = anything
copy_extensions = copy
unique_subject = no
email_in_dn = no
[anything]
commonName = supplied
[req]
distinguished_name = name
prompt = no
[name]
CN = unused
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
"""


class Authority:
    """A private certificate authority below one folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._config = folder / "openssl.cnf"
        self._config.write_text(_CONFIG.format(folder=folder), encoding="utf-8")
        (folder / "index.txt").touch()
        self.certificate = folder / "ca.pem"
        self._key = folder / "ca.key"
        self._openssl(
            *("req", "-x509", "-config", str(self._config), "-extensions", "authority", "-days", "3650", "-nodes"),
            *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", "/CN=Test authority"),
            *("-keyout", str(self._key), "-out", str(self.certificate)),
        )

    @property
    def pem(self) -> str:
        """The authority's certificate."""
        return self.certificate.read_text(encoding="ascii")

    def issue(self, name: str, san: str | None, start: str = "20200101000000Z", end: str = "20991231000000Z") -> Path:
        """A server certificate with its key, in one PEM file.

        Args:
            name: of the file, and the common name.
            san: subject alternative names in openssl's words; None for a certificate that names no host.
            start: first moment it is valid, as ASN.1 writes times.
            end: last moment.
        """
        key, request, signed = (self._folder / f"{name}.{ending}" for ending in ("key", "csr", "crt"))
        names = () if san is None else ("-addext", f"subjectAltName={san}")
        self._openssl(
            *("req", "-new", "-config", str(self._config), "-nodes", "-subj", f"/CN={name}", *names),
            *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-keyout", str(key), "-out", str(request)),
        )
        self._openssl(
            *("ca", "-batch", "-notext", "-config", str(self._config), "-cert", str(self.certificate)),
            *("-keyfile", str(self._key), "-startdate", start, "-enddate", end, "-in", str(request)),
            *("-out", str(signed)),
        )
        both = self._folder / f"{name}.pem"
        both.write_text(signed.read_text(encoding="ascii") + key.read_text(encoding="ascii"), encoding="ascii")
        return both

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], check=True, capture_output=True)  # noqa: S607 - found on PATH
