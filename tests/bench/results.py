"""Results as a correlation search brings them: 40 fields, three of them with several values."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

_ACTIONS = ("allowed", "blocked", "success", "failure")
_SEVERITIES = ("low", "medium", "high", "critical", "informational")
_USERS = ("alice", "b.meyer", "svc_backup", "søren.lund", "CORP\\dora", "eve@example.com")
_PROCESSES = ("powershell.exe", "cmd.exe", "rundll32.exe", "outlook.exe", "svchost.exe")
_TECHNIQUES = ("T1059.001", "T1110.003", "T1566.001", "T1486", "T1071.004")
_START = 1_790_000_000

FIELDS = 40


def fields(number: int) -> dict[str, str | list[str]]:
    """Return one result; the same number always gives the same one."""
    digest = hashlib.sha256(str(number).encode()).hexdigest()
    pick = int(digest[:8], 16)
    user = _USERS[pick % len(_USERS)]
    process = _PROCESSES[pick % len(_PROCESSES)]
    source = f"10.{pick % 200}.{pick // 7 % 250}.{pick // 11 % 250}"
    target = f"ws-{pick % 9000:04d}.corp.example.com"
    command = f'{process} -nop -w hidden -enc {digest} "https://cdn.example.net/a?id={number}"'
    return {
        "_time": f"{_START + number}.250",
        "_raw": f'{_START + number} action="{_ACTIONS[pick % 4]}" src="{source}" user="{user}" cmd="{command}"',
        "event_id": f"{digest[:8].upper()}-1C2D@@notable@@{digest[:32]}",
        "rule_name": "Endpoint - Encoded Command Line - Rule",
        "rule_title": f"Encoded command line on {target}",
        "rule_description": "A process was started with an encoded command line that loads a file from the internet.",
        "security_domain": "endpoint",
        "severity": _SEVERITIES[pick % len(_SEVERITIES)],
        "urgency": _SEVERITIES[pick // 3 % len(_SEVERITIES)],
        "src": source,
        "src_ip": source,
        "src_port": str(1024 + pick % 60000),
        "src_mac": ":".join(digest[at : at + 2] for at in range(0, 12, 2)),
        "src_user": user,
        "dest": target,
        "dest_ip": f"203.0.113.{pick % 250}",
        "dest_port": "443",
        "dest_dns": "cdn.example.net",
        "user": user,
        "user_email": f"user{pick % 500}@example.com",
        "process": command,
        "process_name": process,
        "process_id": str(pick % 30000),
        "process_path": f"C:\\Windows\\System32\\{process}",
        "parent_process_name": "explorer.exe",
        "parent_process_id": str(pick // 5 % 30000),
        "file_name": f"a{number}.ps1",
        "file_path": f"C:\\Users\\{pick % 500}\\AppData\\Local\\Temp\\a{number}.ps1",
        "file_hash": digest,
        "file_size": str(pick % 5_000_000),
        "url": f"https://cdn.example.net/a?id={number}",
        "http_method": "GET",
        "status": "200",
        "bytes": str(pick % 90000),
        "action": _ACTIONS[pick % len(_ACTIONS)],
        "signature": "Encoded Command Line",
        "risk_score": str(pick % 100),
        "mitre_technique_id": [_TECHNIQUES[pick % 5], _TECHNIQUES[pick // 2 % 5]],
        "tag": ["process", "report", "endpoint"],
        "risk_object": [target, user],
    }


def write(path: Path, count: int, *, with_mv: bool = True) -> Path:
    """Write a results file, gzip'd when its name says so.

    Args:
        path: the file.
        count: how many results.
        with_mv: a second column ``__mv_…`` for every field, as Splunk writes it; else for those with several values.
    """
    stream: TextIO
    with ExitStack() as opened:
        if path.suffix == ".gz":
            packed = opened.enter_context(gzip.GzipFile(path, "wb", compresslevel=1))
            stream = opened.enter_context(io.TextIOWrapper(packed, encoding="utf-8", newline=""))
        else:
            stream = opened.enter_context(path.open("w", encoding="utf-8", newline=""))
        writer = csv.writer(stream, lineterminator="\n")
        first = fields(0)
        if len(first) != FIELDS:
            raise AssertionError
        multiple = {name for name, value in first.items() if with_mv or isinstance(value, list)}
        writer.writerow(column for name in first for column in _columns(name, name in multiple))
        for number in range(count):
            writer.writerow(cell for name, value in fields(number).items() for cell in _cells(value, name in multiple))
    return path


def _columns(name: str, multiple: bool) -> Iterator[str]:  # noqa: FBT001 - an answer, no switch
    yield name
    if multiple:
        yield f"__mv_{name}"


def _cells(value: str | list[str], multiple: bool) -> Iterator[str]:  # noqa: FBT001 - the same
    if isinstance(value, list):
        yield "\n".join(value)
        yield ";".join(f"${part}$" for part in value)
        return
    yield value
    if multiple:
        yield ""
