"""When to try again: exponential back-off with full jitter, and what the server asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable


@dataclass(frozen=True)
class Backoff:
    """Waiting times in seconds.

    Args:
        base: the longest wait after the first failure; it doubles with each further one.
        cap: the longest wait at all.
        settle: the shortest wait after a request that may still be under way in SOAR: at least the read timeout.
    """

    base: float = 5.0
    cap: float = 1800.0
    settle: float = 120.0

    def wait(
        self, attempts: int, random: Callable[[], float], *, asked: float | None = None, unclear: bool = False
    ) -> float:
        """Seconds until the next attempt.

        Args:
            attempts: failures so far, at least 1.
            random: a number from 0 to 1.
            asked: ``Retry-After``, never undercut.
            unclear: the last attempt may have reached SOAR.
        """
        # 2.0**1024 overflows; from 40 doublings on the cap decides anyway.
        longest = min(self.cap, self.base * 2.0 ** min(attempts - 1, 40))
        return max(longest * random(), asked or 0.0, self.settle if unclear else 0.0)
