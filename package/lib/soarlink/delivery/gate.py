"""Whether a run may go on asking SOAR: its time, its stop signal, and the server's breaker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

from soarlink.delivery.verdict import judge
from soarlink.errors import NotTried, SoarError, Throttled

if TYPE_CHECKING:
    from soarlink.delivery.breaker import Breaker

_LATER = "It is written down; the delivery input sends it."


class Gate:
    """Asked before each request that carries alerts. Safe for use by several threads.

    Args:
        breaker: the server's breaker.
        seconds: how long the run may deliver; None for no bound.
        monotonic: seconds from any start, never going back.
    """

    def __init__(self, breaker: Breaker, seconds: float | None, monotonic: Callable[[], float]) -> None:
        self._breaker = breaker
        self._monotonic = monotonic
        self._end = None if seconds is None else monotonic() + seconds
        self._seconds = seconds
        self._closed: SoarError | None = None
        pause = breaker.pause()
        if pause is not None:
            self._closed = NotTried(f"The server is left alone for a while: {pause.reason}", _LATER)
        self._has_failed = pause is not None

    @property
    def remaining(self) -> float | None:
        """Seconds that are left; None without a bound."""
        return None if self._end is None else max(0.0, self._end - self._monotonic())

    def stop(self) -> None:
        """The process is asked to end."""
        self._closed = self._closed or NotTried("The action was stopped before this was sent.", _LATER)

    def check(self) -> SoarError | None:
        """Why nothing more may be asked; None while it may."""
        if self._closed is None and self._end is not None and self._monotonic() >= self._end:
            self._closed = NotTried(f"The action's {self._seconds:g} seconds were over before this was sent.", _LATER)
        return self._closed

    def learn(self, error: SoarError | None) -> None:
        """What the last container met: a failure of the server closes the gate, success ends the pause."""
        if error is None:
            if not self._has_failed:
                self._breaker.close()
            return
        if judge(error).pauses_server and not self._has_failed:
            self._has_failed = True
            asked = error.retry_after if isinstance(error, Throttled) else None
            pause = self._breaker.trip(str(error), asked)
            self._closed = NotTried(f"The server is left alone for a while: {pause.reason}", _LATER)
