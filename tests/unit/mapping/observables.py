"""Values for the observables of published detections: for each type what real ones look like, awkward ones included.

Fixed lists, no chance: a figure measured with them is the same on every machine.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

DATA = Path(__file__).parent / "data"

IP_ADDRESSES = (
    "10.11.36.20",
    "203.0.113.77",
    "255.255.255.255",
    "2001:db8::8a2e:370:7334",
    "::1",
    "fe80::1ff:fe23:4567:890a%eth2",
    "::ffff:192.0.2.128",
    "2001:0db8:0000:0000:0000:ff00:0042:8329",
    "fd00::",
)
HOST_NAMES = (
    "WS-0231",
    "DESKTOP-9K2L4QH",
    "dc01.corp.example",
    "jsmith",
    "jsmith-laptop",
    "srv_db01",
    "ip-10-0-0-1.ec2.internal",
    "administrator",
    "ar-win-dc.attackrange.local",
    "web01.eu-west-1.compute.internal",
    "10gb-switch",
    "münchen-pc",
    "a",
)
USERS = (
    "jsmith",
    "CORP\\jsmith",
    "jsmith@corp.example",
    "Administrator",
    "NT AUTHORITY\\SYSTEM",
    "WS-0231$",
    "svc-backup",
    "jane.doe",
    "CORP\\WS-0231$",
    "S-1-5-21-3623811015-3361044348-30300820-1013",
    "Jane Doe",
    "1001",
    "o'brien",
    "first.last+tag@corp.example",
    "arn:aws:iam::123456789012:user/alice",
    "arn:aws:sts::123456789012:assumed-role/admin/bob",
    "zoë",
    "WIN-DC01",
    "user@CORP",
)
PROCESSES = (
    "powershell.exe",
    "cmd.exe",
    "System",
    "lsass.exe",
    "bash",
    "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe",
    "C:\\Program Files\\Microsoft Office\\root\\Office16\\WINWORD.EXE",
    "/usr/bin/python3",
    "MsMpEng.exe",
    "a b.exe",
    "kworker",
    "\\Device\\HarddiskVolume2\\Windows\\System32\\svchost.exe",
    "C:\\Program Files (x86)\\Google\\Update\\GoogleUpdate.exe",
)
FILE_NAMES = (
    "invoice.docx",
    "archive.tar.gz",
    "README",
    "my report 2024.xlsx",
    "evil     .exe",
    "naïve.txt",
    ".bashrc",
    "ntds.dit",
)
FILE_PATHS = (
    "C:\\Users\\jsmith\\Downloads\\invoice.docx",
    "\\\\fs01\\share\\a b.xlsx",
    "/etc/passwd",
    "D:\\x",
    "/var/.x/run.sh",
)
FILE_HASHES = (
    "9e107d9d372bb6826bd81d3542a419d6",
    "2FD4E1C67A2D28FCED849EE1BB76E7391B93EB12",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "cf83e1357eefb8bd" * 8,
)
URLS = (
    "https://evil.example.com/a?b=c#d",
    "http://203.0.113.77:8080/payload.bin",
    "http://[2001:db8::1]/x",
    "https://user@host.example/",
    "HTTP://EXAMPLE.COM/%41",
    "ftp://files.example.com/x.zip",
    "https://example.com/?u=a@b.example&x=[1]",
)
EMAILS = ("jane.doe@corp.example", "first+tag@sub.mail.example.co.uk", "o'brien@example.com", "x_y-z@example.museum")

FILES = FILE_NAMES + FILE_PATHS
VALUES: Mapping[str, tuple[str, ...]] = {
    "User": USERS,
    "Hostname": HOST_NAMES,
    "Endpoint": IP_ADDRESSES + HOST_NAMES,
    "IP Address": IP_ADDRESSES,
    "Process": PROCESSES,
    "Process Name": PROCESSES,
    "File Name": FILE_NAMES,
    "File": FILES,
    "File Hash": FILE_HASHES,
    "URL String": URLS,
    "Email Address": EMAILS,
}
_TYPES: Mapping[str, str] = {
    "User": "user name",
    "Hostname": "host name",
    "IP Address": "ip",
    "Process": "process name",
    "Process Name": "process name",
    "File Name": "file name",
    "File Hash": "hash",
    "URL String": "url",
    "Email Address": "email",
}


def wanted_type(kind: str, value: str) -> str:
    """SOAR's data type for a value of an observable's type; for ``Endpoint`` and ``File`` the value says which."""
    if kind == "Endpoint":
        return "ip" if value in IP_ADDRESSES else "host name"
    if kind == "File":
        return "file path" if value in FILE_PATHS else "file name"
    return _TYPES[kind]


# What the other fields of a detection's row hold.
_OTHERS: Mapping[str, str] = {
    "dest": "dc02.corp.example",
    "src": "198.51.100.4",
    "user": "CORP\\bob",
    "src_user": "alice",
    "src_ip": "198.51.100.5",
    "dest_ip": "198.51.100.6",
    "host": "splunk-hf01",
    "Computer": "dc03.corp.example",
    "process_name": "rundll32.exe",
    "process": "rundll32.exe C:\\x.dll,Start -k 1",
    "parent_process_name": "explorer.exe",
    "parent_process": "C:\\Windows\\explorer.exe",
    "process_id": "4242",
    "file_name": "other.dll",
    "file_path": "C:\\Windows\\Temp\\other.dll",
    "url": "https://other.example.net/p",
    "query": "other.example.org",
    "_time": "1760000000",
}


@dataclass(frozen=True)
class Case:
    """One observable of one detection with one value, in the row that the detection would put out."""

    detection: str
    field: str
    kind: str
    value: str
    row: Mapping[str, str]


def detections() -> list[dict[str, object]]:
    """The published detections; see data/README.md."""
    lines = (DATA / "detection-fields.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def cases() -> Iterator[Case]:
    """Every typed observable with every value of its type. A field that the search lacks is added to the row."""
    for detection in detections():
        observables = [(each["name"], each["type"]) for each in detection["observables"]]  # type: ignore[attr-defined]
        names = dict.fromkeys([*detection["output_fields"], *(name for name, _ in observables)])  # type: ignore[misc]
        typed = {name: kind for name, kind in observables if kind in VALUES}
        for field, kind in observables:
            if kind not in VALUES:
                continue
            for index, value in enumerate(VALUES[kind]):
                row = {name: _OTHERS.get(name, f"{name} value") for name in names}
                row.update({name: VALUES[other][index % len(VALUES[other])] for name, other in typed.items()})
                if "risk_object" in typed and "risk_object_type" in names:
                    row["risk_object_type"] = "user" if typed["risk_object"] == "User" else "system"
                row[field] = value
                yield Case(str(detection["name"]), field, kind, value, row)


def families(types: frozenset[str]) -> frozenset[str]:
    """Data types with the kinds of hash as one: ``hash`` and ``md5`` say the same of a value."""
    return frozenset("hash" if name in {"md5", "sha1", "sha256"} else name for name in types)
