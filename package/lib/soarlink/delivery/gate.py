"""Whether a run may go on asking SOAR: its time, its stop signal, and the server's breaker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

from soarlink.delivery.verdict import judge
from soarlink.errors import NotTried, SoarError, Throttled

if TYPE_CHECKING:
    from soarlink.delivery.breaker import Breaker

_LATER = "It is written down; the delivery input sends it."
_NOT_OURS = (
    "The lease on the outbox was over, or the input was to end, before this was sent.",
    "The search head that has the lease sends it.",
)
_NO_TIME = ("Others had their turn before this was sent.", "It is sent with the next round.")


class Gate:
    """Asked before each request that carries alerts. Safe for use by several threads.

    Args:
        breaker: the server's breaker.
        seconds: how long the run may deliver; None for no bound.
        monotonic: seconds from any start, never going back.
        may_ask: whether this process may still send what it is at, such as: does it hold the lease?
        may_begin: whether it may begin with another container; what has begun goes on.
    """

    def __init__(
        self,
        breaker: Breaker,
        seconds: float | None,
        monotonic: Callable[[], float],
        may_ask: Callable[[], bool] = lambda: True,
        may_begin: Callable[[], bool] = lambda: True,
    ) -> None:
        self._breaker = breaker
        self._may_ask = may_ask
        self._may_begin = may_begin
        self._monotonic = monotonic
        self._end = None if seconds is None else monotonic() + seconds
        self._seconds = seconds
        self._closed: SoarError | None = None
        self.is_stopped = False
        """Whether the process was asked to end."""
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
        self.is_stopped = True
        self._closed = self._closed or NotTried("The action was stopped before this was sent.", _LATER)

    def check(self) -> SoarError | None:
        """Why nothing more may be asked; None while it may."""
        if self._closed is None and self._end is not None and self._monotonic() >= self._end:
            self._closed = NotTried(f"The action's {self._seconds:g} seconds were over before this was sent.", _LATER)
        if self._closed is None and not self._may_ask():
            self._closed = NotTried(*_NOT_OURS)
        return self._closed

    def check_new(self) -> SoarError | None:
        """Why nothing new may be begun; None while it may."""
        return self.check() or (None if self._may_begin() else NotTried(*_NO_TIME))

    def permit(self) -> None:
        """Asked before each single request, also in the middle of a container.

        Raises:
            NotTried: this process may not send it (any more).
        """
        if not self._may_ask():
            raise NotTried(*_NOT_OURS)

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
