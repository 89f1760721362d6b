"""The closed set of value transforms. Each takes one value and returns what becomes of it, one value or several.

A transform that does not apply to a value returns it unchanged, so that a rule never needs to guess what comes.
"""

from __future__ import annotations

import time
from functools import lru_cache
from typing import Callable

from soarlink.mapping import addresses, files, scalars

Transform = Callable[[str], tuple[str, ...]]

_SEPARATORS = {"space": " ", "tab": "\t", "newline": "\n", "comma": ","}
_LONGEST_SPLIT = 65536  # characters: beyond, a value is a document, not a list of values
_FANGED = frozenset(("xx", "XX"))
_HASH_LABELS = ("MD5", "SHA1", "SHA256", "SHA512")


def _trim(value: str) -> tuple[str, ...]:
    return (value.strip() or value,)


def _lower(value: str) -> tuple[str, ...]:
    return (value.lower(),)


def _upper(value: str) -> tuple[str, ...]:
    return (value.upper(),)


def _iso_time(value: str) -> tuple[str, ...]:
    """Epoch seconds, milli-, micro- or nanoseconds → ``2025-10-09T08:53:20.123Z``; other texts stay as they are."""
    parts = scalars.epoch_seconds(value)
    if parts is None:
        return (value,)
    seconds, fraction = parts
    day, second = divmod(seconds, 86400)
    fraction = fraction.rstrip("0")
    clock = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
    return (f"{_date(day)}T{clock}.{fraction}Z" if fraction else f"{_date(day)}T{clock}Z",)


@lru_cache(maxsize=64)
def _date(day: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(day * 86400))


def _strip_port(value: str) -> tuple[str, ...]:
    """``10.0.0.1:443`` → ``10.0.0.1``, ``[2001:db8::1]:443`` → ``2001:db8::1``, ``db.corp.example:1433`` → the name."""
    if ":" not in value:
        return (value,)
    if addresses.ip_port(value):
        return (value.rpartition(":")[0].strip("[]"),)
    name, _, port = value.rpartition(":")
    return (name,) if scalars.port(port) and addresses.domain(name) else (value,)


def _port_only(value: str) -> tuple[str, ...]:
    """The port that :func:`_strip_port` takes off; nothing when there is none."""
    if ":" not in value or _strip_port(value)[0] == value:
        return ()
    return (value.rpartition(":")[2],)


def _refang(value: str) -> tuple[str, ...]:
    """``hxxps://evil[.]example`` → ``https://evil.example``."""
    if value[1:3] in _FANGED and value[:4].lower() == "hxxp":
        value = f"http{value[4:]}"
    elif "[" not in value and "(" not in value:
        return (value,)
    for fanged, plain in (("[.]", "."), ("(.)", "."), ("[dot]", "."), ("[:]", ":"), ("[://]", "://"), ("[@]", "@")):
        value = value.replace(fanged, plain)
    return (value,)


def _hash_value(value: str) -> tuple[str, ...]:
    """``SHA256=9f86…`` (Sysmon) and ``sha256:9f86…`` → the digits; other labels, such as IMPHASH, stay as they are."""
    label, mark, digits = value.partition("=")
    if not mark:
        label, mark, digits = value.partition(":")
    known = mark and label.replace("-", "").upper() in _HASH_LABELS
    return (digits,) if known and files.file_hash(digits) else (value,)


def _url_host(value: str) -> tuple[str, ...]:
    """The host name of a URL; nothing when there is none."""
    host = addresses.url_host(value)
    return (host,) if host else ()


def _base_name(value: str) -> tuple[str, ...]:
    r"""``C:\a\b.exe`` → ``b.exe``; nothing when the value is no sure path."""
    if not (files.process_path(value) or files.windows_path(value)):
        return ()
    name = value.replace("\\", "/").rpartition("/")[2]
    return (name,) if name else ()


def _email_address(value: str) -> tuple[str, ...]:
    """``Ann Example <ann@example.com>`` → ``ann@example.com``."""
    if not value.endswith(">"):
        return (value,)
    address = value[value.rfind("<") + 1 : -1]
    return (address,) if addresses.email(address) else (value,)


def _nt_domain(value: str) -> tuple[str, ...]:
    r"""``CORP\jsmith`` → ``CORP``; nothing for other values."""
    domain, _, _ = value.partition("\\")
    return (domain,) if value.count("\\") == 1 and addresses.host(domain) else ()


TRANSFORMS: dict[str, Transform] = {
    "base_name": _base_name,
    "email_address": _email_address,
    "hash_value": _hash_value,
    "iso_time": _iso_time,
    "lower": _lower,
    "nt_domain": _nt_domain,
    "port_only": _port_only,
    "refang": _refang,
    "strip_port": _strip_port,
    "trim": _trim,
    "upper": _upper,
    "url_host": _url_host,
}
"""Name → transform; ``split:<separator>`` comes on top."""

EXTRACTING = frozenset(("base_name", "nt_domain", "port_only", "url_host"))
"""Transforms that return a part of the value, or nothing: only for rules that copy."""


def split_separator(name: str) -> str:
    """The separator of ``split:<separator>`` (a text, or space, tab, newline, comma); "" when it has none."""
    mark = name[len("split:") :] if name.startswith("split:") else ""
    return _SEPARATORS.get(mark, mark)


def known(name: str) -> bool:
    """Whether a rule may name this transform."""
    return name in TRANSFORMS or bool(split_separator(name))


def step(name: str) -> Transform:
    """The transform that a rule names."""
    separator = split_separator(name)
    if not separator:
        return TRANSFORMS[name]

    def split(value: str) -> tuple[str, ...]:
        if len(value) > _LONGEST_SPLIT or separator not in value:
            return (value,)
        # A value that is nothing but separators stays whole: a split must never make a value vanish.
        return tuple(part for part in map(str.strip, value.split(separator)) if part) or (value,)

    return split
