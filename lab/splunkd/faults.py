"""Faults on demand: what a sick splunkd does to its clients."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from typing import Literal

Kind = Literal["status", "reset", "hang", "slow"]


@dataclass(frozen=True)
class Fault:
    """One rule.

    Args:
        method: regular expression, searched in the HTTP method.
        path: regular expression, searched in the path without query.
        kind: answer with `status`; `reset` the connection; `hang` until the faults are cleared; be `slow`.
        status: the status of kind `status`.
        seconds: the delay of kind `slow`.
        body: the text of the answer's message.
    """

    method: re.Pattern[str]
    path: re.Pattern[str]
    kind: Kind
    status: int = 503
    seconds: float = 0.0
    body: str = "KV Store is initializing. Please try again later."


class Faults:
    """The rules in force; the first that matches is taken."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[tuple[Fault, int | None]] = []
        self._released = threading.Event()

    def add(self, fault: Fault, times: int | None) -> None:
        """Put a rule in force, for ever or for the next `times` matching requests."""
        with self._lock:
            self._rules.append((fault, times))

    def clear(self) -> None:
        """Lift all rules; hanging and slow requests go on."""
        with self._lock:
            self._rules = []
            released, self._released = self._released, threading.Event()
        released.set()

    def take(self, method: str, path: str) -> Fault | None:
        """Return the rule for a request and count it."""
        with self._lock:
            for position, (fault, times) in enumerate(self._rules):
                if not (fault.method.search(method) and fault.path.search(path)):
                    continue
                if times is not None:
                    self._rules[position : position + 1] = [(fault, times - 1)] if times > 1 else []
                return fault
        return None

    def wait(self, fault: Fault) -> None:
        """Hold a request back as its rule says."""
        self._released.wait(fault.seconds if fault.kind == "slow" else None)
