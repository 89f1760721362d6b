"""One run of an alert action's script, started the way splunkd starts it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from lab.runner.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_OUTPUT_KEPT = 64 * 1024


@dataclass(frozen=True)
class Finished:
    """How a run ended.

    Args:
        exit_code: of the script; 128 + n when signal n ended it.
        duration: seconds.
        timed_out: it was killed because it ran longer than it may.
        stdout: the end of what it wrote.
        stderr: the end of what it wrote.
    """

    exit_code: int
    duration: float
    timed_out: bool
    stdout: str
    stderr: str


def environment(home: Path, python_path: Path, extra: Mapping[str, str]) -> dict[str, str]:
    """Give the environment that splunkd gives its scripts; nothing of the caller's own gets in.

    Args:
        home: SPLUNK_HOME.
        python_path: folder that holds the package ``splunk``.
        extra: what the caller adds on purpose, for example to measure coverage.
    """
    return {
        "PATH": os.pathsep.join((str(home / "bin"), "/usr/local/bin", "/usr/bin", "/bin")),
        "HOME": str(home),
        "SPLUNK_HOME": str(home),
        "SPLUNK_ETC": str(home / "etc"),
        "SPLUNK_DB": str(home / "var" / "lib" / "splunk"),
        "SPLUNK_SERVER_NAME": "Splunkd",
        "PYTHONPATH": str(python_path),
        **extra,
    }


def run_script(
    python: Path, script: Path, *, document: bytes, environ: Mapping[str, str], maxtime: float, folder: Path
) -> Finished:
    """Run ``<python> <script> --execute`` with the payload on standard input, in a process group of its own.

    Args:
        python: interpreter.
        script: the action's entry script.
        document: the payload.
        environ: the whole environment.
        maxtime: seconds after which the group is killed, as splunkd does.
        folder: working folder.

    Raises:
        LabError: the interpreter can't be started.
    """
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        started = time.monotonic()
        try:
            process = subprocess.Popen(
                [str(python), str(script), "--execute"],
                stdin=subprocess.PIPE,
                stdout=stdout,
                stderr=stderr,
                env=dict(environ),
                cwd=folder,
                start_new_session=True,
            )
        except OSError as error:
            raise LabError(f"{python} can't be run: {error.strerror}.", "Name an interpreter with --python.") from error
        timed_out = _feed_and_wait(process, document, maxtime)
        duration = time.monotonic() - started
        code = process.returncode
        return Finished(
            exit_code=128 - code if code < 0 else code,
            duration=duration,
            timed_out=timed_out,
            stdout=_tail(stdout),
            stderr=_tail(stderr),
        )


def _feed_and_wait(process: subprocess.Popen[bytes], document: bytes, maxtime: float) -> bool:
    try:
        process.communicate(document, timeout=maxtime)
    except subprocess.TimeoutExpired:
        _kill_group(process)
        return True
    except BaseException:
        _kill_group(process)
        raise
    return False


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _tail(stream: IO[bytes]) -> str:
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size - _OUTPUT_KEPT))
    return stream.read().decode("utf-8", errors="replace")
