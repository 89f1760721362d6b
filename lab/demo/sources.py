"""Events of other sources at the end of the busy week: logons, and alerts of a vendor, as add-ons index them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.demo.schedule import MINUTE
from lab.runner.indexing.event import Event, Indexed

if TYPE_CHECKING:
    from collections.abc import Iterator

SPRAYING = "203.0.113.45"
"""From where somebody tries one password on many accounts."""

FAILURES = 24
"""How often, a quarter of an hour long."""

_TRIED = ("maria.keller", "j.oneill", "a.okafor", "li.wei", "svc_backup", "administrator")
_ALERTS = (
    # minutes since it happened and since it was indexed, severity, signature
    (8.0, 7.5, "high", "Credential dumping"),
    (180.0, 6.0, "high", "Ransom note written"),  # the laptop was offline
    (14.0, 13.0, "high", "Credential dumping"),  # of the run before
    (2.0, 1.5, "high", "Log cleared"),  # of the run after
    (9.0, 8.0, "low", "Unsigned driver"),
)


def indexed_before(end: float) -> Iterator[Indexed]:
    """Give the events.

    Args:
        end: when the week ends, epoch seconds.
    """
    for number in range(FAILURES):
        moment = end - 19 * MINUTE + number * 30.0
        yield _logon(moment, SPRAYING, _TRIED[number % len(_TRIED)], "failure")
    for number in range(3):
        yield _logon(end - 12 * MINUTE + number, "10.20.4.42", "maria.keller", "failure")
    yield _logon(end - 11 * MINUTE, "10.20.4.42", "maria.keller", "success")
    for happened, indexed, severity, signature in _ALERTS:
        fields = {"src": "10.20.7.8", "dest": "ENG-LT-113", "user": "j.oneill"}
        fields |= {"severity": severity, "signature": signature}
        yield _event("vendor:alert", end - happened * MINUTE, end - indexed * MINUTE, fields)


def _logon(moment: float, src: str, user: str, action: str) -> Indexed:
    fields = {"action": action, "app": "sshd", "src": src, "dest": "vpn-gw-01", "user": user}
    return _event("linux_secure", moment, moment + 1, fields, ("authentication",))


def _event(
    sourcetype: str, moment: float, indexed: float, fields: dict[str, str], tags: tuple[str, ...] = ()
) -> Indexed:
    raw = " ".join(f'{name}="{value}"' for name, value in fields.items())
    return Indexed(Event(raw, "main", "vpn-gw-01", sourcetype, sourcetype, moment), fields, (), tags, indexed)
