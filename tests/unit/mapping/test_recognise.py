"""Every recogniser says yes to what it is for and nothing to what only looks like it."""

from __future__ import annotations

import pytest

from soarlink.mapping.recognise import DATA_TYPES, MARKED, MARKS, RECOGNISERS, UNMARKED

_MD5 = "9e107d9d372bb6826bd81d3542a419d6"
_SHA1 = "2FD4E1C67A2D28FCED849EE1BB76E7391B93EB12"
_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
_SHA512 = "cf83e1357eefb8bd" * 8
_SSDEEP = "96:s4Ud1Lj96tHHlZDrwciQmA+4uy1I0G4HYuL8N3TzS8QsO/wqWXLcMSx:sF1LjEtHHlZDrJzrhuyZvHYm8tKp/RWO"
_GUID = "1a082d7b-d5a1-4a2b-bb94-41c439be3eb7"

# Kind → (values of this kind, values that are not)
TABLE: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "": (("anything", "", "10.0.0.1"), ()),
    "ip": (
        (
            "10.0.0.1",
            "0.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "2001:db8::1",
            "2001:0DB8:0:0:0:0:0:1",
            "fe80::1%eth0",
            "fe80::1%12",
            "::ffff:192.0.2.1",
            "64:ff9b::192.0.2.33",
            "1:2:3:4:5:6:7:8",
            "1:2:3:4:5:6:7::",
            "1:2:3:4:5:6:192.0.2.1",
        ),
        (
            "10.0.0",
            "10.0.0.256",
            "10.0.0.1.1",
            "010.0.0.1",
            "10.0.0.1 ",
            "10.0.0.1:80",
            "10.0.0.0/8",
            "1.2.3.x",
            "",
            "...",
            "1..2.3",
            "10.0.19041.1",
            "\u0661.2.3.4",
            "00:1b:44:11:3a:b7",
            "12:34:56",
            "1:2:3:4:5:6:7:8:9",
            "1::2::3",
            ":::",
            "::1%",
            "g::1",
            "12345::",
            "1:2:3:4:5:6:7",
            ":1:2:3:4:5:6:7",
            "1:2:3:4:5:6:7:",
            "1:2:3:4:5:6:7:192.0.2.1",
            "std::string",
            "::1%a b",
            "1:2:3:4:5:6:7::8",
        ),
    ),
    "ip_port": (
        ("10.0.0.1:443", "[2001:db8::1]:443", "10.0.0.1:0"),
        (
            "10.0.0.1",
            "2001:db8::1:443",
            "10.0.0.1:65536",
            "host:443",
            "[10.0.0.1]:4",
            "10.0.0.1:",
            "10.0.0.1:-1",
            "10.0.0.1:123456",
        ),
    ),
    "cidr": (
        ("10.0.0.0/8", "2001:db8::/32", "0.0.0.0/0"),
        ("10.0.0.0/33", "10.0.0.0", "10.0.0.0/", "a/8", "2001:db8::/129", "1/2/3"),
    ),
    "mac": (
        ("00:1b:44:11:3a:b7", "00-1B-44-11-3A-B7", "001b.4411.3ab7"),
        (
            "00:1b:44:11:3a",
            "00:1b-44:11:3a:b7",
            "001b44113ab7",
            "00:1b:44:11:3a:zz",
            "00:1b:44:11:3a:b7:01",
            "1b.44.11.3a.b7.00",
        ),
    ),
    "host": (
        (
            "WS-0231",
            "dc01.corp.example",
            "jsmith",
            "srv_db01",
            "ip-10-0-0-1.ec2.internal",
            "münchen-pc",
            "a",
            "10gb-switch",
            "a.b.",
            "x.xn--p1ai",
            "host.v2",
        ),
        (
            "10.0.0.1",
            "2001:db8::1",
            "12345",
            "a b",
            "CORP\\WS01",
            "user@corp",
            "-",
            "unknown",
            "N/A",
            "",
            "a..b",
            ".a",
            "-a",
            "a-",
            "a" * 64,
            "a.b" * 100,
            "http://a.example",
            "WS01$",
            "a/b",
            "10.0.0.300",
        ),
    ),
    "domain": (
        ("example.com", "www.example.co.uk", "corp.local", "EXAMPLE.org"),
        ("localhost", "10.0.0.1", "a.1", "a b.com", "x@example.com", ""),
    ),
    "apex": (
        ("example.com", "EVIL.RU", "bbc.co.uk", "evil.com."),
        ("www.example.com", "corp.local", "ws01.corp", "com", "co.uk.", "10.0.0.1", "a_b", "dc.acme.lan"),
    ),
    "url": (
        (
            "http://a.example/",
            "https://a.example:8443/x?y#z",
            "HTTP://A",
            "ftp://files.example/x",
            "https://[2001:db8::1]/",
            "https://u@h/",
        ),
        (
            "a.example/x",
            "/cgi-bin/x",
            "http://",
            "http:///x",
            "http://a b",
            "mailto:a@b.example",
            "hxxp://evil.example",
            "s3://bucket/x",
            "C:\\x",
            "javascript://x y",
            "",
            "http://a:b:c/",
            "text http://a.example",
        ),
    ),
    "web_address": (
        ("http://a.example/", "a.example/x?y", "www.example.com", "10.0.0.1/x", "example.com:8080/x"),
        (
            "/cgi-bin/x",
            "10.0.0.0/8",
            "10.0.0.1",
            "localhost",
            "a b.com",
            "a@b.example",
            "unknown",
            "-",
            "index.html?",
            "hxxp://a.example",
        ),
    ),
    "email": (
        ("jane@corp.example", "first+tag@sub.example.co.uk", "o'brien@example.com", "x@a-b.example"),
        (
            "jane@corp",
            "jane",
            "@example.com",
            "jane@",
            "jane@.example",
            "a b@c.example",
            "<a@b.example>",
            "a@b@c.example",
            "jane@example.1",
            "",
            "a@b..example",
            "x" * 250 + "@b.example",
        ),
    ),
    "account": (
        ("CORP\\jsmith", "NT AUTHORITY\\SYSTEM", ".\\local", "CORP\\WS01$"),
        ("jsmith", "C:\\x", "\\\\fs01\\share", "a\\b\\c", "CORP\\", "\\x", "HKLM:\\x"),
    ),
    "upn": (("jsmith@corp.example", "user@CORP", "a.b+c@d"), ("jsmith", "a b@c", "@c", "a@", "a@b@c", "CORP\\a@b")),
    "sid": (
        ("S-1-5-18", "S-1-5-21-3623811015-3361044348-30300820-1013"),
        ("S-1-5", "S-1", "s-1-5-18", "S-1-5-x", "S-2-5-18", ""),
    ),
    "arn": (
        (
            "arn:aws:iam::123456789012:user/alice",
            "arn:aws-us-gov:s3:::bucket/x",
            "arn:aws:sts::123456789012:assumed-role/a/b",
        ),
        ("arn:aws", "arn:azure:x", "arn:aws:iam", "aws:iam::1:user/a", ""),
    ),
    "user": (
        ("jsmith", "CORP\\jsmith", "a@b.example", "Jane Doe", "1001", "S-1-5-18", "WS01$", "o'brien", "zoë"),
        ("", "-", "unknown", "10.0.0.1", "http://a.example", '{"a": 1}', "a\nb", "C:\\x\\y", "x" * 300, "n/a", "[x]"),
    ),
    "sure_user": (("CORP\\jsmith", "S-1-5-18"), ("jsmith", "a@b.example", "C:\\x")),
    "md5": ((_MD5, _MD5.upper()), (_MD5[:-1], _MD5 + "0", "z" * 32, _GUID, "")),
    "sha1": ((_SHA1,), (_SHA1[1:], "z" * 40, "")),
    "sha256": ((_SHA256,), (_SHA256[1:], "z" * 64, f"sha256:{_SHA256}")),
    "sha512": ((_SHA512,), (_SHA512[1:], "z" * 128)),
    "ssdeep": ((_SSDEEP,), ("12:34:56", _MD5, "a:b:c", "")),
    "windows_path": (
        (
            "C:\\x",
            "d:/x/y",
            "C:\\Program Files\\a b.exe",
            "\\\\?\\C:\\x",
            "%SystemRoot%\\x.exe",
            "\\Device\\HarddiskVolume2\\x",
            "\\\\fs01\\share\\x",
        ),
        (
            "/etc/passwd",
            "x.exe",
            "CORP\\jsmith",
            "C:",
            "a:b",
            "C:\\x|y",
            "http://x",
            "",
            "\\\\fs01",
            "C:\\a\nb",
            "HKLM\\x",
        ),
    ),
    "path": (
        ("C:\\x", "/etc/passwd", "~/x", "\\\\fs01\\share\\x", "dir\\x.exe", "./x", "a/b"),
        ("x.exe", "http://a/b", "HKLM\\Software\\x", "//a/b\n", "", "a\nb/c"),
    ),
    "file_name": (("x.exe", "README", "a b.txt", ".bashrc"), ("C:\\x", "/x", "a/b", "-", "unknown", "a\nb", "x" * 300)),
    "named_file": (
        ("x.exe", "archive.tar.gz", "evil     .exe"),
        ("README", "a/b.c", "C:\\x.y", "x.", ".", "", "a. b c d", "x?.exe"),
    ),
    "process_path": (
        (
            "C:\\Windows\\cmd.exe",
            "/usr/bin/python3",
            "C:\\Program Files\\a b\\c.exe",
            "\\Device\\HarddiskVolume2\\x.exe",
        ),
        ("cmd.exe", "C:\\Windows\\cmd.exe /c x", "/usr/bin/python3 -c x", '"C:\\x.exe"', "C:\\x.exe -k"),
    ),
    "process_name": (
        ("cmd.exe", "System", "a b.exe", "bash", "Google Chrome Helper"),
        ("C:\\cmd.exe", "cmd.exe /c x", "1234", "/bin/sh", "-", "bash -i", ""),
    ),
    "process": (("cmd.exe", "C:\\x\\cmd.exe", "/bin/sh"), ("1234", "cmd.exe /c dir", "-", "")),
    "program": (("cmd.exe", "C:\\x\\a.SCR"), ("README", "cmd.exe /c x.exe", "1234", "")),
    "command_line": (
        (
            "cmd.exe /c dir",
            '"C:\\Program Files\\x.exe" -a',
            "bash -i",
            "powershell.exe iex",
            "/bin/sh x",
            "C:\\Windows\\a.EXE b",
        ),
        ("cmd.exe", "C:\\Program Files\\x.exe", "/bin/sh", "System Idle Process", ""),
    ),
    "registry": (
        ("HKLM\\Software\\x", "HKEY_LOCAL_MACHINE\\x", "\\REGISTRY\\MACHINE\\x", "HKU\\S-1-5-18\\x", "hklm:\\x"),
        ("HK\\x", "HKLMX\\y", "C:\\x", "", "HKT_x", "HKCU"),
    ),
    "port": (("0", "443", "65535"), ("65536", "-1", "http", "", "4.4", "\uff10\uff10", "100000")),
    "number": (("0", "4711"), ("", "1.5", "-1", "0x1", "\u0663")),
    "pid": (("0", "4242", "4294967295", "0x1a4"), ("-1", "0x", "cmd.exe", "", "0xzz", "12345678901")),
    "epoch": (
        ("1760000000", "1760000000.123456", "1760000000123", "1760000000123456", "1760000000123456789"),
        (
            "999999999",
            "0999999999",
            "4102444800",
            "0",
            "17600000000",
            "1760000000.",
            "1760000000123.5",
            "2025-10-09T08:53:20Z",
            "",
            "9760000000",
            "1e9",
        ),
    ),
    "cve": (("CVE-2021-44228", "cve-2014-0160"), ("CVE-21-1", "CVE-2021", "2021-44228", "CVE-2021-44228 x", "")),
    "technique": (("T1059", "T1059.001"), ("TA0001", "T105", "T1059.01", "t1059", "T1059x", "")),
    "tactic": (("TA0001",), ("T1059", "TA1", "")),
    "placeholder": (
        ("-", "unknown", "N/A", "null", " ", ""),
        ("x", "unknown host", "0", "localhost", "none of these values"),
    ),
}


def test_every_kind_has_a_table() -> None:
    """No recogniser is without examples of what it takes and what it leaves."""
    assert set(TABLE) == set(RECOGNISERS)


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, (taken, _) in TABLE.items() for value in taken])
def test_takes_what_it_is_for(kind: str, value: str) -> None:
    """The recogniser names what it sees."""
    assert RECOGNISERS[kind][0](value)


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, (_, left) in TABLE.items() for value in left])
def test_leaves_what_it_is_not_sure_of(kind: str, value: str) -> None:
    """What only looks alike is not taken: right before clever."""
    assert RECOGNISERS[kind][0](value) == ""


def test_kinds_with_a_mark_never_take_letters_and_digits_alone() -> None:
    """The short cut for plain words leaves out no kind that could take one."""
    plain = [
        "x",
        "A1",
        "0",
        "10",
        _MD5,
        _SHA1,
        _SHA256,
        _SHA512,
        "T1059",
        "TA0001",
        "jsmith",
        "README",
        "münchen",
        "1760000000",
    ]
    plain += [value for taken, left in TABLE.values() for value in taken + left if value.isalnum()]
    assert [(kind, value) for kind in sorted(MARKED) for value in plain if RECOGNISERS[kind][0](value)] == []
    assert set(RECOGNISERS) >= MARKED


def _alike() -> set[str]:
    """The values of the table, and each with any one character left out, doubled, or of the other case."""
    values = {value for taken, left in TABLE.values() for value in taken + left}
    for value in tuple(values):
        for at in range(min(len(value), 80)):
            before, one, after = value[:at], value[at], value[at + 1 :]
            values |= {before + after, before + one + one + after, before + one.swapcase() + after}
    return values


@pytest.mark.parametrize("kind", sorted(MARKS))
def test_what_a_marked_kind_takes_has_one_of_its_marks(kind: str) -> None:
    """Values without the mark are not shown to the recogniser, so it must not be one that takes them."""
    taken = [value for value in _alike() if RECOGNISERS[kind][0](value)]
    assert taken
    assert [value for value in taken if not any(mark in value for mark in MARKS[kind])] == []
    assert [mark for mark in MARKS[kind] if mark.isalnum()] == []


@pytest.mark.parametrize("kind", sorted(UNMARKED))
def test_what_an_unmarked_kind_takes_is_letters_and_digits_alone(kind: str) -> None:
    """Values with any other character are not shown to the recogniser."""
    taken = [value for value in _alike() if RECOGNISERS[kind][0](value)]
    assert taken
    assert [value for value in taken if not value.isalnum()] == []


def test_types_are_those_of_soar() -> None:
    """A recogniser's data types are in the closed set that rules may name."""
    assert {name for _, types in RECOGNISERS.values() for name in types} <= DATA_TYPES


@pytest.mark.parametrize("kind", sorted(RECOGNISERS))
@pytest.mark.parametrize(
    "value", ["a" * 10_000_000, "a." * 1_000_000, "a@" * 500_000, "\\a " * 500_000, ":" * 1_000_000, "/a " * 500_000]
)
def test_a_huge_value_is_no_trap(kind: str, value: str) -> None:
    """Megabytes of anything are judged in linear time: a run that hangs here is the failure."""
    assert isinstance(RECOGNISERS[kind][0](value), str)
