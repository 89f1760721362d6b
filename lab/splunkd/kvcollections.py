"""`storage/collections/config`: the collections themselves, stanzas of collections.conf."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.splunkd.configs import is_disabled, settings
from lab.splunkd.entry import Entry, one, page
from lab.splunkd.permissions import require_write
from lab.splunkd.refusal import Refused, no_target, unknown_entity
from lab.splunkd.request import NOBODY, WILDCARD, Namespace, Request
from lab.splunkd.router import Route

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lab.splunkd.confstore import ConfStore, Stanza
    from lab.splunkd.instance import Instance
    from lab.splunkd.kvstore import KvStore
    from lab.splunkd.permissions import Permissions
    from lab.splunkd.response import Response

CONF = "collections"
ENDPOINT = "storage/collections/config"
_DEFAULTS = {"enforceTypes": "false", "replicate": "false", "replication_dump_strategy": "auto", "type": "undefined"}


class CollectionEndpoints:
    """Declaring, listing and dropping collections."""

    def __init__(self, instance: Instance, confs: ConfStore, permissions: Permissions, store: KvStore) -> None:
        self._instance = instance
        self._confs = confs
        self._permissions = permissions
        self._store = store

    def routes(self) -> Iterable[Route]:
        """Return the routes of collection declarations."""
        return (
            Route("GET", ENDPOINT, self._list),
            Route("POST", ENDPOINT, self._create),
            Route("GET", f"{ENDPOINT}/{{name}}", self._get),
            Route("POST", f"{ENDPOINT}/{{name}}", self._update),
            Route("DELETE", f"{ENDPOINT}/{{name}}", self._delete),
        )

    def _list(self, request: Request) -> Response:
        entries = [self._entry(stanza, request) for stanza in self._stanzas(request).values()]
        return self._instance.feed(request, page(request, ENDPOINT, entries))

    def _get(self, request: Request) -> Response:
        return self._instance.feed(request, one(ENDPOINT, self._entry(self._find(request), request)))

    def _create(self, request: Request) -> Response:
        name, context = request.args.get("name", ""), self._context(request)
        if not name:
            raise no_target()
        if name in self._stanzas(request):
            raise Refused(409, f"An object with name={name} already exists")
        self._require_write(name, request)
        self._confs.write(CONF, context, name, settings(request.args))
        return self._instance.feed(request, one(ENDPOINT, self._entry(self._stanzas(request)[name], request)), 201)

    def _update(self, request: Request) -> Response:
        stanza = self._find(request)
        self._require_write(stanza.name, request)
        self._confs.write(CONF, self._context(request), stanza.name, settings(request.args))
        return self._get(request)

    def _delete(self, request: Request) -> Response:
        stanza = self._find(request)
        self._require_write(stanza.name, request)
        self._confs.delete(CONF, self._context(request), stanza.name)
        self._store.drop(stanza.app, stanza.name)
        return self._list(request)

    @staticmethod
    def _context(request: Request) -> Namespace:
        """Collections belong to an app, never to a user."""
        if request.context.owner not in {NOBODY, WILDCARD} and request.method != "GET":
            raise Refused(400, "Collections can only be changed in the namespace nobody/{app}.")
        return Namespace(NOBODY, request.context.app)

    def _stanzas(self, request: Request) -> dict[str, Stanza]:
        return self._confs.stanzas(CONF, Namespace(NOBODY, request.context.app))

    def _find(self, request: Request) -> Stanza:
        stanza = self._stanzas(request).get(request.entity_name())
        if stanza is None:
            raise unknown_entity(request.entity_name())
        return stanza

    def _require_write(self, name: str, request: Request) -> None:
        require_write(self._permissions.acl(request.context.app, CONF, name, request.user), request.user)

    def _entry(self, stanza: Stanza, request: Request) -> Entry:
        content = {
            **_DEFAULTS,
            **stanza.values,
            "disabled": is_disabled(stanza.values),
            "eai:appName": stanza.app,
            "eai:userName": NOBODY,
        }
        acl = self._permissions.acl(stanza.app, CONF, stanza.name, request.user, removable=stanza.local)
        return Entry(stanza.name, content, acl)
