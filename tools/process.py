"""Child processes: a clean environment, a limit of time, output kept and shown only on failure."""

from __future__ import annotations

import contextlib
import os
import signal
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
_LIMIT_SECONDS = 1800.0
"""How long a child may run: about three times what the slowest gate takes."""


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


def capture(
    command: Sequence[str | Path],
    *,
    cwd: Path = ROOT,
    extra: Mapping[str, str] | None = None,
    limit_seconds: float = _LIMIT_SECONDS,
) -> str:
    """Run a command and return its output (standard output and error, mixed).

    Args:
        command: program and arguments; no shell is involved.
        cwd: working directory.
        extra: environment variables to add.
        limit_seconds: how long it may run before it is ended.

    Raises:
        CommandError: the exit code is not 0, or the limit was reached; carries the output.
        OSError: the program could not be started.
    """
    return _run([str(part) for part in command], cwd, extra, limit_seconds, stdout=subprocess.PIPE)


def show(
    command: Sequence[str | Path],
    *,
    cwd: Path = ROOT,
    extra: Mapping[str, str] | None = None,
    limit_seconds: float = _LIMIT_SECONDS,
) -> None:
    """Run a command whose output goes straight to the terminal.

    Raises:
        CommandError: the exit code is not 0, or the limit was reached.
        OSError: the program could not be started.
    """
    _run([str(part) for part in command], cwd, extra, limit_seconds, stdout=None)


def _run(
    arguments: list[str], cwd: Path, extra: Mapping[str, str] | None, limit_seconds: float, *, stdout: int | None
) -> str:
    # A session of its own, so that a child that hangs is ended with all that it started.
    with subprocess.Popen(
        arguments,
        cwd=cwd,
        env=clean_environment(extra),
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.STDOUT if stdout is not None else None,
        start_new_session=True,
        text=True,
        errors="replace",
    ) as child:
        try:
            output = child.communicate(timeout=limit_seconds)[0] or ""
        except subprocess.TimeoutExpired as late:
            _end(child)
            so_far = child.communicate()[0] or ""
            text = f"{so_far}\nended: it did not finish within {limit_seconds:.0f} s"
            raise CommandError(arguments, child.returncode, text) from late
        except BaseException:
            _end(child)
            raise
    if child.returncode:
        raise CommandError(arguments, child.returncode, output)
    return output


def _end(child: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
