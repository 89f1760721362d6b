"""Accelerated fields: which documents a query can match at all, asked of SQLite's indexes.

An index holds a field as SQLite sees it, which is how the KV store compares it only where every value is of one kind:
the fields whose numbers or texts `enforceTypes` guards. Whoever asks compares what comes back once more. Texts sort as
SQLite has them: by what is before a zero byte.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_NAME = re.compile(r"\w+")
_LARGEST = 2**63
_MOST_TERMS = 500
"""Of an `$or`; SQLite nests no deeper than 1,000."""

_RANGES = {"$gt": ">=", "$gte": ">=", "$lt": "<=", "$lte": "<="}
"""Limits included: SQLite rounds large numbers."""


@dataclass(frozen=True)
class Condition:
    """A condition that at least every matching document meets."""

    sql: str
    values: tuple[str | int | float, ...]


EVERYTHING = Condition("1", ())


def accelerated(values: Mapping[str, Any], types: Mapping[str, str]) -> tuple[tuple[str, ...], ...]:
    """Return the fields of each index that a collection declares.

    Args:
        values: {name of the index: its document, such as {"state": 1, "created": 1}}.
        types: {field: declared type}, where types are enforced.
    """
    indexes = []
    for document in values.values():
        fields: list[str] = []
        for name in document if isinstance(document, dict) else ():
            if types.get(name) not in {"number", "time", "string"} or not _NAME.fullmatch(name):
                break
            fields.append(name)
        if fields:
            indexes.append(tuple(fields))
    return tuple(dict.fromkeys(indexes))


def column(field: str) -> str:
    """Return the SQL of a field's value."""
    return "key" if field == "_key" else f"json_extract(body, '$.{field}')"


def narrow(query: Any, fields: Iterable[str], sort: Sequence[tuple[str, int]] = ()) -> Condition:
    """Return what SQLite can tell of a query.

    Args:
        query: the query document, checked.
        fields: what has an index.
        sort: the order that is asked for. An index in that order gives the first page at once, and a range over
            another field would make SQLite collect everything and sort it.
    """
    ranged = frozenset(fields) | {"_key"}
    if sort:
        ranged &= {sort[0][0]}
    return _narrow(query, frozenset(fields) | {"_key"}, ranged) or EVERYTHING


def _narrow(query: Mapping[str, Any], fields: frozenset[str], ranged: frozenset[str]) -> Condition | None:
    parts: list[Condition] = []
    for name, value in query.items():
        if name == "$and":
            parts.extend(filter(None, (_narrow(part, fields, ranged) for part in value)))
        elif name == "$or":
            parts.extend(filter(None, [_any_of(value, fields, ranged)]))
        elif name in fields and isinstance(value, dict):
            wanted = [(_RANGES[key], limit) for key, limit in value.items() if key in _RANGES and name in ranged]
            parts.extend(Condition(f"{column(name)} {sign} ?", (limit,)) for sign, limit in wanted if _is_plain(limit))
            if isinstance(value.get("$ne"), str) and _is_plain(value["$ne"]):
                parts.append(Condition(f"{column(name)} IS NOT ?", (value["$ne"],)))
        elif name in fields and _is_plain(value):
            parts.append(Condition(f"{column(name)} = ?", (value,)))
    return _joined(parts, " AND ")


def _any_of(queries: Sequence[Mapping[str, Any]], fields: frozenset[str], ranged: frozenset[str]) -> Condition | None:
    parts = [_narrow(query, fields, ranged) for query in queries[: _MOST_TERMS + 1]]
    found = [part for part in parts if part is not None]
    return _joined(found, " OR ") if len(found) == len(parts) <= _MOST_TERMS else None


def _joined(parts: Sequence[Condition], word: str) -> Condition | None:
    if not parts:
        return None
    values = tuple(value for part in parts for value in part.values)
    return Condition(f"({word.join(part.sql for part in parts)})", values)


def _is_plain(value: Any) -> bool:
    """Whether SQLite compares the value as the KV store does."""
    if isinstance(value, str):
        return value.isprintable()  # no lone surrogates, no zero bytes
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < _LARGEST
