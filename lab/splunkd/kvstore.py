"""The KV store's documents in one SQLite file, a table for each collection and owner.

There is no partial update and no revision: the only compare-and-set is an insert with a key that is already there.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from lab.splunkd.kvindex import column, narrow
from lab.splunkd.kvquery import key_of, parse_fields, project, sort_documents
from lab.splunkd.refusal import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from lab.splunkd.kvquery import Selection

_INDEXES_OF = "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = ?"
_TABLES_OF = "SELECT name FROM sqlite_master WHERE type = 'table' AND substr(name, 1, ?) = ?"
_Found = tuple[dict[str, Any], str]
"""A document and the text that it is stored as."""

_FORMER = "document"
"""The one table that state folders of earlier labs have; every other name is hexadecimal, with slashes."""

_CACHE_KIB = 64 * 1024
_CHECKPOINT_PAGES = 8_000

MAX_DOCUMENT_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class Collection:
    """A collection as one owner sees it: documents of different owners never meet.

    Args:
        app: whose collections.conf declares it.
        name: its stanza.
        owner: whose documents.
        indexes: the fields of each of its indexes.
    """

    app: str
    name: str
    owner: str
    indexes: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class Query:
    """A query with its page."""

    selection: Selection
    skip: int = 0
    limit: int = 0
    sort: Sequence[tuple[str, int]] = ()
    fields: str = ""


@dataclass(frozen=True)
class ResultLimits:
    """Where a result is cut without a word: rows (`max_rows_per_query`) and bytes (`max_size_per_result_mb`)."""

    rows: int
    size: int


class KvStore:
    """Documents by collection and key.

    Args:
        path: the SQLite file.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        # It must outlive this process, not the machine.
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        self._database.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        self._indexed: dict[str, tuple[tuple[str, ...], ...]] = {}
        if self._database.execute(_TABLES_OF, (len(_FORMER), _FORMER)).fetchall() == [(_FORMER,)]:
            self._take_over()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()

    def insert(self, collection: Collection, document: dict[str, Any]) -> str:
        """Store a new document and return its key.

        Raises:
            Refused: 409 when the key is taken.
        """
        key = _key(document)
        row = (key, _encode(document, key, collection.owner))
        try:
            with self._lock:
                self._database.execute(f"INSERT INTO {self._table(collection)} VALUES (?, ?)", row)
        except sqlite3.IntegrityError as error:
            raise Refused(409, "A document with the same key and user already exists.") from error
        return key

    def save(self, collection: Collection, documents: Iterable[dict[str, Any]]) -> list[str]:
        """Insert or wholly replace documents, all or none, and return their keys."""
        rows = []
        for document in documents:
            key = _key(document)
            rows.append((key, _encode(document, key, collection.owner)))
        with self._lock:
            table = self._table(collection)
            with self._writing():
                self._database.executemany(f"INSERT OR REPLACE INTO {table} VALUES (?, ?)", rows)
        return [key for key, _ in rows]

    def replace(self, collection: Collection, key: str, document: dict[str, Any]) -> None:
        """Replace a document that is there.

        Raises:
            Refused: 404 when it is not.
        """
        body = _encode(document, key, collection.owner)
        with self._lock:
            table = self._table(collection)
            cursor = self._database.execute(f"UPDATE {table} SET body = ? WHERE key = ?", (body, key))
        if not cursor.rowcount:
            raise _unknown_document()

    def get(self, collection: Collection, key: str) -> dict[str, Any]:
        """Return a document.

        Raises:
            Refused: 404 when it is not there.
        """
        with self._lock:
            sql = f"SELECT body FROM {self._table(collection)} WHERE key = ?"
            row = self._database.execute(sql, (key,)).fetchone()
        if row is None:
            raise _unknown_document()
        document: dict[str, Any] = json.loads(row[0])
        return document

    def find(self, collection: Collection, query: Query, limits: ResultLimits) -> list[str]:
        """Return matching documents, each as JSON, cut silently at `limits`."""
        with self._lock:
            return self._find(collection, query, limits)

    def find_each(self, collection: Collection, queries: Sequence[Query], limits: ResultLimits) -> list[list[str]]:
        """Return the documents of several queries, as `find` does for each."""
        keys = [None if query.skip or query.fields else key_of(query.selection.query) for query in queries]
        with self._lock:
            there = self._with_keys(collection, [key for key in keys if key is not None])
            return [
                self._find(collection, query, limits) if key is None else _cut(there.get(key, []), limits.size)
                for query, key in zip(queries, keys, strict=True)
            ]

    def delete(self, collection: Collection, key: str) -> None:
        """Delete a document.

        Raises:
            Refused: 404 when it is not there.
        """
        with self._lock:
            sql = f"DELETE FROM {self._table(collection)} WHERE key = ?"
            cursor = self._database.execute(sql, (key,))
        if not cursor.rowcount:
            raise _unknown_document()

    def delete_matching(self, collection: Collection, selection: Selection) -> None:
        """Delete every matching document in one step."""
        with self._lock:
            table = self._table(collection)
            with self._writing():
                keys = [(document["_key"],) for document, _ in self._matching(collection, selection)]
                self._database.executemany(f"DELETE FROM {table} WHERE key = ?", keys)

    def drop(self, app: str, name: str) -> None:
        """Delete a collection's documents of all owners."""
        start = _hexadecimal(app, name, "")
        with self._lock:
            for (table,) in self._database.execute(_TABLES_OF, (len(start), start)).fetchall():
                self._database.execute(f'DELETE FROM "{table}"')

    def _find(self, collection: Collection, query: Query, limits: ResultLimits) -> list[str]:
        rows = min(query.limit, limits.rows) if query.limit > 0 else limits.rows
        page = list(islice(self._ordered(collection, query), query.skip, query.skip + rows))
        wanted = parse_fields(query.fields)
        texts = [json.dumps(project(document, wanted)) if wanted else text for document, text in page]
        return _cut(texts, limits.size)

    def _with_keys(self, collection: Collection, keys: Sequence[str]) -> dict[str, list[str]]:
        """By key, what queries for nothing but a key find: large batches are made of these."""
        if not keys:
            return {}
        sql = f"SELECT key, body FROM {self._table(collection)} WHERE key IN (SELECT value FROM json_each(?))"
        return {key: [body] for key, body in self._database.execute(sql, (json.dumps(keys),))}

    def _ordered(self, collection: Collection, query: Query) -> Iterator[_Found]:
        """Matching documents in the order that is asked for, then by key; read as far as they are taken."""
        sortable = {"_key"}.union(*collection.indexes)
        if query.sort and all(field in sortable for field, _ in query.sort):
            return self._matching(collection, query.selection, query.sort)
        texts = {document["_key"]: (document, text) for document, text in self._matching(collection, query.selection)}
        found = [texts[key][0] for key in sorted(texts)]
        sort_documents(found, query.sort)
        return (texts[document["_key"]] for document in found)

    def _matching(
        self, collection: Collection, selection: Selection, sort: Sequence[tuple[str, int]] = ()
    ) -> Iterator[_Found]:
        condition = narrow(selection.query, {field for fields in collection.indexes for field in fields}, sort)
        sql = f"SELECT body FROM {self._table(collection)} WHERE {condition.sql}"
        if sort:
            order = [f"{column(field)} {'DESC' if direction < 0 else 'ASC'}" for field, direction in sort]
            sql += f" ORDER BY {', '.join([*order, 'key'])}"
        for (body,) in self._database.execute(sql, condition.values):
            document: dict[str, Any] = json.loads(body)
            if selection.matches(document):
                yield document, body

    def _take_over(self) -> None:
        """Move the documents of the former table into a table for each collection and owner."""
        with self._writing():
            owners = self._database.execute(f"SELECT DISTINCT app, collection, owner FROM {_FORMER}").fetchall()
            for owner in owners:
                moved = f"SELECT key, body FROM {_FORMER} WHERE app = ? AND collection = ? AND owner = ?"
                self._database.execute(f"INSERT OR IGNORE INTO {self._table(Collection(*owner))} {moved}", owner)
            self._database.execute(f"DROP TABLE {_FORMER}")

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._database:
            self._database.execute("BEGIN IMMEDIATE")
            yield

    def _table(self, collection: Collection) -> str:
        """The collection's table, with the indexes that are declared now."""
        name = _hexadecimal(collection.app, collection.name, collection.owner)
        if self._indexed.get(name) != collection.indexes:
            columns = "key TEXT NOT NULL PRIMARY KEY, body TEXT NOT NULL"
            self._database.execute(f'CREATE TABLE IF NOT EXISTS "{name}" ({columns})')
            wanted = {f"{name}/{','.join(map(_hexadecimal, fields))}": fields for fields in collection.indexes}
            there = {index for (index,) in self._database.execute(_INDEXES_OF, (name,))}
            for index in there - wanted.keys():
                self._database.execute(f'DROP INDEX "{index}"')
            for index, fields in wanted.items():
                values = ", ".join(map(column, fields))
                self._database.execute(f'CREATE INDEX IF NOT EXISTS "{index}" ON "{name}" ({values})')
            self._indexed[name] = collection.indexes
        return f'"{name}"'


def _hexadecimal(*names: str) -> str:
    """A name for SQLite, which tells no small letters from large ones."""
    return "/".join(name.encode().hex() for name in names)


def _cut(texts: list[str], size: int) -> list[str]:
    total = 0
    for position, text in enumerate(texts):
        total += len(text)
        if total > size:
            return texts[:position]
    return texts


def _key(document: dict[str, Any]) -> str:
    key = document.get("_key")
    return uuid.uuid4().hex[:24] if key in {None, ""} else str(key)


def _encode(document: dict[str, Any], key: str, owner: str) -> str:
    body = json.dumps({**document, "_key": key, "_user": owner})
    if len(body) > MAX_DOCUMENT_BYTES:
        raise Refused(400, f"Document is larger than {MAX_DOCUMENT_BYTES} bytes.")
    return body


def _unknown_document() -> Refused:
    return Refused(404, "Could not find object.")
