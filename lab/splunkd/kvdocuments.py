"""`storage/collections/data`: the documents of the KV store, JSON in and out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lab.splunkd.kvcollections import CONF
from lab.splunkd.kvquery import parse_query, parse_sort, select
from lab.splunkd.kvschema import Schema
from lab.splunkd.kvstore import Collection, Query, ResultLimits
from lab.splunkd.permissions import require_read, require_write
from lab.splunkd.refusal import Refused, unknown_entity
from lab.splunkd.rendering import refusal
from lab.splunkd.request import NOBODY, WILDCARD, Namespace, Request
from lab.splunkd.response import json_response, json_text
from lab.splunkd.router import Handler, Route

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lab.splunkd.confstore import ConfStore
    from lab.splunkd.kvstore import KvStore
    from lab.splunkd.permissions import Permissions
    from lab.splunkd.response import Response

ENDPOINT = "storage/collections/data/{collection}"
_MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class _Target:
    collection: Collection
    schema: Schema


class DocumentEndpoints:
    """Reading and writing documents, with the limits of limits.conf `[kvstore]`."""

    def __init__(self, confs: ConfStore, permissions: Permissions, store: KvStore) -> None:
        self._confs = confs
        self._permissions = permissions
        self._store = store

    def routes(self) -> Iterable[Route]:
        """Return the routes of documents."""
        return (
            Route("POST", f"{ENDPOINT}/batch_save", _in_json(self._batch_save)),
            Route("POST", f"{ENDPOINT}/batch_find", _in_json(self._batch_find)),
            Route("GET", ENDPOINT, _in_json(self._query)),
            Route("POST", ENDPOINT, _in_json(self._insert)),
            Route("DELETE", ENDPOINT, _in_json(self._delete_matching)),
            Route("GET", f"{ENDPOINT}/{{key}}", _in_json(self._get)),
            Route("POST PUT", f"{ENDPOINT}/{{key}}", _in_json(self._replace)),
            Route("DELETE", f"{ENDPOINT}/{{key}}", _in_json(self._delete)),
        )

    def _insert(self, request: Request) -> Response:
        target = self._writable(request)
        key = self._store.insert(target.collection, target.schema.coerce(_document(request.json_body())))
        return json_response({"_key": key}, 201)

    def _get(self, request: Request) -> Response:
        return json_response(self._store.get(self._readable(request).collection, request.params["key"]))

    def _replace(self, request: Request) -> Response:
        target, key = self._writable(request), request.params["key"]
        document = target.schema.coerce(_document(request.json_body()))
        self._store.replace(target.collection, key, document)
        return json_response({"_key": key})

    def _delete(self, request: Request) -> Response:
        self._store.delete(self._writable(request).collection, request.params["key"])
        return json_response({})

    def _delete_matching(self, request: Request) -> Response:
        target = self._writable(request)
        self._store.delete_matching(target.collection, parse_query(request.args.get("query", "")))
        return json_response({})

    def _query(self, request: Request) -> Response:
        target, args = self._readable(request), dict(request.query)
        query = Query(
            parse_query(args.get("query", "")),
            _count(args, "skip"),
            _count(args, "limit"),
            parse_sort(args.get("sort", "")),
            args.get("fields", ""),
        )
        return json_text(_array(self._store.find(target.collection, query, self._limits())))

    def _batch_save(self, request: Request) -> Response:
        target, documents = self._writable(request), request.json_body()
        if not isinstance(documents, list):
            raise Refused(400, "JSON in the request is invalid. ( a list of documents is expected )")
        self._check_batch(documents, len(request.body))
        coerced = [target.schema.coerce(_document(document)) for document in documents]
        return json_response(self._store.save(target.collection, coerced))

    def _check_batch(self, documents: list[Any], size: int) -> None:
        limit = self._limit("max_documents_per_batch_save")
        if len(documents) > limit:
            raise _beyond(f"Too many documents for a single batch save, max_documents_per_batch_save={limit}")
        megabytes = self._limit("max_size_per_batch_save_mb")
        if size > megabytes * _MEGABYTE:
            raise _beyond(f"Batch save is too large, max_size_per_batch_save_mb={megabytes}")

    def _batch_find(self, request: Request) -> Response:
        target, queries = self._readable(request), request.json_body()
        if not isinstance(queries, list) or not all(isinstance(query, dict) for query in queries):
            raise Refused(400, "JSON in the request is invalid. ( a list of queries is expected )")
        limit = self._limit("max_queries_per_batch")
        if len(queries) > limit:
            raise _beyond(f"Too many queries in a single batch, max_queries_per_batch={limit}")
        asked = [_batch_query(query) for query in queries]
        return json_text(_array(map(_array, self._store.find_each(target.collection, asked, self._limits()))))

    def _readable(self, request: Request) -> _Target:
        stanza, target = self._find(request)
        require_read(self._permissions.acl(stanza, CONF, target.collection.name, request.user), request.user)
        return target

    def _writable(self, request: Request) -> _Target:
        app, target = self._find(request)
        require_write(self._permissions.acl(app, CONF, target.collection.name, request.user), request.user)
        return target

    def _find(self, request: Request) -> tuple[str, _Target]:
        context, name = request.context, request.params["collection"]
        stanza = self._confs.stanzas(CONF, Namespace(NOBODY, context.app)).get(name)
        if stanza is None:
            raise unknown_entity(name)
        owner = NOBODY if context.owner == WILDCARD else context.owner
        schema = Schema.of(stanza.values)
        return stanza.app, _Target(Collection(stanza.app, name, owner, schema.indexes), schema)

    def _limit(self, name: str) -> int:
        return int(self._confs.value("limits", "kvstore", name))

    def _limits(self) -> ResultLimits:
        return ResultLimits(self._limit("max_rows_per_query"), self._limit("max_size_per_result_mb") * _MEGABYTE)


def _in_json(handler: Handler) -> Handler:
    """Let the KV store's own refusals be JSON, whatever the caller asked for."""

    def answer(request: Request) -> Response:
        try:
            return handler(request)
        except Refused as refused:
            return refusal("json", refused)

    return answer


def _document(document: Any) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise Refused(400, "JSON in the request is invalid. ( a document is expected )")
    return document


def _array(documents: Iterable[str]) -> str:
    return f"[{', '.join(documents)}]"


def _count(args: Mapping[str, str], name: str) -> int:
    try:
        return int(args.get(name, "0"))
    except ValueError as error:
        raise Refused(400, f"Invalid value for {name}: {args[name]}") from error


def _batch_query(query: dict[str, Any]) -> Query:
    sort, fields = query.get("sort", []), query.get("fields", "")
    if isinstance(sort, dict):
        sort = [{name: direction} for name, direction in sort.items()]
    parts = [next(iter(part.items())) if isinstance(part, dict) else (part, 1) for part in sort]
    if isinstance(fields, dict):
        fields = ",".join(f"{name}:{int(bool(wanted))}" for name, wanted in fields.items())
    paging = {name: json.dumps(query.get(name, 0)) for name in ("skip", "limit")}
    selection = select(query.get("query", {}))
    return Query(selection, _count(paging, "skip"), _count(paging, "limit"), parts, fields)


def _beyond(detail: str) -> Refused:
    return Refused(400, f"Request exceeds API limits - see limits.conf for details. ({detail})")
