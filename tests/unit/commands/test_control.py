"""`| soaroutboxctl`: acts, and leaves what, who and when."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from splunk.clilib import cli_common

from soarlink.outbox.collection import Outbox
from soarlink.outbox.item import DELIVERED, DISCARDED, PENDING, REJECTED, OutboxItem
from soarlink.splunk.kvstore import KvStore
from tests.unit.commands.conftest import Search
from tests.unit.outbox.samples import NOW, item, payload
from tests.unit.outbox.splunkd import SplunkdProcess

STAMP = "2026-09-21T14:13:20Z admin:"


def put(outbox: Outbox, identity: str, state: str = PENDING, **changes: Any) -> OutboxItem:
    """A row in a state."""
    outbox.insert(item(identity, next_attempt=NOW + 900, attempts=3), payload(identity))
    one = replace(now(outbox, identity), state=state, **changes)
    if state != PENDING:
        outbox.settle(one)
    else:
        outbox.replace(one)
    return now(outbox, identity)


def now(outbox: Outbox, identity: str) -> OutboxItem:
    """The row as it is now."""
    found = outbox.get(item(identity).key)
    assert found is not None
    return found


def events(home: Path) -> list[dict[str, Any]]:
    """The events in the spool."""
    texts = [path.read_text(encoding="ascii") for path in (home / "var/spool/splunk").glob("*.stash_soar")]
    return [json.loads(line) for text in texts for line in text.splitlines() if line.startswith("{")]


def test_deliver_makes_a_row_due_now(search: Search, outbox: Outbox, home: Path) -> None:
    """Who and when stand on the row, and an event tells of it."""
    one = put(outbox, "a", error_class="NotSent")
    answer = search("soaroutboxctl", "action=deliver", f"key={one.key[:8]}")
    (done,) = answer.rows
    assert (answer.code, done["done"], done["state"], done["key"]) == (0, "1", "pending", one.key)
    expected = replace(one, next_attempt=NOW, updated=NOW, acts=(f"{STAMP} deliver",))
    assert now(outbox, "a") == expected
    (event,) = events(home)
    assert (event["act"], event["by"], event["key"], event["state_before"]) == ("deliver", "admin", one.key, "pending")


@pytest.mark.parametrize(
    ("case", "why"),
    [
        (("deliver", REJECTED), "use action=resend"),
        (("deliver", DELIVERED), "nothing to deliver"),
        (("discard", DELIVERED), "delivered already"),
        (("discard", DISCARDED), "discarded already"),
        (("resend", DELIVERED), "Run the search again"),
        (("resend", DISCARDED), "Run the search again"),
    ],
)
def test_what_makes_no_sense_is_refused_and_leaves_no_trace(
    search: Search, outbox: Outbox, home: Path, case: tuple[str, str], why: str
) -> None:
    """With the reason; the row stays as it is and no event is written."""
    act, state = case
    one = put(outbox, "a", state)
    (done,) = search("soaroutboxctl", act, f"key={one.key}").rows
    assert (done["done"], done["state"]) == ("0", state)
    assert why in done["message"]
    assert now(outbox, "a") == one
    assert events(home) == []


def test_resend_changes_what_is_sent(search: Search, outbox: Outbox, home: Path) -> None:
    """Bodies, account and line; identities stay; earlier refusals do not count any more."""
    one = put(
        outbox, "a", REJECTED, error_class="Refused", error_text="label x is unknown", container_id=7, queued=NOW - 9
    )
    outbox.note(one, [{"t": "rejected", "why": "label"}])
    words = ["label=triage", "severity=low", "sensitivity=red", "status=new", "container_name=N", "to_account=lab"]
    (done,) = search("soaroutboxctl", "action=resend", f"key={one.key}", *words).rows
    assert (done["done"], done["state"]) == ("1", "pending")
    assert "Container 7 is in SOAR already" in done["message"]
    row = now(outbox, "a")
    assert (row.state, row.account, row.attempts, row.next_attempt, row.queued, row.created) == (
        PENDING,
        "lab",
        0,
        NOW,
        NOW,
        one.created,
    )
    assert (row.error_class, row.error_text) == ("", "")
    assert row.acts[-1].startswith(f"{STAMP} resend label=triage, severity=low")
    loaded = outbox.load(row)
    (before,), (after,) = payload("a").shipments, loaded.shipments
    wanted = {"label": "triage", "severity": "low", "sensitivity": "red", "status": "new", "name": "N"}
    assert after.container == {**before.container, **wanted}
    assert [dict(one) for one in after.artifacts] == [{**one, "severity": "low"} for one in before.artifacts]
    assert (after.identity, after.owners, after.rows, after.playbooks) == (
        before.identity,
        before.owners,
        before.rows,
        before.playbooks,
    )
    assert loaded.ledger == ({"t": "rejected", "why": "label"}, {"t": "resent", "time": NOW, "by": "admin"})
    (event,) = events(home)
    assert event["changes"]["to_account"] == "lab"


def test_resend_leaves_the_plan_s_own_refusal_behind(search: Search, outbox: Outbox) -> None:
    """The label may be there by now, or another one is given: SOAR judges it."""
    one = put(outbox, "a", REJECTED)
    loaded = outbox.load(one)
    refused = replace(loaded, shipments=tuple(replace(part, refusal="no label x") for part in loaded.shipments))
    assert outbox.replace(one, refused)
    search("soaroutboxctl", "action=resend", f"key={one.key}")
    assert [part.refusal for part in outbox.load(now(outbox, "a")).shipments] == [""]


def test_resend_without_changes_sends_the_same(search: Search, outbox: Outbox) -> None:
    """Everything rejected of one account, in one search."""
    for identity in "ab":
        put(outbox, identity, REJECTED)
    put(outbox, "c", REJECTED, account="lab")
    assert len(search("soaroutboxctl", "resend", "state=rejected", "account=prod").rows) == 2
    assert [now(outbox, identity).state for identity in "abc"] == [PENDING, PENDING, REJECTED]
    assert outbox.load(now(outbox, "a")).shipments == payload("a").shipments


def test_a_damaged_item_does_not_stop_the_others(search: Search, outbox: Outbox, kv: KvStore) -> None:
    """Its answer is its problem."""
    broken, good = put(outbox, "a", REJECTED), put(outbox, "b", REJECTED)
    kv.delete("soar_outbox_payload", f"{broken.key}.{broken.payload}.0")
    answers = {one["key"]: one for one in search("soaroutboxctl", "resend", "state=rejected").rows}
    assert answers[broken.key]["done"] == "0"
    assert "part of the stored payload is missing" in answers[broken.key]["message"]
    assert answers[good.key]["done"] == "1"


def test_discard_ends_a_row(search: Search, outbox: Outbox, kv: KvStore) -> None:
    """A pending one keeps its payload until its rows have been told; a rejected one is done."""
    waiting, refused = put(outbox, "a"), put(outbox, "b", REJECTED)
    rows = search("soaroutboxctl", "discard", f"key={waiting.key},{refused.key}").rows
    assert {one["state"] for one in rows} == {"discarded"}
    assert [one.key for one in outbox.unreported(9)] == [waiting.key]
    assert {one["item"] for one in kv.query("soar_outbox_payload")} == {waiting.key}
    assert now(outbox, "b").acts == (f"{STAMP} discard",)


def test_an_item_that_is_settled_meanwhile_stays(
    search: Search, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SOAR took it between the look and the act."""
    one = put(outbox, "a")
    outbox.settle(replace(one, state=DELIVERED))
    monkeypatch.setattr(Outbox, "select", lambda *_: [one])
    (done,) = search("soaroutboxctl", "discard", f"key={one.key}").rows
    assert (done["done"], "meantime" in done["message"]) == ("0", True)
    assert now(outbox, "a").state == DELIVERED


def test_purge_removes_receipts(search: Search, outbox: Outbox, home: Path, kv: KvStore) -> None:
    """By age, by key, by filter; never what is undelivered."""
    for identity, state, age in [("a", DELIVERED, 90), ("b", DISCARDED, 90), ("c", DELIVERED, 1), ("d", REJECTED, 90)]:
        put(outbox, identity, state, updated=NOW - age * 86400)
    put(outbox, "e", DELIVERED, updated=NOW - 86400)
    assert [one["receipts"] for one in search("soaroutboxctl", "purge", "older_than=30d").rows] == ["2"]
    assert {one["identity"] for one in kv.query("soar_outbox")} == {"c", "d", "e"}
    assert events(home)[0]["receipts"] == 2
    keys = f"key={item('c').key},{item('d').key}"
    assert [one["receipts"] for one in search("soaroutboxctl", "purge", keys).rows] == ["1"]
    words = ["purge", "older_than=30d", "account=prod"]
    assert [one["receipts"] for one in search("soaroutboxctl", *words).rows] == ["0"]
    assert {one["identity"] for one in kv.query("soar_outbox")} == {"d", "e"}


class TestRights:
    """Who may."""

    def test_without_the_capability_nothing_happens(
        self, search: Search, outbox: Outbox, splunkd: SplunkdProcess
    ) -> None:
        """Asked of splunkd, not of what the search says of itself."""
        one = put(outbox, "a")
        splunkd.add_user("ann", "power", "send_to_soar_user")
        answer = search("soaroutboxctl", "discard", f"key={one.key}", user="ann")
        assert answer.code == 1
        (error,) = answer.errors
        assert error.startswith("ann may not change the outbox. It takes the capability edit_soar_outbox")
        assert now(outbox, "a") == one

    def test_the_administrator_role_may(self, search: Search, outbox: Outbox, splunkd: SplunkdProcess) -> None:
        """And stands on the row by name."""
        one = put(outbox, "a", REJECTED)
        splunkd.add_user("adam", "user", "send_to_soar_admin")
        assert [row["done"] for row in search("soaroutboxctl", "resend", f"key={one.key}", user="adam").rows] == ["1"]
        assert " adam: resend" in now(outbox, "a").acts[0]

    def test_an_answer_that_names_nobody_is_an_error(self, search: Search, splunkd: SplunkdProcess) -> None:
        """No guess who it is."""
        splunkd.fault("GET", "current-context", status=500)
        assert (
            "does not say who runs this search (HTTP 500)"
            in search("soaroutboxctl", "purge", "older_than=1d").errors[0]
        )


def test_an_unknown_account_is_refused(search: Search, outbox: Outbox) -> None:
    """With those that there are; nothing is resent."""
    one = put(outbox, "a", REJECTED)
    answer = search("soaroutboxctl", "resend", f"key={one.key}", "to_account=nowhere")
    assert answer.errors == ['There is no SOAR account "nowhere"; there are: lab, prod. Correct to_account.']
    assert now(outbox, "a") == one


def test_wrong_words_are_refused_before_anything_runs(search: Search, splunkd: SplunkdProcess) -> None:
    """No request is made."""
    splunkd.calls()
    answer = search("soaroutboxctl", "action=resend")
    assert (answer.code, splunkd.calls()) == (1, [])
    assert "needs key=" in answer.errors[0]


def test_nothing_meant_is_told(search: Search) -> None:
    """An empty answer would look like success."""
    assert search("soaroutboxctl", "deliver", "account=nowhere").warnings == ["No row of the outbox is meant by this."]


def test_a_splunk_without_tls_settings_trusts_nobody_else(search: Search, monkeypatch: pytest.MonkeyPatch) -> None:
    """Splunk raises for a key that is not set: the certificate of this splunkd is not trusted then, and told."""

    def unset(*_: object) -> str:
        raise KeyError("sslConfig")

    monkeypatch.setattr(cli_common, "getConfKeyValue", unset)
    assert "certificate" in search("soaroutboxctl", "purge", "older_than=1d").errors[0]


def test_a_full_spool_does_not_stop_an_act(search: Search, outbox: Outbox, home: Path) -> None:
    """The row tells of it, and the search says that the event is missing."""
    one = put(outbox, "a")
    (home / "var/run/splunk").rmdir()
    answer = search("soaroutboxctl", "deliver", f"key={one.key}")
    assert [row["done"] for row in answer.rows] == ["1"]
    assert "could not be written" in answer.warnings[0]
