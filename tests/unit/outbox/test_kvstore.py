"""The KV store as splunkd gives it: inserts that compare, silent cuts, limits, refusals in words."""

from __future__ import annotations

import pytest

from soarlink.errors import KvStoreRefused, KvStoreUnavailable, SplunkdError
from soarlink.secret import Secret
from soarlink.splunk import kvstore
from soarlink.splunk.kvstore import KvStore
from soarlink.splunk.splunkd import Splunkd
from soarlink.wire.trust import Trust
from tests.unit.certificates import Authority
from tests.unit.conftest import Serve
from tests.unit.outbox.splunkd import SplunkdProcess, kv_store
from tests.unit.rawserver import Connection

LEASES = "soar_lease"


def test_an_insert_wins_once(kv: KvStore) -> None:
    """The second insert of a key changes nothing and says so; odd characters in keys are kept."""
    key = "a b/ü.1"
    assert kv.insert(LEASES, {"_key": key, "number": 1})
    assert not kv.insert(LEASES, {"_key": key, "number": 2})
    assert (kv.get(LEASES, key) or {})["number"] == 1
    assert kv.get(LEASES, "absent") is None


def test_replace_and_delete_tell_whether_there_was_something(kv: KvStore) -> None:
    """Whole documents: what is not in the new one is gone."""
    assert not kv.replace(LEASES, "k", {"number": 1})
    kv.insert(LEASES, {"_key": "k", "number": 1, "owner": "a"})
    assert kv.replace(LEASES, "k", {"number": 2})
    found = kv.get(LEASES, "k") or {}
    assert (found["number"], "owner" in found) == (2, False)
    assert kv.delete(LEASES, "k")
    assert not kv.delete(LEASES, "k")


@pytest.mark.parametrize("sort", ["", "number"])
def test_a_query_gets_everything_past_a_silent_cut(kv: KvStore, splunkd: SplunkdProcess, sort: str) -> None:
    """The server gives at most 7 rows a page and says nothing; all 23 come, once each."""
    splunkd.limits(max_rows_per_query="7")
    kv.save_batch(LEASES, [{"_key": f"k{number:02}", "number": number} for number in range(23)])
    found = kv.query(LEASES, {"number": {"$gte": 1}}, sort=sort)
    assert [one["number"] for one in found] == list(range(1, 23))
    assert len(kv.page(LEASES)) == 7
    assert [one["number"] for one in kv.query(LEASES, sort="number:-1", limit=9, skip=1)] == list(range(21, 12, -1))
    assert len(kv.query(LEASES, limit=9)) == 9
    assert {tuple(sorted(one)) for one in kv.query(LEASES, fields=("number",))} == {("_key", "number")}


def test_a_small_batch_is_one_request_and_asks_for_no_limit(kv: KvStore, splunkd: SplunkdProcess) -> None:
    """Up to 200 documents go without a look at limits.conf."""
    assert kv.save_batch(LEASES, [{"_key": str(number)} for number in range(200)]) == 200
    assert splunkd.calls() == ["POST soar_lease/batch_save"]
    assert kv.save_batch(LEASES, []) == 0
    assert splunkd.calls() == []


@pytest.mark.parametrize(("limit", "requests"), [("300", 3), ("1000", 1), ("60", 10)])
def test_batches_follow_the_servers_limit(kv: KvStore, splunkd: SplunkdProcess, limit: str, requests: int) -> None:
    """An administrator's limit is read once and kept to."""
    splunkd.limits(max_documents_per_batch_save=limit)
    documents = [{"_key": f"{number:03}"} for number in range(700 if limit != "60" else 190)]
    if limit == "60":
        with pytest.raises(KvStoreRefused, match="Too many documents"):
            kv.save_batch(LEASES, documents)
        return
    kv.save_batch(LEASES, documents)
    calls = splunkd.calls()
    assert calls[0] == "GET /services/configs/conf-limits/kvstore"
    assert calls[1:] == ["POST soar_lease/batch_save"] * requests
    kv.save_batch(LEASES, documents)
    assert splunkd.calls() == ["POST soar_lease/batch_save"] * requests


def test_batches_stay_small_where_the_limit_cannot_be_read(kv: KvStore, splunkd: SplunkdProcess) -> None:
    """Then 200 documents at a time."""
    splunkd.fault("GET", "conf-limits", status=403)
    assert kv.save_batch(LEASES, [{"_key": f"{number:03}"} for number in range(500)]) == 500
    assert splunkd.calls().count("POST soar_lease/batch_save") == 3
    assert len(kv.query(LEASES)) == 500


def test_batches_are_bounded_in_bytes(kv: KvStore, splunkd: SplunkdProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    """A document above the bound travels alone."""
    monkeypatch.setattr(kvstore, "BATCH_BYTES", 1000)
    kv.save_batch(
        LEASES, [{"_key": str(number), "owner": "x" * size} for number, size in enumerate([400, 400, 2000, 10])]
    )
    assert splunkd.calls() == ["POST soar_lease/batch_save"] * 3


def test_several_queries_travel_together(kv: KvStore, splunkd: SplunkdProcess) -> None:
    """One list for each, in order, empty ones too."""
    kv.save_batch(LEASES, [{"_key": "a", "number": 1}, {"_key": "b", "number": 2}])
    splunkd.calls()
    answers = kv.find(LEASES, [{"_key": "b"}, {"_key": "x"}, {"number": {"$lte": 2}}])
    assert [[one["_key"] for one in answer] for answer in answers] == [["b"], [], ["a", "b"]]
    assert splunkd.calls() == ["POST soar_lease/batch_find"]
    assert kv.find(LEASES, []) == []


def test_a_conditional_delete_takes_what_matches(kv: KvStore) -> None:
    """And never everything by mistake."""
    kv.save_batch(LEASES, [{"_key": str(number), "number": number} for number in range(4)])
    kv.delete_where(LEASES, {"$or": [{"number": {"$lt": 1}}, {"number": 3}]})
    assert [one["_key"] for one in kv.query(LEASES)] == ["1", "2"]
    with pytest.raises(ValueError, match="everything"):
        kv.delete_where(LEASES, {})


@pytest.mark.parametrize("fault", [{"status": 503}, {"status": 500}, {"status": 429}, {"reset": True}])
def test_a_kv_store_that_is_away_is_a_case_for_later(
    kv: KvStore, splunkd: SplunkdProcess, fault: dict[str, object]
) -> None:
    """Every method says so with the same class."""
    splunkd.fault("", "storage/collections", **fault)
    for call in (
        lambda: kv.insert(LEASES, {"_key": "k"}),
        lambda: kv.get(LEASES, "k"),
        lambda: kv.query(LEASES),
        lambda: kv.find(LEASES, [{}]),
        lambda: kv.replace(LEASES, "k", {}),
        lambda: kv.save_batch(LEASES, [{"_key": "k"}]),
        lambda: kv.delete(LEASES, "k"),
        lambda: kv.delete_where(LEASES, {"number": 1}),
    ):
        with pytest.raises(KvStoreUnavailable) as caught:
            call()
        assert caught.value.status == fault.get("status")
    splunkd.clear()
    assert kv.query(LEASES) == []


def test_a_kv_store_that_says_when_it_is_ready_is_quoted(kv: KvStore, splunkd: SplunkdProcess) -> None:
    """In its own words, with where to look."""
    splunkd.fault("GET", "soar_lease", status=503)
    with pytest.raises(KvStoreUnavailable, match=r"HTTP 503: KV Store is initializing.*kvstore-status"):
        kv.query(LEASES)


def test_a_refusal_is_no_case_for_later(kv: KvStore, splunkd: SplunkdProcess) -> None:
    """Rights, missing collections and types: with the way out."""
    with pytest.raises(KvStoreRefused, match="is missing") as caught:
        kv.insert("soar_absent", {"_key": "k"})
    assert caught.value.status == 404
    with pytest.raises(KvStoreRefused, match=r"HTTP 400.*declared type"):
        kv.insert(LEASES, {"_key": "k", "number": "many"})
    with pytest.raises(KvStoreRefused, match="role send_to_soar_admin"):
        kv_store(splunkd, "analyst").insert(LEASES, {"_key": "k"})
    assert isinstance(caught.value, SplunkdError)


@pytest.mark.parametrize("body", [b"<html>", b"7", b'"x"'])
def test_an_answer_that_is_no_kv_store_is_away(authority: Authority, serve: Serve, body: bytes) -> None:
    """A proxy or something else answers."""

    def script(connection: Connection) -> None:
        while connection.read_request():
            connection.answer(body)

    server = serve(script)
    kv = KvStore(Splunkd(server.url, Secret("k"), Trust(authority.pem)))
    for call in (lambda: kv.query(LEASES), lambda: kv.get(LEASES, "k"), lambda: kv.find(LEASES, [{}])):
        with pytest.raises(KvStoreUnavailable, match="not what the KV store gives"):
            call()


@pytest.mark.parametrize("body", [b"7", b"[1, 2]", b"{"])
def test_an_answer_to_several_queries_must_fit_them(authority: Authority, serve: Serve, body: bytes) -> None:
    """More lists than queries are no answer to them."""

    def script(connection: Connection) -> None:
        while connection.read_request():
            connection.answer(body)

    kv = KvStore(Splunkd(serve(script).url, Secret("k"), Trust(authority.pem)))
    with pytest.raises(KvStoreUnavailable):
        kv.find(LEASES, [{"_key": "k"}])


def test_a_limit_that_is_no_number_is_no_limit(kv: KvStore, splunkd: SplunkdProcess) -> None:
    """Small batches then."""
    splunkd.limits(max_documents_per_batch_save="many")
    splunkd.fault("POST", "batch_save", status=503)
    with pytest.raises(KvStoreUnavailable):
        kv.save_batch(LEASES, [{"_key": str(number)} for number in range(201)])
    assert splunkd.calls() == ["GET /services/configs/conf-limits/kvstore", "POST soar_lease/batch_save"]


def test_a_splunkd_that_is_away_does_not_show_the_key() -> None:
    """No answer, no status, no secret."""
    kv = KvStore(Splunkd("https://127.0.0.1:1", Secret("geheim"), Trust()))
    with pytest.raises(KvStoreUnavailable, match="did not answer") as caught:
        kv.get(LEASES, "k")
    assert caught.value.status is None
    assert "geheim" not in repr(caught.value)
