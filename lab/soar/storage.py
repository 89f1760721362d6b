"""The SQLite file: records of resources in and out, one transaction per request."""

from __future__ import annotations

import json
import re
import sqlite3
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lab.soar.schema import OWN_TABLES, RESOURCES, Field, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

Record = dict[str, Any]
"""One object as JSON shows it."""

_BUSY_SECONDS = 10.0
_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def to_json(value: object) -> str:
    """The JSON text that is stored; non-ASCII text stays readable, so that filters find it."""
    return _JSON.encode(value)


def _encode_text(value: object) -> str:
    return value if isinstance(value, str) else to_json(value)


def _encode_bool(value: object) -> int:
    return int(bool(value))


_ENCODERS: dict[Kind, Callable[[Any], object]] = {
    Kind.LIST: to_json,
    Kind.OBJECT: to_json,
    Kind.BOOL: _encode_bool,
    Kind.TEXT: _encode_text,
}
_DECODERS: dict[Kind, Callable[[Any], object]] = {Kind.LIST: json.loads, Kind.OBJECT: json.loads, Kind.BOOL: bool}


def _encode(field: Field, value: object) -> object:
    encoder = _ENCODERS.get(field.kind)
    return value if value is None or encoder is None else encoder(value)


def _matches(pattern: str, value: object) -> bool:
    return value is not None and re.search(pattern, str(value)) is not None


def _fold(value: object) -> str | None:
    return None if value is None else str(value).casefold()


class Store:
    """Records of one stand-in, in the file `path`. Usable from several threads; writes happen in `transaction()`."""

    def __init__(self, path: Path) -> None:
        path.touch(mode=0o600)
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        # The stand-in must survive its own end, not a power cut: no fsync per request.
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.create_function("matches", 2, _matches, deterministic=True)
        self._db.create_function("fold", 1, _fold, deterministic=True)
        self._db.executescript("".join(resource.definition() for resource in RESOURCES.values()) + OWN_TABLES)
        self._inserts = {name: self._insert_statement(name) for name in RESOURCES}
        self._encoders = {
            name: [
                (position, _ENCODERS[field.kind])
                for position, field in enumerate(resource.fields)
                if field.kind in _ENCODERS
            ]
            for name, resource in RESOURCES.items()
        }

    @staticmethod
    def _insert_statement(name: str) -> str:
        columns = ", ".join(f'"{field.name}"' for field in RESOURCES[name].fields)
        marks = ", ".join("?" for _ in RESOURCES[name].fields)
        return f'INSERT INTO "{name}" ({columns}) VALUES ({marks})'  # noqa: S608 - names of the schema

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All writes of the block, or none of them. Blocks may nest; the outermost decides."""
        with self._lock:
            if self._db.in_transaction:
                yield
                return
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def execute(self, statement: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Run one statement of the stand-in's own and return all its rows."""
        with self._lock:
            return self._db.execute(statement, parameters).fetchall()

    def insert(self, name: str, values: Mapping[str, object]) -> int:
        """Add a record; fields that are not given are null. Returns its id."""
        row = [values.get(field.name) for field in RESOURCES[name].fields]
        for position, encoder in self._encoders[name]:
            if row[position] is not None:
                row[position] = encoder(row[position])
        with self._lock:
            return int(self._db.execute(self._inserts[name], row).lastrowid or 0)

    def update(self, name: str, record_id: int, values: Mapping[str, object]) -> None:
        """Set the given fields of one record."""
        if not values:
            return
        stored = RESOURCES[name].stored
        assignments = ", ".join(f'"{key}" = ?' for key in values)
        parameters = [_encode(stored[key], value) for key, value in values.items()]
        statement = f'UPDATE "{name}" SET {assignments} WHERE id = ?'  # noqa: S608 - names of the schema
        with self._lock:
            self._db.execute(statement, [*parameters, record_id])

    def delete(self, name: str, condition: str, parameters: Sequence[object]) -> int:
        """Delete the records that satisfy the SQL `condition`; returns how many."""
        with self._lock:
            statement = f'DELETE FROM "{name}" WHERE {condition}'  # noqa: S608 - conditions are written in this package
            return self._db.execute(statement, parameters).rowcount

    def select(
        self,
        name: str,
        condition: str = "1",
        parameters: Sequence[object] = (),
        *,
        fields: Sequence[Field] | None = None,
        order: str = "id",
        limit: int = -1,
        offset: int = 0,
    ) -> list[Record]:
        """Records that satisfy the SQL `condition`, with `fields` (default: all, hidden ones too) after their id."""
        wanted = RESOURCES[name].fields if fields is None else fields
        columns = ", ".join(["id", *(f'"{field.name}"' for field in wanted)])
        statement = f'SELECT {columns} FROM "{name}" WHERE {condition} ORDER BY {order} LIMIT ? OFFSET ?'  # noqa: S608
        with self._lock:
            rows = self._db.execute(statement, [*parameters, limit, offset]).fetchall()
        records: list[Record] = [dict(zip(["id", *(field.name for field in wanted)], row, strict=True)) for row in rows]
        for field in wanted:
            decoder = _DECODERS.get(field.kind)
            if decoder:
                for record in records:
                    if record[field.name] is not None:
                        record[field.name] = decoder(record[field.name])
        return records

    def count(self, name: str, condition: str = "1", parameters: Sequence[object] = ()) -> int:
        """How many records satisfy the SQL `condition`."""
        statement = f'SELECT count(*) FROM "{name}" WHERE {condition}'  # noqa: S608 - as in select
        return int(self.execute(statement, parameters)[0][0])

    def get(self, name: str, record_id: int) -> Record | None:
        """One record with all its fields, or None."""
        return next(iter(self.select(name, "id = ?", (record_id,))), None)

    def find(self, name: str, condition: str, *parameters: object) -> Record | None:
        """The first record that satisfies the SQL `condition`, or None."""
        return next(iter(self.select(name, condition, parameters, limit=1)), None)
