"""The libraries that the add-on ships, installed once per ``package/lib/requirements.txt``.

ucc-gen would install them on every build, without hashes for what it builds from source. Here every file that pip takes
is checked against its hash, sources are built with the pinned setuptools of the build environment, and a rebuild after
a change of our own code needs no network.
"""

from __future__ import annotations

import hashlib
import shutil
from importlib.metadata import Distribution
from pathlib import Path

from tools import environments
from tools.process import ROOT, capture

REQUIREMENTS = ROOT / "package" / "lib" / "requirements.txt"
EXCLUDE = ROOT / "package" / "lib" / "exclude.txt"


class LibraryError(Exception):
    """The installed libraries are not what the add-on may ship."""


def _excluded() -> list[str]:
    lines = (line.split("#", 1)[0].strip() for line in EXCLUDE.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line]


def _remove(folder: Path, name: str) -> None:
    """Remove one installed distribution, file by file as its RECORD lists them."""
    stem = name.lower().replace("-", "_")
    found = [info for info in folder.glob("*.dist-info") if info.name.lower().startswith(f"{stem}-")]
    if not found:
        message = f"{EXCLUDE.name} names {name}, which {REQUIREMENTS.name} does not install"
        raise LibraryError(message)
    for info in found:
        for entry in Distribution.at(info).files or []:
            (folder / str(entry)).unlink(missing_ok=True)
        shutil.rmtree(info, ignore_errors=True)


def _drop_scripts(folder: Path) -> None:
    """Remove the console scripts, and their lines in RECORD: they hold the path of the interpreter that built them."""
    shutil.rmtree(folder / "bin", ignore_errors=True)
    for record in folder.glob("*.dist-info/RECORD"):
        lines = record.read_text(encoding="utf-8").splitlines(keepends=True)
        record.write_text("".join(line for line in lines if not line.startswith("../../bin/")), encoding="utf-8")


def native_files(folder: Path) -> list[Path]:
    """Return the compiled files below ``folder``: they would run on one platform and one Python only."""
    return sorted(path for path in folder.rglob("*") if path.suffix in {".so", ".pyd", ".dll", ".dylib", ".a", ".o"})


def ensure() -> Path:
    """Install the libraries unless that was done for these very pins; return their folder.

    Raises:
        CommandError: pip failed, for example because a hash differs.
        LibraryError: there are native files, or exclude.txt names something that is not installed.
    """
    python = environments.ensure(environments.BUILD)
    pins = hashlib.sha256()
    for path in (REQUIREMENTS, EXCLUDE, environments.BUILD.requirements, Path(__file__)):
        pins.update(path.read_bytes())
    folder = ROOT / "build" / f"libraries-{pins.hexdigest()[:16]}"
    if folder.is_dir():
        return folder
    partial = folder.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    options = ("--require-hashes", "--no-deps", "--no-build-isolation", "--no-compile", "--target", partial)
    capture([python, "-I", "-m", "pip", "install", *options, "-r", REQUIREMENTS])
    _drop_scripts(partial)
    for name in _excluded():
        _remove(partial, name)
    if native := native_files(partial):
        message = f"native files in the libraries: {', '.join(path.name for path in native)}"
        raise LibraryError(message)
    for old in folder.parent.glob("libraries-*"):
        if old != partial:
            shutil.rmtree(old, ignore_errors=True)
    partial.rename(folder)
    return folder
