"""Recognisers for what stands in a network field: addresses, host names, domains, URLs, e-mail addresses.

Each takes one string and returns what it is (the recogniser's name, shown in the trace) or "". Right before clever:
what is not sure is "". Written without ``ipaddress`` and with lazy patterns, because they are on the alert path.
"""

from __future__ import annotations

import re
from functools import lru_cache

from soarlink.mapping import scalars
from soarlink.mapping.pattern import Pattern

_HEX = frozenset("0123456789abcdefABCDEF")
_OCTETS = frozenset(map(str, range(256)))
_PREFIX_LENGTHS = frozenset(map(str, range(129)))
_DOTS = 3  # of a dotted quad
_FEWEST_COLONS = 2  # "::"
_GROUPS = 8
_GROUP_DIGITS = 4
_LONGEST_HOST = 253
_LONGEST_EMAIL = 254
_LONGEST_PLACEHOLDER = 16

# A placeholder stands for "no value": a host or user called so would make playbooks act on nothing.
_PLACEHOLDERS = frozenset(
    (
        "-",
        "--",
        "?",
        "n/a",
        "na",
        "nil",
        "none",
        "null",
        "undefined",
        "unknown",
        "(null)",
        "(none)",
        "<none>",
        "<null>",
        "not available",
        "not_available",
        "not set",
        "*",
        "n\\a",
        "(unknown)",
    )
)

# Only these make a two-label name a domain for sure; an unlisted ending (corp.local, srv.lan) stays a host name.
_PUBLIC_SUFFIXES = frozenset(
    (
        "ac ai app at au be biz br ca cc ch cl click cloud cn co com cz de dev dk edu es eu fi fr gov gr hk "
        "hu id ie in info io ir it jp kr link live me mil mobi mx net nl no nz online org pl pro pt pw ro rs "
        "ru sa se sg shop site sk space store su tech tk to top tr tv tw ua uk us vip vn wiki win work ws xyz "
        "za zip ac.uk co.uk gov.uk org.uk com.au net.au org.au com.br com.cn com.mx com.sg com.tr com.tw "
        "com.ua co.in co.jp co.kr co.nz co.za ne.jp or.jp"
    ).split()
)
_FILE_ENDINGS = frozenset("asp aspx cgi css dll exe gif htm html ico jpg js json jsp php png svg txt xml".split())
_EMAIL = Pattern(r"[^\s@<>,;:\"()\[\]\\/|]+@([^\s@.<>,;:\"()\[\]\\/|]+\.)+[A-Za-z][A-Za-z0-9-]*[A-Za-z0-9]")
_MAC = Pattern(r"(?:[0-9A-Fa-f]{2}([:-]))(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}|(?:[0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4}")
_LABELS = Pattern(r"[^\W_](?:[\w-]{0,61}\w)?(?:\.\w(?:[\w-]{0,61}\w)?)*")
_AUTHORITY = r"(?:[^\s/?#@]*@)?(\[[0-9A-Fa-f:.%]+\]|[^\s/?#:@\[\]]+)(?::\d{1,5})?(?:[/?#]\S*)?"
_URL = Pattern(r"(?:https?|ftps?)://" + _AUTHORITY, re.IGNORECASE)
_NO_SCHEME = Pattern(_AUTHORITY)


def placeholder(value: str) -> str:
    """``unknown``, ``-``, ``n/a`` and their like."""
    if len(value) > _LONGEST_PLACEHOLDER:
        return ""
    return "placeholder" if value.lower() in _PLACEHOLDERS or not value.strip() else ""


def ipv4(value: str) -> str:
    """Dotted quad without leading zeros (``010.0.0.1`` means different things to different programs)."""
    if not value[:1].isdigit():  # most names have dots too
        return ""
    return "ipv4" if value.count(".") == _DOTS and _OCTETS.issuperset(value.split(".")) else ""


def ipv6(value: str) -> str:
    """RFC 4291 text form, with an embedded IPv4 tail and with a zone (``fe80::1%eth0``)."""
    if value.count(":") < _FEWEST_COLONS:
        return ""
    address, percent, zone = value.partition("%")
    if (
        percent and (not zone or not zone.replace("-", "").replace(".", "").replace("_", "").isalnum())
    ) or ":::" in address:
        return ""
    groups = address.split(":")
    room = _GROUPS
    if "." in groups[-1]:
        if not ipv4(groups.pop()):
            return ""
        room = _GROUPS - 2
    elided = address.count("::")
    if elided > 1 or (address.startswith(":") and not address.startswith("::")):
        return ""
    if address.endswith(":") and not address.endswith("::"):
        return ""
    filled = [group for group in groups if group]
    if any(len(group) > _GROUP_DIGITS or not _HEX.issuperset(group) for group in filled):
        return ""
    return "ipv6" if (len(filled) < room if elided else len(filled) == room and len(groups) == room) else ""


def ip(value: str) -> str:
    """An IPv4 or IPv6 address and nothing else beside it."""
    return ipv4(value) or (ipv6(value) if ":" in value else "")


def cidr(value: str) -> str:
    """A network such as ``10.0.0.0/8``: not an address, so never typed ``ip``."""
    address, slash, bits = value.partition("/")
    if not slash or bits not in _PREFIX_LENGTHS:
        return ""
    kind = ip(address)
    return "cidr" if kind and int(bits) <= (32 if kind == "ipv4" else 128) else ""


def ip_port(value: str) -> str:
    """``10.0.0.1:443`` or ``[2001:db8::1]:443``."""
    address, colon, port = value.rpartition(":")
    if not colon or not scalars.port(port):
        return ""
    if address.startswith("[") and address.endswith("]"):
        return "ipv6 with port" if ipv6(address[1:-1]) else ""
    return "ipv4 with port" if ipv4(address) else ""


def mac(value: str) -> str:
    """``00:1b:44:11:3a:b7``, ``00-1B-44-11-3A-B7`` or ``001b.4411.3ab7``."""
    return "mac" if len(value) in {14, 17} and _MAC.full(value) else ""


def host(value: str) -> str:
    """A name that can be a host's: NetBIOS or DNS, non-ASCII letters and underscores as Windows allows them.

    ``jsmith`` can be a host as well as a user: ask only where the field's name says host.
    """
    return _host(value) if len(value) <= _LONGEST_HOST + 1 else ""


@lru_cache(maxsize=256)  # several recognisers ask, and the same name stands in several fields of a row
def _host(value: str) -> str:
    name = value.removesuffix(".")
    if len(name) > _LONGEST_HOST or not _LABELS.full(name):
        return ""
    lower = name.lower()
    if lower == name.upper() or lower in _PLACEHOLDERS:  # no letter: a number or an address
        return ""
    last = lower.rpartition(".")
    return "fqdn" if last[1] and (last[2].isalpha() or last[2].startswith("xn--")) else "host name"


def domain(value: str) -> str:
    """A DNS name of two labels or more. Ask only where the field's name says domain."""
    return "domain" if "." in value and host(value) == "fqdn" else ""


def apex(value: str) -> str:
    """A name directly below a well-known public suffix, such as ``example.com``: a domain rather than a machine."""
    if "." not in value or host(value) != "fqdn":
        return ""
    name = value.lower().rstrip(".")
    return "apex domain" if name.partition(".")[2] in _PUBLIC_SUFFIXES and name not in _PUBLIC_SUFFIXES else ""


def url(value: str) -> str:
    """An absolute http, https, ftp or ftps URL with a host and without white space."""
    return "url" if "://" in value and _URL.full(value) else ""


def web_address(value: str) -> str:
    """A URL, or what a browser would make one of: ``example.com/x?y``. Ask only where the field's name says URL."""
    if "://" in value:
        return url(value)
    match = _NO_SCHEME.full(value) if "." in value and "@" not in value else None
    name = match.group(1) if match else ""
    if name.rpartition(".")[2].lower() in _FILE_ENDINGS:
        return ""
    return "url without scheme" if name and (domain(name) or (ip(name) and "/" in value and not cidr(value))) else ""


def email(value: str) -> str:
    """A bare address: no display name, no angle brackets, a dotted domain."""
    return "email" if value.count("@") == 1 and len(value) <= _LONGEST_EMAIL and _EMAIL.full(value) else ""


def url_host(value: str) -> str:
    """The host of a web address as it is written there; "" when the value is none."""
    if not web_address(value):
        return ""
    match = _URL.full(value) or _NO_SCHEME.full(value)
    return match.group(1).strip("[]") if match else ""
