"""Calls to splunkd as Splunk's own Python code makes them.

The connection is verified against the CA of server.conf (`sslRootCAPath`, else `caCertFile`); the host name is not
checked, because splunkd's default certificate names none.
"""
# ruff: noqa: FBT001, PLC0415, PLR0917, PTH123 - the signatures are Splunk's; late imports and os.path keep start-up small

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Mapping
    from typing import Any


class Response(dict):  # type: ignore[type-arg]
    """Header fields of an answer, with `status` and `reason` beside them."""

    def __init__(self, status: int, reason: str, headers: Iterable[tuple[str, str]]) -> None:
        super().__init__(headers)
        self.status = status
        self.reason = reason


def getWebCertFile() -> str | None:
    """Return the client certificate for splunkd; a default Splunk has none."""
    return None


def getWebKeyFile() -> str | None:
    """Return the key of the client certificate; a default Splunk has none."""
    return None


def is_cert_or_key_encrypted(cert_filename: str) -> bool:
    """Return whether the PEM file at `cert_filename` is encrypted."""
    with open(cert_filename, encoding="ascii", errors="replace") as file:
        return "ENCRYPTED" in file.read()


def makeSplunkdUri() -> str:
    """Return the management URI with a trailing slash."""
    from .clilib.cli_common import getMgmtUri

    return os.environ.get("SPLUNKD_URI", getMgmtUri()).rstrip("/") + "/"


def simpleRequest(
    path: str,
    sessionKey: str | None = None,
    getargs: Mapping[str, Any] | None = None,
    postargs: Mapping[str, Any] | None = None,
    method: str = "GET",
    raiseAllErrors: bool = False,
    proxyMode: bool = False,
    rawResult: bool = False,
    timeout: float | None = None,
    jsonargs: str | None = None,
    token: bool = False,
) -> tuple[Response, bytes]:
    """Make one call and return (response, body bytes).

    Args:
        path: absolute path, or one relative to `/services/`.
        sessionKey: key for the call; the process default when None.
        getargs: query arguments.
        postargs: form arguments; makes the call a POST.
        method: HTTP method.
        raiseAllErrors: raise RESTException for every status of 400 and more.
        proxyMode: hand back 401, 403 and 404 instead of raising.
        rawResult: hand back every answer as it is.
        timeout: seconds; 30 when None.
        jsonargs: text of a JSON body; makes the call a POST.
        token: whether the key is a token (`Bearer`) instead of a session key.

    Raises:
        AuthenticationFailed: 401. AuthorizationFailed: 403. ResourceNotFound: 404 with `raiseAllErrors`.
        SplunkdConnectionException: no answer.
    """
    from . import getSessionKey

    body, headers, method = _body(postargs, jsonargs, method)
    key = sessionKey or getSessionKey()
    if key:
        headers["Authorization"] = ("Bearer %s" if token else "Splunk %s") % key
    response, content = _exchange(_target(path, getargs), method, body, headers, timeout or 30)
    if not (rawResult or proxyMode):
        _raise_for_status(response, content, raiseAllErrors)
    return response, content


def _body(
    postargs: Mapping[str, Any] | None, jsonargs: str | None, method: str
) -> tuple[bytes | None, dict[str, str], str]:
    from urllib.parse import urlencode

    if jsonargs is not None:
        return jsonargs.encode(), {"Content-Type": "application/json"}, "POST" if method == "GET" else method
    if postargs is not None:
        body = urlencode(postargs, doseq=True).encode()
        return body, {"Content-Type": "application/x-www-form-urlencoded"}, "POST" if method == "GET" else method
    return None, {}, method


def _target(path: str, getargs: Mapping[str, Any] | None) -> str:
    from urllib.parse import quote, urlencode

    path = path if path.startswith("/") else "/services/" + path
    path = quote(path, safe="/%:@?&=+,;!*'()~$")
    if getargs:
        return path + ("&" if "?" in path else "?") + urlencode(getargs, doseq=True)
    return path


def _exchange(
    target: str, method: str, body: bytes | None, headers: Mapping[str, str], timeout: float
) -> tuple[Response, bytes]:
    from http.client import HTTPConnection, HTTPException, HTTPSConnection
    from urllib.parse import urlsplit

    from . import SplunkdConnectionException

    uri = urlsplit(makeSplunkdUri())
    if uri.scheme == "https":
        connection: HTTPConnection = HTTPSConnection(uri.hostname or "", uri.port, timeout=timeout, context=_context())
    else:
        connection = HTTPConnection(uri.hostname or "", uri.port, timeout=timeout)
    try:
        connection.request(method, target, body=body, headers=headers)
        answer = connection.getresponse()
        return Response(answer.status, answer.reason, answer.getheaders()), answer.read()
    except (OSError, HTTPException) as error:
        raise SplunkdConnectionException(f"Splunkd daemon is not responding: {error}") from error
    finally:
        connection.close()


def _context() -> ssl.SSLContext:
    import ssl

    from .clilib.cli_common import getConfStanza

    settings = getConfStanza("server", "sslConfig")
    ca = settings.get("sslRootCAPath") or settings.get("caCertFile") or "$SPLUNK_HOME/etc/auth/cacert.pem"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(ca.replace("$SPLUNK_HOME", os.environ["SPLUNK_HOME"]))
    return context


def _raise_for_status(response: Response, content: bytes, raise_all: bool) -> None:
    from . import AuthenticationFailed, AuthorizationFailed, ResourceNotFound, RESTException

    text = content.decode("utf-8", "replace")
    if response.status == 401:  # noqa: PLR2004 - HTTP status
        raise AuthenticationFailed
    if response.status == 403:  # noqa: PLR2004 - HTTP status
        raise AuthorizationFailed(text)
    if raise_all and response.status == 404:  # noqa: PLR2004 - HTTP status
        raise ResourceNotFound(text)
    if raise_all and response.status >= 400:  # noqa: PLR2004 - HTTP status
        raise RESTException(response.status, text)
