"""The add-on's own endpoints: its real handlers, in processes of their own."""

from __future__ import annotations

import base64
import json
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from lab.splunkd.entry import Acl, Entry, Feed, page
from lab.splunkd.refusal import Refused, missing_capability, no_target
from lab.splunkd.request import NOBODY, WILDCARD, Namespace, entity_name
from lab.splunkd.response import JSON_TYPE, Response
from lab.splunkd.restmap import AdminEndpoint, ScriptEndpoint, admin_endpoints, script_endpoints
from lab.splunkd.router import Route
from lab.splunkd.users import SYSTEM_USER
from lab.splunkd.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lab.splunkd.confstore import ConfStore
    from lab.splunkd.instance import Instance
    from lab.splunkd.request import Request
    from lab.splunkd.users import Sessions
    from lab.splunkd.worker import Interpreter

SPLUNK_PACKAGE = Path(__file__).with_name("python")
_ACTIONS = {"list": 2, "create": 1, "edit": 4, "remove": 8, "reload": 32}
# splunkd keeps these for itself; handlers don't see them.
_OWN_ARGUMENTS = frozenset(
    {"name", "output_mode", "count", "offset", "search", "sort_key", "sort_dir", "sort_mode", "f"}
)


class HandlerProcesses:
    """The workers by what they run."""

    def __init__(self, interpreter: Interpreter) -> None:
        self._interpreter = interpreter
        self._lock = threading.Lock()
        self._workers: dict[tuple[str, ...], Worker] = {}

    def worker(self, *arguments: str) -> Worker:
        """Return the worker for a command line."""
        with self._lock:
            return self._workers.setdefault(arguments, Worker(self._interpreter, arguments))

    def stop(self) -> None:
        """End all processes."""
        for worker in self._workers.values():
            worker.stop()


class HandlerEndpoints:
    """Routes made from the apps' restmap.conf each time, so that a changed app shows at once."""

    def __init__(self, instance: Instance, confs: ConfStore, sessions: Sessions, processes: HandlerProcesses) -> None:
        self._instance = instance
        self._confs = confs
        self._admin = AdminHandlers(instance, sessions, processes)
        self._scripts = ScriptHandlers(instance, sessions, processes)

    def routes(self) -> Iterable[Route]:
        """Return the routes of every app's handlers."""
        apps = self._confs.home / "etc" / "apps"
        stanzas = list(self._confs.stanzas("restmap", Namespace(NOBODY, WILDCARD)).values())
        for endpoint in admin_endpoints(apps, stanzas):
            yield from self._admin.routes(endpoint)
        for script in script_endpoints(apps, stanzas):
            yield from self._scripts.routes(script)


class AdminHandlers:
    """`[admin_external:…]`: entities that a `splunk.admin.MConfigHandler` lists, creates, edits and removes."""

    def __init__(self, instance: Instance, sessions: Sessions, processes: HandlerProcesses) -> None:
        self._instance = instance
        self._sessions = sessions
        self._processes = processes

    def routes(self, endpoint: AdminEndpoint) -> Iterable[Route]:
        """Return the routes of one endpoint."""
        path = "/".join((*endpoint.match, endpoint.name))

        def answer(request: Request) -> Response:
            return self._answer(endpoint, request)

        yield Route("GET POST", path, answer)
        yield Route("GET POST DELETE", f"{path}/{{name}}", answer)
        yield Route("POST", f"{path}/{{name}}/{{action}}", answer)

    def _answer(self, endpoint: AdminEndpoint, request: Request) -> Response:
        _require_capability(endpoint.capabilities, request)
        action, name, args = _requested(request)
        if action not in endpoint.actions and action != "reload":
            raise Refused(403, "Action forbidden.")
        answer = self._processes.worker(str(endpoint.script), "persistent").ask(
            {
                "action": _ACTIONS[action],
                "id": name,
                "args": args,
                "user": request.user.name,
                "app": request.context.app,
                "session_key": self._sessions.for_handler(request.user.name),
            }
        )
        if answer["status"] != 200:  # noqa: PLR2004 - HTTP's OK
            raise Refused(answer["status"], answer["text"])
        path = "/".join((*endpoint.match, endpoint.name))
        entries = [_entry(item, endpoint.app) for item in answer["entries"]]
        feed: Feed = page(request, path, entries)
        return self._instance.feed(request, feed, 201 if action == "create" else 200)


def _requested(request: Request) -> tuple[str, str | None, dict[str, list[str]]]:
    """Return the action, the entity's name and the arguments, each a list of its values, as splunkd hands them on."""
    name = entity_name(request.params["name"]) if "name" in request.params else None
    args: dict[str, list[str]] = {}
    for key, value in request.query + request.form:
        if key not in _OWN_ARGUMENTS:
            args.setdefault(key, []).append(value)
    if name == "_reload":
        return "reload", None, {}
    custom = request.params.get("action", "")
    if custom in {"enable", "disable"}:
        return "edit", name, {"disabled": ["1" if custom == "disable" else "0"]}
    if custom:
        raise Refused(404, "Not Found")
    if request.method == "GET":
        return "list", name, args
    if request.method == "DELETE":
        return "remove", name, args
    if name is not None:
        return "edit", name, args
    new = request.args.get("name", "")
    if not new:
        raise no_target()
    return "create", new, args


def _entry(item: Mapping[str, Any], app: str) -> Entry:
    metadata = item["metadata"]
    stated = metadata.get("eai:acl") or {}
    permissions = stated.get("perms") or {}
    acl = Acl(
        stated.get("app", app),
        stated.get("owner", NOBODY),
        stated.get("sharing", "app"),
        tuple(permissions.get("read") or ()),
        tuple(permissions.get("write") or ()),
        can_write=bool(stated.get("can_write", True)),
        removable=bool(stated.get("removable", True)),
    )
    content = {key: _text(key, value) for key, value in item["content"].items() if key != "eai:acl"}
    extra = {key: value for key, value in metadata.items() if key != "eai:acl"}
    return Entry(item["name"], {"disabled": False, **content, **extra}, acl)


def _text(key: str, value: Any) -> Any:
    """Handlers answer in text: numbers and booleans arrive as strings; only `disabled` is a boolean for splunkd."""
    if key == "disabled":
        return str(value).lower() in {"1", "true", "t", "yes"}
    if isinstance(value, bool):
        return "1" if value else "0"
    return str(value) if isinstance(value, (int, float)) else value


class ScriptHandlers:
    """Persistent `[script:…]` endpoints: raw requests to a `PersistentServerConnectionApplication`."""

    def __init__(self, instance: Instance, sessions: Sessions, processes: HandlerProcesses) -> None:
        self._instance = instance
        self._sessions = sessions
        self._processes = processes

    def routes(self, endpoint: ScriptEndpoint) -> Iterable[Route]:
        """Return the routes of one endpoint: its path, and paths up to three segments below."""
        methods = "GET POST PUT DELETE"
        path = "/".join(endpoint.match)
        public = not endpoint.flag("requireAuthentication", default=True)

        def answer(request: Request) -> Response:
            return self._answer(endpoint, request)

        for depth in range(4):
            rest = "".join(f"/{{part{number}}}" for number in range(depth))
            yield Route(methods, path + rest, answer, public=public)

    def _answer(self, endpoint: ScriptEndpoint, request: Request) -> Response:
        if request.caller is not None:
            _require_capability(endpoint.capabilities, request)
        runner = SPLUNK_PACKAGE / "splunk" / "persistconn" / "appserver.py"
        worker = self._processes.worker(str(runner), str(endpoint.script), endpoint.handler)
        answer = worker.ask(self._request(endpoint, request))
        if "failed" in answer:
            raise Refused(500, answer["failed"])
        return _script_response(answer)

    def _request(self, endpoint: ScriptEndpoint, request: Request) -> dict[str, Any]:
        parts = request.segments[len(endpoint.match) :]
        document: dict[str, Any] = {
            "output_mode": request.output_mode,
            "output_mode_explicit": "output_mode" in request.args,
            "server": {
                "rest_uri": self._instance.uri,
                "hostname": self._instance.server_name,
                "servername": self._instance.server_name,
                "guid": self._instance.guid,
            },
            "restmap": {"name": f"script:{endpoint.name}", "conf": dict(endpoint.options)},
            "path_info": "/".join(parts),
            "rest_path": "/" + "/".join(request.segments),
            "lang": "en-US",
            "method": request.method,
            "query": _pairs(request.query),
            "connection": {"src_ip": "127.0.0.1", "ssl": True, "listening_port": urlsplit(self._instance.uri).port},
        }
        if request.namespace:
            document["ns"] = {"app": request.namespace.app, "owner": request.namespace.owner}
        if request.caller is not None:
            key = self._sessions.for_handler(request.user.name)
            document["session"] = {"user": request.user.name, "authtoken": key}
        return document | self._optional(endpoint, request)

    def _optional(self, endpoint: ScriptEndpoint, request: Request) -> dict[str, Any]:
        document: dict[str, Any] = {}
        payload = endpoint.options.get("passPayload", "false").lower()
        if payload in {"true", "1"}:
            document["payload"] = request.body.decode("utf-8", "replace")
        elif payload == "base64":
            document["payload_base64"] = base64.b64encode(request.body).decode()
        else:
            document["form"] = _pairs(request.form)
        if endpoint.flag("passSystemAuth"):
            document["system_authtoken"] = self._sessions.for_handler(SYSTEM_USER)
        if endpoint.flag("passHttpHeaders"):
            document["headers"] = [[name, value] for name, value in request.headers.items()]
        return document


def _pairs(pairs: Sequence[tuple[str, str]]) -> list[list[str]]:
    return [[name, value] for name, value in pairs]


def _script_response(answer: Mapping[str, Any]) -> Response:
    payload, status = answer.get("payload", ""), int(answer.get("status", 200))
    given = {str(name): str(value) for name, value in dict(answer.get("headers") or {}).items()}
    content_type = next((value for name, value in given.items() if name.lower() == "content-type"), JSON_TYPE)
    headers = tuple((name, value) for name, value in given.items() if name.lower() != "content-type")
    if answer.get("payload_base64"):
        return Response(status, base64.b64decode(payload), content_type, headers)
    if isinstance(payload, str):
        return Response(status, payload.encode(), content_type, headers)
    return Response(status, json.dumps(payload).encode(), content_type, headers)


def _require_capability(capabilities: Mapping[str, str], request: Request) -> None:
    needed = capabilities.get(request.method, capabilities.get("", ""))
    if needed and needed not in request.user.capabilities:
        raise missing_capability(request.user.name, needed)
