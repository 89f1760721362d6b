"""`storage/passwords`, and the one file that holds secrets."""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.splunkd.atomicfile import write_atomically
from lab.splunkd.entry import Acl, Entry, one, page
from lab.splunkd.permissions import allows, require_write
from lab.splunkd.refusal import Refused, missing_argument, no_target, unknown_entity
from lab.splunkd.request import NOBODY, WILDCARD, Request
from lab.splunkd.router import Route

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from lab.splunkd.instance import Instance
    from lab.splunkd.permissions import Permissions
    from lab.splunkd.response import Response

ENDPOINT = "storage/passwords"
_ITERATIONS = 10_000


@dataclass(frozen=True)
class CredentialKey:
    """What names a stored credential."""

    app: str
    realm: str
    username: str

    @property
    def entity(self) -> str:
        """Return the entity name `realm:username:`, colons inside escaped."""
        realm, username = self.realm.replace(":", "\\:"), self.username.replace(":", "\\:")
        return f"{realm}:{username}:"


class PasswordStore:
    """Credentials and login digests in `passwords.json`, mode 0600, written atomically.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        document = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        self._credentials: dict[CredentialKey, str] = {
            CredentialKey(item["app"], item["realm"], item["username"]): item["password"]
            for item in document.get("credentials", [])
        }
        self._logins: dict[str, dict[str, str]] = document.get("logins", {})

    def all(self) -> dict[CredentialKey, str]:
        """Return all credentials as they are now: key and secret."""
        with self._lock:
            return dict(self._credentials)

    def put(self, key: CredentialKey, password: str) -> None:
        """Set the secret of `key`."""
        with self._lock:
            self._credentials[key] = password
            self._store()

    def remove(self, key: CredentialKey) -> None:
        """Forget `key`; nothing happens when somebody else has."""
        with self._lock:
            self._credentials.pop(key, None)
            self._store()

    def set_login(self, user: str, password: str) -> None:
        """Set the login password of `user`; only a salted digest is kept."""
        salt = secrets.token_hex(16)
        with self._lock:
            self._logins[user] = {"salt": salt, "digest": _digest(salt, password)}
            self._store()

    def login(self, user: str, password: str) -> bool:
        """Return whether `password` is the login password of `user`."""
        stored = self._logins.get(user)
        return stored is not None and secrets.compare_digest(stored["digest"], _digest(stored["salt"], password))

    def _store(self) -> None:
        items = [
            {"app": key.app, "realm": key.realm, "username": key.username, "password": password}
            for key, password in self._credentials.items()
        ]
        document = {"credentials": items, "logins": self._logins}
        write_atomically(self._path, json.dumps(document, indent=1), mode=0o600)


def _digest(salt: str, password: str) -> str:
    return hashlib.pbkdf2_hmac("sha256", password.encode(), bytes.fromhex(salt), _ITERATIONS).hex()


class PasswordEndpoints:
    """`storage/passwords`: reading needs `list_storage_passwords`, writing `edit_storage_passwords`.

    Beside the capability the app's access list for `passwords` counts: what a user may not read is not there for them.
    """

    def __init__(self, instance: Instance, store: PasswordStore, permissions: Permissions) -> None:
        self._instance = instance
        self._store = store
        self._permissions = permissions

    def routes(self) -> Iterable[Route]:
        """Return the routes of credentials."""
        read, write = "list_storage_passwords", "edit_storage_passwords"
        return (
            Route("GET", ENDPOINT, self._list, read),
            Route("POST", ENDPOINT, self._create, write),
            Route("GET", f"{ENDPOINT}/{{name}}", self._get, read),
            Route("POST", f"{ENDPOINT}/{{name}}", self._update, write),
            Route("DELETE", f"{ENDPOINT}/{{name}}", self._delete, write),
        )

    def _list(self, request: Request) -> Response:
        entries = [self._entry(key, secret, request) for key, secret in self._visible(request).items()]
        return self._instance.feed(request, page(request, ENDPOINT, entries))

    def _get(self, request: Request) -> Response:
        return self._instance.feed(request, one(ENDPOINT, self._entry(*self._find(request), request)))

    def _create(self, request: Request) -> Response:
        args = request.args
        if not args.get("name"):
            raise no_target()
        if not args.get("password"):
            raise missing_argument("password")
        app = request.context.app
        if app == WILDCARD:
            raise Refused(400, "Cannot write to a wildcard namespace.")
        key = CredentialKey(app, args.get("realm", ""), args["name"])
        require_write(self._acl(key, request), request.user)
        if key in self._visible(request):
            text = f'Cannot perform action "POST" : An object with name={key.entity} already exists'
            raise Refused(409, text)
        self._store.put(key, args["password"])
        return self._instance.feed(request, one(ENDPOINT, self._entry(key, args["password"], request)), 201)

    def _update(self, request: Request) -> Response:
        key, _ = self._find(request)
        require_write(self._acl(key, request), request.user)
        secret = request.args.get("password")
        if not secret:
            raise missing_argument("password")
        self._store.put(key, secret)
        return self._instance.feed(request, one(ENDPOINT, self._entry(key, secret, request)))

    def _delete(self, request: Request) -> Response:
        key, _ = self._find(request)
        require_write(self._acl(key, request), request.user)
        self._store.remove(key)
        return self._list(request)

    def _visible(self, request: Request) -> dict[CredentialKey, str]:
        app, stored = request.context.app, self._store.all()
        found = {key: secret for key, secret in stored.items() if app in {WILDCARD, key.app}}
        return {key: secret for key, secret in found.items() if allows(self._acl(key, request).read, request.user)}

    def _acl(self, key: CredentialKey, request: Request) -> Acl:
        return self._permissions.acl(key.app, "passwords", key.entity, request.user)

    def _find(self, request: Request) -> tuple[CredentialKey, str]:
        name = request.entity_name()
        for key, secret in self._visible(request).items():
            if name in {key.entity, f"{key.realm}:{key.username}:"} or (not key.realm and name == key.username):
                return key, secret
        raise unknown_entity(name)

    def _entry(self, key: CredentialKey, secret: str, request: Request) -> Entry:
        # Looks like splunkd's `$7$` value; it can't be decrypted and does not depend on the secret.
        opaque = hashlib.sha256(f"{key.app}|{key.entity}".encode()).hexdigest()
        content = {
            "clear_password": secret,
            "disabled": False,
            "eai:appName": key.app,
            "eai:userName": NOBODY,
            "encr_password": f"$7${opaque}",
            "password": "********",
            "realm": key.realm or None,
            "username": key.username,
        }
        return Entry(key.entity, content, self._acl(key, request))
