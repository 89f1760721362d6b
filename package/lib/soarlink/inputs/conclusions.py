"""What became of containers, told and written while others are on their way: SOAR and the KV store work at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TYPE_CHECKING, Callable

from soarlink.errors import SendToSoarError
from soarlink.splunk.logline import fields

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Future

MOST = 4
"""Pieces of work in line: more are not taken, so that a slow KV store fills no memory."""

REMEDY = "what was not written stays pending; the next round looks up in SOAR what arrived"


@contextmanager
def concluding(log: logging.Logger) -> Iterator[Conclusions]:
    """A thread for conclusions; its ``with`` ends when all are done.

    No error is lost: the first is raised at the end of ``with`` unless something else is on its way out, and every
    other one is logged.

    Args:
        log: the input's log.
    """
    conclusions = Conclusions()
    try:
        yield conclusions
    except BaseException:
        _tell(log, conclusions.end())
        raise
    errors = conclusions.end()
    _tell(log, errors[1:])
    if errors:
        raise errors[0]


class Conclusions:
    """What is concluded by one thread, one piece of work after another; see :func:`concluding`."""

    def __init__(self) -> None:
        self._desk = ThreadPoolExecutor(1)
        self._pending: list[Future[None]] = []
        self._errors: list[BaseException] = []

    def add(self, work: Callable[[], None]) -> None:
        """Have something done when what came before is; waits while the line is full."""
        if len(self._pending) >= MOST:
            wait(self._pending[:1])
        self._collect()
        self._pending.append(self._desk.submit(work))

    def fail(self, error: SendToSoarError) -> None:
        """Something beside the thread has gone wrong."""
        self._errors.append(error)

    @property
    def has_failed(self) -> bool:
        """Whether anything has gone wrong so far."""
        self._collect()
        return bool(self._errors)

    def end(self) -> list[BaseException]:
        """Wait until all is done; every error, the first one first."""
        self._desk.shutdown()
        self._collect()
        return self._errors

    def _collect(self) -> None:
        done = [future for future in self._pending if future.done()]
        self._pending = [future for future in self._pending if future not in done]
        self._errors += [error for error in (future.exception() for future in done) if error is not None]


def _tell(log: logging.Logger, errors: Sequence[BaseException]) -> None:
    for error in errors:
        facts = fields({"reason": f"{type(error).__name__}: {error}", "remedy": REMEDY})
        log.error("Outcomes not written %s", facts, exc_info=None if isinstance(error, SendToSoarError) else error)
