"""The command `lab`, called as a user or a script calls it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from lab.runner.lab import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path


def lab(*arguments: object, folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run `lab` with these arguments in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "lab", *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "NO_COLOR": "1", "COLUMNS": "200", **environ},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


def answer_of(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The one JSON document on standard output; it names the exit code."""
    found: dict[str, Any] = json.loads(done.stdout)
    assert done.stdout.count("\n") == 1
    assert found["exit_code"] == done.returncode
    return found
