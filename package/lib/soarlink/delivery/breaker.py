"""Leaves a server alone that turns everyone away, instead of making each alert wait for it.

One small file per account, shared by the actions and the delivery input of a search head. An open breaker means: write
the alert down, do not try. When its time is over, the next one tries; success closes it.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

FIRST_PAUSE = 10.0
LONGEST_PAUSE = 300.0


@dataclass(frozen=True)
class Pause:
    """Why a server is left alone, and until when (epoch seconds)."""

    until: float
    reason: str
    failures: int


class Breaker:
    """The breaker of one account. What the disk does not take is not known to others, and stops no delivery.

    Args:
        folder: where breakers are kept.
        account: the account's name.
        clock: epoch seconds.
    """

    def __init__(self, folder: Path, account: str, clock: Callable[[], float]) -> None:
        self._path = folder / f"{re.sub(r'[^A-Za-z0-9_-]', '_', account)}.json"
        self._clock = clock

    def pause(self) -> Pause | None:
        """The pause that is in force; None when the server may be tried."""
        noted = self._noted()
        # A pause from the future is a clock that was set back: it must not lock the server out for long.
        if noted is None or not self._clock() < noted.until <= self._clock() + LONGEST_PAUSE:
            return None
        return noted

    def trip(self, reason: str, asked: float | None = None) -> Pause:
        """The server turned us away: pause it, longer each time in a row.

        Args:
            reason: in words.
            asked: ``Retry-After`` in seconds.
        """
        before = self._noted()
        failures = before.failures + 1 if before is not None else 1
        wait = min(max(FIRST_PAUSE * 2.0 ** min(failures - 1, 10), asked or 0.0), LONGEST_PAUSE)
        pause = Pause(self._clock() + wait, reason, failures)
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            work = self._path.with_name(f"{self._path.name}.{os.getpid()}")
            noted = {"until": pause.until, "reason": reason, "failures": failures}
            work.write_text(json.dumps(noted), encoding="utf-8")
            work.replace(self._path)
        return pause

    def close(self) -> None:
        """The server answers again."""
        with contextlib.suppress(OSError):
            self._path.unlink()

    def _noted(self) -> Pause | None:
        try:
            noted = json.loads(self._path.read_bytes())
            return Pause(float(noted["until"]), str(noted["reason"]), int(noted["failures"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None
