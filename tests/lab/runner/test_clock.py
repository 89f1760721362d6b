"""The clock that a lab's processes share."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab.runner.clock import MovedClock


def test_processes_in_other_folders_have_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where its own folder was named from the one that somebody is in."""
    monkeypatch.chdir(tmp_path)
    clock = MovedClock(Path("state/clock"), 1_000.0)
    clock.later(500.0)
    done = subprocess.run(
        [sys.executable, "-c", "import time; print(time.time())"],
        cwd="/",
        env={**os.environ, **clock.environ},
        capture_output=True,
        text=True,
        check=True,
    )
    assert 1_500.0 <= float(done.stdout) < 1_501.0
