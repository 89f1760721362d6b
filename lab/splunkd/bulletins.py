"""Bulletin messages (`messages`)."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from lab.splunkd.atomicfile import write_atomically
from lab.splunkd.entry import Acl, Entry, one, page
from lab.splunkd.refusal import Refused, missing_argument, no_target, unknown_entity
from lab.splunkd.router import Route

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from lab.splunkd.instance import Instance
    from lab.splunkd.request import Request
    from lab.splunkd.response import Response
    from lab.splunkd.users import Users

ENDPOINT = "messages"
SEVERITIES = ("info", "warn", "error")


@dataclass(frozen=True)
class Bulletin:
    """A message in splunkd's bell menu; `created` in epoch seconds."""

    name: str
    value: str
    severity: str
    roles: tuple[str, ...]
    capabilities: tuple[str, ...]
    created: int


class BulletinBoard:
    """The messages, kept in one file.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        stored = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
        bulletins = (
            Bulletin(**{**b, "roles": tuple(b["roles"]), "capabilities": tuple(b["capabilities"])}) for b in stored
        )
        self._bulletins = {bulletin.name: bulletin for bulletin in bulletins}

    def all(self) -> list[Bulletin]:
        """Return all messages."""
        return list(self._bulletins.values())

    def get(self, name: str) -> Bulletin:
        """Return a message; 404 for an unknown one."""
        if name not in self._bulletins:
            raise unknown_entity(name)
        return self._bulletins[name]

    def put(self, bulletin: Bulletin) -> None:
        """Add a message or replace the one of the same name."""
        with self._lock:
            self._bulletins[bulletin.name] = bulletin
            self._store()

    def remove(self, name: str) -> None:
        """Take a message down."""
        with self._lock:
            del self._bulletins[name]
            self._store()

    def _store(self) -> None:
        write_atomically(self._path, json.dumps([asdict(bulletin) for bulletin in self._bulletins.values()], indent=1))


class BulletinEndpoints:
    """Bulletin messages over REST."""

    def __init__(self, instance: Instance, board: BulletinBoard, users: Users) -> None:
        self._instance = instance
        self._board = board
        self._users = users

    def routes(self) -> Iterable[Route]:
        """Return the routes of messages."""
        return (
            Route("GET", ENDPOINT, self._list),
            Route("POST", ENDPOINT, self._create),
            Route("GET", f"{ENDPOINT}/{{name}}", self._get),
            Route("DELETE", f"{ENDPOINT}/{{name}}", self._delete),
        )

    def _list(self, request: Request) -> Response:
        entries = [_entry(bulletin) for bulletin in self._board.all()]
        return self._instance.feed(request, page(request, ENDPOINT, entries, namespaced=False))

    def _get(self, request: Request) -> Response:
        bulletin = self._board.get(request.entity_name())
        return self._instance.feed(request, one(ENDPOINT, _entry(bulletin), namespaced=False))

    def _create(self, request: Request) -> Response:
        args = request.args
        if not args.get("name"):
            raise no_target()
        if not args.get("value"):
            raise missing_argument("value")
        severity = args.get("severity", "warn")
        if severity not in SEVERITIES:
            raise Refused(400, f"Invalid severity: {severity}")
        roles, capabilities = _values(request, "role"), _values(request, "capability")
        _refuse_unknown("role", roles, self._users.roles())
        _refuse_unknown("capability", capabilities, self._users.all_capabilities())
        created = int(self._instance.clock())
        bulletin = Bulletin(args["name"], args["value"], severity, roles, capabilities, created)
        self._board.put(bulletin)
        return self._instance.feed(request, one(ENDPOINT, _entry(bulletin), namespaced=False), 201)

    def _delete(self, request: Request) -> Response:
        self._board.remove(self._board.get(request.entity_name()).name)
        return self._list(request)


def _values(request: Request, name: str) -> tuple[str, ...]:
    return tuple(value for key, value in request.query + request.form if key == name and value)


def _refuse_unknown(kind: str, names: Iterable[str], known: Iterable[str]) -> None:
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise Refused(400, f"Unknown {kind}: {', '.join(unknown)}")


def _entry(bulletin: Bulletin) -> Entry:
    content = {
        bulletin.name: bulletin.value,
        "capabilities": list(bulletin.capabilities),
        "message": bulletin.value,
        "roles": list(bulletin.roles),
        "severity": bulletin.severity,
        "timeCreated_epochSecs": bulletin.created,
    }
    return Entry(bulletin.name, content, Acl("system", "nobody", removable=True), ("list", "remove"))
