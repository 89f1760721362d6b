"""Which handler answers which method and path."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from lab.splunkd.refusal import Refused
from lab.splunkd.request import Request
from lab.splunkd.response import Response

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Handler = Callable[[Request], Response]


@dataclass(frozen=True)
class Route:
    """A handler behind a pattern.

    Args:
        methods: the HTTP methods, separated by blanks.
        pattern: path behind the namespace; `{name}` binds one segment, a prefix before the brace is literal.
        handler: what answers.
        capability: what the caller must have, if anything.
        public: whether the route answers without authentication.
    """

    methods: str
    pattern: str
    handler: Handler
    capability: str = ""
    public: bool = False

    def bind(self, segments: Sequence[str]) -> dict[str, str] | None:
        """Return what the pattern binds in `segments`, or None when it does not match."""
        parts = self.pattern.split("/")
        if len(parts) != len(segments):
            return None
        bound: dict[str, str] = {}
        for part, segment in zip(parts, segments, strict=True):
            literal, brace, name = part.partition("{")
            if not brace and part != segment:
                return None
            if brace and not (segment.startswith(literal) and len(segment) > len(literal)):
                return None
            if brace:
                bound[name.rstrip("}")] = segment[len(literal) :]
        return bound


class Endpoints(Protocol):
    """A family of endpoints."""

    def routes(self) -> Iterable[Route]:
        """Return the routes, the more specific ones first."""
        ...


class Router:
    """Finds the route of a request among the families in order."""

    def __init__(self, families: Iterable[Endpoints]) -> None:
        self._families = list(families)

    def find(self, method: str, segments: Sequence[str]) -> tuple[Route, dict[str, str]] | None:
        """Return the route and what its pattern bound; None for a path that is not known.

        Raises:
            Refused: 405 for a known path with another method.
        """
        known = False
        for family in self._families:
            for route in family.routes():
                bound = route.bind(segments)
                if bound is None:
                    continue
                known = True
                if method in route.methods.split():
                    return route, bound
        if known:
            raise Refused(405, "Method Not Allowed")
        return None
