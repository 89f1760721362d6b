"""Whom a connection trusts. Certificates are always verified."""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass

from soarlink.errors import SettingsError

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----")
# ssl.VERIFY_X509_PARTIAL_CHAIN has a name from Python 3.10 on; OpenSSL knows it since 1.0.2.
_PARTIAL_CHAIN = 0x80000


@dataclass(frozen=True)
class Trust:
    """What a server's certificate is checked against.

    ``anchors`` are PEM certificates; empty means the public authorities that come with ``requests``.
    ``check_name`` is off only for splunkd on loopback, whose default certificate names no host.
    ``anchors_are_pinned`` lets an anchor that is no authority itself (splunkd's own certificate) count.
    """

    anchors: str = ""
    check_name: bool = True
    anchors_are_pinned: bool = False

    def context(self, host: str) -> ssl.SSLContext:
        """A TLS 1.2+ client context for connections to ``host``.

        Raises:
            SettingsError: ``anchors`` holds no usable certificate.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        # urllib3 1.26 names no IP address in the handshake, so that ssl could not check it; it compares it with
        # the certificate itself then.
        context.check_hostname = self.check_name and not _is_address(host)
        if self.anchors_are_pinned:
            context.verify_flags |= _PARTIAL_CHAIN
        if not self.anchors:
            import certifi

            context.load_verify_locations(certifi.where())
            return context
        found = certificates(self.anchors)
        try:
            context.load_verify_locations(cadata=found)
        except (ssl.SSLError, ValueError) as error:
            raise SettingsError(
                f"The CA certificate can't be used: {error}.",
                "Paste it in PEM form, from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----.",
            ) from None
        return context


def _is_address(host: str) -> bool:
    return ":" in host or host.replace(".", "").isdigit()


def certificates(text: str) -> str:
    """The PEM certificates in a text that may hold keys and remarks too."""
    return "\n".join(_CERTIFICATE.findall(text))
