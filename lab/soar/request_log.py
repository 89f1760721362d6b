"""What was asked of the stand-in, and what that cost."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

_KEPT = 200_000


@dataclass(frozen=True)
class RequestRecord:
    """One request: no headers, no bodies, so no secrets.

    `began` and `ms` are by the monotonic clock (seconds, milliseconds from the last byte of the request to the last of
    the answer, waiting for latency and faults included); `work_ms` is what the stand-in itself worked on it.
    """

    method: str
    path: str
    query: str
    status: int | None
    request_bytes: int
    response_bytes: int
    began: float
    ms: float
    work_ms: float
    fault: str | None


class RequestLog:
    """The latest requests in order; `status` None means a dropped connection. May be used from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records: deque[RequestRecord] = deque(maxlen=_KEPT)

    def add(self, record: RequestRecord) -> None:
        """Note a request that has been answered or dropped."""
        with self._lock:
            self._records.append(record)

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._records.clear()

    def records(self) -> list[RequestRecord]:
        """All that is kept."""
        with self._lock:
            return list(self._records)
