"""Transforms do what their name says to values they fit, and leave all others as they are."""

from __future__ import annotations

import pytest

from soarlink.mapping.multivalue import LIST
from soarlink.mapping.rule import Branch, Rule
from soarlink.mapping.slot import Slot
from soarlink.mapping.transform import EXTRACTING, TRANSFORMS, known, step

_MD5 = "9e107d9d372bb6826bd81d3542a419d6"


@pytest.mark.parametrize(
    ("name", "value", "becomes"),
    [
        ("trim", "  a b ", ("a b",)),
        ("trim", "  ", ("  ",)),
        ("lower", "ÄbC", ("äbc",)),
        ("upper", "abC", ("ABC",)),
        ("iso_time", "1760000000", ("2025-10-09T08:53:20Z",)),
        ("iso_time", "1760000000.500", ("2025-10-09T08:53:20.5Z",)),
        ("iso_time", "1760000000123456", ("2025-10-09T08:53:20.123456Z",)),
        ("iso_time", "1709164800", ("2024-02-29T00:00:00Z",)),
        ("iso_time", "yesterday", ("yesterday",)),
        ("strip_port", "10.0.0.1:443", ("10.0.0.1",)),
        ("strip_port", "[2001:db8::1]:443", ("2001:db8::1",)),
        ("strip_port", "db.corp.example:1433", ("db.corp.example",)),
        ("strip_port", "2001:db8::1", ("2001:db8::1",)),
        ("strip_port", "CORP:x", ("CORP:x",)),
        ("port_only", "10.0.0.1:443", ("443",)),
        ("port_only", "10.0.0.1", ()),
        ("port_only", "2001:db8::1", ()),
        ("refang", "hxxps://evil[.]example[:]8443/x", ("https://evil.example:8443/x",)),
        ("refang", "HXXP://evil(.)example", ("http://evil.example",)),
        ("refang", "user[@]evil[dot]example", ("user@evil.example",)),
        ("refang", "https://[2001:db8::1]/x", ("https://[2001:db8::1]/x",)),
        ("hash_value", f"MD5={_MD5}", (_MD5,)),
        ("hash_value", f"md5:{_MD5}", (_MD5,)),
        ("hash_value", f"IMPHASH={_MD5}", (f"IMPHASH={_MD5}",)),
        ("hash_value", "MD5=", ("MD5=",)),
        ("url_host", "https://u@www.example.com:8443/x", ("www.example.com",)),
        ("url_host", "example.com/x", ("example.com",)),
        ("url_host", "/x", ()),
        ("base_name", "C:\\a\\b.exe", ("b.exe",)),
        ("base_name", "/usr/bin/bash", ("bash",)),
        ("base_name", "b.exe", ()),
        ("base_name", "C:\\a\\", ()),
        ("email_address", "Ann Example <ann@example.com>", ("ann@example.com",)),
        ("email_address", "ann@example.com", ("ann@example.com",)),
        ("email_address", "Ann <ann>", ("Ann <ann>",)),
        ("nt_domain", "CORP\\ann", ("CORP",)),
        ("nt_domain", "ann", ()),
        ("nt_domain", "NT AUTHORITY\\SYSTEM", ()),
        ("split:;", "a; b;;c", ("a", "b", "c")),
        ("split:comma", "a,b", ("a", "b")),
        ("split:newline", "a\nb", ("a", "b")),
        ("split:;", ";;", (";;",)),
        ("split:;", "a", ("a",)),
        ("split:;", "a;" * 40_000, ("a;" * 40_000,)),
    ],
)
def test_a_transform_does_what_it_says(name: str, value: str, becomes: tuple[str, ...]) -> None:
    """Each transform with values it fits and values it does not."""
    assert step(name)(value) == becomes


def test_only_transforms_of_copies_may_leave_nothing() -> None:
    """No transform that a mapping rule may use makes a value vanish."""
    awkward = ["", " ", "x", ":", "=", "\\", "<>", "[.]", "a:1", "1760000000", ";;", "hxxp", "MD5=", "@", "://"]
    names = [*(set(TRANSFORMS) - EXTRACTING), "split:;", "split:space"]
    assert [(name, value) for name in names for value in awkward if not step(name)(value)] == []
    assert all(known(name) for name in names)
    assert not known("split:")


def test_what_a_slot_remembers_is_bounded() -> None:
    """Memory does not grow with the number of distinct values, nor with their length."""
    slot = Slot("x", Rule("x", 1, ("x",), (Branch("host", ("y",), ()),)), (), LIST, ())
    for number in range(10_000):
        slot.judge(f"host-{number}")
    assert len(slot.known) <= 4096
    slot.judge("h" * 10_000)
    assert max(map(len, slot.known)) <= 256
