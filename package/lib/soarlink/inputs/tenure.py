"""The lease on the outbox as a round uses it: looked at before each request to SOAR, and renewed when that is due."""

from __future__ import annotations

import os
import socket
import threading
from typing import TYPE_CHECKING, Callable

from soarlink.errors import SplunkdError
from soarlink.outbox.lease import Lease
from soarlink.splunk.kvstore import KvStore

if TYPE_CHECKING:
    from soarlink.inputs.session import Session

SPARE = 60.0
"""Seconds by which a lease lasts longer than the longest request: time to renew it in."""

RETRY = 10.0
"""Seconds until a renewal that the KV store did not answer is tried again."""


class Tenure:
    """Whether this process works off the outbox. Safe for use by several threads.

    Args:
        lease: the lease; its KV store is used by nobody else.
        monotonic: seconds of a clock that nobody sets.
    """

    def __init__(self, lease: Lease, monotonic: Callable[[], float]) -> None:
        self._lease = lease
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._retry_at = 0.0

    def begin(self) -> bool:
        """Take the lease, or go on with it; False while another search head has it.

        Raises:
            SplunkdError: the KV store is away or refuses.
        """
        with self._lock:
            lease = self._lease
            return lease.still_mine(lease.ttl / 2) or lease.renew() or lease.acquire()

    def outlasts(self, seconds: float) -> bool:
        """Whether no other search head can begin while a request of so many seconds is under way.

        Costs no request but when the lease is to be renewed; a KV store that is away then costs nothing but time.
        """
        with self._lock:
            lease = self._lease
            lease.ttl = max(lease.ttl, seconds + SPARE)
            if not lease.still_mine(max(lease.ttl / 2, seconds)):
                self._renew()
            return lease.still_mine(seconds)

    def end(self) -> None:
        """Give the lease back.

        Raises:
            SplunkdError: the KV store is away or refuses; the lease ends by itself.
        """
        with self._lock:
            self._lease.release()

    def _renew(self) -> None:
        if self._monotonic() < self._retry_at:
            return
        try:
            self._lease.renew()
        except SplunkdError:
            self._retry_at = self._monotonic() + RETRY  # it runs on until its time is over


def apply_for(session: Session, name: str, seconds: float) -> Tenure:
    """A tenure of this process. Its lease has a connection of its own: it is renewed while others are in use.

    Args:
        session: splunkd and clocks.
        name: what the lease is on.
        seconds: how long it lasts without renewal.
    """
    kv, owner = KvStore(session.splunkd()), f"{socket.gethostname()}:{os.getpid()}"
    return Tenure(Lease(kv, name, owner, seconds, **session.clocks), session.monotonic)
