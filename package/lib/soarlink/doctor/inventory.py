"""The add-on's own files against the list that was made when it was built (``tools/build.py``).

The list is in the format of ``sha256sum``: in the add-on's folder ``sha256sum -c lib/files.sha256`` does the same.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from soarlink.doctor.facts import Package

LIST = "lib/files.sha256"
CODE = ("bin", "lib")
"""Folders in which a file that is not of this version can be loaded."""

_BLOCK = 1024 * 1024


def take(app: Path) -> Package:
    """Compare all files.

    Args:
        app: the add-on's folder.
    """
    try:
        text = (app / LIST).read_text(encoding="utf-8")
    except OSError:
        return Package(0)
    listed = {path: digest for digest, _, path in (line.partition("  ") for line in text.splitlines()) if path}
    missing, changed = [], []
    for path, digest in listed.items():
        try:
            if _digest(app / path) != digest:
                changed.append(path)
        except FileNotFoundError:
            missing.append(path)
        except OSError:
            changed.append(path)
    return Package(len(listed), tuple(missing), tuple(changed), tuple(_added(app, listed.keys() | {LIST})))


def _added(app: Path, known: set[str]) -> list[str]:
    found = (
        path.relative_to(app).as_posix()
        for folder in CODE
        for path in (app / folder).rglob("*.py")
        if "__pycache__" not in path.parts
    )
    return sorted(path for path in found if path not in known)


def _digest(path: Path) -> str:
    total = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(_BLOCK), b""):
            total.update(block)
    return total.hexdigest()
