"""`data/ui/views`: the views of apps, for those who may read them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from lab.splunkd.entry import Entry, one, page
from lab.splunkd.permissions import allows, require_read
from lab.splunkd.refusal import unknown_entity
from lab.splunkd.request import WILDCARD
from lab.splunkd.router import Route

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from lab.splunkd.instance import Instance
    from lab.splunkd.permissions import Permissions
    from lab.splunkd.request import Request
    from lab.splunkd.response import Response

ENDPOINT = "data/ui/views"


class ViewEndpoints:
    """The views that apps bring; they are read only here.

    Args:
        instance: the server.
        apps: `$SPLUNK_HOME/etc/apps`.
        permissions: who may read which view.
    """

    def __init__(self, instance: Instance, apps: Path, permissions: Permissions) -> None:
        self._instance = instance
        self._apps = apps
        self._permissions = permissions

    def routes(self) -> Iterable[Route]:
        """Return the routes of views."""
        return (Route("GET", ENDPOINT, self._list), Route("GET", f"{ENDPOINT}/{{name}}", self._get))

    def _list(self, request: Request) -> Response:
        entries = [entry for entry in self._entries(request) if allows(entry.acl.read, request.user)]
        return self._instance.feed(request, page(request, ENDPOINT, entries))

    def _get(self, request: Request) -> Response:
        name = request.entity_name()
        for entry in self._entries(request):
            if entry.name == name:
                require_read(entry.acl, request.user)
                return self._instance.feed(request, one(ENDPOINT, entry))
        raise unknown_entity(name)

    def _entries(self, request: Request) -> Iterable[Entry]:
        app = "*" if request.context.app == WILDCARD else request.context.app
        for path in sorted(self._apps.glob(f"{app}/default/data/ui/views/*.xml")):
            owner = path.relative_to(self._apps).parts[0]
            text = path.read_text(encoding="utf-8")
            label = ET.fromstring(text).findtext("label", path.stem)  # noqa: S314 - the app's own file
            content = {"disabled": False, "eai:appName": owner, "eai:data": text, "isVisible": True, "label": label}
            acl = self._permissions.acl(owner, "views", path.stem, request.user, removable=False)
            yield Entry(path.stem, content, acl)
