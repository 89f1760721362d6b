"""What every family of endpoints shares: the server's identity and how it renders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.splunkd.rendering import Renderer

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.splunkd.entry import Feed
    from lab.splunkd.request import Request
    from lab.splunkd.response import Response


@dataclass
class Instance:
    """One server.

    Args:
        version: Splunk version, such as "9.4.3".
        guid: the instance's GUID.
        server_name: `serverName` of server.conf.
        clock: epoch seconds.
        uri: management uri, known once the server listens.
    """

    version: str
    guid: str
    server_name: str
    clock: Callable[[], float]
    uri: str = ""

    @property
    def release(self) -> tuple[int, ...]:
        """Return the version as numbers."""
        return tuple(int(part) for part in self.version.split("."))

    def feed(self, request: Request, feed: Feed, status: int = 200) -> Response:
        """Return `feed` as an answer to `request`."""
        return self._renderer.feed(request, feed, status)

    def entry(self, request: Request, feed: Feed, status: int = 200) -> Response:
        """Return a feed's only entry, bare in XML, as an answer to `request`."""
        return self._renderer.entry(request, feed, status)

    @property
    def _renderer(self) -> Renderer:
        return Renderer(self.uri, self.version, self.clock())
