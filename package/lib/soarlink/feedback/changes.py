"""Records in the order of a time field, page after page, also while SOAR goes on changing them.

A page number would skip records whenever one moves out of an earlier page (REST reference, 7.4). So each page begins
at the last time of the one before; of what has that very time the rest is asked for by id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

PAGE = 200

Record = dict[str, Any]
Ask = Callable[[Sequence[tuple[str, str]]], list[Record]]
"""Filters, order and page size → the records, in that order."""


def changes(ask: Ask, name: str, since: str, scope: Sequence[tuple[str, str]] = ()) -> Iterator[list[Record]]:
    """Pages of records whose time ``name`` is ``since`` or later, oldest first. None twice with the same time.

    Args:
        ask: one request to SOAR.
        name: the time field.
        since: ISO time, as SOAR writes it.
        scope: further filters.
    """
    at, known = since, set[Any]()
    while True:
        records = ask((*scope, (f"_filter_{name}__gte", f'"{at}"'), *_order(name)))
        last = str(records[-1][name]) if records else at
        fresh = [record for record in records if not (record[name] == at and record["id"] in known)]
        if fresh:
            yield fresh
        if len(records) < PAGE:
            return
        if last == at:
            # More records of one time than a page holds: all of them by id, then on from the next time.
            known.update(record["id"] for record in records)
            yield from _rest(ask, name, at, known, scope)
            records = ask((*scope, (f"_filter_{name}__gt", f'"{at}"'), *_order(name)))
            if records:
                yield records
            if len(records) < PAGE:
                return
            last = str(records[-1][name])
        at, known = last, {record["id"] for record in records if record[name] == last}


def _rest(ask: Ask, name: str, at: str, known: set[Any], scope: Sequence[tuple[str, str]]) -> Iterator[list[Record]]:
    after = 0
    while True:
        records = ask((*scope, (f"_filter_{name}", f'"{at}"'), ("_filter_id__gt", str(after)), *_order("id")))
        fresh = [record for record in records if record["id"] not in known]
        if fresh:
            yield fresh
        if len(records) < PAGE:
            return
        after = records[-1]["id"]


def _order(name: str) -> tuple[tuple[str, str], ...]:
    return ("sort", name), ("order", "asc"), ("page_size", str(PAGE))
