"""`data/inputs/<kind>`: stanzas `[kind://name]` of inputs.conf, with the defaults of `[kind]`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.splunkd.configs import is_disabled, settings
from lab.splunkd.entry import Entry, one, page
from lab.splunkd.permissions import require_write
from lab.splunkd.python.splunk.clilib import conffile
from lab.splunkd.refusal import Refused, no_target, unknown_entity
from lab.splunkd.request import NOBODY, WILDCARD, Namespace
from lab.splunkd.router import Route

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lab.splunkd.confstore import ConfStore, Stanza
    from lab.splunkd.instance import Instance
    from lab.splunkd.permissions import Permissions
    from lab.splunkd.request import Request
    from lab.splunkd.response import Response

CONF = "inputs"


class InputEndpoints:
    """Input stanzas; a kind is known when an app declares its scheme in inputs.conf or inputs.conf.spec."""

    def __init__(self, instance: Instance, confs: ConfStore, permissions: Permissions) -> None:
        self._instance = instance
        self._confs = confs
        self._permissions = permissions

    def routes(self) -> Iterable[Route]:
        """Return the routes of inputs."""
        root = "data/inputs/{kind}"
        return (
            Route("GET", f"{root}/_reload", self._list),
            Route("GET", root, self._list),
            Route("POST", root, self._create),
            Route("POST", f"{root}/{{name}}/enable", self._enable),
            Route("POST", f"{root}/{{name}}/disable", self._disable),
            Route("GET", f"{root}/{{name}}", self._get),
            Route("POST", f"{root}/{{name}}", self._update),
            Route("DELETE", f"{root}/{{name}}", self._delete),
        )

    def _list(self, request: Request) -> Response:
        kind = self._kind(request)
        entries = [self._entry(kind, stanza, request) for stanza in self._stanzas(kind, request).values()]
        return self._instance.feed(request, page(request, _endpoint(kind), entries))

    def _get(self, request: Request) -> Response:
        kind, stanza = self._find(request)
        return self._instance.feed(request, one(_endpoint(kind), self._entry(kind, stanza, request)))

    def _create(self, request: Request) -> Response:
        kind, name = self._kind(request), request.args.get("name", "")
        if not name:
            raise no_target()
        if f"{kind}://{name}" in self._stanzas(kind, request):
            raise Refused(409, f'Cannot perform action "POST" : An object with name={name} already exists')
        self._write(f"{kind}://{name}", settings(request.args), request)
        stanza = self._stanzas(kind, request)[f"{kind}://{name}"]
        return self._instance.feed(request, one(_endpoint(kind), self._entry(kind, stanza, request)), 201)

    def _update(self, request: Request) -> Response:
        self._write(self._find(request)[1].name, settings(request.args), request)
        return self._get(request)

    def _enable(self, request: Request) -> Response:
        self._write(self._find(request)[1].name, {"disabled": "0"}, request)
        return self._get(request)

    def _disable(self, request: Request) -> Response:
        self._write(self._find(request)[1].name, {"disabled": "1"}, request)
        return self._get(request)

    def _delete(self, request: Request) -> Response:
        _, stanza = self._find(request)
        self._require_write(stanza.name, request)
        self._confs.delete(CONF, request.context, stanza.name)
        return self._list(request)

    def _write(self, stanza: str, values: Mapping[str, str], request: Request) -> None:
        self._require_write(stanza, request)
        self._confs.write(CONF, request.context, stanza, values)

    def _require_write(self, stanza: str, request: Request) -> None:
        require_write(self._permissions.acl(request.context.app, CONF, stanza, request.user), request.user)

    def _kind(self, request: Request) -> str:
        kind = request.params["kind"]
        stanzas = self._confs.stanzas(CONF, Namespace(NOBODY, WILDCARD))
        declared = kind in stanzas or any(name.startswith(f"{kind}://") for name in stanzas)
        if not declared and not self._in_spec(kind):
            raise Refused(404, "Not Found")
        return kind

    def _in_spec(self, kind: str) -> bool:
        specs = (self._confs.home / "etc" / "apps").glob("*/README/inputs.conf.spec")
        return any(name.startswith(f"{kind}://") for spec in specs for name in conffile.read(str(spec)))

    def _stanzas(self, kind: str, request: Request) -> dict[str, Stanza]:
        stanzas = self._confs.stanzas(CONF, request.context)
        return {name: stanza for name, stanza in stanzas.items() if name.startswith(f"{kind}://")}

    def _find(self, request: Request) -> tuple[str, Stanza]:
        kind, name = self._kind(request), request.entity_name()
        stanza = self._stanzas(kind, request).get(f"{kind}://{name}")
        if stanza is None:
            raise unknown_entity(name)
        return kind, stanza

    def _entry(self, kind: str, stanza: Stanza, request: Request) -> Entry:
        scheme = self._confs.stanzas(CONF, Namespace(NOBODY, stanza.app)).get(kind)
        values = {**(scheme.values if scheme else {}), **stanza.values}
        content = {
            "host": "$decideOnStartup",
            "index": "default",
            **values,
            "disabled": is_disabled(values),
            "eai:appName": stanza.app,
            "eai:userName": NOBODY,
        }
        acl = self._permissions.acl(stanza.app, CONF, stanza.name, request.user, removable=stanza.local)
        links = ("list", "edit", "remove", "_reload", "disable" if not content["disabled"] else "enable")
        return Entry(stanza.name.partition("://")[2], content, acl, links)


def _endpoint(kind: str) -> str:
    return f"data/inputs/{kind}"
