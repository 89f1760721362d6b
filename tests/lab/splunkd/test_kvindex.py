"""Accelerated fields change how fast the KV store answers, never what."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.splunkd.kvquery import parse_sort, select
from lab.splunkd.kvschema import Schema
from lab.splunkd.kvstore import Collection, KvStore, Query, ResultLimits

DECLARED = {
    "enforceTypes": "true",
    "field.state": "string",
    "field.n": "number",
    "field.State": "string",
    "accelerated_fields.both": '{"state": 1, "n": 1}',
    "accelerated_fields.n": '{"n": -1}',
    "accelerated_fields.case": '{"State": 1}',
    "accelerated_fields.untyped": '{"list": 1}',
    "accelerated_fields.broken": "{",
}
SCHEMA = Schema.of(DECLARED)
FAST = Collection("app", "things", "nobody", SCHEMA.indexes)
SLOW = Collection("app", "Things", "nobody")
LIMITS = ResultLimits(50_000, 50 * 1024 * 1024)

TEXTS = st.sampled_from(["", "a", "b", "B", "é", "\ud800", "\x00", "10", "'", '"'])
NUMBERS = st.one_of(st.integers(-3, 3), st.sampled_from([2**63, -(2**64), 2**53 + 1, 0.5, 1e300]))
ANY = st.one_of(TEXTS, NUMBERS, st.none(), st.booleans())
DOCUMENTS = st.lists(
    st.fixed_dictionaries(
        {"_key": st.sampled_from("abcdefgh")},
        optional={
            "state": st.one_of(TEXTS, st.none()),
            "State": TEXTS.filter(lambda text: text != "\x00"),  # SQLite sorts what is before the zero byte
            "n": st.one_of(NUMBERS, st.none()),
            "list": st.lists(NUMBERS, max_size=2),
        },
    ),
    max_size=12,
)
FIELDS = st.sampled_from(["state", "State", "n", "list", "_key"])
OPERATORS = st.sampled_from(["$gt", "$gte", "$lt", "$lte", "$ne"])
CLAUSES = st.one_of(
    st.tuples(FIELDS, ANY).map(lambda pair: dict([pair])),
    st.tuples(FIELDS, st.dictionaries(OPERATORS, ANY, min_size=1, max_size=2)).map(lambda pair: dict([pair])),
)
QUERIES = st.recursive(
    CLAUSES,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"$and": parts}),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"$or": parts}),
        inner.map(lambda part: {"$not": part}),
    ),
    max_leaves=5,
)
SORTS = st.lists(st.sampled_from(["n", "n:-1", "state", "State:-1", "_key:-1", "list"]), max_size=2).map(",".join)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[KvStore]:
    """Return an empty store."""
    opened = KvStore(tmp_path / "kv.sqlite")
    yield opened
    opened.close()


def found(store: KvStore, collection: Collection, query: Query) -> list[dict[str, Any]]:
    """Return what a query finds, alone and among others."""
    alone = store.find(collection, query, LIMITS)
    others = Query(select({"_key": "a"})), Query(select({"_key": "nowhere"}))
    assert store.find_each(collection, [others[0], query, others[1], query], LIMITS)[1::2] == [alone, alone]
    return [json.loads(text) for text in alone]


@settings(max_examples=300)
@given(documents=DOCUMENTS, query=QUERIES, sort=SORTS, skip=st.integers(0, 3), limit=st.integers(0, 4))
def test_an_index_changes_no_answer(
    documents: list[dict[str, Any]], query: dict[str, Any], sort: str, skip: int, limit: int
) -> None:
    """The same documents in the same order, found or deleted, with and without indexes."""
    with tempfile.TemporaryDirectory() as folder:
        store = KvStore(Path(folder) / "kv.sqlite")
        asked = Query(select(query), skip, limit, parse_sort(sort))
        for collection in (FAST, SLOW):
            store.save(collection, [SCHEMA.coerce(document) for document in documents])
        assert found(store, FAST, asked) == found(store, SLOW, asked)
        for collection in (FAST, SLOW):
            store.delete_matching(collection, select(query))
        everything = Query(select({}))
        assert found(store, FAST, everything) == found(store, SLOW, everything)
        store.close()


def test_only_values_of_one_kind_are_indexed() -> None:
    """Numbers and texts whose types are enforced; a broken declaration is none."""
    assert SCHEMA.indexes == (("state", "n"), ("n",), ("State",))
    assert Schema.of({**DECLARED, "enforceTypes": "false"}).indexes == ()


@pytest.mark.parametrize(
    ("query", "sort", "limit"),
    [
        ({"state": "s7"}, "", 0),
        ({"$or": [{"state": "s1"}, {"state": "s2"}]}, "", 0),
        ({"$and": [{"state": "s3"}, {"n": {"$lte": 100_000}}]}, "n", 10),
        ({}, "n:-1", 10),
        ({"_key": {"$gt": "2500"}}, "_key", 10),
    ],
)
def test_a_lookup_does_not_look_at_everything(store: KvStore, query: dict[str, Any], sort: str, limit: int) -> None:
    """Among 5,000 documents it takes less than a third of the time that it takes without an index."""
    documents = [{"_key": f"{n:04}", "state": f"s{n % 500}", "n": n, "pad": "x" * 500} for n in range(5_000)]
    asked = Query(select(query), 0, limit, parse_sort(sort))
    took = {}
    for collection in (FAST, SLOW):
        store.save(collection, documents)
        found(store, collection, asked)
        started = time.thread_time()
        found(store, collection, asked)
        took[collection] = time.thread_time() - started
    # A key has an index in every collection.
    assert took[FAST] < (0.01 if sort == "_key" else took[SLOW] / 3), took


def test_indexes_follow_the_declaration(store: KvStore) -> None:
    """What is declared later holds what was there before; what is declared no more is gone."""
    store.save(SLOW, [{"_key": "a", "n": 1}])
    later = Collection(SLOW.app, SLOW.name, SLOW.owner, (("n",),))
    for collection in (later, SLOW, later):
        assert found(store, collection, Query(select({"n": 1}))) == [{"_key": "a", "_user": "nobody", "n": 1}]
        assert found(store, collection, Query(select({"n": 2}))) == []


def test_documents_of_a_former_lab_are_kept(tmp_path: Path) -> None:
    """A state folder whose documents stand in one table is read as before, once moved and ever after."""
    path = tmp_path / "kv.sqlite"
    columns = "app TEXT, collection TEXT, owner TEXT, key TEXT, body TEXT, PRIMARY KEY (app, collection, owner, key)"
    with contextlib.closing(sqlite3.connect(path)) as former, former:
        former.execute(f"CREATE TABLE document ({columns}) WITHOUT ROWID")
        for collection in (FAST, SLOW):
            body = json.dumps({"_key": "1", "_user": "nobody", "state": collection.name, "n": 3})
            former.execute(
                "INSERT INTO document VALUES (?, ?, ?, '1', ?)", (collection.app, collection.name, "nobody", body)
            )
    for _ in range(2):
        store = KvStore(path)
        for collection in (FAST, SLOW):
            (found,) = store.find(collection, Query(select({"n": 3})), LIMITS)
            assert json.loads(found)["state"] == collection.name
        store.close()
