"""The REST interface without the wire: a request becomes an answer."""

from __future__ import annotations

import json
import urllib.parse
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lab.soar import attachment, automation, detail, information, playbook_run, vocabulary
from lab.soar.call import Call
from lab.soar.endpoint import ENDPOINTS, Endpoint
from lab.soar.query import parse_query, parse_value, run_query
from lab.soar.refusal import Refusal, not_found
from lab.soar.schema import RESOURCES
from lab.soar.seed import SYSTEM_USER
from lab.soar.user import Directory, User

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lab.soar.body import Body
    from lab.soar.storage import Record, Store
    from lab.soar.switches import Switches

_JSON = "application/json"
_UNKNOWN_TYPE = "Unknown resource type"
_INFORMATION: dict[str, Callable[[Call], Body]] = {
    "version": information.version,
    "license": information.license_,
    "health": information.health,
}


@dataclass(frozen=True)
class Request:
    """One request, read in full. `path` is decoded, `query` are the decoded parameters in order."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    authorization: str | None = None
    token: str | None = None
    address: str = "127.0.0.1"
    body: bytes = b""


@dataclass(frozen=True)
class Answer:
    """One answer, ready to be sent."""

    status: int
    content: bytes
    media_type: str = _JSON
    headers: Mapping[str, str] = field(default_factory=dict)


def json_answer(status: int, body: object) -> Answer:
    """An answer with a JSON body."""
    return Answer(status, json.dumps(body).encode())


class Rest:
    """SOAR's REST interface over one store. `base_url` is what `/rest/system_info` reports."""

    def __init__(self, store: Store, switches: Switches, clock: Callable[[], float], *, base_url: str) -> None:
        self._store = store
        self._switches = switches
        self._clock = clock
        self._base_url = base_url
        self.directory = Directory(store)

    def answer(self, request: Request) -> Answer:
        """Carry out a request: authenticate, bring runs up to date, read or write, start what automation brings."""
        try:
            user = self.directory.authenticate(request.authorization, request.token, request.address)
            self.settle()
            call = Call(self._store, self._switches, self._clock, user)
            found = self._dispatch(call, request)
            automation.fire(self._system_call(call))
        except Refusal as refusal:
            return json_answer(refusal.status, refusal.body())
        return found

    def settle(self) -> None:
        """Bring playbook runs and actions to the state that they have by now."""
        playbook_run.settle(self._system_call(None))

    def _system_call(self, call: Call | None) -> Call:
        record = self._store.find("ph_user", "username = ?", SYSTEM_USER)
        user = User(record["id"] if record else 0, SYSTEM_USER, by_token=True, default_label=None, permissions={})
        return Call(self._store, self._switches, self._clock, user, call.triggers if call else [])

    def _dispatch(self, call: Call, request: Request) -> Answer:
        parts = request.path.strip("/").split("/")[1:]
        name = parts[0] if parts else ""
        if request.method == "GET" and name not in ENDPOINTS:
            return self._get_special(call, name, parts[1:], request)
        endpoint = ENDPOINTS.get(name)
        if endpoint is None:
            raise Refusal(404, _UNKNOWN_TYPE)
        if request.method == "GET":
            return self._get(call, name, parts[1:], request)
        if request.method == "POST":
            return self._post(call, name, parts[1:], request)
        if request.method == "DELETE":
            return self._delete(call, name, parts[1:], request)
        raise Refusal(405, f'Method "{request.method}" not allowed')

    def _get_special(self, call: Call, name: str, rest: list[str], request: Request) -> Answer:
        if name in _INFORMATION and not rest:
            return json_answer(200, _INFORMATION[name](call))
        if name == "system_info":
            return json_answer(200, {"base_url": self._base_url, "time_zone": "UTC"})
        if name == "user_info":
            return json_answer(200, {"id": call.user.id, "username": call.user.username})
        if name == "container_options":
            options = vocabulary.container_options(call.store)
            if not rest:
                return json_answer(200, options)
            if rest[0] in options:
                return json_answer(200, {rest[0]: options[rest[0]]})
        if name == "cef_metadata":
            return json_answer(200, {"cef": vocabulary.cef_types(call.store)})
        if name == "download_attachment":
            call.user.require("view", "containers")
            content, media_type = attachment.download(call.store, dict(request.query).get("vault_id", ""))
            return Answer(200, content, media_type)
        if name == "audit":
            return json_answer(200, detail.audit(call.store, dict(request.query)))
        raise Refusal(404, _UNKNOWN_TYPE)

    def _get(self, call: Call, name: str, rest: list[str], request: Request) -> Answer:
        endpoint, resource = ENDPOINTS[name], RESOURCES[name]
        if endpoint.area:
            call.user.require("view", endpoint.area)
        lenient, status_filter = self._switches.lenient, self._switches.status_filter
        if not rest:
            query = parse_query(resource, request.query, lenient=lenient, status_filter=status_filter)
            page = run_query(call.store, resource, query, detail.visible(name, dict(request.query)))
            envelope = page.envelope()
            envelope["data"] = [detail.decorated(call, name, record, query) for record in page.data]
            return json_answer(200, envelope)
        record_id = self._record_id(call, name, rest[0])
        if len(rest) == 1:
            return json_answer(200, detail.one(call, name, record_id, dict(request.query)))
        found = detail.nested(call, name, record_id, rest[1], request.query)
        return json_answer(200, found)

    def _post(self, call: Call, name: str, rest: list[str], request: Request) -> Answer:
        endpoint = ENDPOINTS[name]
        call.user.require(endpoint.verb, endpoint.area or "system_settings")
        body = _parse_json(request.body)
        with call.store.transaction():
            if rest:
                record_id = self._record_id(call, name, rest[0])
                if rest[1:] == ["comments"]:
                    return json_answer(200, {"success": True, "id": record_id})  # writes nothing, as seen on 7.1
                answer = json_answer(200, _write(call, endpoint, _object(body), record_id))
            elif isinstance(body, list):
                answer = self._post_list(call, endpoint, body)
            else:
                answer = json_answer(200, _write(call, endpoint, _object(body), None))
            self._audit(call, request, name, answer.status)
        return answer

    def _post_list(self, call: Call, endpoint: Endpoint, elements: list[Any]) -> Answer:
        """Element by element, in order; the status is 200 if one of them succeeded."""
        bodies = []
        succeeded = not elements
        for element in elements:
            try:
                bodies.append(_write(call, endpoint, _object(element), None))
                succeeded = True
            except Refusal as refusal:
                bodies.append(refusal.body())
        return json_answer(200 if succeeded else self._switches.bulk_all_failed_status, bodies)

    def _delete(self, call: Call, name: str, rest: list[str], request: Request) -> Answer:
        endpoint = ENDPOINTS[name]
        if endpoint.delete is None:
            raise Refusal(405, 'Method "DELETE" not allowed')
        if call.user.by_token and not (self._switches.allow_token_delete or name == "decided_list"):
            raise Refusal(403, "Deleting records needs user authentication")
        call.user.require("delete", endpoint.area or "system_settings")
        with call.store.transaction():
            self._audit(call, request, name, 200)
            if rest:
                record_id = self._record_id(call, name, rest[0])
                endpoint.delete(call, record_id)
                # A live 8.5 answers the id of an artifact as a string.
                return json_answer(200, {"success": True, "id": str(record_id) if name == "artifact" else record_id})
            ids = _ids(request)
            for record_id in ids:
                endpoint.delete(call, record_id)
            return json_answer(200, {"success": True, "ids": ids})

    @staticmethod
    def _record_id(call: Call, name: str, text: str) -> int:
        if text.isdecimal():
            return int(call.existing(name, int(text))["id"])
        record: Record | None = None
        if name == "decided_list":
            record = call.store.find("decided_list", "name = ?", urllib.parse.unquote(text))
        if record is None:
            raise not_found()
        return int(record["id"])

    def _audit(self, call: Call, request: Request, name: str, status: int) -> None:
        action = {"POST": "write", "DELETE": "delete"}[request.method]
        values = {"time": call.now(), "user": call.user.username, "action": action, "object_type": name}
        number = request.path.strip("/").split("/")[2:3]
        object_id = int(number[0]) if number and number[0].isdecimal() else None
        call.store.insert("audit", {**values, "object_id": object_id, "path": request.path, "status": status})


def _parse_json(content: bytes) -> object:
    try:
        parsed: object = json.loads(content)
    except ValueError as error:
        raise Refusal(400, f"Invalid JSON: {error}") from error
    return parsed


def _object(body: object) -> Body:
    if not isinstance(body, dict):
        raise Refusal(400, "Invalid JSON: expected an object")
    return body


def _write(call: Call, endpoint: Endpoint, body: Body, record_id: int | None) -> Body:
    """Create, or update the record that the path or the element's own `id` names."""
    if record_id is None and isinstance(body.get("id"), int):
        record_id = body["id"]
    if record_id is None:
        if endpoint.create is None:
            raise Refusal(405, 'Method "POST" not allowed')
        return endpoint.create(call, body)
    if endpoint.update is None:
        raise Refusal(405, 'Method "POST" not allowed')
    return endpoint.update(call, record_id, body)


def _ids(request: Request) -> list[int]:
    """The ids of a bulk deletion: `ids=[1,2]` or repeated `ids`."""
    found: list[int] = []
    for key, text in request.query:
        if key == "ids":
            value = parse_value(text, lenient=False)
            found.extend(value if isinstance(value, list) else [value])  # type: ignore[list-item]
    if not found or not all(isinstance(item, int) for item in found):
        raise Refusal(400, "Missing required parameter: ids")
    return found
