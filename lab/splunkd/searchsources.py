"""What searches read: events, lookups, macros, endpoints and commands, all with the rights of whoever searches."""

from __future__ import annotations

import csv
import json
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lab.spl.pipeline import Macro
from lab.spl.refusal import SearchRefused
from lab.splunkd.permissions import require_read
from lab.splunkd.refusal import Refused, missing_capability
from lab.splunkd.request import Namespace, Request, parse_target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.spl.value import Row
    from lab.splunkd.confstore import ConfStore, Stanza
    from lab.splunkd.eventindex import EventIndex
    from lab.splunkd.permissions import Permissions
    from lab.splunkd.router import Router
    from lab.splunkd.users import Users

_REFUSED = 400
_REST_OPTION = re.compile(r"(splunk_server=local|count=\d+|timeout=\d+)")

CommandRunner = Callable[[str, str, str], "list[Row]"]
"""Runs an add-on's generating command: its name, its arguments as typed, the user; gives its rows."""


@dataclass
class Searched:
    """What is the same for every search.

    Args:
        router: the endpoints that `rest` asks.
        confs: where lookups, macros and saved searches are declared.
        permissions: who may read them.
        users: which indexes who may search.
        index: the events.
        run_command: runs add-ons' commands; None where nothing can.
    """

    router: Router
    confs: ConfStore
    permissions: Permissions
    users: Users
    index: EventIndex
    run_command: CommandRunner | None = None

    def by(self, request: Request) -> SearchSources:
        """Give the sources for whoever makes a request."""
        return SearchSources(self, request)


class SearchSources:
    """The sources of one search; implements :class:`lab.spl.session.Sources`.

    Args:
        searched: what is the same for every search.
        request: the request that starts it; its caller and namespace count.
    """

    def __init__(self, searched: Searched, request: Request) -> None:
        self._searched = searched
        self._request = request
        self.macros: Mapping[str, Macro] = {
            name: _macro(stanza) for name, stanza in searched.confs.stanzas("macros", request.context).items()
        }

    def events(self) -> list[Row]:
        """Return the events that the caller may search."""
        roles = self._request.user.all_roles
        allowed = [pattern for role in roles for pattern in self._searched.users.searched_indexes(role)]
        return self._searched.index.events(allowed)

    def saved_search(self, name: str) -> str:
        """Return the search of a saved search."""
        stanza = self._searched.confs.stanzas("savedsearches", self._request.context).get(name)
        if stanza is None:
            raise SearchRefused(f"Unable to find saved search named '{name}'.")
        return stanza.values["search"]

    def rest(self, arguments: str) -> list[Row]:
        """Return what an endpoint lists."""
        path, *options = shlex.split(arguments)
        unknown = [option for option in options if not _REST_OPTION.fullmatch(option)]
        if unknown or not path.startswith(("/services", "services")):
            raise SearchRefused(f"rest with {' '.join(unknown) or path} is not evaluated here.")
        document = self._get(f"/{path.lstrip('/')}", (("output_mode", "json"), ("count", "0")))
        return [_flat(entry) for entry in document["entry"]]

    def lookup(self, name: str) -> list[Row]:
        """Return the rows of a lookup definition."""
        request = self._request
        stanza = self._searched.confs.stanzas("transforms", request.context).get(name)
        if stanza is None:
            text = f"The lookup table '{name}' requires a .csv or KV store lookup definition."
            raise Refused(400, text, kind="FATAL")
        require_read(self._searched.permissions.acl(stanza.app, "transforms", name, request.user), request.user)
        return self._documents(stanza) if stanza.values.get("collection") else self._file(stanza)

    def command(self, name: str, arguments: str) -> list[Row] | None:
        """Return the rows of an add-on's generating command."""
        if name not in self._searched.confs.stanzas("commands", self._request.context):
            return None
        if self._searched.run_command is None:
            raise SearchRefused(f"Nothing runs the command {name!r} here.")
        return self._searched.run_command(name, arguments, self._request.user.name)

    def _documents(self, stanza: Stanza) -> list[Row]:
        path = f"/servicesNS/nobody/{stanza.app}/storage/collections/data/{stanza.values['collection']}"
        fields = [field.strip() for field in stanza.values.get("fields_list", "").split(",")]
        documents = self._get(path, (("limit", "0"),))
        # A field that a document lacks, or holds as null, is no field of the row.
        return [
            {field: _text(document[field]) for field in fields if document.get(field) is not None}
            for document in documents
        ]

    def _file(self, stanza: Stanza) -> list[Row]:
        lookups = self._searched.confs.home / "etc" / "apps" / stanza.app / "lookups"
        path = lookups / stanza.values.get("filename", "")
        if not path.is_file():
            return []
        with path.open(encoding="utf-8-sig", newline="") as stream:
            return list(csv.DictReader(stream))

    def _get(self, path: str, query: tuple[tuple[str, str], ...]) -> Any:
        path, namespace, segments, _ = parse_target(path)
        user = self._request.user
        context = namespace or Namespace(user.name, self._request.context.app)
        asked = Request("GET", path, context, segments, query, caller=user)
        found = self._searched.router.find("GET", segments)
        if found is None:
            raise Refused(404, "Not Found")
        route, bound = found
        if route.capability and route.capability not in user.capabilities:
            raise missing_capability(user.name, route.capability)
        response = route.handler(asked.with_params(bound))
        document = json.loads(response.body)
        if response.status >= _REFUSED:
            raise Refused(response.status, document["messages"][0]["text"])
        return document


def _macro(stanza: Stanza) -> Macro:
    if stanza.values.get("iseval", "0") not in ("0", "false"):
        raise SearchRefused(f"The macro {stanza.name} is an eval expression, which is not evaluated here.")
    arguments = [name.strip() for name in stanza.values.get("args", "").split(",") if name.strip()]
    return Macro(tuple(arguments), stanza.values.get("definition", ""))


def _flat(entry: dict[str, Any]) -> Row:
    content = {key: value for key, value in entry["content"].items() if value is not None and key != "eai:acl"}
    own = {"title": entry["name"], "id": entry["id"], "author": entry["author"], "splunk_server": "local"}
    return {**{key: _text(value) for key, value in content.items()}, **own, "eai:acl.app": entry["acl"]["app"]}


def _text(value: Any) -> str | list[str]:
    if isinstance(value, list):
        return [str(item) for item in value]
    if isinstance(value, bool):
        return "1" if value else "0"
    return json.dumps(value) if isinstance(value, dict) else str(value)
