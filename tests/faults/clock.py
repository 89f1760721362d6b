"""A clock for the built add-on's processes that a test moves on, instead of waiting."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

from lab.splunkd import SPLUNK_PACKAGE

# Python imports this at its start: the process has the clocks of its search head.
_CLOCKS = """
import os, time
_time, _monotonic = time.time, time.monotonic
def _ahead():
    with open(os.environ["LAB_CLOCK"]) as file:
        skew, passed = file.read().split()
    return float(skew), float(passed)
time.time = lambda: _time() + sum(_ahead())
time.monotonic = lambda: _monotonic() + _ahead()[1]
"""


class Clock:
    """The clock of one search head.

    Args:
        folder: where it is kept.
        skew: seconds that it is ahead of the true time.
    """

    def __init__(self, folder: Path, skew: float = 0.0) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "sitecustomize.py").write_text(_CLOCKS, encoding="utf-8")
        self._folder = folder
        self._skew = skew
        self._passed = 0.0
        self.later(0)

    @property
    def environ(self) -> Mapping[str, str]:
        """What the environment of its processes must have."""
        path = os.pathsep.join((str(SPLUNK_PACKAGE), str(self._folder)))
        return {"PYTHONPATH": path, "LAB_CLOCK": str(self._folder / "clock")}

    def now(self) -> float:
        """Its time, seconds since the epoch."""
        return time.time() + self._skew + self._passed

    def later(self, seconds: float) -> None:
        """Let time pass."""
        self._passed += seconds
        draft = self._folder / "clock.new"
        draft.write_text(f"{self._skew} {self._passed}", encoding="ascii")
        draft.replace(self._folder / "clock")
