"""Faults on order: which request meets one, how often, and what it looks like."""

from __future__ import annotations

import fnmatch
import threading
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any


class FaultKind(StrEnum):
    """What goes wrong."""

    TOO_MANY_REQUESTS = "429"
    SERVER_ERROR = "500"
    BAD_GATEWAY = "502"
    UNAVAILABLE = "503"
    GATEWAY_TIMEOUT = "504"
    TOO_LARGE = "413"
    DROP_BEFORE_COMMIT = "drop_before_commit"
    DROP_AFTER_COMMIT = "drop_after_commit"
    DROP_MID_BODY = "drop_mid_body"
    HANG = "hang"
    SLOW = "slow"
    SLOW_DRIP = "slow_drip"
    TRUNCATED_JSON = "truncated_json"
    LOGIN_PAGE = "login_page"
    EMPTY = "empty"
    FAILED = "failed"
    REDIRECT = "redirect"


_DONE_FIRST = frozenset(
    {
        FaultKind.DROP_AFTER_COMMIT,
        FaultKind.DROP_MID_BODY,
        FaultKind.SLOW,
        FaultKind.SLOW_DRIP,
        FaultKind.TRUNCATED_JSON,
    }
)


@dataclass(frozen=True)
class Fault:
    """One order.

    `match` is "METHOD /path"; either part may hold shell wildcards ("* /rest/*"), the path has no trailing slash.
    The first `after` requests that match go through, the next `times` meet the fault (None: all that follow).
    `committed` says whether the request is carried out all the same; None leaves it to the kind: yes where an answer
    is spoilt on its way back, no elsewhere. `seconds` is how long `slow` waits, and how long `slow_drip` takes over
    its body. `retry_after` (seconds or a date, as sent) goes with 429 and 503, `message` with JSON bodies, `location`
    with redirects.
    """

    match: str
    kind: FaultKind
    times: int | None = 1
    after: int = 0
    committed: bool | None = None
    seconds: float = 1.0
    retry_after: str | None = None
    message: str = "Stand-in fault"
    location: str = "/login"

    @property
    def is_carried_out(self) -> bool:
        """Whether the request takes effect before the fault shows."""
        return self.kind in _DONE_FIRST if self.committed is None else self.committed

    def covers(self, method: str, path: str) -> bool:
        """Whether a request of that method and path is meant."""
        wanted_method, _, wanted_path = self.match.partition(" ")
        is_method = fnmatch.fnmatchcase(method, wanted_method.upper())
        return is_method and fnmatch.fnmatchcase(path.rstrip("/") or "/", wanted_path)


def parse_fault(order: dict[str, Any]) -> Fault:
    """Read an order as it comes over HTTP. Raises ValueError with the reason."""
    known = Fault.__dataclass_fields__
    unknown = sorted(set(order) - set(known))
    if unknown:
        message = f"unknown key {unknown[0]!r}; known: {', '.join(known)}"
        raise ValueError(message)
    values = {**order, "kind": FaultKind(str(order.get("kind", "")))}
    match = values.get("match")
    if not isinstance(match, str) or " /" not in match:
        message = 'match must be "METHOD /path"'
        raise ValueError(message)
    for key in ("times", "after"):
        if not isinstance(values.get(key), int | None):
            message = f"{key} must be a whole number"
            raise ValueError(message)  # noqa: TRY004 - one kind of error for all that is wrong with an order
    if values.get("retry_after") is not None:
        values["retry_after"] = str(values["retry_after"])
    return Fault(**values)


class FaultBoard:
    """The orders that are in force. May be used from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._orders: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Put an order in force, behind those that are there."""
        with self._lock:
            self._orders.append(fault)

    def clear(self) -> None:
        """Take back all orders."""
        with self._lock:
            self._orders.clear()

    def orders(self) -> list[Fault]:
        """What is left in force, with the counts that are left."""
        with self._lock:
            return list(self._orders)

    def take(self, method: str, path: str) -> Fault | None:
        """The fault that this request meets, if any; counts it. Of several orders the first that is due is met."""
        with self._lock:
            met = None
            left = []
            for fault in self._orders:
                kept: Fault | None = fault
                if met is None and fault.covers(method, path):
                    if fault.after:
                        kept = replace(fault, after=fault.after - 1)
                    else:
                        met, kept = fault, _used_once(fault)
                if kept:
                    left.append(kept)
            self._orders = left
            return met


def _used_once(fault: Fault) -> Fault | None:
    if fault.times is None:
        return fault
    return replace(fault, times=fault.times - 1) if fault.times > 1 else None
