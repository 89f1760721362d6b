"""One exchange over real sockets: answers, and what each failure means."""

from __future__ import annotations

import contextlib
import gc
import itertools
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from soarlink.wire import exchange as module
from soarlink.wire.exchange import Endpoint, Exchanger, Proxy
from soarlink.wire.failure import ExchangeFailed
from soarlink.wire.trust import Trust
from tests.unit.certificates import Authority
from tests.unit.conftest import Serve
from tests.unit.rawserver import Connection

TOKEN = "geheim-token"


@contextlib.contextmanager
def exchanger(url: str, trust: Trust, **changes: Any) -> Iterator[Exchanger]:
    """A connection that gives up quickly."""
    clock = changes.pop("monotonic", None)
    facts: dict[str, Any] = {"connect_timeout": 5.0, "read_timeout": 5.0, **changes}
    made = Exchanger(Endpoint(url, trust, **facts), {"ph-auth-token": TOKEN}, *([clock] if clock else []))
    try:
        yield made
    finally:
        made.close()


def failure(url: str, trust: Trust, **changes: Any) -> ExchangeFailed:
    """How a POST to that server fails."""
    with exchanger(url, trust, **changes) as made, pytest.raises(ExchangeFailed) as caught:
        made.exchange("POST", "/rest/container", b"{}", "application/json")
    assert TOKEN not in f"{caught.value!r}{caught.value.what}{caught.value.remedy}"
    assert caught.value.remedy
    # Without its traceback, which would keep sockets alive.
    return ExchangeFailed(caught.value.what, caught.value.remedy, sent=caught.value.sent)


@contextlib.contextmanager
def closed_port() -> Iterator[int]:
    """A port that nobody listens on, and that nobody else can take meanwhile."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def forever(connection: Connection) -> None:
    """Answer every request of the connection."""
    while connection.read_request():
        connection.answer(b"{}")


@pytest.fixture
def trust(authority: Authority) -> Trust:
    """Return trust in the authority that signed the servers' certificates."""
    return Trust(authority.pem)


def test_a_request_arrives_as_it_was_asked_for(serve: Serve, trust: Trust) -> None:
    """Method, path, headers and body arrive; no compression is asked for."""
    server = serve(forever)
    with exchanger(server.url, trust) as made:
        reply = made.exchange("POST", "/rest/container?x=%2F1", b'{"a":1}', "application/json")
    (request,) = server.requests
    assert (reply.status, reply.body) == (200, b"{}")
    assert (request.line, request.body) == ("POST /rest/container?x=%2F1 HTTP/1.1", b'{"a":1}')
    assert request.headers["ph-auth-token"] == TOKEN
    assert request.headers["accept-encoding"] == "identity"
    assert request.headers["content-type"] == "application/json"


def test_one_connection_carries_many_requests(serve: Serve, trust: Trust) -> None:
    """The connection is kept alive: one handshake for all requests, bodies of every kind between them."""
    server = serve(forever)
    with exchanger(server.url, trust) as made:
        for _ in range(5):
            made.exchange("POST", "/", b"x" * 100_000)
            made.exchange("GET", "/")
    assert (server.connections, len(server.requests)) == (1, 10)


def test_a_connection_that_the_server_closed_meanwhile_is_opened_again(serve: Serve, trust: Trust) -> None:
    """An idle connection that has been closed costs nothing but a handshake."""

    def once(connection: Connection) -> None:
        connection.read_request()
        connection.answer(b"{}", headers="Connection: close\r\n")

    server = serve(once)
    with exchanger(server.url, trust) as made:
        assert [made.exchange("GET", "/").status for _ in range(3)] == [200] * 3
    assert server.connections == 3


def test_a_chunked_answer_is_read_whole(serve: Serve, trust: Trust) -> None:
    """Chunks are joined, and the connection goes on."""

    def chunked(connection: Connection) -> None:
        while connection.read_request():
            connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n3\r\nabc\r\n0\r\n\r\n")

    server = serve(chunked)
    with exchanger(server.url, trust) as made:
        assert [made.exchange("GET", "/").body for _ in range(2)] == [b"{}abc"] * 2


@pytest.mark.parametrize("status", ["304 Not Modified", "404 Not Found", "429 Too Many", "503 Busy", "401 Who"])
def test_every_status_is_an_answer(serve: Serve, trust: Trust, status: str) -> None:
    """No status raises, and no redirect is followed."""
    body = b"" if status.startswith("304") else b"<html>"

    def answer(connection: Connection) -> None:
        while connection.read_request():
            connection.answer(body, status, "Location: /login\r\nRetry-After: 7\r\n")

    server = serve(answer)
    with exchanger(server.url, trust) as made:
        reply = made.exchange("POST", "/rest/container", b"{}")
    assert (reply.status, reply.body, reply.headers["retry-after"]) == (int(status[:3]), body, "7")
    assert len(server.requests) == 1


def test_a_redirect_without_a_body_is_not_followed(serve: Serve, trust: Trust) -> None:
    """A POST stays a POST to this server: no second request, and the redirect is the answer."""

    def redirect(connection: Connection) -> None:
        while connection.read_request():
            connection.answer(b"", "302 Found", "Location: /login\r\n")

    server = serve(redirect)
    with exchanger(server.url, trust) as made:
        assert made.exchange("POST", "/rest/container", b"{}").status == 302
    assert len(server.requests) == 1


def test_an_empty_answer_is_an_answer(serve: Serve, trust: Trust) -> None:
    """No body, told by its length or by 204."""

    def empty(connection: Connection) -> None:
        connection.read_request()
        connection.answer(b"")
        connection.read_request()
        connection.send(b"HTTP/1.1 204 No Content\r\n\r\n")
        forever(connection)

    server = serve(empty)
    with exchanger(server.url, trust) as made:
        assert [made.exchange("GET", "/").body for _ in range(3)] == [b"", b"", b"{}"]
    assert server.connections == 1


def test_a_refused_connection_is_not_sent(trust: Trust) -> None:
    """Nothing listens: told so, with a way out."""
    with closed_port() as port:
        found = failure(f"https://localhost:{port}", trust)
    assert (found.sent, found.what) == (False, f"localhost:{port} refuses connections.")


def test_an_unknown_host_is_not_sent(trust: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that does not resolve is told as that; only the resolver is not real, because no test has a network."""

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    found = failure("https://soar.invalid", trust)
    assert (found.sent, found.what) == (False, "The name of soar.invalid can't be resolved.")


def test_an_unreachable_host_is_not_sent(trust: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any other failure to connect is told in the system's words."""

    def unreachable(*_: object) -> None:
        raise OSError(113, "No route to host")

    monkeypatch.setattr(socket.socket, "connect", unreachable)
    found = failure("https://localhost:1", trust)
    assert (found.sent, found.what) == (False, "localhost:1 can't be reached: No route to host.")


def test_a_connection_that_is_not_accepted_in_time_is_not_sent(trust: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connect timeout is told apart from a read timeout."""

    def late(*_: object) -> None:
        raise socket.timeout("timed out")

    monkeypatch.setattr(socket.socket, "connect", late)
    found = failure("https://localhost:1", trust)
    assert (found.sent, found.what) == (False, "localhost:1 did not accept a connection in time.")


@pytest.mark.parametrize(
    ("san", "start", "end", "words"),
    [
        ("DNS:other.example", "20200101000000Z", "20991231000000Z", "name that stands in the certificate"),
        ("DNS:localhost", "20200101000000Z", "20210101000000Z", "renewed"),
        ("DNS:localhost", "20990101000000Z", "20991231000000Z", "clocks of both machines"),
        (None, "20200101000000Z", "20991231000000Z", "name that stands in the certificate"),
    ],
    ids=["wrong-host", "expired", "not-yet-valid", "nameless"],
)
def test_a_bad_certificate_is_not_sent(  # noqa: PLR0917 - a table of four columns
    authority: Authority,
    serve: Serve,
    request: pytest.FixtureRequest,
    san: str | None,
    start: str,
    end: str,
    words: str,
) -> None:
    """Wrong name, expired, not yet valid: each with its own way out, and no request leaves."""
    name = request.node.callspec.id
    server = serve(forever, authority.issue(name, san, start, end))
    found = failure(server.url, Trust(authority.pem))
    assert not found.sent
    assert "is not trusted" in found.what
    assert words in found.remedy
    assert server.requests == []


def test_an_unknown_authority_is_not_sent(serve: Serve) -> None:
    """A private authority that the account does not name is told, with where to paste it."""
    server = serve(forever)
    found = failure(server.url, Trust())
    assert (found.sent, server.requests) == (False, [])
    assert "Paste the PEM" in found.remedy


def test_variables_of_the_host_do_not_weaken_the_check(
    serve: Serve, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """REQUESTS_CA_BUNDLE and proxy variables of the machine change nothing."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.certificate))
    monkeypatch.setenv("CURL_CA_BUNDLE", str(authority.certificate))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    server = serve(forever)
    assert not failure(server.url, Trust()).sent
    with exchanger(server.url, Trust(authority.pem)) as made:
        assert made.exchange("GET", "/").status == 200


def _read_then_close(connection: Connection) -> None:
    connection.read_request()


def _read_then_reset(connection: Connection) -> None:
    connection.read_request()
    connection.reset()


def _cut_in_body(connection: Connection) -> None:
    connection.read_request()
    connection.send(b'HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{"id":')


def _reset_in_body(connection: Connection) -> None:
    connection.read_request()
    connection.send(b'HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{"id":')
    connection.reset()


def _cut_in_chunk(connection: Connection) -> None:
    connection.read_request()
    connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{}")


def _cut_between_chunks(connection: Connection) -> None:
    connection.read_request()
    connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n")


def _no_http(connection: Connection) -> None:
    connection.read_request()
    connection.send(b"220 smtp.example ESMTP\r\n")


@pytest.mark.parametrize(
    ("script", "why"),
    [
        (_read_then_close, "RemoteDisconnected"),
        (_read_then_reset, "ConnectionResetError"),
        (_cut_in_body, "6 of 20 bytes"),
        (_reset_in_body, "ConnectionResetError"),
        (_cut_in_chunk, "IncompleteRead"),
        (_cut_between_chunks, "IncompleteRead"),
        (_no_http, "BadStatusLine"),
    ],
)
def test_a_connection_that_breaks_after_the_request_may_have_sent_it(
    serve: Serve, trust: Trust, script: Any, why: str
) -> None:
    """Close, reset, cut head, cut body, cut chunks, no HTTP: the request was read, so it may have been done."""
    server = serve(script)
    found = failure(server.url, trust)
    assert found.sent
    assert why in found.what
    assert len(server.requests) == 1


def test_a_reset_before_the_request_is_read_may_have_sent_it(serve: Serve, trust: Trust) -> None:
    """From here it can't be told from a later reset."""
    server = serve(Connection.reset)
    assert failure(server.url, trust).sent


@pytest.mark.parametrize("beginning", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"], ids=["head", "body"])
def test_a_server_that_hangs_may_have_done_it(serve: Serve, trust: Trust, beginning: bytes) -> None:
    """No answer, or no more of it, within the read timeout."""

    def hang(connection: Connection) -> None:
        connection.read_request()
        connection.send(beginning)
        connection.hold()

    assert failure(serve(hang).url, trust, read_timeout=0.2).sent


def test_an_answer_that_drips_ends_at_the_deadline(serve: Serve, trust: Trust) -> None:
    """Each byte comes in time, the whole answer does not: the deadline counts from the request's start."""

    def drip(connection: Connection) -> None:
        connection.read_request()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
        connection.hold()

    clock = itertools.chain([1_000.0], itertools.repeat(1_130.1))
    found = failure(serve(drip).url, trust, monotonic=lambda: next(clock), connect_timeout=10.0, read_timeout=120.0)
    assert (found.sent, "did not answer within 120 seconds" in found.what) == (True, True)


def test_an_answer_without_end_is_cut_off(serve: Serve, trust: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer beyond any real one is not read into memory."""
    monkeypatch.setattr(module, "MAX_ANSWER", 1_000)

    def flood(connection: Connection) -> None:
        connection.read_request()
        connection.answer(b"x" * 200_000)

    found = failure(serve(flood).url, trust)
    assert (found.sent, "larger than 1000 bytes" in found.what) == (True, True)


def test_a_failed_exchange_leaves_no_connection_behind(serve: Serve, trust: Trust) -> None:
    """After a cut answer the next request has a fresh connection and its own answer."""
    scripts = iter([_cut_in_body, forever])

    def script(connection: Connection) -> None:
        next(scripts)(connection)

    server = serve(script)
    with exchanger(server.url, trust) as made:
        with pytest.raises(ExchangeFailed):
            made.exchange("GET", "/")
        assert made.exchange("GET", "/").body == b"{}"
    assert server.connections == 2


@pytest.mark.parametrize("value", ["broken\ntoken", " leading"])
def test_a_header_that_cannot_be_sent_is_told_without_its_value(trust: Trust, value: str) -> None:
    """A token with a line break or blank is not sent, and does not show."""
    made = Exchanger(Endpoint("https://localhost:1", trust), {"ph-auth-token": value})
    with pytest.raises(ExchangeFailed, match="can't be made") as caught:
        made.exchange("GET", "/")
    assert (caught.value.sent, value in str(caught.value)) == (False, False)
    made.close()


def test_plain_http_reaches_a_splunkd_without_tls(serve: Serve) -> None:
    """A management port that is set up without TLS is spoken to as it is."""
    server = serve(forever, None)
    with exchanger(f"http://127.0.0.1:{server.port}", Trust()) as made:
        assert made.exchange("GET", "/").status == 200


class TestProxy:
    """A client proxy: CONNECT, then TLS to SOAR inside the tunnel."""

    @staticmethod
    def tunnel(certificate: Path, script: Any, answer: bytes = b"HTTP/1.1 200 OK\r\n\r\n") -> Any:
        """A proxy that grants the tunnel, with SOAR behind it."""

        def serve_both(connection: Connection) -> None:
            connection.read_request()
            connection.send(answer)
            connection.secure(certificate)
            script(connection)

        return serve_both

    def test_requests_go_through_it(self, serve: Serve, trust: Trust, certificate: Path) -> None:
        """The proxy sees host and login, SOAR the request; nothing of the token is seen outside the tunnel."""
        server = serve(self.tunnel(certificate, forever), None)
        proxy = Proxy("127.0.0.1", server.port, "us:er", "p@ss/w")
        with exchanger("https://localhost:9", trust, proxy=proxy) as made:
            assert [made.exchange("GET", "/x").status for _ in range(2)] == [200, 200]
        connect, *inside = server.requests
        assert connect.line.startswith("CONNECT localhost:9 ")
        assert connect.headers["proxy-authorization"] == "Basic dXM6ZXI6cEBzcy93"
        assert TOKEN not in str(connect.headers)
        assert [request.line for request in inside] == ["GET /x HTTP/1.1"] * 2

    def test_the_certificate_is_checked_inside_the_tunnel(self, serve: Serve, certificate: Path) -> None:
        """A proxy weakens nothing."""
        server = serve(self.tunnel(certificate, forever), None)
        found = failure("https://localhost:9", Trust(), proxy=Proxy("127.0.0.1", server.port))
        assert (found.sent, "is not trusted" in found.what) == (False, True)

    @pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
    def test_a_refused_tunnel_is_not_sent(self, serve: Serve, trust: Trust) -> None:
        """407 on CONNECT: nothing reached SOAR, and the password does not show."""

        def refuse(connection: Connection) -> None:
            connection.read_request()
            connection.answer(b"", "407 Proxy Authentication Required")

        proxy = Proxy("127.0.0.1", serve(refuse, None).port, "user", "geheim")
        found = failure("https://localhost:9", trust, proxy=proxy)
        assert (found.sent, "407" in found.what, "geheim" in found.what) == (False, True, False)
        gc.collect()  # urllib3 leaves the tunnel's socket to the garbage collection, which warns

    def test_a_proxy_that_is_down_is_not_sent(self, trust: Trust) -> None:
        """Nothing listens where the proxy should be."""
        with closed_port() as port:
            found = failure("https://localhost:9", trust, proxy=Proxy("127.0.0.1", port))
        assert (found.sent, "proxy" in found.what.lower()) == (False, True)

    @pytest.mark.parametrize("script", [_read_then_reset, _read_then_close])
    def test_a_tunnel_that_breaks_after_the_request_may_have_sent_it(
        self, serve: Serve, trust: Trust, certificate: Path, script: Any
    ) -> None:
        """SOAR read the request and the connection broke: through a proxy too, nobody knows whether it was done."""
        server = serve(self.tunnel(certificate, script), None)
        found = failure("https://localhost:9", trust, proxy=Proxy("127.0.0.1", server.port))
        assert len(server.requests) == 2
        assert found.sent

    def test_its_address_is_encoded_and_its_password_never_shows(self) -> None:
        """User and password are percent-encoded; IPv6 has brackets."""
        assert Proxy("p", 1, "u@x", "p:/w").url() == "http://u%40x:p%3A%2Fw@p:1"
        assert Proxy("::1", 8080).url() == "http://[::1]:8080"
        assert "geheim" not in repr(Proxy("p", 1, "u", "geheim"))


def test_a_server_may_be_named_by_its_address(serve: Serve, trust: Trust) -> None:
    """An IP address in the URL is checked against the certificate's addresses."""
    server = serve(forever)
    with exchanger(f"https://127.0.0.1:{server.port}", trust) as made:
        assert made.exchange("GET", "/").status == 200


def test_an_address_that_the_certificate_does_not_name_is_not_sent(serve: Serve, authority: Authority) -> None:
    """The check holds for addresses as for names."""
    server = serve(forever, authority.issue("name-only", "DNS:localhost"))
    found = failure(f"https://127.0.0.1:{server.port}", Trust(authority.pem))
    assert (found.sent, server.requests) == (False, [])


@pytest.mark.parametrize("value", ["K2Zmb\u200b", "“quoted”", "€"])
def test_a_token_with_characters_that_no_header_takes_is_told(serve: Serve, trust: Trust, value: str) -> None:
    """Pasted typographic quotes or invisible blanks are a plain failure of ours."""
    made = Exchanger(Endpoint(serve(forever).url, trust), {"ph-auth-token": value})
    with pytest.raises(ExchangeFailed) as caught:
        made.exchange("GET", "/")
    assert not caught.value.sent
    made.close()


@pytest.mark.parametrize("host", ["soar..example.com", "x" * 64 + ".example.com"])
def test_a_host_name_that_can_be_none_is_told(trust: Trust, host: str) -> None:
    """A label that is empty or too long is a plain failure of ours."""
    assert not failure(f"https://{host}", trust).sent


@pytest.mark.parametrize("status", ["301 Moved Permanently", "302 Found", "307 Temporary Redirect"])
def test_a_redirect_is_an_answer(serve: Serve, trust: Trust, status: str) -> None:
    """A redirect, with a body as every server sends it, is not followed and not taken for a cut answer."""

    def redirect(connection: Connection) -> None:
        while connection.read_request():
            connection.answer(b"<html>moved</html>", status, "Location: /login\r\n")

    server = serve(redirect)
    with exchanger(server.url, trust) as made:
        reply = made.exchange("POST", "/rest/container", b"{}")
    assert (reply.status, reply.body, len(server.requests)) == (int(status[:3]), b"<html>moved</html>", 1)


def test_a_cookie_that_the_server_sets_is_not_sent_back(serve: Serve, trust: Trust) -> None:
    """With the cookie of a session SOAR would judge a request by that, and not by the token."""

    def script(connection: Connection) -> None:
        while connection.read_request():
            connection.answer(b"{}", headers="Set-Cookie: sessionid=geheim; Path=/\r\n")

    server = serve(script)
    with exchanger(server.url, trust) as made:
        for _ in range(2):
            made.exchange("GET", "/rest/version")
        assert [request.headers.get("cookie") for request in server.requests] == [None, None]
