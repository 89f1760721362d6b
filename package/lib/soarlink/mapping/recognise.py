"""The kinds of value that a rule can ask for, each with its recogniser and the data types that SOAR knows it by.

A kind is what stands before the colon in a rule's ``to``. Kinds marked *by itself* can be told from the value alone;
the others only make sense where the field's name says what to expect, so a rule uses them for such fields only.
"""

from __future__ import annotations

from typing import Callable

from soarlink.mapping import addresses, files, identities, scalars

Recogniser = Callable[[str], str]
"""Takes one value, returns what it is (shown in the trace), or "" when it is not of this kind."""


def text(value: str) -> str:  # noqa: ARG001 - the signature of a recogniser
    """Anything: the kind of a target without a colon."""
    return "text"


RECOGNISERS: dict[str, tuple[Recogniser, tuple[str, ...]]] = {
    "": (text, ()),
    "account": (identities.account, ("user name",)),
    "apex": (addresses.apex, ("domain",)),
    "arn": (identities.arn, ()),
    "cidr": (addresses.cidr, ()),
    "command_line": (files.command_line, ()),
    "cve": (scalars.cve, ("cve",)),
    "domain": (addresses.domain, ("domain",)),
    "email": (addresses.email, ("email",)),
    "epoch": (scalars.epoch, ()),
    "file_name": (files.file_name, ("file name",)),
    "host": (addresses.host, ("host name",)),
    "ip": (addresses.ip, ("ip",)),
    "ip_port": (addresses.ip_port, ()),
    "mac": (addresses.mac, ("mac address",)),
    "md5": (files.md5, ("hash", "md5")),
    "named_file": (files.named_file, ("file name",)),
    "number": (scalars.number, ()),
    "path": (files.path, ("file path",)),
    "pid": (scalars.pid, ("pid",)),
    "placeholder": (addresses.placeholder, ()),
    "port": (scalars.port, ("port",)),
    "process": (files.process, ("process name",)),
    "process_name": (files.process_name, ("process name",)),
    "process_path": (files.process_path, ("process name",)),
    "program": (files.program, ("process name",)),
    "registry": (files.registry, ()),
    "sha1": (files.sha1, ("hash", "sha1")),
    "sha256": (files.sha256, ("hash", "sha256")),
    "sha512": (files.sha512, ("hash",)),
    "sid": (identities.sid, ("user name",)),
    "ssdeep": (files.ssdeep, ()),
    "sure_user": (identities.sure_user, ("user name",)),
    "tactic": (scalars.tactic, ()),
    "technique": (scalars.technique, ()),
    "upn": (identities.upn, ("user name",)),
    "url": (addresses.url, ("url",)),
    "user": (identities.user, ("user name",)),
    "web_address": (addresses.web_address, ("url",)),
    "windows_path": (files.windows_path, ("file path",)),
}
"""Kind → (recogniser, SOAR data types that its values carry unless the rule says otherwise)."""

DATA_TYPES = frozenset(
    (
        "cve",
        "date",
        "domain",
        "email",
        "file name",
        "file path",
        "hash",
        "host name",
        "ip",
        "ipv6",
        "mac address",
        "md5",
        "pid",
        "port",
        "process name",
        "sha1",
        "sha256",
        "url",
        "user name",
        "vault id",
    )
)
"""SOAR's data types ("contains") that apps ask for. Others are free text there: rules write them ``custom:<name>``."""

MARKS: dict[str, tuple[str, ...]] = {
    "account": ("\\",),
    "apex": (".",),
    "arn": ("arn:aws",),
    "cidr": ("/",),
    "command_line": (" ", '"', "'"),
    "cve": ("-",),
    "domain": (".",),
    "email": ("@",),
    "ip": (".", ":"),
    "ip_port": (":",),
    "mac": (":", "-", "."),
    "named_file": (".",),
    "path": ("/", "\\"),
    "process_path": ("/", "\\"),
    "program": (".",),
    "registry": ("\\", ":"),
    "sid": ("S-1-",),
    "ssdeep": (":",),
    "sure_user": ("\\", "S-1-"),
    "upn": ("@",),
    "url": ("://",),
    "web_address": (".", "://"),
    "windows_path": ("\\", ":/"),
}
"""Kind → texts of which each of its values has one; each has a character that is neither letter nor digit.

Looking for a mark costs a fraction of asking the recogniser.
"""

MARKED = frozenset(MARKS)
"""Kinds whose values are never letters and digits alone."""

UNMARKED = frozenset(("md5", "number", "pid", "port", "sha1", "sha256", "sha512", "tactic"))
"""Kinds whose values are always letters and digits alone."""
