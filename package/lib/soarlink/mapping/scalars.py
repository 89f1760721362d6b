"""Recognisers for numbers and catalogue ids: ports, process ids, times, CVE, MITRE ATT&CK."""

from __future__ import annotations

import re

from soarlink.mapping.pattern import Pattern

_HIGHEST_PORT = 65535
_PORT_DIGITS = 5
_PID_DIGITS = 10  # 32 bits
_EPOCH_FROM = 1_000_000_000  # 2001-09-09: since then the seconds have ten digits
_EPOCH_TO = 4_102_444_800  # 2100-01-01T00:00:00Z
_SCALES = {10: 0, 13: 3, 16: 6, 19: 9}  # digits → how many of them are the fraction
_CVE = Pattern(r"CVE-(?:19|20)\d\d-\d{4,7}", re.IGNORECASE)
_TECHNIQUE = Pattern(r"T\d{4}(?:\.\d{3})?")
_TACTIC = Pattern(r"TA\d{4}")
_HEX_NUMBER = Pattern(r"0[xX][0-9A-Fa-f]{1,16}")


def number(value: str) -> str:
    """Digits and nothing else."""
    return "number" if value.isdigit() and value.isascii() else ""


def port(value: str) -> str:
    """A TCP or UDP port, 0 to 65535. Ask only where the field's name says port."""
    if len(value) > _PORT_DIGITS or not (value.isdigit() and value.isascii()):
        return ""
    return "port" if int(value) <= _HIGHEST_PORT else ""


def pid(value: str) -> str:
    """A process id, decimal or as Windows writes it (``0x1a4``). Ask only where the field's name says so."""
    if value.isdigit():
        return "pid" if value.isascii() and len(value) <= _PID_DIGITS else ""
    return "pid" if value[:2] in {"0x", "0X"} and _HEX_NUMBER.full(value) else ""


def epoch(value: str) -> str:
    """Seconds (also with a fraction), milli-, micro- or nanoseconds since 1970, between 2001 and 2100."""
    return "epoch time" if epoch_seconds(value) is not None else ""


def epoch_seconds(value: str) -> tuple[int, str] | None:
    """Whole seconds and the digits of the fraction ("" for none), or None when the value is no such time."""
    whole, dot, fraction = value.partition(".")
    digits = _SCALES.get(len(whole))
    if digits is None or not (whole.isascii() and whole.isdigit()):
        return None
    if dot and (digits or not (fraction.isascii() and fraction.isdigit())):
        return None
    if digits:
        whole, fraction = whole[:-digits], whole[-digits:]
    seconds = int(whole)
    return (seconds, fraction) if _EPOCH_FROM <= seconds < _EPOCH_TO else None


def cve(value: str) -> str:
    """``CVE-2021-44228``."""
    return "cve" if value[:4].upper() == "CVE-" and _CVE.full(value) else ""


def technique(value: str) -> str:
    """A MITRE ATT&CK technique or sub-technique, ``T1059.001``."""
    return "mitre technique" if value[:1] == "T" and _TECHNIQUE.full(value) else ""


def tactic(value: str) -> str:
    """A MITRE ATT&CK tactic, ``TA0001``."""
    return "mitre tactic" if value[:2] == "TA" and _TACTIC.full(value) else ""
