"""Recognisers for who: Windows accounts, principal names, SIDs, ARNs, and what can be a user name at all."""

from __future__ import annotations

from soarlink.mapping.addresses import ip, placeholder, url
from soarlink.mapping.pattern import Pattern

_LONGEST_USER = 256
_ACCOUNT = Pattern(r"[^\\/\"\[\]:|<>+=;,?*@\x00-\x1f]{1,255}\\[^\\/\"\[\]:|<>+=;,?*\x00-\x1f]{1,104}")
_UPN = Pattern(r"[^\s@\\/\"\[\]:;|=,*?<>]{1,64}@[^\W_](?:[\w.-]*\w)?")
_SID = Pattern(r"S-1-\d{1,14}(?:-\d{1,10}){1,15}")
_ARN = Pattern(r"arn:aws[\w-]*:[\w-]+:[\w-]*:(?:\d{12}|aws|\*)?:\S.*")


def account(value: str) -> str:
    r"""``DOMAIN\user``, ``NT AUTHORITY\SYSTEM``, ``.\local``."""
    return "account" if value.count("\\") == 1 and _ACCOUNT.full(value) else ""


def upn(value: str) -> str:
    """A user principal name, ``user@realm``; the realm need not have a dot."""
    return "upn" if "@" in value and _UPN.full(value) else ""


def sid(value: str) -> str:
    """A Windows security identifier, ``S-1-5-21-…``."""
    return "sid" if value.startswith("S-1-") and _SID.full(value) else ""


def arn(value: str) -> str:
    """An Amazon resource name of any partition."""
    return "arn" if value.startswith("arn:aws") and _ARN.full(value) else ""


def user(value: str) -> str:
    """What a user field may hold: any short text that is not plainly something else.

    Ask only where the field's name says user: nearly every text can be a user name.
    """
    if "@" in value and upn(value):
        return "upn"
    if "\\" in value:
        return account(value)
    if len(value) > _LONGEST_USER or not value.isprintable() or placeholder(value):
        return ""
    if ip(value) or url(value) or value[0] in "{[<":
        return ""
    return sid(value) or arn(value) or "user name"


def sure_user(value: str) -> str:
    r"""A value that says by itself that it is a user: ``DOMAIN\user`` or a SID."""
    return account(value) or sid(value)
