"""How the gates run their child processes."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from tools.process import CommandError, capture, show

_HANGS = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
time.sleep(60)
"""


def test_child_that_hangs_is_ended_with_what_it_started() -> None:
    """A child that does not end within its limit is an error that keeps its output, and nothing of it runs on."""
    with pytest.raises(CommandError, match="did not finish within 1 s") as caught:
        capture([sys.executable, "-c", _HANGS], limit_seconds=1)
    assert _is_gone(int(caught.value.output.split()[0]))


def test_child_in_the_terminal_has_the_same_limit() -> None:
    """The limit holds for a child whose output is shown, too."""
    with pytest.raises(CommandError, match="did not finish within 1 s"):
        show([sys.executable, "-c", "import time; time.sleep(60)"], limit_seconds=1)


def test_exit_code_and_output_are_kept() -> None:
    """A child that fails is an error with its exit code and its output of both channels."""
    program = "import sys; print('one', flush=True); print('two', file=sys.stderr); sys.exit(3)"
    with pytest.raises(CommandError, match="exit code 3") as caught:
        capture([sys.executable, "-c", program])
    assert (caught.value.code, caught.value.output) == (3, "one\ntwo\n")


def _is_gone(pid: int) -> bool:
    """Whether a process has ended within five seconds; a zombie that nobody has collected has."""
    stop = time.monotonic() + 5
    while time.monotonic() < stop:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        state = Path(f"/proc/{pid}/stat")
        if state.exists() and state.read_text().rsplit(")", 1)[1].split()[0] == "Z":
            return True
    return False
