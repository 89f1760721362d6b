"""Lists: filters, order and paging of a request, and the envelope of the answer."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.soar.lookup import Condition, lookup, unknown_field
from lab.soar.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lab.soar.schema import Resource
    from lab.soar.storage import Record, Store

DEFAULT_PAGE_SIZE = 10
EVERYTHING = Condition("1")


@dataclass(frozen=True)
class Query:
    """What a list request asks for. `page_size` 0 means all."""

    condition: Condition = EVERYTHING
    order: str = "id"
    page: int = 0
    page_size: int = DEFAULT_PAGE_SIZE
    expensive: bool = False
    pretty: bool = False
    annotations: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Page:
    """One page of a list: how many records there are in all, in how many pages, and this page's."""

    count: int
    num_pages: int
    data: list[Record]

    def envelope(self) -> Record:
        """The JSON body of the answer."""
        return {"count": self.count, "num_pages": self.num_pages, "data": self.data}


def parse_query(
    resource: Resource, parameters: Iterable[tuple[str, str]], *, lenient: bool, status_filter: str
) -> Query:
    """Read the decoded query parameters of a list request. Raises Refusal."""
    given = list(parameters)
    conditions = []
    for key, text in given:
        if key.startswith(("_filter_", "_exclude_")):
            _, verb, path = key.split("_", 2)
            found = lookup(resource, path, parse_value(text, lenient=lenient), status_filter=status_filter)
            sql = f"NOT coalesce(({found.sql}), 0)" if verb == "exclude" else f"({found.sql})"
            conditions.append(Condition(sql, found.parameters))
    single = dict(given)
    return Query(
        condition=both(*conditions),
        order=_order(resource, single.get("sort", "id"), single.get("order", "asc")),
        page=_number(single, "page", 0),
        page_size=_number(single, "page_size", DEFAULT_PAGE_SIZE),
        expensive="include_expensive" in single,
        pretty="pretty" in single,
        annotations=frozenset(key.removeprefix("_annotation_") for key in single if key.startswith("_annotation_")),
    )


def both(*conditions: Condition) -> Condition:
    """All of the conditions at once."""
    if not conditions:
        return EVERYTHING
    parameters = tuple(parameter for condition in conditions for parameter in condition.parameters)
    return Condition(" AND ".join(condition.sql for condition in conditions), parameters)


def parse_value(text: str, *, lenient: bool) -> object:
    """A filter's value, a Python literal; other text if `lenient`. Lower-case booleans are refused (seen on 8.5)."""
    bare = text.strip()
    if bare in {"true", "false"}:
        raise Refusal(400, f"Invalid filter value: {bare} (use {bare.capitalize()})")
    try:
        value: object = ast.literal_eval(bare)
    except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
        if lenient:
            return text
        raise Refusal(400, f"Invalid filter value: {text}") from error
    return value


def _order(resource: Resource, sort: str, order: str) -> str:
    direction = {"asc": "ASC NULLS LAST", "desc": "DESC NULLS FIRST"}.get(order.strip("\"'").lower())
    if direction is None:
        raise Refusal(400, f"Invalid order: {order}")
    name, _, key = sort.strip("\"'").partition(".")
    field = resource.by_name.get(name)
    if field is None:
        raise unknown_field(resource, name)
    if not key:
        return "id " + direction[:4] if name == "id" else f'"{field.name}" {direction}, id'
    if not (name == "custom_fields" and key.replace("_", "").replace(" ", "").isalnum()):
        raise unknown_field(resource, sort)
    return f'json_extract("custom_fields", \'$."{key}"\') {direction}, id'


def _number(parameters: dict[str, str], name: str, default: int) -> int:
    text = parameters.get(name, "")
    if not text:
        return default
    if not text.isdecimal():
        raise Refusal(400, f"Invalid value for {name}: {text}")
    return int(text)


def run_query(store: Store, resource: Resource, query: Query, scope: Condition = EVERYTHING) -> Page:
    """The page that `query` asks for, of the records within `scope`. Raises Refusal past the last page."""
    condition = both(scope, query.condition)
    count = store.count(resource.name, condition.sql, condition.parameters)
    num_pages = max(1, -(-count // query.page_size)) if query.page_size else 1
    if query.page and query.page >= num_pages:
        raise Refusal(400, "That page contains no results")
    data = store.select(
        resource.name,
        condition.sql,
        condition.parameters,
        fields=resource.shown(expensive=query.expensive),
        order=query.order,
        limit=query.page_size or -1,
        offset=query.page * query.page_size,
    )
    return Page(count, num_pages, data)
