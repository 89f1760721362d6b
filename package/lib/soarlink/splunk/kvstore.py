"""Splunk's KV store over splunkd's REST API (``storage/collections/data``).

What the platform gives (splunkd reference, section 4): whole documents only; the one compare-and-set is an insert with
a key that is there already (409); results are cut silently at limits that administrators lower; documented operators
are ``$gt $gte $lt $lte $ne`` and ``$and $or $not``.
"""

from __future__ import annotations

import html
import json
import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from soarlink.errors import KvStoreRefused, KvStoreUnavailable, SplunkdError

if TYPE_CHECKING:
    from soarlink.splunk.splunkd import Splunkd
    from soarlink.wire.exchange import Reply

APP = "TA_send_to_soar"
ASSUMED_BATCH = 200
"""Documents in one ``batch_save`` as long as limits.conf is not known; administrators go down to this."""

BATCH_BYTES = 8 * 1024 * 1024
"""Bytes in one ``batch_save``, unless one document alone is larger; ``max_size_per_batch_save_mb`` is 50."""

PAGE = 500
"""Documents in one page of a query; ``max_rows_per_query`` is 50,000."""

Document = Mapping[str, Any]
Query = Mapping[str, Any]

_XML_MESSAGE = re.compile(r"<msg\b[^>]*>([^<]*)</msg>")
_OK = 200
_CREATED = 201
_NOT_FOUND = 404
_CONFLICT = 409
_THROTTLED = 429
_SERVER_ERROR = 500


class KvStore:
    """The collections of one app, owner ``nobody``. Several threads may use it: their requests go one after another.

    Args:
        splunkd: the session; its user needs the rights that ``metadata/default.meta`` asks for.
        app: the app whose collections these are.

    Every method raises:
        KvStoreUnavailable: no answer, or one that says "later" (5xx, 429). A write may have happened.
        KvStoreRefused: any other answer than the expected one.
    """

    def __init__(self, splunkd: Splunkd, app: str = APP) -> None:
        self._splunkd = splunkd
        self._root = f"/servicesNS/nobody/{quote(app, safe='')}/storage/collections/data"
        self._batch = 0
        self._lock = threading.Lock()

    def insert(self, collection: str, document: Document) -> bool:
        """Store a new document; False when its ``_key`` is taken, and nothing was changed."""
        reply = self._call("POST", self._path(collection), document)
        if reply.status == _CONFLICT:
            return False
        _expect(reply, collection, _CREATED, _OK)
        return True

    def get(self, collection: str, key: str) -> dict[str, Any] | None:
        """The document with this key; None when there is none."""
        reply = self._call("GET", self._path(collection, key))
        if reply.status == _NOT_FOUND:
            return None
        _expect(reply, collection, _OK)
        document = _parse(reply, collection)
        if not isinstance(document, dict):
            raise _no_json(reply, collection)
        return document

    def page(
        self,
        collection: str,
        query: Query | None = None,
        *,
        sort: str = "",
        limit: int = PAGE,
        skip: int = 0,
        fields: Sequence[str] = (),
    ) -> list[dict[str, Any]]:
        """One page of a query. It may be shorter than what there is: the KV store cuts large answers silently.

        Args:
            collection: its name.
            query: documented operators only; None for everything.
            sort: ``field`` or ``field:-1``, several separated by commas.
            limit: most documents.
            skip: documents to pass over.
            fields: names to return, with ``_key``; all when empty.
        """
        arguments: dict[str, str | int] = {"limit": limit, "skip": skip}
        if query:
            arguments["query"] = _json(query)
        if sort:
            arguments["sort"] = sort
        if fields:
            arguments["fields"] = ",".join(("_key", *fields))
        reply = self._call("GET", f"{self._path(collection)}?{urlencode(arguments)}")
        _expect(reply, collection, _OK)
        return _documents(reply, collection)

    def query(
        self,
        collection: str,
        query: Query | None = None,
        *,
        sort: str = "",
        limit: int = 0,
        skip: int = 0,
        fields: Sequence[str] = (),
    ) -> list[dict[str, Any]]:
        """Every matching document, page after page until an empty one: a short page proves nothing.

        Args:
            collection: its name.
            query: see :meth:`page`.
            sort: see :meth:`page`. Without one the pages follow the keys, so that what others insert or delete in
                between makes no document appear twice or not at all.
            limit: most documents; 0 for all.
            skip: documents to pass over; only with ``sort``.
            fields: see :meth:`page`.
        """
        found: list[dict[str, Any]] = []
        while not limit or len(found) < limit:
            wanted = min(PAGE, limit - len(found)) if limit else PAGE
            if sort:
                page = self.page(collection, query, sort=sort, limit=wanted, skip=skip + len(found), fields=fields)
            else:
                rest = _after(query, found[-1]["_key"]) if found else query
                page = self.page(collection, rest, sort="_key", limit=wanted, fields=fields)
            if not page:
                break
            found.extend(page)
        return found

    def find(self, collection: str, queries: Sequence[Query]) -> list[list[dict[str, Any]]]:
        """The documents of several queries in one request; one list for each query, in order.

        Ask for little: an answer above ``max_size_per_batch_result_mb`` is cut, from the end.

        Args:
            collection: its name.
            queries: the ``query`` of each; at most 500.
        """
        if not queries:
            return []
        body = [{"query": query, "limit": PAGE} for query in queries]
        reply = self._call("POST", f"{self._path(collection)}/batch_find", body)
        _expect(reply, collection, _OK)
        answers = _parse(reply, collection)
        if not isinstance(answers, list) or len(answers) > len(queries):
            raise _no_json(reply, collection)
        lists = [[document for document in answer if isinstance(document, dict)] for answer in answers]
        return lists + [[] for _ in range(len(queries) - len(lists))]

    def replace(self, collection: str, key: str, document: Document) -> bool:
        """Replace a document, whole, whoever wrote it last; False when there is none with this key."""
        reply = self._call("POST", self._path(collection, key), document)
        if reply.status == _NOT_FOUND:
            return False
        _expect(reply, collection, _OK, _CREATED)
        return True

    def save_batch(self, collection: str, documents: Iterable[Document]) -> int:
        """Insert or replace documents in few requests; returns how many there were.

        Chunks hold what limits.conf allows, and few documents where it can't be read. A failure can leave the first
        chunks written.
        """
        saved = 0
        for chunk in _chunks(documents, self._batch or ASSUMED_BATCH, self._batch_limit):
            reply = self._call_raw("POST", f"{self._path(collection)}/batch_save", b"[" + b",".join(chunk) + b"]")
            _expect(reply, collection, _OK, _CREATED)
            saved += len(chunk)
        return saved

    def delete(self, collection: str, key: str) -> bool:
        """Delete a document; False when there is none with this key."""
        reply = self._call("DELETE", self._path(collection, key))
        if reply.status == _NOT_FOUND:
            return False
        _expect(reply, collection, _OK)
        return True

    def delete_where(self, collection: str, query: Query) -> None:
        """Delete every matching document in one request.

        Raises:
            ValueError: the query is empty; that would empty the collection.
        """
        if not query:
            raise ValueError("an empty query deletes everything")
        reply = self._call("DELETE", f"{self._path(collection)}?{urlencode({'query': _json(query)})}")
        _expect(reply, collection, _OK)

    def _batch_limit(self) -> int:
        """``max_documents_per_batch_save``, read once, when the first large batch comes."""
        if not self._batch:
            self._batch = self._read_limit("max_documents_per_batch_save") or ASSUMED_BATCH
        return self._batch

    def _read_limit(self, name: str) -> int | None:
        try:
            with self._lock:
                reply = self._splunkd.request("GET", "/services/configs/conf-limits/kvstore?output_mode=json")
            return max(1, int(json.loads(reply.body)["entry"][0]["content"][name])) if reply.status == _OK else None
        except (SplunkdError, ValueError, LookupError, TypeError):
            return None

    def _path(self, collection: str, key: str | None = None) -> str:
        path = f"{self._root}/{quote(collection, safe='')}"
        return path if key is None else f"{path}/{quote(key, safe='')}"

    def _call(self, method: str, path: str, body: Any = None) -> Reply:
        return self._call_raw(method, path, None if body is None else _json(body).encode("ascii"))

    def _call_raw(self, method: str, path: str, body: bytes | None) -> Reply:
        try:
            with self._lock:
                reply = self._splunkd.request(method, path, body, "application/json" if body is not None else "")
        except SplunkdError as error:
            raise KvStoreUnavailable(f"The KV store did not answer: {error.what}", error.remedy) from None
        if reply.status >= _SERVER_ERROR or reply.status == _THROTTLED:
            raise KvStoreUnavailable(
                f"The KV store is not available (HTTP {reply.status}{_words(reply)}).",
                "Look at its state in Settings > Server settings > KV store, or splunk show kvstore-status.",
                reply.status,
            )
        return reply


def _after(query: Query | None, key: str) -> Query:
    rest = {"_key": {"$gt": key}}
    return {"$and": [query, rest]} if query else rest


def _expect(reply: Reply, collection: str, *statuses: int) -> None:
    if reply.status in statuses:
        return
    remedies = {
        401: "The session has ended; start again.",
        403: f'The user needs access to the collection "{collection}" of this app: the role send_to_soar_admin has it.',
        404: f'The collection "{collection}" is missing: is collections.conf of this app in place?',
    }
    raise KvStoreRefused(
        f"The KV store refused a request to {collection} (HTTP {reply.status}{_words(reply)}).",
        remedies.get(reply.status, ""),
        reply.status,
    )


def _words(reply: Reply) -> str:
    """What splunkd says, cut; "" when it says nothing. Refusals come as JSON or as XML, whatever was asked for."""
    try:
        messages = json.loads(reply.body)["messages"]
        text = " ".join(str(message["text"]) for message in messages)
    except (ValueError, LookupError, TypeError):
        found = _XML_MESSAGE.findall(reply.body.decode("utf-8", "replace"))
        text = " ".join(html.unescape(message).strip() for message in found)
    return f": {text[:300]}" if text else ""


def _parse(reply: Reply, collection: str) -> Any:
    try:
        return json.loads(reply.body)
    except ValueError:
        raise _no_json(reply, collection) from None


def _documents(reply: Reply, collection: str) -> list[dict[str, Any]]:
    found = _parse(reply, collection)
    if not isinstance(found, list):
        raise _no_json(reply, collection)
    return [document for document in found if isinstance(document, dict)]


def _no_json(reply: Reply, collection: str) -> KvStoreUnavailable:
    return KvStoreUnavailable(f"The answer for {collection} is not what the KV store gives.", "", reply.status)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))


def _chunks(documents: Iterable[Document], known: int, limit: Any) -> Iterator[list[bytes]]:
    """Encoded documents in chunks; ``limit`` is asked only when more than ``known`` come together."""
    chunk: list[bytes] = []
    size = 0
    for document in documents:
        encoded = _json(document).encode("ascii")
        if len(chunk) >= known:
            known = limit()
        if chunk and (len(chunk) >= known or size + len(encoded) > BATCH_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(encoded)
        size += len(encoded)
    if chunk:
        yield chunk
