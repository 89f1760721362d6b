"""Why an exchange failed, and whether the request may have reached the server.

``requests`` puts refused connections and cut answers into the same classes, so the end of the cause chain decides
(libraries reference, section 8). Whatever is not surely "not sent" is "maybe sent".
"""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

import requests
import urllib3.exceptions
from urllib3.util.ssl_match_hostname import CertificateError

if TYPE_CHECKING:
    from collections.abc import Iterator


class ExchangeFailed(Exception):
    """No complete answer.

    ``sent`` is False only when no byte of the request can have reached the server.
    ``what`` says what happened, ``remedy`` what to do.
    """

    def __init__(self, what: str, remedy: str, *, sent: bool) -> None:
        super().__init__(what, remedy)
        self.what = what
        self.remedy = remedy
        self.sent = sent

    @classmethod
    def not_sent(cls, what: str, remedy: str) -> ExchangeFailed:
        """Nothing reached the server."""
        return cls(what, remedy, sent=False)

    @classmethod
    def maybe(cls, what: str, remedy: str = "") -> ExchangeFailed:
        """The request may have been carried out."""
        return cls(what, remedy or "Whether the request was carried out is not known.", sent=True)

    @classmethod
    def cut(cls, host: str, error: BaseException) -> ExchangeFailed:
        """The connection broke after the request had begun."""
        return cls.maybe(f"The connection to {host} broke before the answer was complete ({type(error).__name__}).")

    @classmethod
    def no_answer_in_time(cls, host: str, seconds: float) -> ExchangeFailed:
        """The server took the request and did not answer within the read timeout."""
        return cls.maybe(f"{host} did not answer within {seconds:g} seconds.")


def from_requests(error: requests.RequestException, host: str) -> ExchangeFailed:
    """Classify an exception of ``requests``. ``host`` is ``host:port`` for the message."""
    for cause in _chain(error):
        if isinstance(cause, (ssl.SSLCertVerificationError, CertificateError)):
            return untrusted(cause, host)
        # urllib3 derives its "new connection failed" from "connect timed out".
        if isinstance(cause, urllib3.exceptions.ConnectTimeoutError) and not isinstance(
            cause, urllib3.exceptions.NewConnectionError
        ):
            return late(host)
    for cause in _chain(error):
        if isinstance(cause, urllib3.exceptions.ProxyError) and _is_before_tunnel(cause):
            return ExchangeFailed.not_sent(
                f"The proxy did not connect to {host}: {_words(_root(cause))}.",
                "Check the proxy's host, port, user and password, and that it allows this destination.",
            )
        if isinstance(cause, urllib3.exceptions.NewConnectionError):
            return unreachable(_root(cause), host)
    if isinstance(error, requests.ReadTimeout):
        return ExchangeFailed.maybe(f"{host} did not answer in time.")
    if isinstance(error, (requests.exceptions.InvalidURL, requests.exceptions.InvalidHeader)):
        return unsendable(error, host)
    return ExchangeFailed.cut(host, _root(error))


def unsendable(error: Exception, host: str) -> ExchangeFailed:
    """The request can't even be written down as HTTP."""
    return ExchangeFailed.not_sent(
        f"The request to {host} can't be made ({type(error).__name__}).",
        "Check the account's URL and token for characters that do not belong there.",
    )


def _is_before_tunnel(error: urllib3.exceptions.ProxyError) -> bool:
    """With a proxy, urllib3 calls every socket error a ProxyError, also one after the request was read."""
    causes = list(_chain(error))
    refused = str(causes[-1]).startswith("Tunnel connection failed")
    return refused or any(isinstance(cause, urllib3.exceptions.NewConnectionError) for cause in causes)


def late(host: str) -> ExchangeFailed:
    """No connection within the connect timeout."""
    return ExchangeFailed.not_sent(
        f"{host} did not accept a connection in time.", "Check the host, the port and any firewall between them."
    )


def untrusted(error: Exception, host: str) -> ExchangeFailed:
    """A certificate that does not hold."""
    message = getattr(error, "verify_message", "") or str(error)
    lowered = message.lower()
    if "mismatch" in lowered or "doesn't match" in lowered:
        remedy = (
            "Use the name that stands in the certificate as the account's URL, or have the certificate name this host."
        )
    elif "expired" in lowered:
        remedy = "Have the certificate renewed, and check this machine's clock."
    elif "not yet valid" in lowered:
        remedy = "Check the clocks of both machines."
    elif "self-signed certificate" in lowered.replace("self signed", "self-signed") and "chain" not in lowered:
        remedy = "It is signed by nobody but itself: paste it, in PEM form, into the account's CA certificate."
    else:
        remedy = "Paste the PEM of the authority that signed it into the account's CA certificate."
    return ExchangeFailed.not_sent(f"The certificate of {host} is not trusted: {message}.", remedy)


def unreachable(cause: BaseException, host: str) -> ExchangeFailed:
    """No connection, for the reason that the socket gave."""
    if isinstance(cause, socket.gaierror):
        return ExchangeFailed.not_sent(
            f"The name of {host} can't be resolved.", "Check the URL for typing errors, and this machine's DNS."
        )
    if isinstance(cause, ConnectionRefusedError):
        return ExchangeFailed.not_sent(
            f"{host} refuses connections.", "Check the port, and whether the server is running."
        )
    return ExchangeFailed.not_sent(
        f"{host} can't be reached: {_words(cause)}.", "Check host, port, route and firewall."
    )


def _words(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


def _root(error: BaseException) -> BaseException:
    return list(_chain(error))[-1]


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The exception and its causes; urllib3 keeps some of them in ``reason`` or as first argument."""
    seen = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = _cause(current)


def _cause(error: BaseException) -> BaseException | None:
    reason = getattr(error, "reason", None)
    if isinstance(reason, BaseException):
        return reason
    for argument in error.args:
        if isinstance(argument, BaseException):
            return argument
    # A context that was suppressed is no cause: urllib3 tries a call that Python 3 answers with a TypeError first.
    return error.__cause__ or (None if error.__suppress_context__ else error.__context__)
