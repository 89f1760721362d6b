"""The connection check over real sockets: each cause has its own step, its own words and its own way out."""

from __future__ import annotations

import contextlib
import socket
import subprocess
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any, Callable

import pytest

from soarlink.doctor.connection import connection, first_failed
from soarlink.doctor.diagnosis import Diagnosis, Verdict
from soarlink.secret import Secret
from soarlink.soar.account import Account
from soarlink.wire.exchange import Observed, Proxy
from tests.unit.certificates import Authority
from tests.unit.conftest import Serve
from tests.unit.rawserver import Connection

TOKEN = "geheim-token/1+2="
PASSWORD = "geheimes p@sswort"
NOW = 1_764_000_000.0
CHECKS = ("dns", "tcp", "proxy", "tls", "certificate", "http", "soar", "sign_in", "version", "containers", "clock")
PATHS = ("/rest/version", "/rest/container")
"""What the checks "http" and "containers" ask."""


def soar(
    version: bytes = b'{"version": "8.5.0.248"}', status: str = "200 OK", containers: str = "200 OK", headers: str = ""
) -> Callable[[Connection], None]:
    """A server that answers the two requests of the check."""

    def script(channel: Connection) -> None:
        while True:
            request = channel.read_request()
            if request is None:
                return
            if "/rest/version" in request.line:
                channel.answer(version, status, headers or f"Date: {formatdate(NOW, usegmt=True)}\r\n")
            else:
                channel.answer(b'{"count": 0, "num_pages": 1, "data": [], "message": "no"}', containers)

    return script


@pytest.fixture
def check(authority: Authority) -> Callable[..., dict[str, Diagnosis]]:
    """Return the check of an account that trusts the test's authority; no secret is in what it says."""

    def run(url: str, **changes: Any) -> dict[str, Diagnosis]:
        facts: dict[str, Any] = {"token": Secret(TOKEN), "ca_certificate": authority.pem, **changes}
        account = Account("lab", url, **{"connect_timeout": 5.0, "read_timeout": 5.0, **facts})
        calls: list[Observed] = []
        found = connection(account, lambda: NOW, calls.append)
        asked = [diagnosis.verdict for diagnosis in found if diagnosis.check in {"http", "containers"}]
        paths = [path for path, verdict in zip(PATHS, asked) if verdict is not Verdict.SKIPPED]
        assert [call.path for call in calls] == paths  # for the log of calls to SOAR
        assert tuple(diagnosis.check for diagnosis in found) == CHECKS
        assert TOKEN not in str(found)
        assert PASSWORD not in str(found)
        for diagnosis in found:
            assert "\n" not in diagnosis.evidence + diagnosis.remedy
            assert bool(diagnosis.remedy) is (diagnosis.verdict in (Verdict.WARNING, Verdict.FAILED))
        return {diagnosis.check: diagnosis for diagnosis in found}

    return run


Check = Callable[..., dict[str, Diagnosis]]


def failed(found: dict[str, Diagnosis]) -> Diagnosis:
    """What stands in the way, after which nothing is checked."""
    broken = first_failed(found.values())
    assert broken is not None
    after = CHECKS[CHECKS.index(broken.check) + 1 :]
    assert {found[name].verdict for name in after} <= {Verdict.SKIPPED}
    assert all(found[name].verdict is not Verdict.FAILED for name in CHECKS[: CHECKS.index(broken.check)])
    return broken


@contextlib.contextmanager
def closed_port() -> Iterator[int]:
    """A port that nobody listens on, and that nobody else can take meanwhile."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def test_a_good_connection_passes_every_check(serve: Serve, check: Check) -> None:
    """Everything is ok but the proxy, which is skipped; version, issuer and address are shown."""
    found = check(serve(soar()).url)
    assert {name: str(diagnosis.verdict.value) for name, diagnosis in found.items()} == {
        **dict.fromkeys(CHECKS, "ok"),
        "proxy": "skipped",
    }
    assert first_failed(found.values()) is None
    assert "127.0.0.1" in found["dns"].evidence
    assert "Test authority" in found["tls"].evidence
    assert found["version"].evidence == "SOAR 8.5.0.248."


def test_the_two_requests_are_signed_in(serve: Serve, check: Check) -> None:
    """Token or user and password go along, on one connection after the handshake's own."""
    server = serve(soar())
    check(server.url)
    assert [request.line.split()[1] for request in server.requests] == ["/rest/version", "/rest/container?page_size=1"]
    assert {request.headers["ph-auth-token"] for request in server.requests} == {TOKEN}
    assert server.connections == 2
    found = check(server.url, token=Secret(""), username="anna", password=Secret(PASSWORD))
    assert "anna" in found["sign_in"].evidence
    assert server.requests[-1].headers["authorization"].startswith("Basic ")


def test_a_name_that_does_not_resolve(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the resolver is not real, because no test has a network."""

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    found = failed(check("https://soar.invalid:8443"))
    assert (found.check, found.evidence) == ("dns", "The name of soar.invalid:8443 can't be resolved.")
    assert "DNS" in found.remedy


def test_a_name_that_cannot_be_a_host(check: Check) -> None:
    """A label that is too long does not raise."""
    assert failed(check(f"https://{'a' * 70}.example")).check == "dns"


def test_a_port_that_refuses(check: Check) -> None:
    """Nothing listens."""
    with closed_port() as port:
        found = failed(check(f"https://localhost:{port}"))
    assert (found.check, found.evidence) == ("tcp", f"localhost:{port} refuses connections.")
    assert "running" in found.remedy


def test_a_black_hole(check: Check) -> None:
    """A listener whose queue is full answers nothing, as a firewall that drops does."""
    with socket.socket() as hole, contextlib.ExitStack() as callers:
        hole.bind(("127.0.0.1", 0))
        hole.listen(0)
        for _ in range(4):
            caller = callers.enter_context(socket.socket())
            caller.settimeout(0)
            caller.connect_ex(hole.getsockname())
        found = failed(check(f"https://127.0.0.1:{hole.getsockname()[1]}", connect_timeout=0.3))
    assert found.check == "tcp"
    assert "did not accept a connection in time" in found.evidence
    assert "firewall" in found.remedy


@pytest.mark.parametrize(
    ("san", "end", "words"),
    [
        ("DNS:other.example", "20991231000000Z", "name that stands in the certificate"),
        ("DNS:localhost", "20210101000000Z", "renewed"),
    ],
    ids=["wrong-host", "expired"],
)
def test_a_certificate_that_does_not_hold(  # noqa: PLR0917 - a table of three columns
    authority: Authority, serve: Serve, check: Check, san: str, end: str, words: str
) -> None:
    """Wrong host, expired: told before a request leaves."""
    server = serve(soar(), authority.issue(f"check-{end}-{san[4:9]}", san, "20200101000000Z", end))
    found = failed(check(server.url))
    assert found.check == "tls"
    assert words in found.remedy
    assert server.requests == []


def test_an_unknown_authority(serve: Serve, check: Check) -> None:
    """Without the account's CA certificate a private authority is unknown; the way out is to paste it."""
    found = failed(check(serve(soar()).url, ca_certificate=""))
    assert found.check == "tls"
    assert "CA certificate" in found.remedy


def test_an_address_must_stand_in_the_certificate(serve: Serve, check: Check, authority: Authority) -> None:
    """By address the certificate is checked for the address: as exchanges do."""
    server = serve(soar())
    assert first_failed(check(f"https://127.0.0.1:{server.port}").values()) is None
    named = serve(soar(), authority.issue("check-nameonly", "DNS:localhost"))
    found = failed(check(f"https://127.0.0.1:{named.port}"))
    assert found.check == "tls"
    assert "name that stands in the certificate" in found.remedy


def test_a_certificate_signed_by_itself(serve: Serve, check: Check, tmp_path: Path) -> None:
    """As SOAR on premises has one: refused, and accepted once it is pasted, which is what the remedy says."""
    pem = _self_signed(tmp_path)
    server = serve(soar(), pem)
    found = failed(check(server.url))
    assert (found.check, "signed by nobody but itself" in found.remedy) == ("tls", True)
    assert first_failed(check(server.url, ca_certificate=pem.read_text(encoding="ascii")).values()) is None


def _self_signed(folder: Path) -> Path:
    key, certificate, both = (folder / name for name in ("own.key", "own.crt", "own.pem"))
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 100 -subj /CN=soar"
    names = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command.split(), *names], check=True, capture_output=True)
    both.write_text(key.read_text(encoding="ascii") + certificate.read_text(encoding="ascii"), encoding="ascii")
    return both


def test_a_certificate_that_cannot_be_read(serve: Serve, check: Check) -> None:
    """A broken PEM in the account is the account's fault, and told so."""
    broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"
    found = failed(check(serve(soar()).url, ca_certificate=broken))
    assert (found.check, "can't be used" in found.evidence) == ("tls", True)


@pytest.mark.parametrize(("days", "verdict"), [(31, "ok"), (29, "warning"), (1, "warning")])
def test_a_certificate_that_expires_soon_is_a_warning(
    serve: Serve, check: Check, monkeypatch: pytest.MonkeyPatch, days: int, verdict: str
) -> None:
    """It works for now: the days that are left are told, and nothing is skipped."""
    expiry = 4_102_358_400.0  # the test certificates end on 2099-12-31
    monkeypatch.setattr(f"{__name__}.NOW", expiry - days * 86_400 - 10)
    found = check(serve(soar()).url)["certificate"]
    assert found.verdict.value == verdict
    assert f"expires in {days} day" in found.evidence


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-OpenSSH_9.6\r\n"])
def test_a_port_without_tls(serve: Serve, check: Check, answer: bytes) -> None:
    """Plain HTTP, or something else: the port is the wrong one."""

    def plain(channel: Connection) -> None:
        channel.send(answer)
        channel.hold()

    server = serve(plain, None)
    found = failed(check(f"https://localhost:{server.port}"))
    assert (found.check, "speaks no TLS" in found.evidence) == ("tls", True)


def test_a_port_that_says_nothing(serve: Serve, check: Check) -> None:
    """Connected, and no handshake: ends with the timeout."""
    server = serve(lambda channel: channel.hold() and None, None)
    found = failed(check(f"https://localhost:{server.port}", connect_timeout=0.3))
    assert (found.check, "TLS handshake in time" in found.evidence) == ("tls", True)


def test_a_handshake_that_is_refused(serve: Serve, check: Check) -> None:
    """The server's alert is told in TLS's words: other versions, a client certificate that it wants."""

    def refuse(channel: Connection) -> None:
        channel.send(b"\x15\x03\x03\x00\x02\x02\x28")  # fatal alert 40: handshake failure
        channel.hold()

    found = failed(check(f"https://localhost:{serve(refuse, None).port}"))
    assert (found.check, "alert handshake failure" in found.evidence) == ("tls", True)
    assert "TLS 1.2" in found.remedy


@pytest.mark.parametrize("status", ["502 Bad Gateway", "503 Busy", "429 Too Many Requests"])
def test_a_server_that_cannot_answer(serve: Serve, check: Check, status: str) -> None:
    """SOAR's own trouble, or that of a proxy before it."""
    found = failed(check(serve(soar(b"<html>", status)).url))
    assert found.check == "http"
    assert status[:3] in found.evidence


def test_a_server_that_does_not_answer(serve: Serve, check: Check) -> None:
    """TLS works, the answer does not come."""
    server = serve(lambda channel: channel.hold() and None)
    found = failed(check(server.url, read_timeout=0.3))
    assert (found.check, "did not answer" in found.evidence) == ("http", True)


@pytest.mark.parametrize(
    ("body", "status", "headers", "words"),
    [
        (b"<html><title>Welcome to nginx</title>", "200 OK", "", "Welcome to nginx"),
        (b'{"links": {}, "generator": {"version": "10"}}', "200 OK", "", "generator"),
        (b'{"error": "no such path"}', "404 Not Found", "", "no such path"),
        (b"", "302 Found", "Location: https://login.example/?next=x\r\n", "redirects to https://login.example"),
        (b"", "200 OK", "", "an empty body"),
        (f"you sent ph-auth-token: {TOKEN}".encode(), "200 OK", "", "you sent ph-auth-token: …"),
    ],
    ids=["web-page", "other-product", "not-found", "login-page", "empty", "echo"],
)
def test_what_is_not_soar(  # noqa: PLR0917 - a table of four columns
    serve: Serve, check: Check, body: bytes, status: str, headers: str, words: str
) -> None:
    """A web server, another product, a login page: what it answered is shown, never the secret."""
    found = failed(check(serve(soar(body, status, headers=headers)).url))
    assert found.check == "soar"
    assert words in found.evidence


@pytest.mark.parametrize(
    ("message", "status", "remedy"),
    [
        (b"Invalid automation token", "401 Unauthorized", "token"),
        (b"User is inactive", "401 Unauthorized", "token"),
        (b"Invalid username or password", "401 Unauthorized", "user name and password"),
        (b"Request from IP 10.1.1.1 is not allowed for this user", "403 Forbidden", "allowed IPs"),
        (b"Forbidden", "403 Forbidden", "allowed IPs"),
    ],
)
def test_a_sign_in_that_is_refused(serve: Serve, check: Check, message: bytes, status: str, remedy: str) -> None:
    """401 and 403 in SOAR's words; with the second this machine's address is named."""
    found = check(serve(soar(b'{"failed": true, "message": "' + message + b'"}', status)).url)
    assert found["soar"].verdict is Verdict.OK
    assert failed(found).check == "sign_in"
    assert message.decode() in found["sign_in"].evidence
    assert remedy in found["sign_in"].remedy
    assert ("address is 127.0.0.1" in found["sign_in"].remedy) is (status[:3] == "403")


def test_a_refusal_that_is_not_in_soars_words(serve: Serve, check: Check) -> None:
    """Whether it is SOAR can't be told then; that it lets nobody in can."""
    found = check(serve(soar(b"<html>denied", "403 Forbidden")).url)
    assert found["soar"].verdict is Verdict.SKIPPED
    assert "denied" in found["soar"].evidence
    assert failed(found).check == "sign_in"


@pytest.mark.parametrize("said", ["6.1.1.211", "5.5.0", "4.10.7.63984"])
def test_a_version_that_is_too_old(serve: Serve, check: Check, said: str) -> None:
    """Which one it is, and which one is needed."""
    found = failed(check(serve(soar(b'{"version": "%s"}' % said.encode())).url))
    assert (found.check, found.evidence) == ("version", f"SOAR {said} is too old.")
    assert "6.2" in found.remedy


@pytest.mark.parametrize("said", ["6.2.0", "10.0.0", "7.1"])
def test_versions_compare_by_number(serve: Serve, check: Check, said: str) -> None:
    """10 is newer than 6.2."""
    assert check(serve(soar(b'{"version": "%s"}' % said.encode())).url)["version"].verdict is Verdict.OK


def test_an_unknown_form_of_version_is_a_warning(serve: Serve, check: Check) -> None:
    """A development build is no reason to stop."""
    found = check(serve(soar(b'{"version": "main"}')).url)["version"]
    assert (found.verdict, '"main"' in found.evidence) == (Verdict.WARNING, True)


def test_a_role_without_containers(serve: Serve, check: Check) -> None:
    """Signed in, and not allowed to view containers."""
    found = failed(check(serve(soar(containers="403 Forbidden")).url))
    assert found.check == "containers"
    assert "permissions" in found.remedy


@pytest.mark.parametrize(("offset", "words"), [(0, ""), (50, ""), (120, "120 s ahead of"), (-7_200, "7200 s behind")])
def test_clocks_that_differ_are_a_warning(serve: Serve, check: Check, offset: int, words: str) -> None:
    """By how much and which way."""
    headers = f"Date: {formatdate(NOW + offset, usegmt=True)}\r\n"
    found = check(serve(soar(headers=headers)).url)["clock"]
    assert found.verdict is (Verdict.WARNING if words else Verdict.OK)
    assert words in found.evidence


@pytest.mark.parametrize("headers", ["X: y\r\n", "Date: yesterday\r\n"])
def test_an_answer_without_a_time_is_skipped(serve: Serve, check: Check, headers: str) -> None:
    """No Date header, or none that can be read."""
    assert check(serve(soar(headers=headers)).url)["clock"].verdict is Verdict.SKIPPED


class TestProxy:
    """Through a client proxy: the proxy's own errors are told apart from SOAR's."""

    @staticmethod
    def proxy(serve: Serve, certificate: Path, answer: bytes = b"HTTP/1.1 200 OK\r\n\r\n") -> Any:
        """A proxy that answers CONNECT so, with SOAR behind it."""

        def both(channel: Connection) -> None:
            if channel.read_request() is None:
                return
            channel.send(answer)
            if b" 200 " in answer:
                channel.secure(certificate)
                soar()(channel)

        return serve(both, None)

    def test_all_is_checked_through_it(self, serve: Serve, check: Check, certificate: Path) -> None:
        """Names are left to the proxy; its login goes to it and nothing of SOAR's does."""
        server = self.proxy(serve, certificate)
        found = check("https://localhost:9", proxy=Proxy("127.0.0.1", server.port, "us:er", PASSWORD))
        assert first_failed(found.values()) is None
        assert [found[name].verdict.value for name in ("dns", "tcp", "proxy", "tls")] == [
            "skipped",
            "skipped",
            "ok",
            "ok",
        ]
        connects = [request for request in server.requests if request.line.startswith("CONNECT")]
        assert [request.line.split()[1] for request in connects] == ["localhost:9"] * 2
        assert len({request.headers["proxy-authorization"] for request in connects}) == 1
        assert TOKEN not in str(connects)

    @pytest.mark.parametrize(
        ("answer", "words"),
        [
            (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "user and password"),
            (b"HTTP/1.1 403 Forbidden\r\n\r\n", "allow this destination"),
            (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "resolves and reaches"),
            (b"220 smtp.example ESMTP\r\n", "host and port"),
        ],
    )
    def test_a_tunnel_that_is_refused(
        self, serve: Serve, check: Check, certificate: Path, answer: bytes, words: str
    ) -> None:
        """407, 403, 502, and what is no proxy at all."""
        server = self.proxy(serve, certificate, answer)
        found = failed(check("https://localhost:9", proxy=Proxy("127.0.0.1", server.port, "user", PASSWORD)))
        assert found.check == "proxy"
        assert words in found.remedy

    def test_a_proxy_that_is_down(self, check: Check) -> None:
        """Nothing listens where the proxy should be."""
        with closed_port() as port:
            found = failed(check("https://localhost:9", proxy=Proxy("127.0.0.1", port)))
        assert (found.check, found.evidence) == ("proxy", f"proxy 127.0.0.1:{port} refuses connections.")

    def test_a_proxy_that_hangs(self, serve: Serve, check: Check) -> None:
        """It takes the connection and never answers."""
        server = serve(lambda channel: channel.hold() and None, None)
        found = failed(check("https://localhost:9", proxy=Proxy("127.0.0.1", server.port), read_timeout=0.3))
        assert (found.check, "in time" in found.evidence) == ("proxy", True)
