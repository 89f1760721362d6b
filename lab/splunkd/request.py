"""One request as splunkd understands it: namespace, decoded path, merged arguments, caller."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote_plus

from lab.splunkd.refusal import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.splunkd.users import User

WILDCARD = "-"
NOBODY = "nobody"
DEFAULT_APP = "search"


@dataclass(frozen=True)
class Namespace:
    """Owner and app of a path; `-` is the wildcard in both places."""

    owner: str
    app: str


@dataclass(frozen=True)
class Request:
    """A parsed request.

    `segments` is the path behind the namespace, split before decoding and decoded once; a name that arrived with a
    doubly encoded slash keeps `%2F`, which `entity_name` turns into "/".
    """

    method: str
    path: str
    namespace: Namespace | None
    segments: tuple[str, ...]
    query: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    caller: User | None = None
    params: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def form(self) -> tuple[tuple[str, str], ...]:
        """The body as form fields. Clients send forms without, or with a wrong, Content-Type."""
        return tuple(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))

    @cached_property
    def args(self) -> dict[str, str]:
        """Query and form arguments in one mapping; the last value of a name wins."""
        return dict(self.query + self.form)

    @property
    def user(self) -> User:
        """The authenticated caller; only routes without authentication may lack one."""
        if self.caller is None:
            message = "this route needs an authenticated caller"
            raise RuntimeError(message)
        return self.caller

    @property
    def context(self) -> Namespace:
        """The namespace of the path, or the caller's default one for `/services/…`."""
        return self.namespace or Namespace(self.user.name, DEFAULT_APP)

    @property
    def output_mode(self) -> str:
        """`json`, `xml` or what else was asked for; Atom XML when nothing was."""
        return dict(self.query).get("output_mode") or self.args.get("output_mode", "xml")

    def entity_name(self, param: str = "name") -> str:
        """Return the name in path parameter `param`, a doubly encoded slash undone."""
        return entity_name(self.params[param])

    def json_body(self) -> Any:
        """Return the body as JSON.

        Raises:
            Refused: 400 when it is none, in the KV store's words.
        """
        try:
            return json.loads(self.body)
        except ValueError as error:
            text = f"JSON in the request is invalid. ( JSON parse error: {error} )"
            raise Refused(400, text) from error

    def with_caller(self, caller: User) -> Request:
        """Return the request with its authenticated caller."""
        return replace(self, caller=caller)

    def with_params(self, params: Mapping[str, str]) -> Request:
        """Return the request with the values that its route's pattern bound."""
        return replace(self, params=params)


def entity_name(segment: str) -> str:
    """Undo the second encoding of "/" in the name of an entity."""
    return segment.replace("%2F", "/").replace("%2f", "/")


def parse_target(target: str) -> tuple[str, Namespace | None, tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Split a request target into path, namespace, decoded segments and query.

    A path that is neither under `/services` nor under `/servicesNS/{owner}/{app}` has no segments.
    """
    path, _, query = target.partition("?")
    pairs = tuple(parse_qsl(query, keep_blank_values=True))
    segments = tuple(unquote_plus(part) for part in path.split("/") if part)
    if segments[:1] == ("services",):
        return path, None, segments[1:], pairs
    if segments[:1] == ("servicesNS",) and len(segments) >= 3:  # noqa: PLR2004 - root, owner, app
        return path, Namespace(segments[1], segments[2]), segments[3:], pairs
    return path, None, (), pairs
