"""Users and what they may do: people with passwords, automation users with tokens."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ipaddress
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lab.soar.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.soar.storage import Record, Store

_EVERY_VERB = ("view", "edit", "delete", "execute")
AUTOMATION_PERMISSIONS: dict[str, Sequence[str]] = dict.fromkeys(
    (
        "apps",
        "assets",
        "case_management",
        "containers",
        "custom_lists",
        "playbooks",
        "system_settings",
        "users_roles",
        "workbooks",
    ),
    _EVERY_VERB,
)
"""What the built-in role of automation users allows."""

_NO_CREDENTIALS = "No supported auth information provided in request"
_SCRYPT = {"n": 2**14, "r": 8, "p": 1, "dklen": 32}


@dataclass(frozen=True)
class User:
    """Who makes a request. `by_token` tells an automation token from a password."""

    id: int
    username: str
    by_token: bool
    default_label: str | None
    permissions: Mapping[str, Sequence[str]]

    def require(self, verb: str, area: str) -> None:
        """Refuse unless a role of the user allows `verb` in `area`."""
        if verb not in self.permissions.get(area, ()):
            raise Refusal(403, f"User {self.username} does not have permission to {verb} {area}")


class Directory:
    """Users of one store.

    Secrets are kept as salted scrypt digests; those seen to be right are remembered in memory under a key of this
    process, so that only the first request of a client pays for the digest.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._process_key = secrets.token_bytes(32)
        self._verified: dict[bytes, int] = {}

    def add(
        self,
        username: str,
        secret: str,
        *,
        kind: Literal["normal", "automation"],
        permissions: Mapping[str, Sequence[str]],
        allowed_ips: Sequence[str] = ("any",),
        default_label: str | None = None,
    ) -> int:
        """Add a user, or give the one of that name a new secret and new rights; returns the id."""
        values = {
            "username": username,
            "type": kind,
            "is_active": True,
            "allowed_ips": list(allowed_ips),
            "default_label": default_label,
            "default_tenant": 0,
            "permissions": {area: list(verbs) for area, verbs in permissions.items()},
            "roles": [],
        }
        salt = secrets.token_bytes(16)
        digest = hashlib.scrypt(secret.encode(), salt=salt, **_SCRYPT)
        with self._store.transaction():
            known = self._store.find("ph_user", "username = ?", username)
            if known:
                self._store.update("ph_user", known["id"], values)
            user_id = int(known["id"]) if known else self._store.insert("ph_user", values)
            statement = "INSERT OR REPLACE INTO credential (user, kind, salt, digest) VALUES (?, ?, ?, ?)"
            self._store.execute(statement, (user_id, kind, salt, digest))
            self._verified.clear()
        return user_id

    def deactivate(self, username: str) -> None:
        """What deleting a user does in SOAR: the account stays, its secret is refused."""
        self._store.execute("UPDATE ph_user SET is_active = 0 WHERE username = ?", (username,))

    def authenticate(self, authorization: str | None, token: str | None, address: str) -> User:
        """Who sent a request with these headers from `address`. Raises Refusal with SOAR's texts.

        Order: Basic with a user name, Basic that carries a token, `ph-auth-token`.
        """
        username, password = _basic(authorization)
        if username:
            record = self._store.find("ph_user", "username = ? AND type = 'normal'", username)
            if not (record and password and self._verify(record["id"], password)):
                raise Refusal(401, "Invalid username or password")
            return _user(record, by_token=False)
        token = password or token
        if not token:
            raise Refusal(401, _NO_CREDENTIALS)
        record = self._token_owner(token)
        if record is None:
            raise Refusal(401, "Invalid automation token")
        if not record["is_active"]:
            raise Refusal(401, "User is inactive")
        if not _is_allowed(address, record["allowed_ips"] or []):
            raise Refusal(403, f"Request from IP {address} is not allowed for this user")
        return _user(record, by_token=True)

    def _fingerprint(self, secret: str) -> bytes:
        return hmac.digest(self._process_key, secret.encode(), "sha256")

    def _token_owner(self, token: str) -> Record | None:
        known = self._verified.get(self._fingerprint(token))
        if known is not None:
            record = self._store.get("ph_user", known)
            return record if record and record["type"] == "automation" else None
        for record in self._store.select("ph_user", "type = 'automation'"):
            if self._verify(record["id"], token):
                return record
        return None

    def _verify(self, user_id: int, secret: str) -> bool:
        fingerprint = self._fingerprint(secret)
        if self._verified.get(fingerprint) == user_id:
            return True
        rows = self._store.execute("SELECT salt, digest FROM credential WHERE user = ?", (user_id,))
        for salt, digest in rows:
            if hmac.compare_digest(hashlib.scrypt(secret.encode(), salt=salt, **_SCRYPT), digest):
                self._verified[fingerprint] = user_id
                return True
        return False


def _user(record: Record, *, by_token: bool) -> User:
    if not record["is_active"]:
        raise Refusal(401, "User is inactive")
    return User(record["id"], record["username"], by_token, record["default_label"], record["permissions"] or {})


def _basic(authorization: str | None) -> tuple[str | None, str | None]:
    """User name and password of a Basic header; a value without a colon is a token and comes as password."""
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None, None
    try:
        value = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None, None
    username, colon, password = value.partition(":")
    return (username or None, password) if colon else (None, value)


def _is_allowed(address: str, allowed: Sequence[str]) -> bool:
    for entry in allowed:
        if entry == "any" or ipaddress.ip_address(address) in ipaddress.ip_network(entry, strict=False):
            return True
    return False
