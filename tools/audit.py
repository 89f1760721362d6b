"""Reports known vulnerabilities of the pinned packages (pip-audit) and insecure constructs in our code (bandit).

``python -m tools.audit``. Vulnerabilities are published at any time and must not turn an unchanged commit red: so they
are reported, and fail only when a waiver in ``audit-waivers.toml`` has run out.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools import environments, libraries
from tools.interpreters import MissingInterpreterError
from tools.process import ROOT, CommandError, capture

WAIVERS = Path(__file__).with_name("audit-waivers.toml")
_AUDITED = (libraries.REQUIREMENTS, environments.DEV.requirements)


class AuditError(Exception):
    """The waiver file can't be read."""


@dataclass(frozen=True)
class Waiver:
    """A vulnerability that was looked at and is accepted for a time.

    Attributes:
        package: name of the distribution.
        id: identifier of the vulnerability, or one of its aliases.
        until: the last day on which the waiver counts.
        reason: why it is accepted.
    """

    package: str
    id: str
    until: dt.date
    reason: str


@dataclass(frozen=True)
class Vulnerability:
    """A known vulnerability of a pinned package.

    Attributes:
        package: name of the distribution.
        version: the pinned version.
        ids: its identifier and aliases.
        fixed: versions that mend it.
    """

    package: str
    version: str
    ids: tuple[str, ...]
    fixed: tuple[str, ...]


@dataclass(frozen=True)
class Audit:
    """What pip-audit found in one requirements file.

    Attributes:
        checked: number of packages that the service knew.
        unknown: number of packages that it could not be asked about.
        vulnerabilities: what it found.
    """

    checked: int
    unknown: int
    vulnerabilities: tuple[Vulnerability, ...]


def read_waivers(text: str) -> tuple[Waiver, ...]:
    """Read the waiver file.

    Args:
        text: TOML with a list ``waiver`` of tables ``package``, ``id``, ``until`` (a date), ``reason``.

    Raises:
        AuditError: a table lacks one of the four, or has an empty one, or ``until`` is no date.
    """
    waivers = []
    for table in tomllib.loads(text).get("waiver", []):
        if set(table) != {"package", "id", "until", "reason"} or not all(table.values()):
            raise AuditError(f"a waiver needs package, id, until and reason, none empty: {table}")
        if type(table["until"]) is not dt.date:
            raise AuditError(f"until is a date, such as 2027-06-30: {table}")
        waivers.append(Waiver(**table))
    return tuple(waivers)


def read_audit(document: Mapping[str, Any]) -> Audit:
    """Read pip-audit's JSON report."""
    packages = document["dependencies"]
    known = [package for package in packages if "skip_reason" not in package]
    vulnerabilities = tuple(
        Vulnerability(package["name"], package["version"], (item["id"], *item["aliases"]), tuple(item["fix_versions"]))
        for package in known
        for item in package["vulns"]
    )
    return Audit(len(known), len(packages) - len(known), vulnerabilities)


def judge(audit: Audit, waivers: Sequence[Waiver], today: dt.date) -> tuple[list[str], list[str]]:
    """Return what to report and what fails the gate, one line each.

    Args:
        audit: what was found.
        waivers: what is accepted, and until when.
        today: the day to judge for.
    """
    notes, problems = [], []
    for found in audit.vulnerabilities:
        what = f"{found.package} {found.version}: {' '.join(found.ids)} (fixed in {', '.join(found.fixed) or 'none'})"
        waiver = next((item for item in waivers if item.package == found.package and item.id in found.ids), None)
        if waiver is None:
            notes.append(f"{what}: no waiver")
        elif waiver.until < today:
            problems.append(f"{what}: waiver ran out on {waiver.until}: {waiver.reason}")
        else:
            notes.append(f"{what}: waived until {waiver.until}: {waiver.reason}")
    return notes, problems


def inspect(requirements: Path) -> Audit | None:
    """Ask the vulnerability service about every pin of a file; None if it could not be reached.

    Raises:
        CommandError: the development environment could not be made.
    """
    python = environments.ensure(environments.DEV)
    target = ROOT / "build" / "audit.json"
    target.unlink(missing_ok=True)
    options = ["--require-hashes", "--disable-pip", "--progress-spinner", "off", "--format", "json"]
    try:
        capture([python, "-m", "pip_audit", "--requirement", requirements, *options, "--output", target])
    except CommandError:
        # Exit code 1 stands for findings and for a service that is away alike; the report tells them apart.
        if not target.is_file():
            return None
    audit = read_audit(json.loads(target.read_text(encoding="utf-8")))
    return audit if audit.checked else None


def _vulnerabilities() -> list[str]:
    waivers = read_waivers(WAIVERS.read_text(encoding="utf-8"))
    failed = []
    for requirements in _AUDITED:
        name = requirements.relative_to(ROOT)
        audit = inspect(requirements)
        if audit is None:
            print(f"{name}: not checked, the vulnerability service could not be reached")
            continue
        notes, problems = judge(audit, waivers, dt.datetime.now(tz=dt.UTC).date())
        unknown = f", {audit.unknown} unknown to the service" if audit.unknown else ""
        print(f"{name}: {audit.checked} packages checked{unknown}, {len(notes) + len(problems)} known vulnerabilities")
        for note in notes:
            print(f"  {note}")
        failed += problems
    return failed


def _insecure_code() -> list[str]:
    python = environments.ensure(environments.DEV)
    folders = [ROOT / "package" / "bin", ROOT / "package" / "lib" / "soarlink"]
    try:
        capture([python, "-m", "bandit", "--quiet", "--recursive", *folders, "--configfile", ROOT / "pyproject.toml"])
    except CommandError as error:
        return [f"bandit:\n{error.output}"]
    print("bandit: nothing found in package/bin and package/lib/soarlink")
    return []


def main() -> int:
    """Run both; return the exit code."""
    try:
        problems = [*_insecure_code(), *_vulnerabilities()]
    except (AuditError, CommandError, MissingInterpreterError, tomllib.TOMLDecodeError) as error:
        problems = [str(error)]
    sys.stdout.flush()
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
