"""A SOAR account of the add-on."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field

from soarlink.secret import Secret
from soarlink.wire.exchange import Endpoint, Proxy
from soarlink.wire.trust import Trust


@dataclass(frozen=True)
class Account:
    """Where SOAR is and how to sign in. Times are in seconds. ``token`` wins over ``username`` and ``password``."""

    name: str
    url: str
    token: Secret
    username: str = ""
    password: Secret = field(default_factory=lambda: Secret(""))
    ca_certificate: str = ""
    default_label: str = "events"
    connect_timeout: float = 10.0
    read_timeout: float = 120.0
    connections: int = 4
    rate_limit: int = 0
    """Most containers per minute; 0 for no limit."""
    proxy: Proxy | None = None

    def endpoint(self, limit: float | None = None) -> Endpoint:
        """The server behind the account; its certificate is always verified.

        Args:
            limit: most seconds to wait for an answer, where that is less than the account's own bound.
        """
        read_timeout = self.read_timeout if limit is None else min(self.read_timeout, max(1.0, limit))
        return Endpoint(self.url, Trust(self.ca_certificate), self.proxy, self.connect_timeout, read_timeout)

    @property
    def longest_request(self) -> float:
        """Seconds that one request can take at most: connect, wait for an answer, and read its last piece."""
        return self.connect_timeout + 2 * self.read_timeout

    def login(self) -> dict[str, str]:
        """The headers that sign a request in (REST reference, 1.2)."""
        if self.token:
            return {"ph-auth-token": self.token.reveal()}
        pair = f"{self.username}:{self.password.reveal()}".encode()
        return {"Authorization": "Basic " + base64.b64encode(pair).decode("ascii")}

    def container_url(self, container_id: int) -> str:
        """The page of a container in SOAR's own interface."""
        return f"{self.url}/mission/{container_id}"
