"""Recompiles the pinned requirements from the dependency groups of pyproject.toml.

``python -m tools.requirements [--upgrade]``: without it, pins that still fit stay as they are. No index is named in the
files, and every pin carries the hashes of all its files.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from tools import libraries
from tools.process import ROOT, CommandError, capture


@dataclass(frozen=True)
class Lock:
    """One requirements file.

    Attributes:
        group: the dependency group that it is compiled from.
        target: the file.
        options: what uv is told about the platform and the build.
    """

    group: str
    target: Path
    options: tuple[str, ...]


_FOLDER = ROOT / "requirements"
# The development side runs on 3.11 to 3.13 and on any platform; the others on exactly one version.
_DEVELOPMENT = ("--universal", "--python-version", "3.11")
LOCKS = (
    # charset-normalizer's wheels hold native files; its source installs as pure Python.
    Lock(
        "addon",
        libraries.REQUIREMENTS,
        ("--python-version", "3.9", "--no-binary", "charset-normalizer", "--emit-build-options"),
    ),
    Lock("build", _FOLDER / "build.txt", _DEVELOPMENT),
    Lock("appinspect", _FOLDER / "appinspect.txt", _DEVELOPMENT),
    Lock("dev", _FOLDER / "dev.txt", _DEVELOPMENT),
    Lock("unit", _FOLDER / "unit-3.9.txt", ("--python-version", "3.9")),
    Lock("unit", _FOLDER / "unit-3.13.txt", ("--python-version", "3.13")),
)


def compile_lock(lock: Lock, uv: Path, *, upgrade: bool) -> None:
    """Compile one requirements file with uv.

    Raises:
        CommandError: the groups can't be resolved.
    """
    command: list[str | Path] = [
        uv,
        "pip",
        "compile",
        "--quiet",
        "--generate-hashes",
        "--no-emit-index-url",
        "--no-config",
    ]
    command += ["--custom-compile-command", "make requirements", "--group", lock.group, *lock.options]
    command += ["--output-file", lock.target, *(["--upgrade"] if upgrade else [])]
    capture(command)


def main(arguments: list[str]) -> int:
    """Recompile every file; return the exit code."""
    uv = Path(sys.executable).with_name("uv")
    try:
        for lock in LOCKS:
            compile_lock(lock, uv, upgrade="--upgrade" in arguments)
            print(f"{lock.target.relative_to(ROOT)}: {lock.target.read_text(encoding='utf-8').count('==')} pins")
    except CommandError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
