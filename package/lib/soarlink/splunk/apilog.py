"""The log of every call to SOAR: ``var/log/splunk/send_to_soar_api.log``, one JSON object a line.

No body, no query and no header is in it, so no secret can be. A line goes out right after its exchange.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Callable

from soarlink.splunk.actionlog import LogFile

if TYPE_CHECKING:
    from pathlib import Path

    from soarlink.wire.exchange import Observed

MOST = 20
"""Most values of one field on a line: a request can carry hundreds of results."""


class ApiLog:
    """The log. Safe for use by several threads and processes.

    Args:
        home: ``$SPLUNK_HOME``.
        component: who calls: the action, the input, the command.
        clock: epoch seconds.
    """

    def __init__(self, home: Path, component: str, clock: Callable[[], float] = time.time) -> None:
        self._file = LogFile(home / "var" / "log" / "splunk" / "send_to_soar_api.log")
        self._component = component
        self._clock = clock
        self._lock = threading.Lock()

    def connection(self, account: str, facts: Mapping[str, object] | None = None) -> ApiCalls:
        """What observes one connection.

        Args:
            account: the account's name.
            facts: what its calls are about, until :meth:`ApiCalls.about` says otherwise.
        """
        return ApiCalls(self, account, facts or {})

    def write(self, facts: Mapping[str, object], call: Observed) -> None:
        """Write one line. A failure to log stops no alert: it goes to standard error (splunkd.log)."""
        now = self._clock()
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))
        line = {
            "time": f"{stamp}.{int(now % 1 * 1000):03d}+0000",
            "component": self._component,
            **{name: value for name, value in facts.items() if value not in (None, "", [])},
            "method": call.method,
            "path": call.path,
            "status": call.status,
            "ms": round(call.seconds * 1000, 1),
            "bytes_out": call.sent,
            "bytes_in": call.received,
        }
        if call.error:
            line["error"] = call.error
        try:
            with self._lock:
                self._file.append(json.dumps(line).encode("ascii") + b"\n")
        except OSError as error:
            sys.stderr.write(f"send_to_soar_api.log can't be written: {error.strerror}\n")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._file.close()


class ApiCalls:
    """The calls of one connection."""

    def __init__(self, log: ApiLog, account: str, facts: Mapping[str, object]) -> None:
        self._log = log
        self._account = account
        self._facts = facts

    def about(self, facts: Mapping[str, object]) -> None:
        """What the next calls are about."""
        self._facts = facts

    def __call__(self, call: Observed) -> None:
        """Log one call."""
        self._log.write({"account": self._account, **self._facts}, call)


def several(values: Iterable[str]) -> str | list[str]:
    """One field's value from many: the first :data:`MOST` different ones, or the only one."""
    found = list(dict.fromkeys(value for value in values if value))[:MOST]
    return found[0] if len(found) == 1 else found
