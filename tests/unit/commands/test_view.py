"""`| soaroutbox`: shows everything, changes nothing."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from soarlink.outbox.collection import Outbox
from soarlink.outbox.item import DELIVERED, REJECTED, OutboxItem
from soarlink.splunk.kvstore import KvStore
from tests.unit.commands.conftest import Search
from tests.unit.outbox.samples import NOW, item, payload
from tests.unit.outbox.splunkd import SplunkdProcess


def fill(outbox: Outbox) -> None:
    """A pending, a rejected and a delivered row."""
    for identity, age in (("a", 60), ("b", 300), ("c", 900)):
        outbox.insert(item(identity, created=NOW - age), payload(identity, parts=2))
    outbox.settle(
        replace(row(outbox, "b"), state=REJECTED, error_class="Refused", error_code="400", error_text='no "label" {x}')
    )
    outbox.settle(replace(row(outbox, "c"), state=DELIVERED, container_id=7, container_url="https://soar/7"))


def row(outbox: Outbox, identity: str) -> OutboxItem:
    """The row as it is now."""
    found = outbox.get(item(identity).key)
    assert found is not None
    return found


def test_rows_are_listed_oldest_first(search: Search, outbox: Outbox) -> None:
    """With everything that a person asks for, and nothing changed."""
    fill(outbox)
    before = [row(outbox, identity) for identity in "abc"]
    answer = search("soaroutbox")
    assert (answer.code, answer.messages) == (0, [])
    assert [one["identity"] for one in answer.rows] == ["c", "b", "a"]
    by_state = {one["state"]: one for one in answer.rows}
    assert set(by_state) == {"pending", "rejected", "delivered"}
    assert by_state["rejected"]["error_text"] == 'no "label" {x}'
    assert by_state["delivered"]["container_url"] == "https://soar/7"
    assert by_state["pending"]["age"] == "60"
    assert by_state["pending"]["search_name"] == "Müller: brute force"
    assert [row(outbox, identity) for identity in "abc"] == before


def test_filters_and_limit_count(search: Search, outbox: Outbox) -> None:
    """A cut list says so."""
    fill(outbox)
    assert [one["state"] for one in search("soaroutbox", "state=rejected").rows] == ["rejected"]
    answer = search("soaroutbox", "limit=2")
    assert len(answer.rows) == 2
    assert answer.warnings == ["Only the 2 oldest rows are listed; limit=0 lists all."]
    assert search("soaroutbox", "age>1d").rows == []


def test_a_row_is_shown_with_what_it_sends(search: Search, outbox: Outbox) -> None:
    """One record for each part; receipts have none any more."""
    fill(outbox)
    outbox.note(row(outbox, "a"), [{"t": "sent", "part": 0}])
    key = item("a").key
    answer = search("soaroutbox", "show", f"key={key[:10]}")
    assert [one["part"] for one in answer.rows] == ["0", "1"]
    assert json.loads(answer.rows[0]["container"])["label"] == "events"
    assert answer.rows[0]["ledger"] == '{"part": 0, "t": "sent"}'
    (receipt,) = search("soaroutbox", "show", f"key={item('c').key}").rows
    assert (receipt["state"], receipt["container"]) == ("delivered", "")
    assert search("soaroutbox", "show", "key=000000").warnings == ["No row of the outbox has this key."]


def test_a_damaged_payload_is_shown_with_its_problem(search: Search, outbox: Outbox, kv: KvStore) -> None:
    """The row is still there to be acted on."""
    fill(outbox)
    kv.delete("soar_outbox_payload", f"{item('a').key}.{row(outbox, 'a').payload}.0")
    (shown,) = search("soaroutbox", "show", f"key={item('a').key}").rows
    assert shown["problem"].startswith("A part of the stored payload is missing")


def test_numbers_by_account(search: Search, outbox: Outbox) -> None:
    """And a warning of rows that this version can't read."""
    fill(outbox)
    (numbers,) = search("soaroutbox", "action=stats").rows
    assert (numbers["pending"], numbers["rejected"], numbers["delivered"], numbers["due"]) == ("1", "1", "1", "1")
    assert search("soaroutbox", "stats", "state=x").errors != []


def test_an_unreadable_row_is_told(search: Search, outbox: Outbox, kv: KvStore) -> None:
    """It is not just missing."""
    kv.insert("soar_outbox", {**item("n").document(), "format": 9})
    for words in (["stats"], []):
        (warning,) = search("soaroutbox", *words).warnings
        assert "format 9, this add-on reads format 1" in warning


def test_an_error_is_a_message_in_plain_words(search: Search, splunkd: SplunkdProcess) -> None:
    """Braces in it do no harm; no record, exit code 1."""
    answer = search("soaroutbox", "colour={red}")
    assert (answer.code, answer.rows) == (1, [])
    assert answer.errors[0].startswith('"colour={red}" is not understood; there are: action, key')
    splunkd.fault("GET", "soar_outbox", status=503)
    answer = search("soaroutbox")
    assert answer.code == 1
    assert answer.errors[0].startswith("The KV store is not available (HTTP 503: KV Store is initializing")


@pytest.mark.parametrize(("role", "rows"), [("send_to_soar_user", 3), ("user", 0)])
def test_who_sees_what(search: Search, outbox: Outbox, splunkd: SplunkdProcess, role: str, rows: int) -> None:
    """Users see rows without what they send; others are told the role."""
    fill(outbox)
    splunkd.add_user("eve", "user", role)
    answer = search("soaroutbox", user="eve")
    assert len(answer.rows) == rows
    if not rows:
        assert "role send_to_soar_admin" in answer.errors[0]
        return
    shown = search("soaroutbox", "show", f"key={item('a').key},{item('b').key}", user="eve")
    assert [one["container"] for one in shown.rows] == [""] * 2
    assert shown.warnings == ["What a row sends is for administrators only (role send_to_soar_admin)."]
