"""Child processes: a clean environment, output kept and shown only on failure."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Settings of the calling shell that would change what a child imports or where pip installs.
_LEAKS = (
    "PYTHONHOME",
    "PYTHONNOUSERSITE",
    "PYTHONPATH",
    "PYTHONSAFEPATH",
    "PYTHONSTARTUP",
    "PYTHONWARNINGS",
    "VIRTUAL_ENV",
    "__PYVENV_LAUNCHER__",
    "PIP_PREFIX",
    "PIP_ROOT",
    "PIP_TARGET",
    "MAKEFLAGS",
    "MAKELEVEL",
    "MFLAGS",
)
_TAIL_LINES = 60


class CommandError(Exception):
    """A child process ended with a non-zero exit code.

    Attributes:
        code: the exit code.
        output: standard output and standard error, mixed as they came; empty if they were not captured.
    """

    def __init__(self, command: Sequence[str], code: int, output: str) -> None:
        """Keep the exit code and the output; the message holds the output's last lines."""
        tail = "\n".join(output.splitlines()[-_TAIL_LINES:])
        super().__init__(f"exit code {code}: {' '.join(command)}\n{tail}".rstrip())
        self.code = code
        self.output = output


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return this process's environment without what could leak into a child, plus ``extra``."""
    environment = {name: value for name, value in os.environ.items() if name not in _LEAKS}
    environment.update({"PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"})
    environment.update(extra or {})
    return environment


def capture(command: Sequence[str | Path], *, cwd: Path = ROOT, extra: Mapping[str, str] | None = None) -> str:
    """Run a command and return its output (standard output and error, mixed).

    Args:
        command: program and arguments; no shell is involved.
        cwd: working directory.
        extra: environment variables to add.

    Raises:
        CommandError: the exit code is not 0; carries the output.
        OSError: the program could not be started.
    """
    arguments = [str(part) for part in command]
    done = subprocess.run(
        arguments,
        cwd=cwd,
        env=clean_environment(extra),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise CommandError(arguments, done.returncode, done.stdout)
    return done.stdout


def show(command: Sequence[str | Path], *, cwd: Path = ROOT, extra: Mapping[str, str] | None = None) -> None:
    """Run a command whose output goes straight to the terminal.

    Raises:
        CommandError: the exit code is not 0.
        OSError: the program could not be started.
    """
    arguments = [str(part) for part in command]
    done = subprocess.run(arguments, cwd=cwd, env=clean_environment(extra), stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise CommandError(arguments, done.returncode, "")
