"""Users, roles, capabilities and the sessions that act for them."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from lab.splunkd.atomicfile import write_atomically
from lab.splunkd.refusal import Refused, unknown_entity
from lab.splunkd.request import NOBODY, WILDCARD, Namespace

if TYPE_CHECKING:
    from pathlib import Path

    from lab.splunkd.confstore import ConfStore

SYSTEM_USER = "splunk-system-user"
_BUILT_IN = {"admin": ("admin",), "analyst": ("user",)}


@dataclass(frozen=True)
class User:
    """Someone who calls splunkd.

    Args:
        name: login name.
        roles: roles given to the user.
        all_roles: the same with every imported role.
        capabilities: what the roles and the user's own grants allow.
    """

    name: str
    roles: tuple[str, ...]
    all_roles: frozenset[str]
    capabilities: frozenset[str]

    @property
    def is_system(self) -> bool:
        """Return whether this is splunkd itself."""
        return self.name == SYSTEM_USER


@dataclass(frozen=True)
class _Grant:
    roles: tuple[str, ...]
    capabilities: tuple[str, ...]


class Users:
    """The users: two built in, others added; roles come from authorize.conf of system and apps.

    Args:
        path: file that remembers added users (no secrets in it).
        confs: where roles are read.
    """

    def __init__(self, path: Path, confs: ConfStore) -> None:
        self._path = path
        self._confs = confs
        self._grants = {name: _Grant(roles, ()) for name, roles in _BUILT_IN.items()}
        if path.exists():
            stored = json.loads(path.read_text(encoding="utf-8"))
            self._grants |= {name: _Grant(tuple(g["roles"]), tuple(g["capabilities"])) for name, g in stored.items()}

    def names(self) -> list[str]:
        """Return the login names."""
        return sorted(self._grants)

    def add(self, name: str, roles: Iterable[str], capabilities: Iterable[str]) -> User:
        """Add or replace a user.

        Args:
            name: login name.
            roles: roles of authorize.conf; others are allowed and bring no capability.
            capabilities: granted beside those of the roles.
        """
        self._grants[name] = _Grant(tuple(roles), tuple(capabilities))
        self._save()
        return self.get(name)

    def remove(self, name: str) -> None:
        """Remove a user; one that is not there is no error."""
        self._grants.pop(name, None)
        self._save()

    def get(self, name: str) -> User:
        """Return a user.

        Raises:
            Refused: 404 for an unknown one.
        """
        if name == SYSTEM_USER:
            return User(name, ("admin",), frozenset({"admin", "user", "power"}), self.capabilities("admin"))
        if name not in self._grants:
            raise unknown_entity(name)
        grant = self._grants[name]
        roles = frozenset(role for given in grant.roles for role in self._imported(given))
        capabilities = frozenset(cap for role in roles for cap in self._own_capabilities(role))
        return User(name, grant.roles, roles, capabilities | frozenset(grant.capabilities))

    def roles(self) -> list[str]:
        """Return the names of all roles."""
        stanzas = self._confs.stanzas("authorize", Namespace(NOBODY, WILDCARD))
        return sorted(name.removeprefix("role_") for name in stanzas if name.startswith("role_"))

    def imported_roles(self, role: str) -> list[str]:
        """Return the roles that `role` imports directly."""
        text = self._confs.value("authorize", f"role_{role}", "importRoles")
        return [name.strip() for name in text.split(";") if name.strip()]

    def capabilities(self, role: str) -> frozenset[str]:
        """Return what a role allows, its imported roles included."""
        return frozenset(cap for name in self._imported(role) for cap in self._own_capabilities(name))

    def searched_indexes(self, role: str) -> list[str]:
        """Return the patterns of the indexes that a role may search by itself, without its imported roles."""
        text = self._confs.value("authorize", f"role_{role}", "srchIndexesAllowed")
        return [pattern.strip() for pattern in text.split(";") if pattern.strip()]

    def inherited_indexes(self, role: str) -> list[str]:
        """Return the patterns of the indexes that a role may search through the roles that it imports."""
        others = self._imported(role) - {role}
        return sorted({pattern for other in others for pattern in self.searched_indexes(other)})

    def all_capabilities(self) -> list[str]:
        """Return every capability that system or an app declares."""
        stanzas = self._confs.stanzas("authorize", Namespace(NOBODY, WILDCARD))
        declared = {name.removeprefix("capability::") for name in stanzas if name.startswith("capability::")}
        return sorted(declared.union(*(self._own_capabilities(role) for role in self.roles())))

    def _save(self) -> None:
        document = {user: asdict(grant) for user, grant in self._grants.items()}
        write_atomically(self._path, json.dumps(document, indent=1))

    def _imported(self, role: str, seen: frozenset[str] = frozenset()) -> frozenset[str]:
        if role in seen:
            return seen
        seen |= {role}
        for name in self.imported_roles(role):
            seen |= self._imported(name, seen)
        return seen

    def _own_capabilities(self, role: str) -> set[str]:
        stanza = self._confs.stanzas("authorize", Namespace(NOBODY, WILDCARD)).get(f"role_{role}")
        return {key for key, value in stanza.values.items() if value == "enabled"} if stanza else set()


@dataclass(frozen=True)
class Session:
    """What a key stands for: a user, and whether a client or one of splunkd's own handlers acts."""

    user: str
    origin: str


class Sessions:
    """Session keys and bearer tokens; they end with the process, as splunkd's session keys do."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keys: dict[str, Session] = {}
        self._tokens: dict[str, Session] = {}
        self._handlers: dict[str, str] = {}

    def issue(self, user: str, origin: str = "client") -> str:
        """Return a new session key for `user`."""
        key = secrets.token_urlsafe(96)
        with self._lock:
            self._keys[key] = Session(user, origin)
        return key

    def issue_token(self, user: str) -> str:
        """Return a new authentication token (`Bearer`) for `user`."""
        token = secrets.token_urlsafe(96)
        with self._lock:
            self._tokens[token] = Session(user, "client")
        return token

    def for_handler(self, user: str) -> str:
        """Return the key with which handlers act for `user`, so that the call log can tell their calls apart."""
        with self._lock:
            known = self._handlers.get(user, "")
        if known in self._keys:
            return known
        key = self.issue(user, "handler")
        self._handlers[user] = key
        return key

    def expire(self, user: str | None = None) -> None:
        """End the sessions of `user`, or all of them."""
        with self._lock:
            self._keys = {key: one for key, one in self._keys.items() if user is not None and one.user != user}

    def resolve(self, scheme: str, key: str) -> Session:
        """Return the session behind an Authorization header or cookie.

        Raises:
            Refused: 401 in splunkd's shape for a key that is not valid.
        """
        with self._lock:
            known = (self._tokens if scheme == "bearer" else self._keys).get(key)
        if known is None:
            raise Refused(401, "call not properly authenticated", kind="WARN")
        return known
