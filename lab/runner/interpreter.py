"""The interpreter that runs the add-on in place of Splunk's own."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from lab.runner.errors import LabError

OLDEST = (3, 9)
"""The oldest Python that the add-on's versions of Splunk have."""

_SECONDS = 30.0
_PROBE = "import sys; print(*sys.version_info[:2])"


def find_interpreter(text: str) -> Path:
    """Find the interpreter that a user names by path or by command, and make sure that it is one.

    Raises:
        LabError: there is none, it is no Python, or it is too old.
    """
    found = shutil.which(text)
    if found is None:
        raise LabError(f"{text} can't be run.", "Name a Python interpreter with --python, for example python3.9.")
    # Not resolved: a link leads out of a virtual environment.
    path = Path(os.path.abspath(found))  # noqa: PTH100
    if _version(path) < OLDEST:
        raise LabError(f"{text} is no Python 3.9 or newer.", "Name another interpreter with --python.")
    return path


def _version(path: Path) -> tuple[int, ...]:
    try:
        done = subprocess.run(
            [str(path), "-I", "-c", _PROBE],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=True,
        )
        return tuple(int(number) for number in done.stdout.split())
    except (OSError, subprocess.SubprocessError, ValueError):
        return ()
