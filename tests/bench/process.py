"""What a process takes: wall time, processor time, peak memory."""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

METER = Path(__file__).with_name("meter.py")
_SHOWN = 2000


class RunFailedError(Exception):
    """A measured process did not end well, so its figures mean nothing."""


@dataclass(frozen=True)
class Taken:
    """What one run took.

    Args:
        wall: seconds from start to end.
        cpu: seconds of processor time, user and system.
        peak: largest resident memory, bytes.
        stdout: what it wrote there.
        soar: seconds that the stand-in SOAR worked for it.
        splunkd: seconds that the stand-in splunkd worked for it.
        requests: how many requests it made to splunkd.
    """

    wall: float
    cpu: float
    peak: int
    stdout: str = ""
    soar: float = 0.0
    splunkd: float = 0.0
    requests: int = 0

    @property
    def servers(self) -> float:
        """Seconds that the stand-ins worked for it."""
        return self.soar + self.splunkd


@dataclass(frozen=True)
class Command:
    """A process to be measured.

    Args:
        arguments: program, given as a path, and its arguments.
        environ: the whole environment.
        stdin: what it reads.
        timeout: seconds after which it is killed with all that it started.
    """

    arguments: Sequence[str | Path]
    environ: Mapping[str, str]
    stdin: bytes = b""
    timeout: float = 600.0


def run(command: Command) -> Taken:
    """Run a process and return what it took.

    Raises:
        RunFailedError: it exits with another code than 0, or too late.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        output = Path(name) / "taken.json"
        arguments = [sys.executable, "-I", "-S", str(METER), str(output), *map(str, command.arguments)]
        process = subprocess.Popen(
            arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(command.environ),
            start_new_session=True,
        )
        try:
            stdout, stderr = process.communicate(command.stdin, command.timeout)
        except BaseException as error:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            if isinstance(error, subprocess.TimeoutExpired):
                message = f"{command.arguments[1]} ran longer than {command.timeout:g} s"
                raise RunFailedError(message) from None
            raise
        if process.returncode:
            said = (stderr or stdout)[-_SHOWN:].decode(errors="replace")
            message = f"{Path(command.arguments[1]).name} ended with exit code {process.returncode}:\n{said}"
            raise RunFailedError(message)
        taken = json.loads(output.read_bytes())
    return Taken(taken["wall"], taken["cpu"], taken["peak"], stdout.decode())


def in_turn(contenders: Mapping[str, Callable[[], Taken]], rounds: int) -> dict[str, list[Taken]]:
    """Run all contenders, then all again: whatever disturbs the machine for a while disturbs them alike."""
    taken: dict[str, list[Taken]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, contender in contenders.items():
            taken[name].append(contender())
    return taken


def processor_seconds(pid: int) -> float:
    """User and system time of a process that runs (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_memory(pid: int) -> int:
    """Largest resident memory of a process that runs, in bytes (Linux)."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name == "VmHWM":
            return int(value.split()[0]) * 1024
    message = f"the system does not tell the peak memory of process {pid}"
    raise RunFailedError(message)


def median(values: Sequence[Taken], figure: Callable[[Taken], float]) -> float:
    """Return the median of one figure."""
    return statistics.median(figure(value) for value in values)


def splunkd_requests(name: str, runs: Sequence[Taken]) -> str:
    """Say how many requests to splunkd a run makes."""
    return f"{name} makes {median(runs, lambda one: one.requests):.0f} requests to splunkd in a run."
