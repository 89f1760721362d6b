"""Searches that only list something: `| rest` or `| inputlookup`, and the few commands that trim such a list.

These fill the choices of forms. They are run for real: `rest` asks the stand-in's own endpoints as whoever searches,
`inputlookup` reads the lookup's collection or file. Everything else stays unknown to the stand-in.
"""

from __future__ import annotations

import csv
import fnmatch
import json
import re
import shlex
from typing import TYPE_CHECKING, Any, TypeAlias

from lab.splunkd.permissions import require_read
from lab.splunkd.refusal import Refused, missing_capability
from lab.splunkd.request import Namespace, Request, parse_target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from lab.splunkd.confstore import ConfStore, Stanza
    from lab.splunkd.permissions import Permissions
    from lab.splunkd.router import Router

Row: TypeAlias = "dict[str, Any]"

_PIPE = re.compile(r'\|(?=(?:[^"]*"[^"]*")*[^"]*$)')
_CONDITION = re.compile(r'(\S+?)\s*(!=|==|=)\s*("[^"]*"|\S+)')
_REFUSED = 400
_AND = re.compile(r"\s+AND\s+")
_OR = re.compile(r"\s+OR\s+")


class UnknownSearch(Exception):
    """The search has a command, or a form of one, that is not known here."""


class Listings:
    """Runs searches that list.

    Args:
        router: the endpoints that `rest` asks.
        confs: where lookups are declared.
        permissions: who may read them.
    """

    def __init__(self, router: Router, confs: ConfStore, permissions: Permissions) -> None:
        self._router = router
        self._confs = confs
        self._permissions = permissions

    def rows(self, request: Request, search: str) -> list[Row]:
        """Return what a search finds for the caller.

        Args:
            request: the request that starts the search; its caller and namespace count.
            search: the search.

        Raises:
            UnknownSearch: it does more than list.
            Refused: splunkd would refuse it.
        """
        first, *rest = [part.strip() for part in _PIPE.split(search.strip().removeprefix("|"))]
        name, _, arguments = first.partition(" ")
        if name == "rest":
            rows = self._rest(request, arguments)
        elif name == "inputlookup":
            rows = self._lookup(request, arguments)
        else:
            raise UnknownSearch
        for part in rest:
            name, _, arguments = part.partition(" ")
            if name not in _COMMANDS:
                raise UnknownSearch
            rows = _COMMANDS[name](rows, arguments.strip())
        return rows

    def _rest(self, request: Request, arguments: str) -> list[Row]:
        path, *options = shlex.split(arguments)
        if any(not re.fullmatch(r"(splunk_server=local|count=\d+|timeout=\d+)", option) for option in options):
            raise UnknownSearch
        if not path.startswith(("/services", "services")):
            raise UnknownSearch
        document = self._get(request, f"/{path.lstrip('/')}", (("output_mode", "json"), ("count", "0")))
        return [_flat(entry) for entry in document["entry"]]

    def _lookup(self, request: Request, arguments: str) -> list[Row]:
        words, _, condition = arguments.partition(" where ")
        (name, *options) = shlex.split(words)
        if options:
            raise UnknownSearch
        context = request.context
        stanza = self._confs.stanzas("transforms", context).get(name)
        if stanza is None:
            raise Refused(
                400, f"The lookup table '{name}' requires a .csv or KV store lookup definition.", kind="FATAL"
            )
        require_read(self._permissions.acl(stanza.app, "transforms", name, request.user), request.user)
        rows = self._documents(request, stanza) if stanza.values.get("collection") else self._file(stanza)
        return _where(rows, condition) if condition else rows

    def _documents(self, request: Request, stanza: Stanza) -> list[Row]:
        path = f"/servicesNS/nobody/{stanza.app}/storage/collections/data/{stanza.values['collection']}"
        fields = [field.strip() for field in stanza.values.get("fields_list", "").split(",")]
        documents = self._get(request, path, (("limit", "0"),))
        # A field that a document lacks, or holds as null, is no field of the row.
        return [
            {field: _text(document[field]) for field in fields if document.get(field) is not None}
            for document in documents
        ]

    def _file(self, stanza: Stanza) -> list[Row]:
        path = self._confs.home / "etc" / "apps" / stanza.app / "lookups" / stanza.values.get("filename", "")
        if not path.is_file():
            return []
        with path.open(encoding="utf-8-sig", newline="") as stream:
            return list(csv.DictReader(stream))

    def _get(self, request: Request, path: str, query: tuple[tuple[str, str], ...]) -> Any:
        path, namespace, segments, _ = parse_target(path)
        context = namespace or Namespace(request.user.name, request.context.app)
        asked = Request("GET", path, context, segments, query, caller=request.user)
        found = self._router.find("GET", segments)
        if found is None:
            raise Refused(404, "Not Found")
        route, bound = found
        if route.capability and route.capability not in request.user.capabilities:
            raise missing_capability(request.user.name, route.capability)
        response = route.handler(asked.with_params(bound))
        document = json.loads(response.body)
        if response.status >= _REFUSED:
            raise Refused(response.status, document["messages"][0]["text"])
        return document


def _flat(entry: Row) -> Row:
    content = {key: value for key, value in entry["content"].items() if value is not None and key != "eai:acl"}
    own = {"title": entry["name"], "id": entry["id"], "author": entry["author"], "splunk_server": "local"}
    return {**{key: _text(value) for key, value in content.items()}, **own, "eai:acl.app": entry["acl"]["app"]}


def _text(value: Any) -> str | list[str]:
    if isinstance(value, list):
        return [str(item) for item in value]
    if isinstance(value, bool):
        return "1" if value else "0"
    return json.dumps(value) if isinstance(value, dict) else str(value)


def _names(arguments: str) -> list[str]:
    return [name for name in re.split(r"[\s,]+", arguments.replace('"', "")) if name]


def _fields(rows: Iterable[Row], arguments: str) -> list[Row]:
    names = _names(arguments.removeprefix("+").strip())
    if arguments.startswith("-"):
        raise UnknownSearch
    return [{name: row[name] for name in names if name in row} for row in rows]


def _dedup(rows: Iterable[Row], arguments: str) -> list[Row]:
    names = _names(arguments)
    kept: dict[tuple[str, ...], Row] = {}
    for row in rows:
        # A row that lacks one of the fields is not kept.
        if all(name in row for name in names):
            kept.setdefault(tuple(str(row[name]) for name in names), row)
    return list(kept.values())


def _sort(rows: Iterable[Row], arguments: str) -> list[Row]:
    names = _names(arguments)
    if names and names[0].isdigit():
        limit, names = int(names[0]), names[1:]
    else:
        limit = 10_000
    ordered = list(rows)
    for name in reversed(names):
        field = name.lstrip("+-")
        ordered.sort(key=lambda row: str(row.get(field, "")).lower(), reverse=name.startswith("-"))
    return ordered[:limit] if limit else ordered


def _where(rows: Iterable[Row], arguments: str) -> list[Row]:
    """`field="value"` and `field!="value"`, joined by AND, and those by OR; case counts."""
    alternatives = [[_condition(text) for text in _AND.split(part)] for part in _OR.split(arguments)]
    return [row for row in rows if any(all(met(row) for met in conditions) for conditions in alternatives)]


def _condition(text: str) -> Callable[[Row], bool]:
    match = _CONDITION.fullmatch(text.strip())
    if match is None or not match[3].startswith('"'):
        raise UnknownSearch
    field, equal, value = match[1], match[2] != "!=", match[3].strip('"')
    return lambda row: field in row and (str(row[field]) == value) is equal


def _search(rows: Iterable[Row], arguments: str) -> list[Row]:
    """`field=value` with `*` as wildcard, all of them; case does not count."""
    conditions = _CONDITION.findall(_AND.sub(" ", arguments))
    if _CONDITION.sub("", _AND.sub(" ", arguments)).strip():
        raise UnknownSearch
    return [row for row in rows if all(_matches(row, *condition) for condition in conditions)]


def _matches(row: Row, field: str, operator: str, pattern: str) -> bool:
    pattern = pattern.strip('"').lower().replace("[", "[[]").replace("?", "[?]")
    equal = field in row and fnmatch.fnmatchcase(str(row[field]).lower(), pattern)
    return equal is (operator != "!=")


def _rename(rows: Iterable[Row], arguments: str) -> list[Row]:
    words = _names(arguments)
    names: dict[str, str] = {}
    for old, link, new in zip(words[::3], words[1::3], words[2::3], strict=False):
        if link.lower() != "as" or "*" in old:
            raise UnknownSearch
        names[old] = new
    return [{names.get(key, key): value for key, value in row.items()} for row in rows]


def _head(rows: Sequence[Row], arguments: str) -> list[Row]:
    return list(rows)[: int(arguments or "10")]


_COMMANDS: dict[str, Callable[[list[Row], str], list[Row]]] = {
    "dedup": _dedup,
    "fields": _fields,
    "head": _head,
    "rename": _rename,
    "search": _search,
    "sort": _sort,
    "table": _fields,
    "where": _where,
}
