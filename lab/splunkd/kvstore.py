"""The KV store's documents in one SQLite file.

There is no partial update and no revision: the only compare-and-set is an insert with a key that is already there.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lab.splunkd.kvquery import parse_fields, project, sort_documents
from lab.splunkd.refusal import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from lab.splunkd.kvquery import Predicate

_SCHEMA = """
CREATE TABLE IF NOT EXISTS document (
    app TEXT NOT NULL, collection TEXT NOT NULL, owner TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (app, collection, owner, key)
) WITHOUT ROWID
"""
_UPDATE = "UPDATE document SET body = ? WHERE app = ? AND collection = ? AND owner = ? AND key = ?"
_SELECT_ONE = "SELECT body FROM document WHERE app = ? AND collection = ? AND owner = ? AND key = ?"
_SELECT_ALL = "SELECT body FROM document WHERE app = ? AND collection = ? AND owner = ?"
_DELETE_ONE = "DELETE FROM document WHERE app = ? AND collection = ? AND owner = ? AND key = ?"
MAX_DOCUMENT_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class Collection:
    """A collection as one owner sees it: documents of different owners never meet."""

    app: str
    name: str
    owner: str

    @property
    def row(self) -> tuple[str, str, str]:
        """Return what selects the collection's rows."""
        return self.app, self.name, self.owner


@dataclass(frozen=True)
class Query:
    """A query with its page."""

    matches: Predicate
    skip: int = 0
    limit: int = 0
    sort: Sequence[tuple[str, int]] = ()
    fields: str = ""
    key: str | None = None


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
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.execute(_SCHEMA)

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
        row = (*collection.row, key, _encode(document, key, collection.owner))
        try:
            with self._lock:
                self._database.execute("INSERT INTO document VALUES (?, ?, ?, ?, ?)", row)
        except sqlite3.IntegrityError as error:
            raise Refused(409, "A document with the same key and user already exists.") from error
        return key

    def save(self, collection: Collection, documents: Iterable[dict[str, Any]]) -> list[str]:
        """Insert or wholly replace documents, all or none, and return their keys."""
        rows = []
        for document in documents:
            key = _key(document)
            rows.append((*collection.row, key, _encode(document, key, collection.owner)))
        with self._lock, self._database:
            self._database.execute("BEGIN")
            self._database.executemany("INSERT OR REPLACE INTO document VALUES (?, ?, ?, ?, ?)", rows)
        return [row[3] for row in rows]

    def replace(self, collection: Collection, key: str, document: dict[str, Any]) -> None:
        """Replace a document that is there.

        Raises:
            Refused: 404 when it is not.
        """
        body = _encode(document, key, collection.owner)
        with self._lock:
            cursor = self._database.execute(_UPDATE, (body, *collection.row, key))
        if not cursor.rowcount:
            raise _unknown_document()

    def get(self, collection: Collection, key: str) -> dict[str, Any]:
        """Return a document.

        Raises:
            Refused: 404 when it is not there.
        """
        with self._lock:
            row = self._database.execute(_SELECT_ONE, (*collection.row, key)).fetchone()
        if row is None:
            raise _unknown_document()
        document: dict[str, Any] = json.loads(row[0])
        return document

    def find(self, collection: Collection, query: Query, limits: ResultLimits) -> list[dict[str, Any]]:
        """Return matching documents, cut silently at `limits`."""
        found = [document for document in self._all(collection, query.key) if query.matches(document)]
        sort_documents(found, query.sort)
        rows = min(query.limit, limits.rows) if query.limit > 0 else limits.rows
        page = found[query.skip : query.skip + rows]
        wanted = parse_fields(query.fields)
        return _cut([project(document, wanted) for document in page], limits.size)

    def delete(self, collection: Collection, key: str) -> None:
        """Delete a document.

        Raises:
            Refused: 404 when it is not there.
        """
        with self._lock:
            cursor = self._database.execute(_DELETE_ONE, (*collection.row, key))
        if not cursor.rowcount:
            raise _unknown_document()

    def delete_matching(self, collection: Collection, matches: Predicate) -> None:
        """Delete every matching document in one step."""
        with self._lock, self._database:
            self._database.execute("BEGIN")
            keys = [document["_key"] for document in self._all(collection) if matches(document)]
            rows = [(*collection.row, key) for key in keys]
            self._database.executemany(_DELETE_ONE, rows)

    def drop(self, app: str, name: str) -> None:
        """Delete a collection's documents of all owners."""
        with self._lock:
            self._database.execute("DELETE FROM document WHERE app = ? AND collection = ?", (app, name))

    def _all(self, collection: Collection, key: str | None = None) -> list[dict[str, Any]]:
        with self._lock:
            if key is None:
                rows = self._database.execute(_SELECT_ALL, collection.row).fetchall()
            else:
                rows = self._database.execute(_SELECT_ONE, (*collection.row, key)).fetchall()
        return [json.loads(body) for (body,) in rows]


def _key(document: dict[str, Any]) -> str:
    key = document.get("_key")
    return uuid.uuid4().hex[:24] if key in {None, ""} else str(key)


def _encode(document: dict[str, Any], key: str, owner: str) -> str:
    body = json.dumps({**document, "_key": key, "_user": owner})
    if len(body) > MAX_DOCUMENT_BYTES:
        raise Refused(400, f"Document is larger than {MAX_DOCUMENT_BYTES} bytes.")
    return body


def _cut(documents: list[dict[str, Any]], size: int) -> list[dict[str, Any]]:
    total = 0
    for position, document in enumerate(documents):
        total += len(json.dumps(document))
        if total > size:
            return documents[:position]
    return documents


def _unknown_document() -> Refused:
    return Refused(404, "Could not find object.")
