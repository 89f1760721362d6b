"""How far a connection to SOAR gets: name, port, proxy, TLS, certificate, HTTP, SOAR, sign-in, version, rights, clock.

The connection is the one that actions make: same TLS, same proxy, same client. SOAR answers ``/rest/version`` to
whoever is signed in, and a page of one container to whoever may view containers (REST reference, 1.4).
"""

from __future__ import annotations

import json
import re
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Callable

from soarlink.doctor.diagnosis import Diagnosis, Verdict
from soarlink.errors import AuthFailed, SendToSoarError, ServerFault, SoarError, Throttled
from soarlink.soar import answer
from soarlink.wire import handshake
from soarlink.wire.exchange import Exchanger, Reply
from soarlink.wire.failure import ExchangeFailed

if TYPE_CHECKING:
    from collections.abc import Iterable
    from socket import socket

    from soarlink.soar.account import Account
    from soarlink.wire.exchange import Observed

OLDEST = (6, 2)
"""The oldest version of SOAR that the add-on is for."""

EXPIRY_NOTICE = 30
"""Days before the end of a certificate from which on it is told."""

SKEW = 60.0
"""Seconds that two clocks may differ: a Date header and its way here take a second or two."""

_DAY = 86_400
_EXCERPT = 160
_FORBIDDEN = 403
_HUNDRED, _REDIRECT = 100, 3

Clock = Callable[[], float]


def connection(account: Account, now: Clock, observe: Callable[[Observed], None]) -> tuple[Diagnosis, ...]:
    """Every check of an account's connection, in order; what comes after one that failed is skipped.

    It takes at most a few times the account's timeouts: pass an account with short ones where a person waits.

    Args:
        account: where SOAR is, with its secret and the proxy in force.
        now: the clock, in seconds since 1970.
        observe: told of each request to SOAR.
    """
    found: list[Diagnosis] = []
    probe = _Probe(account, now, observe)
    failed = ""
    for check, step in probe.steps():
        if failed:
            found.append(Diagnosis.skipped(check, f"Not reached, because {failed} failed."))
            continue
        try:
            diagnosis = step(check)
        except (ExchangeFailed, SendToSoarError) as failure:
            diagnosis = Diagnosis.failed(check, failure.what, failure.remedy)
        found.append(diagnosis)
        failed = check if diagnosis.verdict is Verdict.FAILED else ""
    probe.close()
    return tuple(found)


def first_failed(diagnoses: Iterable[Diagnosis]) -> Diagnosis | None:
    """What stands in the way; None when nothing does."""
    return next((found for found in diagnoses if found.verdict is Verdict.FAILED), None)


class _Probe:
    """The steps, and what one hands to the next."""

    def __init__(self, account: Account, now: Clock, observe: Callable[[Observed], None]) -> None:
        self._account = account
        self._observe = observe
        self._endpoint = account.endpoint()
        self._now = now
        self._channels: list[socket] = []
        self._own_address = ""
        self._peer = handshake.Peer("", "", 0.0)
        self._exchanger: Exchanger | None = None
        self._reply = Reply(0, {}, b"")
        self._sent = self._received = 0.0

    def steps(self) -> tuple[tuple[str, Callable[[str], Diagnosis]], ...]:
        """The checks by name, in order."""
        return (
            ("dns", self._dns),
            ("tcp", self._tcp),
            ("proxy", self._proxy),
            ("tls", self._tls),
            ("certificate", self._certificate),
            ("http", self._http),
            ("soar", self._soar),
            ("sign_in", self._sign_in),
            ("version", self._version),
            ("containers", self._containers),
            ("clock", self._clock),
        )

    def close(self) -> None:
        """Close what is open."""
        if self._exchanger is not None:
            self._exchanger.close()

    def _dns(self, check: str) -> Diagnosis:
        if self._endpoint.proxy is not None:
            return Diagnosis.skipped(check, "The proxy resolves the name.")
        addresses = handshake.resolve(self._endpoint)
        return Diagnosis.ok(check, f"{self._endpoint.host} is {', '.join(addresses)}.")

    def _tcp(self, check: str) -> Diagnosis:
        if self._endpoint.proxy is not None:
            return Diagnosis.skipped(check, "The proxy makes the connection.")
        channel = handshake.dial(self._endpoint)
        self._channels.append(channel)
        self._own_address = str(channel.getsockname()[0])
        return Diagnosis.ok(check, f"{self._endpoint.host} accepts connections from {self._own_address}.")

    def _proxy(self, check: str) -> Diagnosis:
        proxy = self._endpoint.proxy
        if proxy is None:
            return Diagnosis.skipped(check, "No proxy is in force.")
        self._channels.append(handshake.tunnel(self._endpoint, proxy))
        return Diagnosis.ok(check, f"The proxy {proxy.host}:{proxy.port} connects to {self._endpoint.host}.")

    def _tls(self, check: str) -> Diagnosis:
        self._peer = handshake.secure(self._endpoint, self._channels.pop())
        trusted = "the account's CA certificate" if self._account.ca_certificate else "the public authorities"
        return Diagnosis.ok(check, f"{self._peer.protocol}; signed by {self._peer.issuer}, trusted by {trusted}.")

    def _certificate(self, check: str) -> Diagnosis:
        days = int((self._peer.expires - self._now()) // _DAY)
        evidence = f"The certificate of {self._endpoint.host} expires in {days} day{'' if days == 1 else 's'}."
        if days < EXPIRY_NOTICE:
            return Diagnosis.warning(check, evidence, "Have it renewed in time: nothing is sent to an expired one.")
        return Diagnosis.ok(check, evidence)

    def _http(self, check: str) -> Diagnosis:
        self._sent = self._now()
        self._reply = self._exchange("/rest/version")
        self._received = self._now()
        refusal = self._refusal()
        if isinstance(refusal, (ServerFault, Throttled)):
            raise refusal
        return Diagnosis.ok(check, f"{self._endpoint.host} answers with HTTP {self._reply.status}.")

    def _soar(self, check: str) -> Diagnosis:
        body = _json(self._reply.body)
        if isinstance(body, dict) and ("version" in body or ("failed" in body and "message" in body)):
            return Diagnosis.ok(check, "It answers as SOAR does.")
        if isinstance(self._refusal(), AuthFailed):
            return Diagnosis.skipped(check, f"Can't be told before it lets us in: it answers {self._excerpt()}.")
        target = next((value for key, value in self._reply.headers.items() if key.lower() == "location"), "")
        seen = f"answers HTTP {self._reply.status} with {self._excerpt()}"
        if self._reply.status // _HUNDRED == _REDIRECT:
            seen = f"redirects to {self._hidden(target) or 'nowhere'}"
        return Diagnosis.failed(
            check,
            f"{self._endpoint.host} is not SOAR: to /rest/version it {seen}.",
            "Use the address at which SOAR's own interface opens, with its port, and no login page before it.",
        )

    def _sign_in(self, check: str) -> Diagnosis:
        refusal = self._refusal()
        if refusal is None:
            by = "The automation token" if self._account.token else f'The user "{self._account.username}"'
            return Diagnosis.ok(check, f"{by} is accepted.")
        remedy = refusal.remedy
        if refusal.status == _FORBIDDEN and self._own_address:
            remedy = f"{remedy} This machine's address is {self._own_address}, unless something between changes it."
        return Diagnosis.failed(check, self._hidden(refusal.what), remedy)

    def _version(self, check: str) -> Diagnosis:
        said = str(_json(self._reply.body).get("version"))
        numbers = re.match(r"(\d+)\.(\d+)", said)
        oldest = ".".join(map(str, OLDEST))
        if numbers is None:
            return Diagnosis.warning(check, f'SOAR calls its version "{said}".', f"See that it is {oldest} or newer.")
        if tuple(map(int, numbers.groups())) < OLDEST:
            return Diagnosis.failed(check, f"SOAR {said} is too old.", f"Upgrade SOAR to {oldest} or newer.")
        return Diagnosis.ok(check, f"SOAR {said}.")

    def _containers(self, check: str) -> Diagnosis:
        reply = self._exchange("/rest/container?page_size=1")
        answer.parse(reply, f"SOAR at {self._endpoint.host}")
        return Diagnosis.ok(check, "Containers may be viewed. Only sending one shows that they may be edited.")

    def _clock(self, check: str) -> Diagnosis:
        date = next((value for key, value in self._reply.headers.items() if key.lower() == "date"), "")
        try:
            theirs = parsedate_to_datetime(date).timestamp()
        except (TypeError, ValueError):  # TypeError: CPython 3.9
            return Diagnosis.skipped(check, "SOAR's answer names no time.")
        ahead = theirs - (self._sent + self._received) / 2
        if abs(ahead) <= SKEW:
            return Diagnosis.ok(check, f"The clocks of both machines agree within {SKEW:.0f} s.")
        side = "ahead of" if ahead > 0 else "behind"
        return Diagnosis.warning(
            check,
            f"SOAR's clock is {abs(ahead):.0f} s {side} this machine's.",
            "Set both by the same time servers: due times and look-backs go by them.",
        )

    def _exchange(self, path: str) -> Reply:
        if self._exchanger is None:
            self._exchanger = Exchanger(self._endpoint, self._account.login(), observe=self._observe)
        return self._exchanger.exchange("GET", path)

    def _refusal(self) -> SoarError | None:
        try:
            answer.parse(self._reply, f"SOAR at {self._endpoint.host}")
        except SoarError as error:
            return error
        return None

    def _excerpt(self) -> str:
        text = " ".join(self._hidden(self._reply.body.decode("utf-8", "replace")).split())
        return f'"{text[:_EXCERPT]}{"…" if len(text) > _EXCERPT else ""}"' if text else "an empty body"

    def _hidden(self, text: str) -> str:
        """Without the account's secrets: what answers may be anything, and repeat what it was sent."""
        login = self._account.login().values()
        for secret in (*login, self._account.token.reveal(), self._account.password.reveal()):
            if secret:
                text = text.replace(secret, "…")
        return text


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None
