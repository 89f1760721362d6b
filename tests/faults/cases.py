"""Every fault that a row can meet on its way, and what it means for the row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.faults.proxy import Fault, Kind

CONTAINER, ARTIFACT, PLAYBOOK = "POST /rest/container", "POST /rest/artifact", "POST /rest/playbook_run"
_LOOK = "GET /rest/container"

NOT_SENT, MAYBE_SENT, SERVER_FAULT = "not sent", "maybe sent", "server fault"
REFUSED, THROTTLED, AUTHENTICATION = "refused", "throttled", "authentication"

PLAYBOOK_NAME = "contain_host"
RETRY_AFTER = 12
_ROWS = 3

_PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body></body></html>"
_NO = b'{"failed": true, "message": "No, for a reason."}'
_APART: Mapping[str, str] = {"automation": "0"}
"""Artifacts travel apart from their container."""


@dataclass(frozen=True)
class Case:
    """One fault and one alert that meets it.

    Args:
        name: of the case, and of its account.
        error_class: what the outbox says of it.
        faults: the proxy's script.
        trouble: what is wrong with the account or its server in place of a script: see :class:`Site`.
        parameters: of the action.
        rows: how many results.
        resend: what a person says to ``soaroutboxctl action=resend`` once the fault is over; None where nobody has to.
        unclear_run: the playbook's start stays unclear, which the row tells.
    """

    name: str
    error_class: str
    faults: tuple[Fault, ...] = ()
    trouble: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    rows: int = _ROWS
    resend: str | None = None
    unclear_run: bool = False

    @property
    def is_refused(self) -> bool:
        """Whether its rows are rejected at once."""
        return self.error_class == REFUSED

    @property
    def state(self) -> str:
        """The state of every row right after the fault."""
        return "rejected" if self.is_refused or self.unclear_run else "queued"

    @property
    def is_carried_out(self) -> bool:
        """Whether SOAR has done what the request asked for although the answer did not say so."""
        return any(fault.is_carried_out for fault in self.faults)


def _transport(kind: Kind, error_class: str = MAYBE_SENT) -> Case:
    match = "" if kind in {Kind.RESET_AT_CONNECT, Kind.HANG_AT_CONNECT} else CONTAINER
    return Case(kind.name.lower(), error_class, (Fault(kind, match),))


def _answer(
    name: str,
    error_class: str,
    status: int,
    body: bytes = _NO,
    *,
    committed: bool = False,
    headers: Mapping[str, str] | None = None,
) -> Case:
    always = error_class == REFUSED  # a refused list is sent again one by one: each of them meets it
    fault = Fault(
        Kind.ANSWER,
        CONTAINER,
        times=None if always else 1,
        status=status,
        body=body,
        headers={"Content-Type": "application/json", **(headers or {})},
        committed=committed,
    )
    return Case(name, error_class, (fault,), resend="" if always else None)


CASES = (
    Case("connection_refused", NOT_SENT, trouble="refuse"),
    Case("name_not_resolved", NOT_SENT, trouble="dns"),
    Case("unknown_authority", NOT_SENT, trouble="authority"),
    Case("wrong_host", NOT_SENT, trouble="host"),
    Case("expired_certificate", NOT_SENT, trouble="expired"),
    _transport(Kind.RESET_AT_CONNECT),
    _transport(Kind.HANG_AT_CONNECT),
    _transport(Kind.HANG_BEFORE_BODY),
    _transport(Kind.HANG_AFTER_BODY),
    _transport(Kind.RESET_IN_BODY),
    _transport(Kind.RESET_BEFORE_COMMIT),
    _transport(Kind.RESET_AFTER_COMMIT),
    _transport(Kind.LATE_COMMIT),
    _transport(Kind.DRIP),
    _transport(Kind.CUT_ANSWER),
    _transport(Kind.TRUNCATED_ANSWER),
    _answer("html", MAYBE_SENT, 200, _PAGE, headers={"Content-Type": "text/html"}),
    _answer("html_after_commit", MAYBE_SENT, 200, _PAGE, headers={"Content-Type": "text/html"}, committed=True),
    _answer("empty_200", MAYBE_SENT, 200, b""),
    _answer("status_500", SERVER_FAULT, 500),
    _answer("status_502_after_commit", SERVER_FAULT, 502, _PAGE, committed=True),
    _answer("status_503", SERVER_FAULT, 503),
    _answer("status_504", SERVER_FAULT, 504, _PAGE),
    _answer("status_429", THROTTLED, 429),
    _answer("status_429_retry_after", THROTTLED, 429, headers={"Retry-After": str(RETRY_AFTER)}),
    _answer("status_401", AUTHENTICATION, 401),
    _answer("status_403", AUTHENTICATION, 403),
    _answer("failed_with_200", REFUSED, 200),
    _answer("redirect", REFUSED, 302, b"", headers={"Location": "/login"}),
    _answer("status_400", REFUSED, 400),
    _answer("status_413", REFUSED, 413, _PAGE),
    Case("unknown_label", REFUSED, parameters={"label": "nonsense"}, resend="label=events"),
    Case(
        "look_up_spoilt",
        MAYBE_SENT,
        (
            Fault(Kind.RESET_AFTER_COMMIT, CONTAINER),
            Fault(Kind.ANSWER, _LOOK, status=500),
            Fault(Kind.RESET_BEFORE_COMMIT, _LOOK),
        ),
    ),
    Case("artifacts_not_in", MAYBE_SENT, (Fault(Kind.RESET_BEFORE_COMMIT, ARTIFACT, times=_ROWS),), parameters=_APART),
    Case("artifacts_in", MAYBE_SENT, (Fault(Kind.RESET_AFTER_COMMIT, ARTIFACT, times=_ROWS),), parameters=_APART),
    Case("artifacts_late", MAYBE_SENT, (Fault(Kind.LATE_COMMIT, ARTIFACT, times=_ROWS),), parameters=_APART),
    Case("artifacts_429", THROTTLED, (Fault(Kind.ANSWER, ARTIFACT, times=_ROWS, status=429),), parameters=_APART),
    Case(
        "second_part_in",
        MAYBE_SENT,
        (Fault(Kind.RESET_AFTER_COMMIT, ARTIFACT),),
        parameters={"container_per": "search"},
        rows=250,
    ),
    Case("playbook_429", THROTTLED, (Fault(Kind.ANSWER, PLAYBOOK, times=_ROWS, status=429),)),
    Case("playbook_started", MAYBE_SENT, (Fault(Kind.RESET_AFTER_COMMIT, PLAYBOOK, times=None),), unclear_run=True),
)
