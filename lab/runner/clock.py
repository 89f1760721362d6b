"""A clock that a lab's processes share and that moves only when it is told to."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from lab.splunkd import SPLUNK_PACKAGE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# Python imports this at its start. What a process does within one moment keeps its order: the time creeps on.
_CLOCK = """
import os, time
_begun, _passed = time.perf_counter(), time.perf_counter
def _now():
    with open(os.environ["LAB_CLOCK"]) as file:
        return float(file.read()) + (_passed() - _begun) / 1000
time.time = _now
time.time_ns = lambda: int(_now() * 1e9)
"""


class MovedClock:
    """The clock.

    Args:
        folder: where its time is kept for the add-on's processes.
        now: what it shows first, epoch seconds.
    """

    def __init__(self, folder: Path, now: float) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "sitecustomize.py").write_text(_CLOCK, encoding="utf-8")
        self._folder = folder.resolve()  # its processes run in folders of their own
        self._now = now
        self.move_to(now)

    def __call__(self) -> float:
        """Give its time, epoch seconds."""
        return self._now

    @property
    def environ(self) -> Mapping[str, str]:
        """What the environment of its processes must have."""
        path = os.pathsep.join((str(SPLUNK_PACKAGE), str(self._folder)))
        return {"PYTHONPATH": path, "LAB_CLOCK": str(self._folder / "clock")}

    def move_to(self, now: float) -> None:
        """Let it show another time, epoch seconds."""
        self._now = now
        draft = self._folder / "clock.new"
        draft.write_text(repr(now), encoding="ascii")
        draft.replace(self._folder / "clock")

    def later(self, seconds: float) -> None:
        """Let time pass."""
        self.move_to(self._now + seconds)
