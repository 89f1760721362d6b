"""One request, one answer, or a failure that says whether anything left this machine.

``requests`` has defaults that would lose or double alerts (libraries reference, section 8): no timeout, redirects that
turn a POST into a GET, short bodies taken for whole ones, cookies, and the proxy and CA variables of the host. None is
used here.
"""

from __future__ import annotations

import http.client
import time
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, Callable
from urllib.parse import quote, urlsplit

import requests
import urllib3.exceptions
from requests.adapters import HTTPAdapter

from soarlink.wire.failure import ExchangeFailed, from_requests, unsendable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from soarlink.wire.trust import Trust

MAX_ANSWER = 64 * 1024 * 1024
"""Bytes of an answer that are read at most; SOAR's largest pages stay far below."""

_CHUNK = 65536


@dataclass(frozen=True)
class Proxy:
    """An HTTP proxy; ``password`` is never shown."""

    host: str
    port: int
    username: str = ""
    password: str = ""

    def url(self) -> str:
        """The proxy as ``requests`` wants it, user and password percent-encoded."""
        login = f"{quote(self.username, safe='')}:{quote(self.password, safe='')}@" if self.username else ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{login}{host}:{self.port}"

    def __repr__(self) -> str:
        return f"Proxy({self.host}:{self.port})"


@dataclass(frozen=True)
class Endpoint:
    """A server and how to talk to it. Times are in seconds; ``read_timeout`` bounds the whole answer."""

    url: str
    trust: Trust
    proxy: Proxy | None = None
    connect_timeout: float = 10.0
    read_timeout: float = 120.0

    @property
    def host(self) -> str:
        """``host:port`` for messages."""
        return urlsplit(self.url).netloc


@dataclass(frozen=True)
class Reply:
    """A complete answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Observed:
    """One exchange, as an observer is told of it. ``status`` is None when no complete answer came."""

    method: str
    path: str
    """Without the query."""
    status: int | None
    seconds: float
    sent: int
    received: int
    """Bytes of the bodies."""
    error: str = ""


class Exchanger:
    """A kept-alive connection to one server. Not for use by several threads at once.

    Args:
        endpoint: the server.
        headers: sent with every request; secrets in them never show in errors.
        monotonic: the clock for the deadline, in seconds.
        observe: told of each exchange when it is over.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        headers: Mapping[str, str],
        monotonic: Callable[[], float] = time.monotonic,
        observe: Callable[[Observed], None] | None = None,
    ) -> None:
        self.endpoint = endpoint
        self._monotonic = monotonic
        self._observe = observe
        self._session = _Session()
        self._session.trust_env = False
        # Each request signs in for itself: a session of SOAR's wants CSRF tokens (REST reference, 1.2).
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
        self._session.headers.clear()
        # identity: a compressed answer could not be told from a cut one by its length.
        self._session.headers.update({"Accept": "application/json", "Accept-Encoding": "identity", **headers})
        self._session.mount("https://", _ContextAdapter(endpoint))
        if endpoint.proxy is not None:
            self._session.proxies = {"https": endpoint.proxy.url()}

    def exchange(self, method: str, path: str, body: bytes | None = None, content_type: str = "") -> Reply:
        """Send one request and read its whole answer.

        Args:
            method: ``GET``, ``POST`` or ``DELETE``.
            path: path and query, encoded, from the server's root.
            body: the encoded body.
            content_type: of the body.

        Raises:
            ExchangeFailed: no complete answer; ``sent`` says whether the request may have reached the server.
        """
        if self._observe is None:
            return self._exchange(method, path, body, content_type)
        started, sent = self._monotonic(), len(body or b"")
        plain = path.partition("?")[0]
        try:
            reply = self._exchange(method, path, body, content_type)
        except ExchangeFailed as failure:
            self._observe(Observed(method, plain, None, self._monotonic() - started, sent, 0, failure.what))
            raise
        took = self._monotonic() - started
        self._observe(Observed(method, plain, reply.status, took, sent, len(reply.body)))
        return reply

    def _exchange(self, method: str, path: str, body: bytes | None, content_type: str) -> Reply:
        deadline = self._monotonic() + self.endpoint.connect_timeout + self.endpoint.read_timeout
        headers: dict[str, str] = {"Content-Type": content_type} if content_type else {}
        try:
            request = self._session.prepare_request(requests.Request(method, self.endpoint.url, headers, data=body))
            # Only now: the path is encoded already, and requests would go through a long query character by character.
            request.url = f"{(request.url or '').rstrip('/')}{path}"
            response = self._session.send(
                request,
                timeout=(self.endpoint.connect_timeout, self.endpoint.read_timeout),
                allow_redirects=False,
                stream=True,
            )
        except requests.RequestException as error:
            raise from_requests(error, self.endpoint.host) from None
        except (UnicodeError, urllib3.exceptions.LocationValueError) as error:
            raise unsendable(error, self.endpoint.host) from None
        try:
            return Reply(response.status_code, response.headers, self._read(response, deadline))
        except ExchangeFailed:
            response.close()
            raise

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def _read(self, response: requests.Response, deadline: float) -> bytes:
        host = self.endpoint.host
        parts, size = [], 0
        for part in _received(response, host):
            parts.append(part)
            size += len(part)
            if size > MAX_ANSWER:
                raise ExchangeFailed.maybe(f"The answer of {host} is larger than {MAX_ANSWER} bytes.")
            if self._monotonic() > deadline:
                raise ExchangeFailed.no_answer_in_time(host, self.endpoint.read_timeout)
        promised = response.headers.get("Content-Length")
        if promised is not None and promised.isdigit() and int(promised) != size:
            raise ExchangeFailed.maybe(f"The answer of {host} ended after {size} of {promised} bytes.")
        response.raw.release_conn()
        return b"".join(parts)


def _received(response: requests.Response, host: str) -> Iterator[bytes]:
    """The body as it comes in, piece by piece.

    http.client's ``read1`` returns with what one receive brought, so a deadline holds against a slow drip too; reading
    through ``requests`` waits for whole chunks and takes a body that ends early for a complete one.
    """
    source: Any = response.raw._fp  # noqa: SLF001 - there is no public way to the unbuffered body
    while True:
        try:
            part: bytes = source.read1(_CHUNK)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise ExchangeFailed.cut(host, error) from None
        if not part:
            return
        yield part


class _Session(requests.Session):
    """A session that knows no redirects: to see where one leads, requests would read the body before we do."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:  # noqa: ARG002 - requests' signature
        return None


class _ContextAdapter(HTTPAdapter):
    """An adapter whose trust is our context and nothing else."""

    def __init__(self, endpoint: Endpoint) -> None:
        trust = endpoint.trust
        self._tls: dict[str, Any] = {
            "ssl_context": trust.context(urlsplit(endpoint.url).hostname or ""),
            "cert_reqs": "CERT_REQUIRED",
            "assert_hostname": None if trust.check_name else False,
        }
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **{**kwargs, **self._tls})

    def proxy_manager_for(self, proxy: Any, **kwargs: Any) -> Any:
        return super().proxy_manager_for(proxy, **{**kwargs, **self._tls})

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:  # noqa: ARG002 - requests' signature
        conn.cert_reqs = "CERT_REQUIRED"

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
        host, _ = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, self._tls
