"""Virtual environments, each made from one requirements file with hashes.

``python -m tools.environments NAME...`` makes or refreshes them.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import shutil
import sys
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools import interpreters
from tools.interpreters import Interpreter, MissingInterpreterError, Version
from tools.process import ROOT, CommandError, capture


@dataclass(frozen=True)
class Environment:
    """One virtual environment.

    Attributes:
        name: how the command line calls it; also the stem of its requirements file.
        folder: where it is, relative to the repository.
        version: the CPython it needs; None for the interpreter of the development side.
        with_project: whether the project itself (the ``lab`` command) is installed, editable.
    """

    name: str
    folder: str
    version: Version | None = None
    with_project: bool = False

    @property
    def python(self) -> Path:
        """Return the path of its interpreter."""
        return ROOT / self.folder / "bin" / "python"

    @property
    def requirements(self) -> Path:
        """Return the path of its requirements file."""
        return ROOT / "requirements" / f"{self.name}.txt"


DEV = Environment("dev", ".venv", with_project=True)
BUILD = Environment("build", ".envs/build")
APPINSPECT = Environment("appinspect", ".envs/appinspect")
UNIT = (
    Environment("unit-3.9", ".envs/unit-3.9", (3, 9)),
    Environment("unit-3.13", ".envs/unit-3.13", (3, 13)),
)
ALL = {environment.name: environment for environment in (DEV, BUILD, APPINSPECT, *UNIT)}


@contextlib.contextmanager
def lock(name: str) -> Iterator[None]:
    """Hold an exclusive lock between processes, so that two make runs do not write the same folder."""
    folder = ROOT / "build"
    folder.mkdir(exist_ok=True)
    with (folder / f"{name}.lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _interpreter(environment: Environment) -> Interpreter:
    if environment.version is None:
        return interpreters.development()
    interpreter = interpreters.find(environment.version)
    if interpreter is None:
        dotted = ".".join(str(part) for part in environment.version)
        message = f"CPython {dotted} is not on this machine (looked on PATH, in pyenv, in uv and in the usual folders)"
        raise MissingInterpreterError(message)
    return interpreter


def _fingerprint(environment: Environment) -> str:
    """Return a hash of everything that the environment's content depends on, but the interpreter."""
    digest = hashlib.sha256(environment.requirements.read_bytes())
    digest.update(str(ROOT / environment.folder).encode())
    if environment.with_project:
        metadata = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
        parts = [metadata["project"], metadata["build-system"], metadata["tool"]["hatch"]]
        digest.update(json.dumps(parts, sort_keys=True).encode())
    return digest.hexdigest()


def _make(environment: Environment) -> None:
    folder = ROOT / environment.folder
    interpreter = _interpreter(environment)
    shutil.rmtree(folder, ignore_errors=True)
    capture([interpreter.path, "-I", "-m", "venv", folder])
    install: list[str | Path] = [environment.python, "-I", "-m", "pip", "install"]
    capture([*install, "--require-hashes", "-r", environment.requirements])
    if environment.with_project:
        capture([*install, "--no-deps", "--no-build-isolation", "--editable", ROOT])


def ensure(environment: Environment) -> Path:
    """Make the environment if it is missing, half-made or older than its requirements; return its interpreter.

    The stamp is written last: an interrupted run leaves none, and the next one starts over.

    Raises:
        MissingInterpreterError: the CPython it needs is not there.
        CommandError: venv or pip failed.
    """
    with lock(environment.name):
        stamp = ROOT / environment.folder / ".stamp"
        fingerprint = _fingerprint(environment)
        fresh = stamp.is_file() and stamp.read_text(encoding="utf-8") == fingerprint
        if not (fresh and interpreters.probe(environment.python)):
            start = time.monotonic()
            _make(environment)
            stamp.write_text(fingerprint, encoding="utf-8")
            print(f"environment {environment.folder}: {time.monotonic() - start:.1f} s", flush=True)
    return environment.python


def main(names: list[str]) -> int:
    """Make the named environments; return the exit code."""
    try:
        for name in names:
            ensure(ALL[name])
    except (CommandError, MissingInterpreterError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
