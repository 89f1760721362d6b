"""Users and roles, as splunkd knows them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Callable
from urllib.parse import quote

from soarlink.errors import SplunkdError

Get = Callable[[str], tuple[int, bytes]]
"""GETs a path of splunkd in some session: HTTP status and body."""

SYSTEM = "splunk-system-user"
"""splunkd itself. Searches that belong to ``nobody`` run as this user."""

_NOBODY = "nobody"
_UNKNOWN = 404


@dataclass(frozen=True)
class User:
    """A user. ``roles`` are those given to the user, without the roles that these import."""

    name: str
    roles: frozenset[str]
    capabilities: frozenset[str]

    @property
    def is_system(self) -> bool:
        """Whether this is splunkd itself, which can read everything."""
        return self.name in (SYSTEM, _NOBODY)


def current(get: Get) -> User:
    """Whom a session stands for; what a search or an alert says of itself is no proof.

    Raises:
        SplunkdError: no answer, or no such session (``status`` 401).
    """
    status, body = get("/services/authentication/current-context?output_mode=json")
    return _user(status, body, "splunkd does not say who runs this search")


def named(get: Get, name: str) -> User:
    """A user by name; the session must be allowed to see users.

    Raises:
        SplunkdError: no answer, or no such user (``status`` 404).
    """
    if name in (SYSTEM, _NOBODY):
        return User(name, frozenset(), frozenset())
    status, body = get(f"/services/authentication/users/{quote(name, safe='')}?output_mode=json")
    found = _user(status, body, f"splunkd does not tell the roles of {name}")
    if found.name.lower() != name.lower():  # an empty name lists all users
        raise SplunkdError(f"splunkd knows no user {name!r}.", "", _UNKNOWN)
    return found


def with_imported(get: Get, roles: Iterable[str]) -> frozenset[str]:
    """Roles with all that they import, as Splunk's own access lists count them.

    Raises:
        SplunkdError: no answer, or no list of roles.
    """
    status, body = get("/services/authorization/roles?output_mode=json&count=0")
    try:
        entries = json.loads(body)["entry"]
        imports = {str(entry["name"]): list(entry["content"].get("imported_roles") or ()) for entry in entries}
    except (ValueError, LookupError, TypeError, AttributeError):
        raise SplunkdError(f"splunkd does not list its roles (HTTP {status}).", "", status) from None
    found: set[str] = set()
    left = list(roles)
    while left:
        role = left.pop()
        if role not in found:
            found.add(role)
            left.extend(str(name) for name in imports.get(role, ()))
    return frozenset(found)


def _user(status: int, body: bytes, failure: str) -> User:
    try:
        entry = json.loads(body)["entry"][0]
        content: dict[str, Any] = entry["content"]
        name = content.get("username") or entry["name"]  # the list of users names them so
        roles, capabilities = content.get("roles") or (), content["capabilities"]
        return User(str(name), frozenset(map(str, roles)), frozenset(map(str, capabilities)))
    except (ValueError, LookupError, TypeError, AttributeError):
        raise SplunkdError(f"{failure} (HTTP {status}).", "Run it again.", status) from None
