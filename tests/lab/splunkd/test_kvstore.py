"""KV store: exactly the documented semantics."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from lab.splunkd import StandInSplunkd
from tests.lab.splunkd.client import APP, Client, Run, Start, client_of

CONFIG = f"/servicesNS/nobody/{APP}/storage/collections/config"
DATA = f"/servicesNS/nobody/{APP}/storage/collections/data/things"


@pytest.fixture
def things(admin: Client) -> Client:
    """Return an administrator's client after the collection was made."""
    assert admin.post(CONFIG, {"name": "things", "field.size": "number", "field.flag": "bool"}).status == 201
    return admin


def keys(documents: Iterable[dict[str, Any]]) -> list[str]:
    """Return the keys of documents."""
    return [document["_key"] for document in documents]


def test_insert_is_the_only_compare_and_set(things: Client) -> None:
    """An insert answers 201 and the key; a second one with the key 409; without a key one is made up."""
    assert things.post_json(DATA, {"_key": "a", "n": 1}).json == {"_key": "a"}
    again = things.post_json(DATA, {"_key": "a", "n": 2})
    assert (again.status, again.messages) == (
        409,
        [("ERROR", "A document with the same key and user already exists.")],
    )
    assert things.get(f"{DATA}/a").json == {"_key": "a", "_user": "nobody", "n": 1}
    made_up = things.post_json(DATA, {"n": 3})
    assert made_up.status == 201
    assert len(made_up.json["_key"]) >= 16


def test_one_of_many_inserts_wins(things: Client) -> None:
    """Of simultaneous inserts with one key exactly one succeeds."""
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda n: things.post_json(DATA, {"_key": "lease", "n": n}).status, range(8)))
    assert sorted(statuses) == [201] + [409] * 7


def test_update_replaces_the_whole_document(things: Client) -> None:
    """POST to a key drops what the new document lacks, and is 404 for an unknown key."""
    things.post_json(DATA, {"_key": "a", "x": 1, "y": 2})
    assert things.post_json(f"{DATA}/a", {"x": 5}).json == {"_key": "a"}
    assert things.get(f"{DATA}/a").json == {"_key": "a", "_user": "nobody", "x": 5}
    missing = things.post_json(f"{DATA}/b", {"x": 5})
    assert (missing.status, missing.messages) == (404, [("ERROR", "Could not find object.")])


def test_delete_by_key_query_and_all(things: Client) -> None:
    """DELETE takes one key (404 when unknown), what a query matches, or everything."""
    things.post_json(f"{DATA}/batch_save", [{"_key": str(n), "n": n} for n in range(6)])
    assert things.delete(f"{DATA}/0").status == 200
    assert things.delete(f"{DATA}/0").status == 404
    assert things.delete(DATA, query=json.dumps({"n": {"$lt": 3}})).status == 200
    assert keys(things.get(DATA).json) == ["3", "4", "5"]
    assert things.delete(DATA).status == 200
    assert things.get(DATA).json == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, "abcd"),
        ({"n": 2}, "b"),
        ({"n": {"$gt": 1, "$lte": 3}}, "bc"),
        ({"n": {"$gte": 3}}, "c"),
        ({"n": {"$ne": 2}}, "acd"),
        ({"$and": [{"n": {"$gt": 1}}, {"s": "x"}]}, "b"),
        ({"$or": [{"n": 1}, {"s": "y"}]}, "ac"),
        ({"$not": {"n": {"$gt": 1}}}, "ad"),
        ({"s": {"$lt": "y"}}, "ab"),
        ({"deep.er": True}, "d"),
        ({"list": "two"}, "d"),
        ({"n": "2"}, ""),
        ({"n": None}, "d"),
        ({"_key": "c"}, "c"),
    ],
)
def test_documented_operators(things: Client, query: dict[str, Any], expected: str) -> None:
    """Each documented operator selects what the documentation says; types are never mixed."""
    documents = [
        {"_key": "a", "n": 1, "s": "x"},
        {"_key": "b", "n": 2, "s": "x"},
        {"_key": "c", "n": 3, "s": "y"},
        {"_key": "d", "deep": {"er": True}, "list": ["one", "two"]},
    ]
    things.post_json(f"{DATA}/batch_save", documents)
    assert "".join(keys(things.get(DATA, query=json.dumps(query)).json)) == expected


@pytest.mark.parametrize(
    "query", ['{"n": {"$in": [1]}}', '{"n": {"$regex": "x"}}', '{"n": {"$exists": true}}', '{"$nor": []}', "[1]", "{"]
)
def test_anything_else_is_refused(things: Client, query: str) -> None:
    """Undocumented operators and broken queries get 400, for reading and for deleting."""
    assert things.get(DATA, query=query).status == 400
    assert things.delete(DATA, query=query).status == 400


def test_sort_skip_limit_fields(things: Client) -> None:
    """Results are sorted by several fields, paged and cut to fields; `_key` stays unless it is excluded."""
    documents = [
        {"_key": k, "n": n, "s": s} for k, n, s in (("a", 2, "x"), ("b", 1, "y"), ("c", 2, "y"), ("d", 10, "x"))
    ]
    things.post_json(f"{DATA}/batch_save", documents)
    assert keys(things.get(DATA, sort="n:-1,s").json) == ["d", "a", "c", "b"]
    assert keys(things.get(DATA, sort="n", skip=1, limit=2).json) == ["a", "c"]
    assert things.get(DATA, fields="n,_key:0", limit=1).json == [{"n": 2}]
    assert things.get(DATA, fields="n", limit=1).json == [{"n": 2, "_key": "a"}]
    assert things.get(DATA, fields="n:0,_user:0", limit=1).json == [{"_key": "a", "s": "x"}]
    assert things.get(DATA, sort="n:2").status == 400
    assert things.get(DATA, fields="n,s:0").status == 400


def test_batch_save_overwrites_and_is_limited(start: Start) -> None:
    """batch_save replaces whole documents; more than limits.conf allows is refused whole, by version and by admin."""
    splunkd = start(version="9.0.4")
    admin = client_of(splunkd, "admin")
    admin.post(CONFIG, {"name": "things"})
    admin.post_json(DATA, {"_key": "0", "x": 1})
    assert admin.post_json(f"{DATA}/batch_save", [{"_key": str(n)} for n in range(1000)]).json[:2] == ["0", "1"]
    assert "x" not in admin.get(f"{DATA}/0").json
    refused = admin.post_json(f"{DATA}/batch_save", [{"_key": f"new{n}"} for n in range(1001)])
    assert refused.status == 400
    assert "max_documents_per_batch_save=1000" in refused.messages[0][1]
    assert admin.get(f"{DATA}/new0").status == 404
    limits = admin.get("/services/configs/conf-limits/kvstore").content
    assert limits["max_documents_per_batch_save"] == "1000"
    (splunkd.home / "etc/system/local/limits.conf").write_text("[kvstore]\nmax_documents_per_batch_save = 2\n")
    assert admin.post_json(f"{DATA}/batch_save", [{}, {}, {}]).status == 400
    assert (
        client_of(start(version="9.4.3"), "admin")
        .get("/services/configs/conf-limits/kvstore")
        .content["max_documents_per_batch_save"]
        == "2"
    )


def test_results_are_cut_silently(splunkd: StandInSplunkd, things: Client) -> None:
    """A query never gives more than max_rows_per_query rows, whatever its limit, and says nothing about it."""
    (splunkd.home / "etc/system/local/limits.conf").write_text("[kvstore]\nmax_rows_per_query = 3\n")
    things.post_json(f"{DATA}/batch_save", [{"_key": str(n)} for n in range(5)])
    assert len(things.get(DATA).json) == 3
    assert len(things.get(DATA, limit=4).json) == 3
    assert keys(things.get(DATA, skip=3).json) == ["3", "4"]


def test_batch_find(things: Client) -> None:
    """batch_find answers one list per query, each with its own page."""
    things.post_json(f"{DATA}/batch_save", [{"_key": str(n), "n": n} for n in range(4)])
    queries = [{"query": {"n": {"$gt": 1}}}, {"query": {}, "limit": 1, "sort": [{"n": -1}], "fields": {"n": True}}]
    found = things.post_json(f"{DATA}/batch_find", queries).json
    assert [keys(part) for part in found] == [["2", "3"], ["3"]]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"a=b"])
def test_only_json_documents_are_stored(things: Client, body: bytes) -> None:
    """A body that is no JSON object gets 400."""
    reply = things.call("POST", DATA, body)
    assert reply.status == 400
    assert reply.messages[0][1].startswith("JSON in the request is invalid.")


def test_values_are_brought_to_their_declared_types(things: Client) -> None:
    """Declared numbers and booleans are coerced; what does not fit stays as it is when types are not enforced."""
    things.post_json(DATA, {"_key": "a", "size": "12", "flag": "true", "other": "12"})
    things.post_json(DATA, {"_key": "b", "size": "large"})
    assert things.get(f"{DATA}/a").json == {"_key": "a", "_user": "nobody", "size": 12, "flag": True, "other": "12"}
    assert things.get(f"{DATA}/b").json["size"] == "large"


def test_enforced_types_refuse_what_does_not_fit(admin: Client) -> None:
    """With enforceTypes a value that is not of its type gets 400, and nothing of its batch is stored."""
    admin.post(CONFIG, {"name": "things", "enforceTypes": "true", "field.size": "number"})
    assert admin.post_json(DATA, {"size": "large"}).status == 400
    assert admin.post_json(f"{DATA}/batch_save", [{"size": 1}, {"size": [1]}]).status == 400
    assert admin.get(DATA).json == []


def test_collections_life_cycle(admin: Client) -> None:
    """A collection is declared once in the app's namespace, listed, dropped with its documents; else 404."""
    assert admin.get(DATA).status == 404
    assert admin.post(CONFIG, {"name": "things"}).status == 201
    assert admin.post(CONFIG, {"name": "things"}).status == 409
    assert admin.post(f"/servicesNS/admin/{APP}/storage/collections/config", {"name": "own"}).status == 400
    assert "things" in [entry["name"] for entry in admin.get(CONFIG, count=-1).json["entry"]]
    admin.post_json(DATA, {"_key": "a"})
    assert admin.delete(f"{CONFIG}/things").status == 200
    admin.post(CONFIG, {"name": "things"})
    assert admin.get(DATA).json == []


def test_access_follows_the_meta_files(
    splunkd: StandInSplunkd, things: Client, as_user: Callable[[str], Client]
) -> None:
    """An analyst reads a collection and writes only where a meta file says so."""
    analyst = as_user("analyst")
    assert analyst.get(DATA).status == 200
    refused = analyst.post_json(DATA, {"_key": "a"})
    assert (refused.status, refused.messages[0][0]) == (403, "WARN")
    meta = splunkd.home / "etc" / "system" / "metadata"
    meta.mkdir()
    (meta / "default.meta").write_text("[collections/things]\naccess = write : [ * ]\n")
    assert analyst.post_json(DATA, {"_key": "a"}).status == 403
    _grant(splunkd, "[collections/things]\naccess = read : [ admin ], write : [ user ]\n")
    assert analyst.post_json(DATA, {"_key": "a"}).status == 201
    assert analyst.get(DATA).status == 403
    assert things.get(DATA).status == 200


def _grant(splunkd: StandInSplunkd, text: str) -> None:
    """Give the app a local.meta beside what was built."""
    meta = splunkd.home / "etc" / "apps" / APP / "metadata"
    built = meta.resolve()
    meta.unlink()
    meta.mkdir()
    for file in built.iterdir():
        (meta / file.name).write_bytes(file.read_bytes())
    (meta / "local.meta").write_text(text)


def test_owners_do_not_meet(things: Client) -> None:
    """The same key in another owner's namespace is another document."""
    own = DATA.replace("/nobody/", "/admin/")
    things.post_json(DATA, {"_key": "a", "x": 1})
    assert things.post_json(own, {"_key": "a", "x": 2}).status == 201
    assert things.get(f"{own}/a").json == {"_key": "a", "_user": "admin", "x": 2}
    assert things.get(f"{DATA}/a").json["x"] == 1


def test_documents_survive_a_restart(start: Start, tmp_path: Path) -> None:
    """Documents are there after a restart, odd keys included."""
    admin = client_of(start(), "admin")
    admin.post(CONFIG, {"name": "things"})
    admin.post_json(DATA, {"_key": "input://a b/c", "x": "\u00e9"})
    again = client_of(start(), "admin")
    assert again.get(f"{DATA}/input%3A%2F%2Fa+b%2Fc").json["x"] == "\u00e9"
    assert (tmp_path / "state" / "kv.sqlite").exists()


def test_checkpointer(in_addon: Run, splunkd: StandInSplunkd) -> None:
    """Solnlib's KVStoreCheckpointer makes its collection, stores, reads, deletes and misses."""
    result = in_addon("""
        from solnlib.modular_input.checkpointer import KVStoreCheckpointer
        make = lambda: KVStoreCheckpointer("soar-feedback", KEY, APP, scheme="https", host=HOST, port=PORT)
        make()
        store = make()
        store.update("input://a b/c", {"cursor": 7})
        store.batch_update([{"_key": "k1", "state": 1}, {"_key": "k2", "state": [2]}])
        store.delete("k1")
        store.delete("nothing")
        result = [store.get("input://a b/c"), store.get("k1"), store.get("k2")]
    """)
    assert result == [{"cursor": 7}, None, [2]]
    assert splunkd.unknown_calls == []


def test_splunk_sdk(in_addon: Run, splunkd: StandInSplunkd) -> None:
    """Splunklib's KV store API, which speaks Atom XML for collections, works in full."""
    result = in_addon("""
        from splunklib import binding, client
        service = client.connect(host=HOST, port=PORT, scheme="https", token=KEY, app=APP, owner="nobody")
        before = "m" in service.kvstore
        service.kvstore.create("m", fields={"n": "number"}, accelerated_fields={"by_n": {"n": 1}})
        data = service.kvstore["m"].data
        data.insert(json.dumps({"_key": "one", "n": "1"}))
        try:
            data.insert(json.dumps({"_key": "one", "n": 1}))
            twice = 0
        except binding.HTTPError as error:
            twice = error.status
        data.batch_save({"_key": "two", "n": 2}, {"_key": "three", "n": 3})
        data.update("two", json.dumps({"n": 22}))
        found = data.query(query={"n": {"$gte": 3}}, sort="n:-1", fields="n,_key")
        batch = data.batch_find({"query": {"n": 1}})
        data.delete(json.dumps({"n": 1}))
        data.delete_by_id("two")
        left = [document["_key"] for document in data.query()]
        service.kvstore.delete("m")
        result = [before, twice, found, [d["_key"] for d in batch[0]], left, "m" in service.kvstore]
    """)
    assert result == [
        False,
        409,
        [{"_key": "two", "n": 22}, {"_key": "three", "n": 3}],
        ["one"],
        ["three"],
        False,
    ]
    assert splunkd.unknown_calls == []
