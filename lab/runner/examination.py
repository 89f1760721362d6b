"""Runs the add-on's doctor, as a search of an administrator's does."""

from __future__ import annotations

import shlex
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lab.runner.errors import LabError
from lab.runner.report import SCHEMA
from lab.runner.searchcommand import Search, run_command

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.runner.sending import Stage

VERDICTS = ("ok", "warning", "failed", "skipped")
COLUMNS = ("section", "check", "verdict", "evidence", "remedy", "account")
UNSOUND = 5
"""Exit code when a check failed."""

_USER = "admin"


@dataclass(frozen=True)
class DoctorReport:
    """What the doctor found.

    Args:
        checks: one record for each check, with the keys of ``COLUMNS``, in the doctor's order.
    """

    checks: Sequence[Mapping[str, str]]

    @property
    def exit_code(self) -> int:
        """0 when no check failed; warnings and skipped checks are no failures."""
        return UNSOUND if any(check["verdict"] == "failed" for check in self.checks) else 0

    @property
    def summary(self) -> dict[str, int]:
        """How many checks ended in which way, the closing answer not counted."""
        counted = Counter(check["verdict"] for check in self.checks if check["check"] != "answer")
        return {verdict: counted[verdict] for verdict in VERDICTS}

    def document(self) -> dict[str, Any]:
        """Give the JSON document of ``lab doctor --json``."""
        return {
            "schema": SCHEMA,
            "exit_code": self.exit_code,
            "checks": list(self.checks),
            "summary": self.summary,
            "problems": [],
        }


def failure_document(message: str, exit_code: int) -> dict[str, Any]:
    """Give the JSON document of a doctor that could not be asked."""
    summary = dict.fromkeys(VERDICTS, 0)
    return {"schema": SCHEMA, "exit_code": exit_code, "checks": [], "summary": summary, "problems": [message]}


def examine(stage: Stage, arguments: Mapping[str, str]) -> DoctorReport:
    """Run ``| soardoctor``.

    Args:
        stage: the lab.
        arguments: the command's arguments; empty ones are left out.

    Raises:
        LabError: the doctor refused what was asked, in its words.
    """
    words = [shlex.quote(f"{name}={value}") for name, value in arguments.items() if value]
    splunkd = stage.splunkd(_USER)
    search = Search(" ".join(["soardoctor", *words]), _USER, splunkd.session_key, splunkd.uri)
    result = run_command(stage.home, stage.app, search, stage.python)
    errors = [text for kind, text in result.messages if kind in {"ERROR", "FATAL"}]
    if errors or result.exit_code:
        raise LabError(" ".join(errors) or result.stderr.strip(), exit_code=2 if errors else 1)
    return DoctorReport([{name: str(row.get(name, "")) for name in COLUMNS} for row in result.rows])
