"""The outbox: nothing visible that can't be sent, nothing twice, nobody's acts lost, fair between accounts."""

from __future__ import annotations

import dataclasses
from dataclasses import replace

import pytest

from soarlink.errors import KvStoreRefused, KvStoreUnavailable, OutboxError
from soarlink.outbox import payload as payload_module
from soarlink.outbox import stored
from soarlink.outbox.collection import Outbox
from soarlink.outbox.item import DELIVERED, DISCARDED, PENDING, REJECTED, OutboxItem
from soarlink.outbox.payload import Payload
from soarlink.splunk.kvstore import KvStore
from tests.unit.outbox.samples import NOW, item, payload
from tests.unit.outbox.splunkd import SplunkdProcess, kv_store

ROWS, PAYLOADS = "soar_outbox", "soar_outbox_payload"


def stored_documents(kv: KvStore, one: OutboxItem) -> list[str]:
    """What the payload collection holds for an item: payload ids and "ledger"."""
    return sorted(document["payload"] for document in kv.query(PAYLOADS, {"item": one.key}))


def put(outbox: Outbox, identity: str, **changes: object) -> OutboxItem:
    """A row in the outbox, as it stands there."""
    one = item(identity, **changes)
    assert outbox.insert(one, payload(identity))
    found = outbox.get(one.key)
    assert found is not None
    return found


def test_what_was_put_in_comes_out(outbox: Outbox, splunkd: SplunkdProcess) -> None:
    """Row and payload are exact; two requests put it in, one loads it."""
    splunkd.calls()
    one = put(outbox, "a")
    assert splunkd.calls()[:2] == [f"POST {PAYLOADS}", f"POST {ROWS}"]
    assert one == replace(item("a"), payload=one.payload, payload_parts=1, payload_bytes=one.payload_bytes)
    assert outbox.load(one) == payload("a")
    assert splunkd.calls()[-1:] == [f"POST {PAYLOADS}/batch_find"]


def test_the_second_insert_changes_nothing(outbox: Outbox, kv: KvStore) -> None:
    """Neither row nor payload, even when it brings another payload; no litter stays."""
    one = put(outbox, "a")
    worked_on = replace(one, attempts=3)
    outbox.replace(worked_on)
    assert not outbox.insert(item("a"), payload("a"))
    assert not outbox.insert(item("a"), payload("a", "another text"))
    assert outbox.get(one.key) == worked_on
    assert outbox.load(one) == payload("a")
    assert stored_documents(kv, one) == [one.payload]


def test_a_receipt_is_not_put_in_line_again(outbox: Outbox, kv: KvStore) -> None:
    """A rerun after delivery leaves the receipt and stores nothing."""
    one = put(outbox, "a")
    outbox.settle(replace(one, state=DELIVERED, container_id=7))
    assert not outbox.insert(item("a"), payload("a"))
    assert stored_documents(kv, one) == []
    assert outbox.due(NOW, 10) == []


@pytest.mark.parametrize("step", [0, 1])
@pytest.mark.parametrize("is_committed", [True, False])
def test_a_crash_in_any_step_of_an_insert_is_mended_by_the_rerun(
    outbox: Outbox,
    kv: KvStore,
    monkeypatch: pytest.MonkeyPatch,
    step: int,
    is_committed: bool,  # noqa: FBT001 - a test's parameter
) -> None:
    """Whether or not the request had its effect: no row without payload is ever seen, and one row is there at last."""
    insert, seen = KvStore.insert, []

    def failing(self: KvStore, collection: str, document: dict[str, object]) -> bool:
        seen.append(collection)
        if len(seen) == step + 1:
            if is_committed:
                insert(self, collection, document)
            raise KvStoreUnavailable("gone")
        return insert(self, collection, document)

    monkeypatch.setattr(KvStore, "insert", failing)
    with pytest.raises(KvStoreUnavailable):
        outbox.insert(item("a"), payload("a"))
    monkeypatch.undo()
    for found in outbox.due(NOW, 10):
        assert outbox.load(found) == payload("a")
    assert outbox.insert(item("a"), payload("a")) != (step == 1 and is_committed)
    (found,) = outbox.due(NOW, 10)
    assert outbox.load(found) == payload("a")
    assert len(kv.query(PAYLOADS)) == 1


def test_many_are_put_in_with_few_requests(outbox: Outbox, splunkd: SplunkdProcess) -> None:
    """450 rows in three requests, and one for the limits; those that are there stay, a key given twice counts once."""
    first = put(outbox, "7")
    outbox.replace(replace(first, attempts=5))
    splunkd.calls()
    entries = [(item(str(number)), payload(str(number))) for number in range(450)]
    new = outbox.insert_many([*entries, entries[0]])
    assert len(splunkd.calls()) == 4
    assert new == {one.key for one, _ in entries} - {first.key}
    assert (outbox.get(first.key) or first).attempts == 5
    rows = outbox.due(NOW, 1000)
    assert len(rows) == 450
    splunkd.calls()
    assert [(one.key, loaded) for one, loaded in outbox.load_many(rows)] == [
        (one.key, payload(one.identity)) for one in rows
    ]
    assert len(splunkd.calls()) == 2
    assert outbox.insert_many(entries) == set()


def test_a_large_payload_takes_several_documents(
    outbox: Outbox, kv: KvStore, monkeypatch: pytest.MonkeyPatch, splunkd: SplunkdProcess
) -> None:
    """Together or not at all: a missing part is an error, one that a cut answer left out is fetched."""
    monkeypatch.setattr(payload_module, "CHUNK", 100)
    one = item("a")
    large = payload("a", parts=20)
    outbox.insert(one, large)
    row = outbox.due(NOW, 1)[0]
    assert row.payload_parts > 3
    assert outbox.load(row) == large
    find = KvStore.find
    monkeypatch.setattr(KvStore, "find", lambda self, name, queries: find(self, name, queries[:2]) + [[]] * 99)
    assert outbox.load(row) == large
    monkeypatch.undo()
    kv.delete(PAYLOADS, f"{row.key}.{row.payload}.2")
    with pytest.raises(OutboxError, match="part of the stored payload is missing"):
        outbox.load(row)


def test_loads_are_grouped_by_bytes(outbox: Outbox, splunkd: SplunkdProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    """No answer grows towards the server's bound."""
    rows = [put(outbox, identity) for identity in "abc"]
    monkeypatch.setattr(stored, "_GROUP_BYTES", rows[0].payload_bytes + 1)
    splunkd.calls()
    assert len(list(outbox.load_many(rows))) == 3
    assert len(splunkd.calls()) == 3


def test_a_poisoned_payload_does_not_hold_up_the_others(outbox: Outbox, kv: KvStore) -> None:
    """Its error stands in its place."""
    rows = [put(outbox, identity) for identity in "abc"]
    key = f"{rows[1].key}.{rows[1].payload}.0"
    kv.replace(PAYLOADS, key, {"item": rows[1].key, "body": "!", "format": 1})
    loaded = [found for _, found in outbox.load_many(rows)]
    assert [type(found) for found in loaded] == [Payload, OutboxError, Payload]
    kv.replace(PAYLOADS, key, {"item": rows[1].key, "body": "", "format": 2})
    with pytest.raises(OutboxError, match="format 2"):
        outbox.load(rows[1])
    with pytest.raises(OutboxError, match="missing"):
        outbox.load(item("never stored"))


def test_the_latest_ledger_comes_with_the_payload(outbox: Outbox, kv: KvStore, splunkd: SplunkdProcess) -> None:
    """Noted in one small request, whole, beside the payload."""
    one = put(outbox, "a")
    splunkd.calls()
    outbox.note(one, [{"t": "sent", "part": 0}])
    outbox.note(one, [{"t": "sent", "part": 0}, {"t": "run"}])
    assert splunkd.calls() == [f"POST {PAYLOADS}/batch_save"] * 2
    assert outbox.load(one).ledger == ({"t": "sent", "part": 0}, {"t": "run"})
    assert stored_documents(kv, one) == sorted([one.payload, "ledger"])
    kv.replace(PAYLOADS, f"{one.key}.ledger", {"item": one.key, "body": "!", "format": 1})
    with pytest.raises(OutboxError, match="earlier delivery attempt"):
        outbox.load(one)


class TestDue:
    """Who is next."""

    def test_only_what_is_pending_and_due_oldest_first(self, outbox: Outbox) -> None:
        """Later attempts wait, settled ones never come."""
        second = put(outbox, "b", created=NOW - 5)
        first = put(outbox, "a", created=NOW - 9)
        later = put(outbox, "c", next_attempt=NOW + 60)
        rejected = put(outbox, "d")
        outbox.settle(replace(rejected, state=REJECTED))
        assert [one.key for one in outbox.due(NOW, 10)] == [first.key, second.key]
        assert later.key in {one.key for one in outbox.due(NOW + 60, 10)}

    def test_the_line_behind_an_item(self, outbox: Outbox) -> None:
        """Of its account, due, and put in line later; oldest first."""
        last = put(outbox, "a", created=NOW - 9)
        put(outbox, "before", created=NOW - 10)
        put(outbox, "other", account="other", created=NOW - 8)
        put(outbox, "later", created=NOW - 8, next_attempt=NOW + 60)
        behind = [put(outbox, f"b{n}", created=NOW - n) for n in (5, 6, 7)][::-1]
        assert outbox.behind([last], NOW, 10) == behind
        assert outbox.behind([last], NOW, 2) == behind[:2]
        assert outbox.behind(behind, NOW, 10) == []

    def test_the_line_behind_items_of_one_moment(self, outbox: Outbox) -> None:
        """Others of that moment come next, page after page, and once."""
        same = {put(outbox, f"s{n}", created=NOW - 9).key for n in range(5)}
        later = put(outbox, "later", created=NOW - 8)
        taken = outbox.due(NOW, 2)
        while page := outbox.behind(taken, NOW, 2):
            taken += page
        keys = [item.key for item in taken]
        assert (set(keys[:5]), keys[5:]) == (same, [later.key])

    def test_a_long_line_does_not_hide_other_accounts(self, outbox: Outbox, splunkd: SplunkdProcess) -> None:
        """400 older items of a dead server: the others' items come in turn, in a bounded number of requests."""
        old = [(item(f"old{n}", account="dead", created=NOW - 900 + n), payload(str(n))) for n in range(400)]
        new = [(item(f"{account}{n}", account=account), payload(str(n))) for account in "xy" for n in range(2)]
        outbox.insert_many(old + new)
        splunkd.calls()
        found = outbox.due(NOW, 20)
        assert [one.account for one in found[:6]] == ["dead", "x", "y"] * 2
        assert len(found) == 20
        assert [one.created for one in found if one.account == "dead"] == [NOW - 900 + n for n in range(16)]
        assert len(splunkd.calls()) == 2
        assert {one.account for one in outbox.due(NOW, 20, exclude=["dead"])} == {"x", "y"}

    def test_idle_costs_one_request(self, outbox: Outbox, splunkd: SplunkdProcess) -> None:
        """Nothing due, one look."""
        splunkd.calls()
        assert outbox.due(NOW, 100) == []
        assert len(splunkd.calls()) == 1

    def test_rows_of_another_format_are_left_alone(self, outbox: Outbox, kv: KvStore) -> None:
        """They are told, never touched, and hold up nobody."""
        document = item("new").document()
        kv.insert(ROWS, {**document, "format": 2})
        kv.insert(ROWS, {"_key": "bad", "state": PENDING, "format": 1, "next_attempt": 0})
        one = put(outbox, "a")
        assert [found.key for found in outbox.due(NOW, 10)] == [one.key]
        problems = outbox.unreadable()
        assert len(problems) == 2
        assert any("format 2" in problem for problem in problems)
        with pytest.raises(OutboxError, match="format 2"):
            outbox.replace(item("new"))
        with pytest.raises(OutboxError, match="format 2"):
            outbox.settle(item("new", state=DELIVERED))


class TestAfterAnAttempt:
    """What the delivery input writes, and what people do at the same time."""

    def test_a_row_is_written_with_its_next_attempt(self, outbox: Outbox, splunkd: SplunkdProcess) -> None:
        """Two requests."""
        one = put(outbox, "a")
        splunkd.calls()
        changed = replace(
            one, attempts=1, next_attempt=NOW + 60, error_class="NotSent", error_text="refused", unclear=True
        )
        assert outbox.replace(changed)
        assert len(splunkd.calls()) == 2
        assert outbox.get(one.key) == changed

    @pytest.mark.parametrize("state", [DISCARDED, DELIVERED])
    def test_what_was_settled_meanwhile_stays_settled(self, outbox: Outbox, state: str) -> None:
        """A failed attempt does not bring back what a person discarded while it ran."""
        one, other = put(outbox, "a"), put(outbox, "b")
        outbox.replace(replace(one, state=state))
        assert not outbox.replace(replace(one, attempts=1))
        assert outbox.replace_many([replace(one, attempts=1), replace(other, attempts=1), item("gone")]) == {other.key}
        outbox.settle(replace(one, state=REJECTED))
        assert (outbox.get(one.key) or one).state == state
        assert not outbox.replace(item("gone"))

    def test_what_was_resent_meanwhile_goes_on(self, outbox: Outbox) -> None:
        """An attempt that failed with the old payload, or was refused, does not put it in the new one's place."""
        one = put(outbox, "a", account="old")
        assert outbox.replace(replace(one, account="new"), payload("b"))
        resent = outbox.get(one.key)
        assert outbox.replace_many([replace(one, attempts=1)]) == set()
        outbox.settle_many([replace(one, state=REJECTED)])
        assert outbox.get(one.key) == resent
        assert resent is not None
        assert (resent.account, outbox.load(resent)) == ("new", payload("b"))

    def test_soars_word_counts(self, outbox: Outbox) -> None:
        """Delivered while somebody discarded it: it is delivered."""
        one = put(outbox, "a")
        outbox.replace(replace(one, state=DISCARDED))
        outbox.settle(replace(one, state=DELIVERED, container_id=7))
        assert (outbox.get(one.key) or one).state == DELIVERED

    def test_acts_are_never_lost(self, outbox: Outbox) -> None:
        """What a person did while the item was being sent stays on the row."""
        one = put(outbox, "a")
        outbox.replace(replace(one, acts=("alice: deliver",)))
        outbox.replace(replace(one, attempts=1))
        outbox.settle(replace(one, state=DELIVERED, acts=("note",)))
        assert (outbox.get(one.key) or one).acts == ("alice: deliver", "note")

    def test_a_new_payload_takes_the_place_of_the_old_one(self, outbox: Outbox, kv: KvStore) -> None:
        """The row names the new one; the old one is gone, the ledger stays."""
        one = put(outbox, "a")
        outbox.note(one, [{"t": "x"}])
        assert outbox.replace(replace(one, attempts=0), payload("a", "other"))
        found = outbox.get(one.key)
        assert found is not None
        assert outbox.load(found).shipments == payload("a", "other").shipments
        assert stored_documents(kv, one) == sorted([found.payload, "ledger"])
        assert outbox.replace(found, payload("a", "other"))
        assert stored_documents(kv, one) == sorted([found.payload, "ledger"])


class TestSettle:
    """Ends and receipts."""

    @pytest.mark.parametrize(("state", "kept"), [(DELIVERED, 0), (DISCARDED, 0), (REJECTED, 2)])
    def test_a_receipt_stays_and_the_payload_only_of_rejects(
        self, outbox: Outbox, kv: KvStore, splunkd: SplunkdProcess, state: str, kept: int
    ) -> None:
        """Rejected ones can be resent; three requests at most."""
        one = put(outbox, "a")
        outbox.note(one, [{"t": "x"}])
        splunkd.calls()
        outbox.settle(replace(one, state=state))
        assert len(splunkd.calls()) == (2 if kept else 3)
        found = outbox.get(one.key)
        assert found is not None
        assert (found.state, bool(found.payload_parts)) == (state, bool(kept))
        assert len(stored_documents(kv, one)) == kept

    def test_many_are_settled_with_few_requests(self, outbox: Outbox, kv: KvStore, splunkd: SplunkdProcess) -> None:
        """250 delivered items: four requests; nothing is left of what they sent, whether ledgers are known or not."""
        for is_known in (True, False):
            outbox.insert_many((item(f"{is_known}{number}"), payload(str(number))) for number in range(250))
            rows = outbox.due(NOW, 1000)
            outbox.note(rows[7], [{"t": "x"}])
            splunkd.calls()
            outbox.settle_many([replace(one, state=DELIVERED) for one in rows], {rows[7].key} if is_known else None)
            assert len(splunkd.calls()) == 4
            assert kv.query(PAYLOADS) == []
        assert [one["state"] for one in kv.query(ROWS)] == [DELIVERED] * 500

    def test_a_crash_between_mark_and_deletion_leaves_nothing_for_good(
        self, outbox: Outbox, kv: KvStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The next ones that end take the marks with them, and so does the clearing up."""

        def killed(*_: object) -> None:
            raise KvStoreUnavailable("gone")

        def ended(first: str) -> list[OutboxItem]:
            return [replace(put(outbox, f"{first}{number}"), state=DELIVERED) for number in range(50)]

        for clear in (lambda: outbox.settle_many(ended("b")), lambda: outbox.purge(NOW - 50)):
            rows = ended("a")
            monkeypatch.setattr(KvStore, "delete_where", killed)
            with pytest.raises(KvStoreUnavailable):
                outbox.settle_many(rows)
            monkeypatch.undo()
            assert len(kv.query(PAYLOADS)) > 0
            clear()
            assert kv.query(PAYLOADS) == []
            kv.delete_where(ROWS, {"state": DELIVERED})

    def test_what_was_put_in_its_place_meanwhile_goes_too(self, outbox: Outbox, kv: KvStore) -> None:
        """Somebody resent items that were being sent: SOAR has them."""
        rows = [put(outbox, str(number)) for number in range(50)]
        assert outbox.replace(rows[3], payload("3", "other"))
        outbox.settle_many([replace(one, state=DELIVERED) for one in rows], ())
        assert kv.query(PAYLOADS) == []

    def test_a_pending_item_is_not_settled(self, outbox: Outbox) -> None:
        """A mistake of the caller shows."""
        with pytest.raises(ValueError, match="pending"):
            outbox.settle(item("a"))

    def test_a_receipt_is_written_even_when_the_row_is_gone(self, outbox: Outbox) -> None:
        """Somebody emptied the collection meanwhile."""
        outbox.settle(item("a", state=DELIVERED))
        assert (outbox.get(item("a").key) or item("b")).state == DELIVERED

    def test_what_was_discarded_while_pending_waits_for_its_report(self, outbox: Outbox) -> None:
        """Until whoever tells the rows their end settles it."""
        one, other = put(outbox, "a"), put(outbox, "b")
        outbox.replace(replace(one, state=DISCARDED))
        outbox.settle(replace(other, state=DISCARDED))
        (found,) = outbox.unreported(10)
        assert found.key == one.key
        assert outbox.load(found) == payload("a")
        outbox.settle(found)
        assert outbox.unreported(10) == []


class TestPurge:
    """Receipts go, what is undelivered never."""

    def test_old_receipts_go_in_bulk(self, outbox: Outbox, kv: KvStore, splunkd: SplunkdProcess) -> None:
        """Pending, rejected, young and not yet reported rows stay."""
        rows = {name: put(outbox, name, updated=NOW - 100) for name in ("p", "r", "d", "x", "young", "unreported")}
        outbox.settle(replace(rows["r"], state=REJECTED))
        outbox.settle(replace(rows["d"], state=DELIVERED))
        outbox.settle(replace(rows["x"], state=DISCARDED))
        outbox.settle(replace(rows["young"], state=DELIVERED, updated=NOW))
        outbox.replace(replace(rows["unreported"], state=DISCARDED))
        assert outbox.purge(NOW - 50, [DELIVERED]) == 1
        assert outbox.purge(NOW - 50) == 1
        assert {one["identity"] for one in kv.query(ROWS)} == {"p", "r", "young", "unreported"}
        assert len(kv.query(PAYLOADS)) == 3
        splunkd.calls()
        assert outbox.purge(NOW - 50) == 0

    @pytest.mark.parametrize("states", [[PENDING], [REJECTED], [DELIVERED, REJECTED], []])
    def test_what_is_undelivered_is_never_purged(self, outbox: Outbox, states: list[str]) -> None:
        """A mistake of the caller shows."""
        with pytest.raises(ValueError, match="purged"):
            outbox.purge(NOW, states)

    def test_payloads_that_no_row_needs_go_too(self, outbox: Outbox, kv: KvStore) -> None:
        """What a crash between two writes left; what rows need stays."""
        kept = put(outbox, "kept", updated=NOW - 100)
        outbox.note(kept, [{"t": "x"}])
        gone = put(outbox, "gone", updated=NOW - 100)
        kv.delete(ROWS, gone.key)
        delivered = put(outbox, "delivered", updated=NOW - 100)
        kv.replace(ROWS, delivered.key, replace(delivered, state=DELIVERED, payload="", payload_parts=0).document())
        stale = {**kv.query(PAYLOADS, {"item": kept.key})[0], "_key": f"{kept.key}.old.0", "payload": "old"}
        kv.insert(PAYLOADS, stale)
        outbox.purge(NOW - 50)
        assert sorted(one["payload"] for one in kv.query(PAYLOADS)) == sorted([kept.payload, "ledger"])
        assert outbox.load(kept).ledger == ({"t": "x"},)

    def test_chosen_receipts_are_forgotten(self, outbox: Outbox, kv: KvStore) -> None:
        """Pending and rejected ones among them stay."""
        rows = [put(outbox, str(number)) for number in range(50)]
        outbox.settle_many(replace(one, state=DELIVERED) for one in rows[:45])
        outbox.settle(replace(rows[45], state=REJECTED))
        chosen = [one for one in (outbox.get(row.key) for row in rows) if one is not None]
        assert outbox.forget(chosen, NOW) == 45
        assert len(kv.query(ROWS)) == 5


def test_numbers_by_account(outbox: Outbox) -> None:
    """Ages from the creation, the latest error, all states."""
    put(outbox, "a", created=NOW - 60, rows=3, attempts=4, error_text="old", updated=NOW - 9, unclear=True)
    put(outbox, "b", next_attempt=NOW + 5, rows=2, error_text="new")
    rejected = put(outbox, "c")
    outbox.settle(replace(rejected, state=REJECTED))
    other = put(outbox, "d", account="lab")
    outbox.settle(replace(other, state=DELIVERED))
    lab, prod = outbox.statistics(NOW)
    assert dataclasses.asdict(prod) == {
        "account": "prod",
        "pending": 2,
        "due": 1,
        "unclear": 1,
        "rejected": 1,
        "delivered": 0,
        "discarded": 0,
        "pending_rows": 5,
        "stored_bytes": prod.stored_bytes,
        "most_attempts": 4,
        "oldest_age": 60.0,
        "next_attempt": NOW,
        "last_error": "new",
    }
    assert prod.stored_bytes > 3 * 200
    assert (lab.account, lab.delivered, lab.oldest_age, lab.next_attempt, lab.last_error) == ("lab", 1, None, None, "")


def test_an_empty_outbox_has_no_statistics(outbox: Outbox) -> None:
    """No account, no line."""
    assert outbox.statistics(NOW) == []


def test_who_may_read_what(splunkd: SplunkdProcess, outbox: Outbox) -> None:
    """Rows are for both roles, what they send for administrators, and nobody else sees anything."""
    one = put(outbox, "a")
    splunkd.add_user("ann", "user", "send_to_soar_user")
    splunkd.add_user("adam", "user", "send_to_soar_admin")
    ann, adam = Outbox(kv_store(splunkd, "ann")), Outbox(kv_store(splunkd, "adam"))
    assert ann.due(NOW, 9)[0].key == one.key
    with pytest.raises(KvStoreRefused, match="send_to_soar_admin"):
        ann.load(one)
    with pytest.raises(KvStoreRefused):
        ann.replace(replace(one, attempts=9))
    assert adam.load(one) == payload("a")
    assert adam.replace(one)
    with pytest.raises(KvStoreRefused):
        Outbox(kv_store(splunkd, "analyst")).due(NOW, 9)
