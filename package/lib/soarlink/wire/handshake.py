"""The first steps of a connection, one at a time, for those who want to know how far it gets.

The trust, the proxy and the timeouts are those of :class:`soarlink.wire.exchange.Exchanger`; no request is sent.
"""

from __future__ import annotations

import base64
import http.client
import socket
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from urllib3.util.ssl_match_hostname import CertificateError, match_hostname

from soarlink.wire.failure import ExchangeFailed, late, unreachable, untrusted

if TYPE_CHECKING:
    from soarlink.wire.exchange import Endpoint, Proxy

_HTTPS = 443
_TUNNEL_ANSWER = "Tunnel connection failed: "
_PROXY_REMEDIES = {
    "407": "Enter the proxy's user and password on the configuration page, tab Proxy.",
    "403": "Have the proxy allow this destination.",
}


@dataclass(frozen=True)
class Peer:
    """What a server shows of itself: TLS version, who signed its certificate, until when (seconds since 1970)."""

    protocol: str
    issuer: str
    expires: float


def resolve(endpoint: Endpoint) -> tuple[str, ...]:
    """The addresses of the server's name.

    Raises:
        ExchangeFailed: the name has none.
    """
    host, port = _place(endpoint)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        # UnicodeError: a label that is empty or too long.
        cause = error if isinstance(error, OSError) else socket.gaierror(str(error))
        raise unreachable(cause, endpoint.host) from None
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


def dial(endpoint: Endpoint) -> socket.socket:
    """A TCP connection to the server.

    Raises:
        ExchangeFailed: none came about.
    """
    return _dial(_place(endpoint), endpoint.connect_timeout, endpoint.host)


def tunnel(endpoint: Endpoint, proxy: Proxy) -> socket.socket:
    """A connection to the server through the proxy.

    Raises:
        ExchangeFailed: the proxy can't be reached, or does not connect.
    """
    host, port = _place(endpoint)
    name = f"proxy {proxy.host}:{proxy.port}"
    try:
        channel = _dial((proxy.host, proxy.port), endpoint.connect_timeout, name)
    except ExchangeFailed as failure:
        raise ExchangeFailed.not_sent(failure.what, "Check the proxy's host and port, and that it runs.") from None
    channel.settimeout(endpoint.read_timeout)
    connection = http.client.HTTPConnection(proxy.host, proxy.port)
    headers = {}
    if proxy.username:
        pair = base64.b64encode(f"{proxy.username}:{proxy.password}".encode()).decode("ascii")
        headers["Proxy-Authorization"] = f"Basic {pair}"
    connection.set_tunnel(host, port, headers)
    connection.sock = channel
    try:
        connection._tunnel()  # type: ignore[attr-defined] # noqa: SLF001 - what connect() calls after dialling
    except (OSError, http.client.HTTPException) as error:
        channel.close()
        raise _no_tunnel(error, name, endpoint.host) from None
    return channel


def secure(endpoint: Endpoint, channel: socket.socket) -> Peer:
    """The TLS handshake on a connection, which is closed afterwards.

    Raises:
        ExchangeFailed: no TLS, or a certificate that is not trusted.
        SettingsError: the trust anchors can't be used.
    """
    host, _ = _place(endpoint)
    with channel:
        context = endpoint.trust.context(host)
        channel.settimeout(endpoint.connect_timeout)
        try:
            with context.wrap_socket(channel, server_hostname=host) as secured:
                certificate: Any = secured.getpeercert()
                if not context.check_hostname and endpoint.trust.check_name:
                    match_hostname(certificate, host)  # an address: see Trust.context
                return Peer(secured.version() or "", _issuer(certificate), _expiry(certificate))
        except (ssl.SSLCertVerificationError, CertificateError) as error:
            raise untrusted(error, endpoint.host) from None
        except (OSError, ValueError) as error:
            raise _no_tls(error, endpoint.host) from None


def _place(endpoint: Endpoint) -> tuple[str, int]:
    parts = urlsplit(endpoint.url)
    return parts.hostname or "", parts.port or _HTTPS


def _dial(place: tuple[str, int], timeout: float, name: str) -> socket.socket:
    try:
        return socket.create_connection(place, timeout)
    except socket.timeout:
        raise late(name) from None
    except (OSError, UnicodeError) as error:
        cause = error if isinstance(error, OSError) else socket.gaierror(str(error))
        raise unreachable(cause, name) from None


def _no_tunnel(error: Exception, name: str, host: str) -> ExchangeFailed:
    if isinstance(error, socket.timeout):
        return ExchangeFailed.not_sent(f"{name} did not connect to {host} in time.", "Look at the proxy's log.")
    said = str(error)
    if said.startswith(_TUNNEL_ANSWER):
        answer = said[len(_TUNNEL_ANSWER) :].strip()
        remedy = _PROXY_REMEDIES.get(answer[:3], "See that the proxy resolves and reaches this destination.")
        return ExchangeFailed.not_sent(f"{name} answered {answer} when asked for {host}.", remedy)
    return ExchangeFailed.not_sent(
        f"{name} does not answer as a proxy does ({type(error).__name__}).", "Check the proxy's host and port."
    )


def _no_tls(error: Exception, host: str) -> ExchangeFailed:
    if isinstance(error, socket.timeout):
        return ExchangeFailed.not_sent(
            f"{host} accepts connections, and does not answer the TLS handshake in time.",
            "Check that the port is SOAR's HTTPS port.",
        )
    reason = getattr(error, "reason", "") or ""
    if reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"):
        return ExchangeFailed.not_sent(
            f"What answers at {host} speaks no TLS.", "Check that the port is SOAR's HTTPS port."
        )
    said = reason.replace("_", " ").lower() or type(error).__name__
    return ExchangeFailed.not_sent(
        f"The TLS handshake with {host} failed: {said}.",
        "SOAR, or the proxy before it, must speak TLS 1.2 or newer and ask for no client certificate.",
    )


def _issuer(certificate: dict[str, Any]) -> str:
    names = {key: value for part in certificate.get("issuer", ()) for key, value in part}
    return str(names.get("commonName") or names.get("organizationName") or "an unnamed authority")


def _expiry(certificate: dict[str, Any]) -> float:
    return float(ssl.cert_time_to_seconds(certificate["notAfter"]))
