"""`server/*`, search head cluster, apps and indexes: what an instance says about itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.splunkd.entry import Acl, Entry, one, page
from lab.splunkd.refusal import Refused, unknown_entity
from lab.splunkd.request import NOBODY, WILDCARD, Namespace
from lab.splunkd.router import Route

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lab.splunkd.confstore import ConfStore
    from lab.splunkd.instance import Instance
    from lab.splunkd.request import Request
    from lab.splunkd.response import Response

ROLES = ("search_head", "kv_store")
_SYSTEM = Acl("system", "nobody")
_NO_SHC = "Search Head Clustering is not enabled on this node. REST endpoint is not available"


class ServerEndpoints:
    """Identity, roles, health of the KV store, and the answers of a search head without a cluster."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance

    def routes(self) -> Iterable[Route]:
        """Return the routes of the server itself."""
        return (
            Route("GET", "server/info", self._info),
            Route("GET", "server/info/server-info", self._info),
            Route("GET", "server/roles", self._roles),
            Route("GET", "kvstore/status", self._kvstore),
            Route("GET", "shcluster/captain/info", self._no_cluster),
            Route("GET", "shcluster/member/info", self._no_cluster),
            Route("GET", "shcluster/member/members", self._no_cluster),
            Route("GET", "shcluster/captain/members", self._no_cluster),
        )

    def _info(self, request: Request) -> Response:
        content = {
            "activeLicenseGroup": "Enterprise",
            "build": "4a2f9d3ad8b1",
            "guid": self._instance.guid,
            "host": self._instance.server_name,
            "isFree": False,
            "kvStoreStatus": "ready",
            "mode": "normal",
            "os_name": "Linux",
            "product_type": "enterprise",
            "serverName": self._instance.server_name,
            "server_roles": list(ROLES),
            "version": self._instance.version,
        }
        return self._single(request, "server/info", "server-info", content)

    def _roles(self, request: Request) -> Response:
        return self._single(request, "server/roles", "result", {"role_list": list(ROLES)})

    def _kvstore(self, request: Request) -> Response:
        content = {"current": {"guid": self._instance.guid, "status": "ready", "replicationStatus": "KV store captain"}}
        return self._single(request, "kvstore/status", "status", content)

    def _no_cluster(self, _request: Request) -> Response:
        raise Refused(503, _NO_SHC)

    def _single(self, request: Request, endpoint: str, name: str, content: Mapping[str, object]) -> Response:
        feed = one(endpoint, Entry(name, content, _SYSTEM, ("list",)), namespaced=False)
        return self._instance.feed(request, feed)


class AppEndpoints:
    """`apps/local`: the folders below etc/apps, and the products that this instance is told to have.

    Args:
        instance: the server.
        confs: app.conf and indexes.conf.
        products: {app: version} of apps that only show here, such as Enterprise Security.
    """

    def __init__(self, instance: Instance, confs: ConfStore, products: Mapping[str, str]) -> None:
        self._instance = instance
        self._confs = confs
        self._products = products

    def routes(self) -> Iterable[Route]:
        """Return the routes of apps and indexes."""
        return (
            Route("GET", "apps/local", self._list),
            Route("GET", "apps/local/{name}", self._get),
            Route("GET", "data/indexes", self._indexes),
            Route("GET", "data/indexes/{name}", self._index),
        )

    def _list(self, request: Request) -> Response:
        entries = [self._entry(name) for name in self._names()]
        return self._instance.feed(request, page(request, "apps/local", entries))

    def _get(self, request: Request) -> Response:
        name = request.entity_name()
        if name not in self._names():
            raise unknown_entity(name)
        return self._instance.feed(request, one("apps/local", self._entry(name)))

    def _names(self) -> list[str]:
        apps = self._confs.home / "etc" / "apps"
        return sorted({path.name for path in apps.iterdir() if path.is_dir()} | set(self._products) | {"search"})

    def _entry(self, name: str) -> Entry:
        conf = self._confs.stanzas("app", Namespace(NOBODY, name))
        ui, launcher, install = (conf[s].values if s in conf else {} for s in ("ui", "launcher", "install"))
        version = self._products.get(name) or launcher.get("version") or self._instance.version
        content = {
            "build": install.get("build"),
            "check_for_updates": True,
            "configured": True,
            "core": name == "search",
            "disabled": install.get("state") == "disabled",
            "label": ui.get("label", name),
            "version": version,
            "visible": ui.get("is_visible", "1").lower() in {"1", "true"},
        }
        return Entry(name, content, Acl(name))

    def _indexes(self, request: Request) -> Response:
        entries = [self._index_entry(name, app) for name, app in self._index_apps().items()]
        datatype = request.args.get("datatype", "event")
        if datatype not in {"event", "all"}:
            entries = []
        return self._instance.feed(request, page(request, "data/indexes", entries))

    def _index(self, request: Request) -> Response:
        name = request.entity_name()
        apps = self._index_apps()
        if name not in apps:
            raise unknown_entity(name)
        return self._instance.feed(request, one("data/indexes", self._index_entry(name, apps[name])))

    def _index_apps(self) -> dict[str, str]:
        stanzas = self._confs.stanzas("indexes", Namespace(NOBODY, WILDCARD))
        return {name: stanza.app for name, stanza in stanzas.items() if ":" not in name}

    @staticmethod
    def _index_entry(name: str, app: str) -> Entry:
        content = {"datatype": "event", "disabled": False, "isInternal": name.startswith("_"), "totalEventCount": 0}
        return Entry(name, content, Acl(app, "nobody", "global"))
