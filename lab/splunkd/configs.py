"""`configs/conf-<file>` and `properties`: the conf files over REST."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from lab.splunkd.entry import Acl, Entry, one, page
from lab.splunkd.permissions import require_read, require_write
from lab.splunkd.refusal import Refused, no_target, unknown_entity
from lab.splunkd.request import NOBODY, Request
from lab.splunkd.response import XML_TYPE, Response, xml_response
from lab.splunkd.router import Route

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lab.splunkd.confstore import ConfStore, Stanza
    from lab.splunkd.instance import Instance
    from lab.splunkd.permissions import Permissions

# Arguments that steer the call and are not keys of the stanza.
RESERVED = frozenset({"name", "output_mode", "count", "offset", "search", "sort_key", "sort_dir", "sort_mode", "f"})
_FALSE = frozenset({"0", "false", "f", "no", "off", ""})


def settings(args: Mapping[str, str]) -> dict[str, str]:
    """Return the arguments that are keys of a stanza."""
    return {key: value for key, value in args.items() if key not in RESERVED and not key.startswith("__")}


def is_disabled(values: Mapping[str, str]) -> bool:
    """Return whether a stanza is switched off."""
    return values.get("disabled", "0").lower() not in _FALSE


class ConfigEndpoints:
    """Stanzas as entities. Values are strings in JSON too; only `disabled` is a boolean."""

    def __init__(self, instance: Instance, confs: ConfStore, permissions: Permissions) -> None:
        self._instance = instance
        self._confs = confs
        self._permissions = permissions

    def routes(self) -> Iterable[Route]:
        """Return the routes of conf files."""
        root = "configs/conf-{file}"
        return (
            Route("GET", f"{root}/_reload", self._reload),
            Route("GET", root, self._list),
            Route("POST", root, self._create),
            Route("GET", f"{root}/{{name}}", self._get),
            Route("POST", f"{root}/{{name}}", self._update),
            Route("DELETE", f"{root}/{{name}}", self._delete),
            Route("GET POST", f"{root}/{{name}}/acl", self._acl),
        )

    def _list(self, request: Request) -> Response:
        conf = self._file(request)
        entries = [self._entry(conf, stanza, request) for stanza in self._stanzas(conf, request).values()]
        return self._instance.feed(request, page(request, _endpoint(conf), entries))

    def _get(self, request: Request) -> Response:
        conf = self._file(request)
        return self._instance.feed(request, one(_endpoint(conf), self._entry(conf, self._find(request), request)))

    def _create(self, request: Request) -> Response:
        conf, name = self._file(request), request.args.get("name", "")
        if not name:
            raise no_target()
        if name in self._stanzas(conf, request):
            raise Refused(409, f'Cannot perform action "POST" : An object with name={name} already exists')
        self._require_write(conf, name, request)
        self._confs.write(conf, request.context, name, settings(request.args))
        entry = self._entry(conf, self._stanzas(conf, request)[name], request)
        return self._instance.feed(request, one(_endpoint(conf), entry), 201)

    def _update(self, request: Request) -> Response:
        conf, stanza = self._file(request), self._find(request)
        self._require_write(conf, stanza.name, request)
        self._confs.write(conf, request.context, stanza.name, settings(request.args))
        return self._get(request)

    def _delete(self, request: Request) -> Response:
        conf, stanza = self._file(request), self._find(request)
        self._require_write(conf, stanza.name, request)
        self._confs.delete(conf, request.context, stanza.name)
        return self._list(request)

    def _reload(self, request: Request) -> Response:
        return self._instance.feed(request, page(request, _endpoint(self._file(request)), []))

    def _acl(self, request: Request) -> Response:
        if request.method == "POST":
            raise Refused(400, "The stand-in reads access lists from metadata/*.meta and does not change them.")
        return self._get(request)

    def _file(self, request: Request) -> str:
        conf = request.entity_name("file")
        if not self._confs.known(conf):
            raise Refused(404, "Not Found")
        return conf

    def _stanzas(self, conf: str, request: Request) -> dict[str, Stanza]:
        return self._confs.stanzas(conf, request.context)

    def _find(self, request: Request) -> Stanza:
        conf, name = self._file(request), request.entity_name()
        stanza = self._stanzas(conf, request).get(name)
        if stanza is None:
            raise unknown_entity(name)
        require_read(self._acl_of(conf, stanza, request), request.user)
        return stanza

    def _require_write(self, conf: str, name: str, request: Request) -> None:
        require_write(self._permissions.acl(request.context.app, conf, name, request.user), request.user)

    def _acl_of(self, conf: str, stanza: Stanza, request: Request) -> Acl:
        return self._permissions.acl(stanza.app, conf, stanza.name, request.user, removable=stanza.local)

    def _entry(self, conf: str, stanza: Stanza, request: Request) -> Entry:
        content = {
            **stanza.values,
            "disabled": is_disabled(stanza.values),
            "eai:appName": stanza.app,
            "eai:userName": NOBODY,
        }
        acl = self._acl_of(conf, stanza, request)
        return Entry(stanza.name, content, acl, ("list", "edit", "remove", "_reload", "enable", "disable"))


def _endpoint(conf: str) -> str:
    return f"configs/conf-{conf}"


class PropertyEndpoints:
    """`properties`: the older, leaner way to the same files."""

    def __init__(self, instance: Instance, confs: ConfStore, permissions: Permissions) -> None:
        self._instance = instance
        self._confs = confs
        self._permissions = permissions

    def routes(self) -> Iterable[Route]:
        """Return the routes of properties."""
        return (
            Route("GET", "properties", self._files),
            Route("POST", "properties", self._create_file),
            Route("GET", "properties/{file}", self._stanzas),
            Route("POST", "properties/{file}", self._create_stanza),
            Route("GET", "properties/{file}/{stanza}", self._keys),
            Route("POST", "properties/{file}/{stanza}", self._update),
            Route("GET", "properties/{file}/{stanza}/{key}", self._value),
        )

    def _files(self, request: Request) -> Response:
        names = self._confs.files(request.context)
        return self._instance.feed(request, page(request, "properties", [_plain(name) for name in names]))

    def _create_file(self, request: Request) -> Response:
        conf = request.args.get("__conf", "")
        if not conf:
            raise no_target()
        self._require_write(conf, "", request)
        if self._confs.known(conf):
            return Response(303, b"", XML_TYPE)
        self._confs.create(conf, request.context)
        return _created()

    def _stanzas(self, request: Request) -> Response:
        conf = self._file(request)
        names = self._confs.stanzas(conf, request.context)
        return self._instance.feed(request, page(request, f"properties/{conf}", [_plain(name) for name in names]))

    def _create_stanza(self, request: Request) -> Response:
        conf, stanza = self._file(request), request.args.get("__stanza", "")
        if not stanza:
            raise no_target()
        self._require_write(conf, stanza, request)
        if stanza in self._confs.stanzas(conf, request.context):
            return Response(303, b"", XML_TYPE)
        self._confs.write(conf, request.context, stanza, {})
        return _created()

    def _keys(self, request: Request) -> Response:
        conf, stanza = self._file(request), self._find(request)
        endpoint = f"properties/{conf}/{stanza.name}"
        return self._instance.feed(request, page(request, endpoint, [_plain(key) for key in stanza.values]))

    def _update(self, request: Request) -> Response:
        conf, stanza = self._file(request), self._find(request)
        self._require_write(conf, stanza.name, request)
        self._confs.write(conf, request.context, stanza.name, settings(request.args))
        return _created(200)

    def _value(self, request: Request) -> Response:
        stanza, key = self._find(request), request.params["key"]
        if key not in stanza.values:
            raise unknown_entity(key)
        return Response(200, stanza.values[key].encode(), "text/plain; charset=UTF-8")

    def _file(self, request: Request) -> str:
        conf = request.entity_name("file")
        if not self._confs.known(conf):
            raise Refused(404, f"{conf} does not exist")
        return conf

    def _find(self, request: Request) -> Stanza:
        conf, name = self._file(request), request.entity_name("stanza")
        stanza = self._confs.stanzas(conf, request.context).get(name)
        if stanza is None:
            raise Refused(404, f"{name} does not exist")
        return stanza

    def _require_write(self, conf: str, stanza: str, request: Request) -> None:
        require_write(self._permissions.acl(request.context.app, conf, stanza, request.user), request.user)


def _plain(name: str) -> Entry:
    return Entry(name, {}, Acl("system"), ("list",))


def _created(status: int = 201) -> Response:
    text = escape("Successfully modified the properties.")
    return xml_response(f'<response><messages><msg type="INFO">{text}</msg></messages></response>\n', status)
