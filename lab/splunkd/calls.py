"""The log of calls: what was asked of splunkd, without any secret."""

from __future__ import annotations

import threading
from dataclasses import dataclass


@dataclass(frozen=True)
class Call:
    """One call.

    Args:
        user: the authenticated user, "" when there was none.
        method: HTTP method.
        path: path without query.
        status: HTTP status; 0 when the connection was reset.
        ms: milliseconds from the request's last byte to the answer's, injected delays included.
        server_seconds: processor time that the stand-in itself spent on it, in seconds; a handler process is not in it.
        origin: `client`, or `handler` when one of the add-on's own REST handlers made the call.
    """

    user: str
    method: str
    path: str
    status: int
    ms: float
    server_seconds: float
    origin: str = "client"


class CallLog:
    """Calls in the order in which they ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: list[Call] = []

    def append(self, call: Call) -> None:
        """Add a call."""
        with self._lock:
            self._calls.append(call)

    def all(self) -> list[Call]:
        """Return a copy of the log."""
        with self._lock:
            return list(self._calls)
