"""What each failure means for the alert: the one place that decides, and the table that the documentation prints."""

from __future__ import annotations

from dataclasses import dataclass

from soarlink.errors import AuthFailed, MaybeSent, NotSent, NotTried, Refused, ServerFault, SoarError, Throttled


@dataclass(frozen=True)
class Verdict:
    """How to go on after a failure.

    ``name`` is the error class that the outbox shows. ``retry``: the container is kept and tried again, otherwise its
    rows are rejected. ``look_first``: the request may have been carried out, so SOAR is asked for the identity before
    anything is repeated, and not while the request can still be under way. ``pauses_server``: it concerns the server
    and not the container, so the whole server is left alone for a while.
    """

    name: str
    retry: bool
    look_first: bool
    pauses_server: bool
    when: str
    """When it is met, for the documentation."""


NOT_SENT = Verdict(
    "not sent",
    retry=True,
    look_first=False,
    pauses_server=True,
    when="name not resolved, connection refused or timed out, proxy refused, certificate not trusted",
)
MAYBE_SENT = Verdict(
    "maybe sent",
    retry=True,
    look_first=True,
    pauses_server=False,
    when="connection cut, no answer in time, cut or empty body, HTML or other text with status 200",
)
NOT_TRIED = Verdict(
    "not tried",
    retry=True,
    look_first=False,
    pauses_server=False,
    when="the action's time was over, or the server is paused after a failure",
)
REFUSED = Verdict(
    "refused",
    retry=False,
    look_first=False,
    pauses_server=False,
    when="SOAR says no in its own words (unknown label, severity, playbook …), 400, 404, 405, 413, a redirect",
)
THROTTLED = Verdict("throttled", retry=True, look_first=False, pauses_server=True, when="429; Retry-After is honoured")
AUTHENTICATION = Verdict(
    "authentication",
    retry=True,
    look_first=False,
    pauses_server=True,
    when="401, 403: token, user, role or allowed IPs",
)
SERVER_FAULT = Verdict(
    "server fault",
    retry=True,
    look_first=True,
    pauses_server=False,
    when="5xx: a proxy may say so although SOAR has carried the request out",
)

VERDICTS = (NOT_TRIED, NOT_SENT, MAYBE_SENT, REFUSED, THROTTLED, AUTHENTICATION, SERVER_FAULT)
"""All of them, in the order in which the documentation prints them."""


def judge(error: SoarError) -> Verdict:
    """The verdict for a failed call."""
    for kind, verdict in _BY_ERROR:
        if isinstance(error, kind):
            return verdict
    return MAYBE_SENT  # what is not known is not taken for harmless


_BY_ERROR: tuple[tuple[type[SoarError], Verdict], ...] = (
    (NotTried, NOT_TRIED),
    (NotSent, NOT_SENT),
    (MaybeSent, MAYBE_SENT),
    (Refused, REFUSED),
    (Throttled, THROTTLED),
    (AuthFailed, AUTHENTICATION),
    (ServerFault, SERVER_FAULT),
)
