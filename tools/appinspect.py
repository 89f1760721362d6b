"""Runs Splunk AppInspect on the built package and judges its report.

``python -m tools.appinspect``. All checks run; errors, failures and future failures are never allowed. A warning must
be in ``appinspect-allowed.toml`` with a reason, and an entry there that no warning matches any more must go.
"""

from __future__ import annotations

import ctypes.util
import json
import os
import re
import shutil
import sys
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools import build, environments
from tools.interpreters import MissingInterpreterError
from tools.libraries import LibraryError
from tools.process import ROOT, CommandError, capture

ALLOWED = Path(__file__).with_name("appinspect-allowed.toml")

# How many checks of AppInspect 4.3.1 carry each tag. A check that did not run would pass unseen: so they are counted.
CHECKS: Mapping[str, int] = {
    "aarch64_compatibility": 1,
    "ast": 14,
    "cloud": 246,
    "future": 13,
    "migration_victoria": 236,
    "packaging_standards": 12,
    "private_app": 243,
    "private_classic": 243,
    "private_victoria": 242,
    "splunk_appinspect": 252,
}
_EVERY_CHECK = "splunk_appinspect"
_NEVER = frozenset({"error", "failure", "future_failure"})


class AppInspectError(Exception):
    """AppInspect could not run, or not as it should."""


@dataclass(frozen=True)
class Allowed:
    """A warning that is accepted.

    Attributes:
        check: name of the check.
        message: regular expression that its message must match.
        reason: why it is accepted.
    """

    check: str
    message: str
    reason: str


@dataclass(frozen=True)
class Finding:
    """One message of a check that did not succeed.

    Attributes:
        check: name of the check.
        result: ``error``, ``failure``, ``future_failure`` or ``warning``.
        message: its text, white space collapsed.
    """

    check: str
    result: str
    message: str


@dataclass(frozen=True)
class Report:
    """What AppInspect reported.

    Attributes:
        results: how many checks had which result.
        tags: how many checks that ran carry which tag.
        findings: the messages of checks that did not succeed.
    """

    results: Mapping[str, int]
    tags: Mapping[str, int]
    findings: tuple[Finding, ...]


def read_allowed(text: str) -> tuple[Allowed, ...]:
    """Read the allow-list.

    Args:
        text: TOML with a list ``allowed`` of tables ``check``, ``message``, ``reason``.

    Raises:
        AppInspectError: a table lacks one of the three, or has an empty one.
    """
    entries = []
    for table in tomllib.loads(text).get("allowed", []):
        if set(table) != {"check", "message", "reason"} or not all(table.values()):
            raise AppInspectError(f"an entry of the allow-list needs check, message and reason, none empty: {table}")
        entries.append(Allowed(**table))
    return tuple(entries)


def read_report(document: Mapping[str, Any]) -> Report:
    """Read AppInspect's JSON report."""
    checks = [check for group in document["reports"][0]["groups"] for check in group["checks"]]
    findings = tuple(
        Finding(check["name"], message["result"], " ".join(message["message"].split()))
        for check in checks
        for message in check["messages"]
        if message["result"] in {*_NEVER, "warning"}
    )
    return Report(
        results=Counter(check["result"] for check in checks),
        tags=Counter(tag for check in checks for tag in check["tags"]),
        findings=findings,
    )


def judge(report: Report, allowed: Sequence[Allowed]) -> list[str]:
    """Return what is wrong with the report, one line each; an empty list means that it passes."""
    problems = []
    if dict(report.tags) != dict(CHECKS):
        problems.append(f"checks per tag: {dict(sorted(report.tags.items()))}, expected {dict(CHECKS)}")
    # A check can fail without a message: so the results count, too.
    problems += [f"{count} checks ended in {result}" for result, count in report.results.items() if result in _NEVER]
    used: set[Allowed] = set()
    for finding in report.findings:
        matching = [
            entry for entry in allowed if entry.check == finding.check and re.search(entry.message, finding.message)
        ]
        used.update(matching)
        if finding.result in _NEVER or not matching:
            problems.append(f"{finding.result} {finding.check}: {finding.message}")
    problems += [
        f"allow-list: no warning matches {entry.check} /{entry.message}/ any more; remove the entry"
        for entry in allowed
        if entry not in used
    ]
    return problems


def _require_libmagic() -> None:
    """Install libmagic, which AppInspect loads, if this is Debian and we are root.

    Raises:
        AppInspectError: it is not there and can't be installed.
    """
    if ctypes.util.find_library("magic"):
        return
    apt_get = shutil.which("apt-get")
    if apt_get is not None and os.geteuid() == 0:
        quiet = {"DEBIAN_FRONTEND": "noninteractive"}
        capture([apt_get, "update", "-qq"], extra=quiet)
        capture([apt_get, "install", "-y", "-qq", "libmagic1"], extra=quiet)
    if not ctypes.util.find_library("magic"):
        raise AppInspectError(
            "AppInspect needs libmagic (Debian: apt-get install libmagic1; macOS: brew install libmagic)"
        )


def inspect(package: Path) -> Report:
    """Run every check of AppInspect on a package.

    Raises:
        AppInspectError: it wrote no report.
        CommandError: its environment could not be made.
    """
    python = environments.ensure(environments.APPINSPECT)
    _require_libmagic()
    target = ROOT / "build" / "appinspect.json"
    target.unlink(missing_ok=True)
    # No tag is named: a mistyped one would silently run a handful of checks only.
    options: list[str | Path] = [
        "--mode",
        "precert",
        "--data-format",
        "json",
        "--max-messages",
        "all",
        "--skip-trusted-libraries-update",
    ]
    command: list[str | Path] = [
        python.with_name("splunk-appinspect"),
        "inspect",
        package,
        *options,
        "--output-file",
        target,
    ]
    try:
        output = capture(command)
    except CommandError as error:
        # Failed checks are judged from the report; the exit code adds nothing.
        output = error.output
    if not target.is_file():
        raise AppInspectError(f"AppInspect wrote no report:\n{output}")
    return read_report(json.loads(target.read_text(encoding="utf-8")))


def _table(report: Report, allowed: Sequence[Allowed]) -> str:
    names = ("error", "failure", "future_failure", "warning", "success", "not_applicable", "skipped")
    counts = "  ".join(f"{name} {report.results.get(name, 0)}" for name in names)
    checks = Counter(finding.check for finding in report.findings)
    reasons = {entry.check: entry.reason for entry in allowed}
    lines = [f"{report.tags[_EVERY_CHECK]} checks, tags: {', '.join(sorted(report.tags))}", counts]
    lines += [f"  warning {name} ({count}): {reasons.get(name, 'not allowed')}" for name, count in checks.items()]
    return "\n".join(lines)


def main() -> int:
    """Build, inspect, print a short table; return the exit code."""
    try:
        allowed = read_allowed(ALLOWED.read_text(encoding="utf-8"))
        report = inspect(build.build().package)
    except (AppInspectError, build.BuildError, CommandError, LibraryError, MissingInterpreterError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(_table(report, allowed), flush=True)
    problems = judge(report, allowed)
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
