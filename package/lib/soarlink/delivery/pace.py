"""A steady pace towards one server: so many containers per minute and no more."""

from __future__ import annotations

import threading
import time
from typing import Callable

_MINUTE = 60.0
_BURST_SECONDS = 5.0


class Pace:
    """Spaces containers out. Safe for use by several threads; every process keeps its own pace.

    Args:
        per_minute: most containers per minute.
        clock: seconds from any start, never going back.
        sleep: waits so many seconds.
    """

    def __init__(
        self,
        per_minute: int,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._spacing = _MINUTE / per_minute
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._next = clock()

    @property
    def burst(self) -> int:
        """How many containers may travel together: what the pace lets through in five seconds, at least one."""
        return max(1, int(_BURST_SECONDS / self._spacing))

    def wait(self, containers: int) -> None:
        """Return when it is the turn of these containers."""
        with self._lock:
            now = self._clock()
            turn = max(now, self._next)
            self._next = turn + containers * self._spacing
        if turn > now:
            self._sleep(turn - now)
