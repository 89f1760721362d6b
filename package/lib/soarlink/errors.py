"""Everything that can go wrong, as one tree. Each leaf says what happened and what to do next.

SendToSoarError
├── PayloadError        what splunkd gave the action can't be read
├── ParameterError      a parameter of the action is wrong (all of them are reported together)
├── SettingsError       an account or a setting of the add-on is missing or wrong
├── AccessRefused       the user may not use the account
├── MappingError        a mapping rule is wrong (stanza and key)
├── ResultsError        the results file can't be read
├── JournalError        an alert can't be written down, or not be read back
├── OutboxError         what the outbox holds of an item can't be used
├── SplunkdError        splunkd did not answer as it should
│   ├── KvStoreUnavailable  the KV store is away: keep what you have, try later
│   └── KvStoreRefused      the KV store said no: repeating won't help
└── SoarError           anything from the SOAR side
    ├── NotSent         nothing left this machine: safe to repeat
    │   └── NotTried    nothing was even asked: the time was over, or the server is paused
    ├── MaybeSent       bytes left, no answer came: look before repeating
    ├── Refused         SOAR understood and said no: repeating won't help
    ├── Throttled       SOAR asks to wait
    ├── AuthFailed      token, user, role or allowed IPs: concerns the server, not the item
    │   └── NotPermitted    the user is known, and its role does not allow this
    └── ServerFault     SOAR, or something in front of it, is broken
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class SendToSoarError(Exception):
    """Root of the tree. ``str()`` is what a person reads: what happened, then the way out."""

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(what, remedy)
        self.what = what
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.what} {self.remedy}".rstrip()


class PayloadError(SendToSoarError):
    """The alert payload on standard input is not what splunkd documents."""


class ParameterError(SendToSoarError):
    """One or more parameters are wrong. ``problems`` names each: parameter, value, what is allowed."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems: tuple[str, ...] = tuple(problems)
        super().__init__(" ".join(self.problems), "Correct the action's parameters and save the search again.")


class SettingsError(SendToSoarError):
    """An account or a setting of the add-on is missing or unusable."""


class AccessRefused(SendToSoarError):
    """The user who runs the action may not use the account, or not run the action at all."""


class MappingError(SendToSoarError):
    """A mapping rule can't be used. Nothing is sent half-mapped."""

    def __init__(self, stanza: str, key: str, what: str, remedy: str = "") -> None:
        self.stanza = stanza
        self.key = key
        super().__init__(f"[{stanza}] {key}: {what}" if key else f"[{stanza}]: {what}", remedy)


class ResultsError(SendToSoarError):
    """The results file is damaged or is not the CSV that Splunk writes."""


class JournalError(SendToSoarError):
    """An alert can't be written down before it is sent, or an unfinished one can't be read back."""


class SplunkdError(SendToSoarError):
    """A call to splunkd failed. ``status`` is its HTTP status, None when no answer came."""

    def __init__(self, what: str, remedy: str = "", status: int | None = None) -> None:
        super().__init__(what, remedy)
        self.status = status


class KvStoreUnavailable(SplunkdError):
    """The KV store did not answer, or says that it is not ready: nothing is lost, try later."""


class KvStoreRefused(SplunkdError):
    """The KV store refused a request: rights, a missing collection, a document that it does not take."""


class OutboxError(SendToSoarError):
    """What the outbox holds of an item can't be used: another format, a missing part, damaged."""


class SoarError(SendToSoarError):
    """A call to SOAR failed. ``status`` is its HTTP status, None when no answer came."""

    def __init__(self, what: str, remedy: str = "", status: int | None = None) -> None:
        super().__init__(what, remedy)
        self.status = status

    def reworded(self, what: str) -> SoarError:
        """The same failure, said otherwise: a new error of the same kind."""
        other = copy.copy(self)
        other.what = what
        other.args = (what, self.remedy)
        return other


class NotSent(SoarError):
    """Refused connection, DNS, proxy, certificate: no byte of the request reached SOAR."""


class NotTried(NotSent):
    """Nothing was asked of SOAR: the time was over, or the server is left alone for a while."""


class MaybeSent(SoarError):
    """The request, or a part of it, left this machine and no usable answer came back."""


class Refused(SoarError):
    """SOAR refused this item in its own words."""


class Throttled(SoarError):
    """SOAR, or a proxy before it, asks to wait. ``retry_after`` is in seconds, None when not said."""

    def __init__(
        self, what: str, remedy: str = "", status: int | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(what, remedy, status)
        self.retry_after = retry_after


class AuthFailed(SoarError):
    """SOAR knows the request but not, or not enough, the one who sends it."""


class NotPermitted(AuthFailed):
    """SOAR knows the user, whose role lacks the permission for this request."""


class ServerFault(SoarError):
    """5xx, an HTML page or anything else that is no answer of SOAR's REST API."""
