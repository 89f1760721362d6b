"""Runs the delivery input until it has nothing due."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from lab.runner.errors import LabError
from lab.runner.outcomes import read_outcomes
from lab.runner.report import SCHEMA, Outcome, counted

if TYPE_CHECKING:
    from lab.runner.management import Management
    from lab.runner.modularinput import ModularInput
    from lab.runner.sending import Stage

DRAIN_SECONDS = 150.0
"""What is due within this time is waited for: longer than the settle time of an unclear attempt."""

_LONGEST = 600.0
_LOOK_SECONDS = 0.2
_REJECTED = 4


@dataclass(frozen=True)
class DrainReport:
    """What the delivery input worked on.

    Args:
        results: what it told rows, in that order.
        remaining: containers that still wait, in journals and in the outbox.
        duration_ms: how long it ran.
        problems: what went wrong with the input itself.
    """

    results: tuple[Outcome, ...]
    remaining: int
    duration_ms: int
    problems: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """0 when nothing that it worked on was rejected."""
        return _REJECTED if any(outcome.status == "rejected" for outcome in self.results) else 0

    def document(self) -> dict[str, Any]:
        """Give the JSON document of ``lab drain --json``."""
        return {
            "schema": SCHEMA,
            "exit_code": self.exit_code,
            "sid": None,
            "duration_ms": self.duration_ms,
            "results": [asdict(outcome) for outcome in self.results],
            "summary": counted(self.results),
            "remaining": self.remaining,
            "problems": list(self.problems),
        }


def drain(stage: Stage, delivery: ModularInput, management: Management, *, wait: float) -> DrainReport:
    """Run the input until nothing is due within ``wait`` seconds.

    Raises:
        LabError: the add-on has no such input.
    """
    marks = stage.indexes.marks()
    started = time.monotonic()
    backlog = _Backlog(stage, management, begun=time.time(), wait=wait)
    problems: list[str] = []
    with delivery:
        while backlog.is_due():
            if not delivery.is_running:
                problems.append("The delivery input ended by itself; its log is var/log/splunk/soar_delivery.log.")
                break
            if time.monotonic() - started > _LONGEST:
                problems.append(f"The delivery input was not done after {_LONGEST:g} seconds.")
                break
            time.sleep(_LOOK_SECONDS)
    stage.indexer.collect()
    return DrainReport(
        results=tuple(read_outcomes(stage.indexes.since(marks))),
        remaining=backlog.size(),
        duration_ms=round((time.monotonic() - started) * 1000),
        problems=tuple(problems),
    )


class _Backlog:
    """What waits for delivery."""

    def __init__(self, stage: Stage, management: Management, *, begun: float, wait: float) -> None:
        self._folder = stage.home.root / "var" / "lib" / "splunk" / "modinputs" / "soar_delivery" / "journal"
        self._app = stage.app
        self._clock = stage.clock
        self._management = management
        self._begun = begun
        self._wait = wait

    def size(self) -> int:
        return len(self._journals()) + len(self._pending())

    def is_due(self) -> bool:
        if any(self._is_journal_due(name) for name in self._journals()):
            return True
        now = self._clock()
        return any(float(item.get("next_attempt", 0)) <= now + self._wait for item in self._pending())

    def _is_journal_due(self, name: str) -> bool:
        """Whether the input is to be waited for: it has not looked at the journal yet, or does so again in time.

        One that is tried again and again in vain is waited for until the time is over, counted from the beginning.
        """
        try:
            path = self._folder / name / "waiting"
            until, *what = path.read_text(encoding="utf-8").partition("\n")[0].split()
            if path.stat().st_mtime < self._begun:
                return True
        except (FileNotFoundError, ValueError):
            return True
        return not what and float(until) <= self._begun + self._wait

    def _journals(self) -> list[str]:
        try:
            return [path.name for path in self._folder.iterdir()]
        except FileNotFoundError:
            return []

    def _pending(self) -> list[dict[str, Any]]:
        try:
            return self._management.documents(self._app, "soar_outbox", {"state": "pending"})
        except LabError:
            return []  # the KV store is away: what waits is in the journals
