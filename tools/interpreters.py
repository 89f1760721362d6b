"""Finds the CPython interpreters that the environments are made from."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.process import CommandError, capture, clean_environment

Version = tuple[int, int]

# What the tools themselves run on: ucc-gen and the bundled libraries stop at 3.13.
DEVELOPMENT: tuple[Version, ...] = ((3, 13), (3, 12), (3, 11))

_PROBE = "import sys, ensurepip, venv; print(sys.implementation.name, *sys.version_info[:2], sys.executable)"
_PROBE_FIELDS = 4
_PROBE_SECONDS = 20


class MissingInterpreterError(Exception):
    """No usable CPython of the asked version is on this machine."""


@dataclass(frozen=True)
class Interpreter:
    """A CPython that was started once and can make virtual environments."""

    path: Path
    version: Version


def probe(path: Path) -> Interpreter | None:
    """Start ``path`` and return what it is; None if it is dead, not CPython or can't make environments.

    A pyenv shim for a version that is not selected is executable, yet fails when started: only running it tells.
    """
    try:
        done = subprocess.run(
            [str(path), "-I", "-c", _PROBE],
            env=clean_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PROBE_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    fields = done.stdout.strip().split(" ", _PROBE_FIELDS - 1)
    if done.returncode or len(fields) != _PROBE_FIELDS or fields[0] != "cpython":
        return None
    return Interpreter(Path(fields[3]), (int(fields[1]), int(fields[2])))


def candidates(version: Version) -> Iterator[Path]:
    """Yield paths where a CPython of this version may be: PATH, pyenv, uv and the usual folders."""
    name = f"python{version[0]}.{version[1]}"
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        if folder:
            yield Path(folder) / name
    home = Path.home()
    dotted = f"{version[0]}.{version[1]}"
    for base, pattern in (
        (Path(os.environ.get("PYENV_ROOT", home / ".pyenv")) / "versions", f"{dotted}.*"),
        (home / ".local" / "share" / "uv" / "python", f"cpython-{dotted}.*"),
        (Path("/opt/homebrew/opt"), f"python@{dotted}"),
        (Path("/usr/local/opt"), f"python@{dotted}"),
        (Path("/Library/Frameworks/Python.framework/Versions"), dotted),
    ):
        # A free-threaded build ("3.13.0t") is another ABI than the one Splunk ships.
        found = [path for path in base.glob(pattern) if not path.name.endswith("t")]
        yield from (path / "bin" / name for path in sorted(found, reverse=True))
    for folder in ("/usr/local/bin", "/opt/homebrew/bin", "/usr/bin", f"/opt/python/{dotted}/bin"):
        yield Path(folder) / name


def _install_from_debian(version: Version) -> None:
    """Install the interpreter with apt-get if this is Debian, we are root, and the archive has it."""
    apt_get, apt_cache = shutil.which("apt-get"), shutil.which("apt-cache")
    if apt_get is None or apt_cache is None or not hasattr(os, "geteuid") or os.geteuid() != 0:
        return
    name = f"python{version[0]}.{version[1]}"
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        if not any(Path("/var/lib/apt/lists").glob("*_Packages*")):
            capture([apt_get, "update", "-qq"], extra=quiet)
        capture([apt_cache, "show", name])
        capture([apt_get, "install", "-y", "-qq", name, f"{name}-venv"], extra=quiet)
    except (CommandError, OSError):
        # Not in this release of Debian, or no network: the caller reports that the interpreter is missing.
        return


def find(version: Version) -> Interpreter | None:
    """Return a working CPython of exactly this minor version, installing Debian's where that is possible.

    Args:
        version: major and minor number, such as ``(3, 9)``.
    """
    for attempt in ("look", "install"):
        if attempt == "install":
            _install_from_debian(version)
        seen: set[Path] = set()
        for path in candidates(version):
            if path in seen or not os.access(path, os.X_OK):
                continue
            seen.add(path)
            interpreter = probe(path)
            if interpreter is not None and interpreter.version == version:
                return interpreter
    return None


def development() -> Interpreter:
    """Return the interpreter for the development side: the running one if it fits, else the newest that is there.

    Raises:
        MissingInterpreterError: neither 3.11, 3.12 nor 3.13 with ``venv`` is on this machine.
    """
    # sys._base_executable is the interpreter that an environment was made from; environments are never nested.
    running = probe(Path(getattr(sys, "_base_executable", sys.executable)))
    if running is not None and running.version in DEVELOPMENT:
        return running
    for version in DEVELOPMENT:
        interpreter = find(version)
        if interpreter is not None:
            return interpreter
    message = "CPython 3.11, 3.12 or 3.13 with the venv module is needed (Debian: apt-get install python3-venv)"
    raise MissingInterpreterError(message)
