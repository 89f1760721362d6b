"""The KV store's query language: exactly the documented operators, everything else is refused.

These are `$gt $gte $lt $lte $ne` on fields, `$and $or $not` around queries, and plain equality; dotted names reach
into documents.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cmp_to_key
from typing import Any

from lab.splunkd.refusal import Refused

Document = Mapping[str, Any]
Predicate = Callable[[Document], bool]

_COMPARISONS: dict[str, Callable[[int], bool]] = {
    "$gt": lambda order: order > 0,
    "$gte": lambda order: order >= 0,
    "$lt": lambda order: order < 0,
    "$lte": lambda order: order <= 0,
}
_ABSENT = object()


@dataclass(frozen=True)
class Selection:
    """A query: what it says, and what decides whether a document matches."""

    query: Mapping[str, Any]
    matches: Predicate


def parse_query(text: str) -> Selection:
    """Compile the JSON text of a query; an empty one matches everything.

    Raises:
        Refused: 400 for what is not JSON, not an object, or uses an operator that is not documented.
    """
    if not text:
        return select({})
    try:
        query = json.loads(text)
    except ValueError as error:
        raise Refused(400, f"JSON in the request is invalid. ( JSON parse error: {error} )") from error
    return select(query)


def select(query: Any) -> Selection:
    """Compile a query document.

    Raises:
        Refused: 400, see `parse_query`.
    """
    return Selection(query, _compile(query))


def key_of(query: Mapping[str, Any]) -> str | None:
    """Return the key that a query asks for, when it asks for nothing else."""
    key = query.get("_key")
    return key if len(query) == 1 and isinstance(key, str) and key.isprintable() else None


def _compile(query: Any) -> Predicate:
    if not isinstance(query, dict):
        raise Refused(400, "Query must be a JSON object.")
    predicates = [_clause(key, value) for key, value in query.items()]
    return lambda document: all(predicate(document) for predicate in predicates)


def _clause(key: str, value: Any) -> Predicate:
    if key in {"$and", "$or"}:
        if not isinstance(value, list) or not value:
            raise Refused(400, f"{key} needs a non-empty list of queries.")
        parts = [_compile(part) for part in value]
        combine = all if key == "$and" else any
        return lambda document: combine(part(document) for part in parts)
    if key == "$not":
        inner = _compile(value)
        return lambda document: not inner(document)
    if key.startswith("$"):
        raise _unknown_operator(key)
    if isinstance(value, dict) and any(name.startswith("$") for name in value):
        tests = [_test(operator, operand) for operator, operand in value.items()]
        return lambda document: all(test(lookup(document, key)) for test in tests)
    return lambda document: _equal(lookup(document, key), value)


def _test(operator: str, operand: Any) -> Callable[[Any], bool]:
    if operator == "$ne":
        return lambda value: not _equal(value, operand)
    if operator not in _COMPARISONS:
        raise _unknown_operator(operator)
    accepts = _COMPARISONS[operator]
    return lambda value: _kind(value) == _kind(operand) and accepts(compare(value, operand))


def _unknown_operator(name: str) -> Refused:
    return Refused(400, f"Operator {name} is not documented for the KV store; the stand-in refuses it.")


def lookup(document: Document, path: str) -> Any:
    """Return the value at a dotted path, or a marker for one that is not there."""
    value: Any = document
    if path in document:
        return document[path]
    for part in path.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return _ABSENT
        value = value[part]
    return value


def _equal(value: Any, operand: Any) -> bool:
    if value is _ABSENT:
        return operand is None
    if isinstance(value, list) and not isinstance(operand, list):
        return any(_equal(item, operand) for item in value)
    return _kind(value) == _kind(operand) and bool(value == operand)


def _kind(value: Any) -> int:
    """Rank a value's type in the database's sort order; values of different kinds never compare as equal."""
    if value is _ABSENT or value is None:
        return 0
    if isinstance(value, bool):
        return 5
    if isinstance(value, (int, float)):
        return 1
    if isinstance(value, str):
        return 2
    return 3 if isinstance(value, dict) else 4


def compare(left: Any, right: Any) -> int:
    """Order two values: by kind, then by value."""
    kinds = _kind(left), _kind(right)
    if kinds[0] != kinds[1]:
        return -1 if kinds[0] < kinds[1] else 1
    if kinds[0] == 0:
        return 0
    if kinds[0] in {3, 4}:
        left, right = json.dumps(left, sort_keys=True), json.dumps(right, sort_keys=True)
    return int(left > right) - int(left < right)


def sort_documents(documents: list[dict[str, Any]], fields: Sequence[tuple[str, int]]) -> None:
    """Sort in place by (field, 1 or -1), the first field first."""
    for field, direction in reversed(fields):
        documents.sort(key=_sort_key(field), reverse=direction < 0)


def _sort_key(field: str) -> Callable[[Document], Any]:
    order = cmp_to_key(compare)
    return lambda document: order(lookup(document, field))


def parse_sort(text: str) -> list[tuple[str, int]]:
    """Parse `sort=a,b:-1`.

    Raises:
        Refused: 400 for a direction other than 1 and -1.
    """
    fields = []
    for part in filter(None, (item.strip() for item in text.split(","))):
        name, _, direction = part.rpartition(":")
        if not name:
            name, direction = part, "1"
        if direction not in {"1", "-1"}:
            raise Refused(400, f"Invalid sort direction in {part!r}: use 1 or -1.")
        fields.append((name, int(direction)))
    return fields


def parse_fields(text: str) -> dict[str, bool]:
    """Parse `fields=a,b,_key:0` into {name: wanted}.

    Raises:
        Refused: 400 for a flag other than 0 and 1, or for in- and exclusions of other fields than `_key` mixed.
    """
    wanted: dict[str, bool] = {}
    for part in filter(None, (item.strip() for item in text.split(","))):
        name, _, flag = part.partition(":")
        if flag not in {"", "0", "1"}:
            raise Refused(400, f"Invalid field specification {part!r}.")
        wanted[name] = flag != "0"
    kinds = {kept for name, kept in wanted.items() if name not in {"_key", "_id"}}
    if len(kinds) > 1:
        raise Refused(400, "Fields to include and fields to exclude can't be mixed.")
    return wanted


def project(document: dict[str, Any], wanted: Mapping[str, bool]) -> dict[str, Any]:
    """Return the fields that `parse_fields` asked for; `_key` comes along unless it is excluded."""
    if not wanted:
        return document
    included = {name for name, kept in wanted.items() if kept}
    excluded = {name for name, kept in wanted.items() if not kept}
    if included - {"_key"} or (included and not excluded):
        return {key: value for key, value in document.items() if key in (included | {"_key"}) - excluded}
    return {key: value for key, value in document.items() if key not in excluded}
