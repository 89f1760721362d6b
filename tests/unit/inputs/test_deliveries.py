"""The outbox in delivery."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from soarlink.commands.act import Desk
from soarlink.commands.arguments import RESEND, ActRequest
from soarlink.delivery.breaker import FIRST_PAUSE
from soarlink.errors import KvStoreUnavailable
from soarlink.inputs.conclusions import Conclusions
from soarlink.inputs.deliveries import Deliveries
from soarlink.outbox.collection import Outbox
from soarlink.outbox.item import DELIVERED, DISCARDED, PENDING, REJECTED, OutboxItem
from soarlink.outbox.payload import Payload
from soarlink.outbox.selection import Filters
from soarlink.splunk.kvstore import KvStore
from soarlink.splunk.settings import DeliveryLimits
from soarlink.splunk.splunkd import Splunkd
from soarlink.wire.exchange import Reply
from tests.unit.actions.installed import ROWS
from tests.unit.inputs.site import Site

AGE_LIMIT = DeliveryLimits().age_limit

SETTLED = 25.0
"""Seconds after which an unclear attempt of the site's account is due again."""


def test_nothing_is_sent_before_its_time(site: Site) -> None:
    """It must settle first."""
    site.queue(ROWS)
    assert site.deliveries().round() == 0
    assert site.soar.requests() == []


def test_what_is_due_arrives_and_its_rows_are_told(site: Site) -> None:
    """Receipts stay, with container and link; what was sent is gone; the late lines name the same search and user."""
    site.queue(ROWS)
    site.later(SETTLED)
    assert site.deliveries().round() == 3
    assert site.states() == {rid: ["queued", "delivered"] for rid in "012"}
    assert site.installed.statuses() == {rid: ["pending", "success"] for rid in "012"}
    for item, event in zip(site.items(), site.events()[3:]):
        assert (item.state, item.payload_parts, item.error_text, item.unclear) == (DELIVERED, 0, "", False)
        assert (item.container_id, item.container_url) == (event["container_id"], event["container_url"])
    assert {event["account"] for event in site.events()} == {"lab"}
    lines = site.installed.lines("Result ")
    for name in ("sid", "user", "search_name", "action_name", "app", "action_mode"):
        assert len({line[name] for line in lines}) == 1, name
    assert site.deliveries().round() == 0


def test_each_call_is_logged_with_the_runs_that_it_carries(site: Site) -> None:
    """The action's first attempt, and the input's next one for two searches in one request."""
    first = site.sid
    site.queue(ROWS[:1])
    site.later(SETTLED)
    site.installed.sid += "b"
    site.queue(ROWS[1:2])
    site.later(SETTLED)
    assert site.deliveries().round() == 2
    text = (site.splunkd.home / "var/log/splunk/send_to_soar_api.log").read_text(encoding="ascii")
    posts = [line for line in map(json.loads, text.splitlines()) if line["method"] == "POST"]
    assert [(line["component"], line["sid"], line["attempt"], line["status"]) for line in posts[:2]] == [
        ("send_to_soar", first, 1, 503),
        ("send_to_soar", f"{first}b", 1, 503),
    ]
    assert {line["component"] for line in posts[2:]} == {"soar_delivery"}
    assert {(*line["sid"], line["user"], line["attempt"], line["status"]) for line in posts[2:]} == {
        (first, f"{first}b", "admin", 2, 200)
    }
    assert {(line["account"], line["search"]) for line in posts} == {("lab", "Rule")}


@pytest.mark.parametrize("fault", ["drop_after_commit", "truncated_json"])
def test_an_unclear_attempt_is_looked_up_before_it_is_repeated(site: Site, fault: str) -> None:
    """The container is there: it is not made again, and its rows are told."""
    items = site.queue(ROWS[:1], fault)
    assert items[0].unclear
    site.later(SETTLED)
    site.deliveries().round()
    assert site.soar.requests("POST /rest/container") == []
    assert site.states() == {"0": ["queued", "updated"]}
    (item,) = site.items()
    assert item.container_id is not None
    assert site.soar.triggers(item.container_id) == 1


def test_a_failure_lengthens_the_wait(site: Site) -> None:
    """Attempts are counted, the reason is the last one, the rows are told nothing new."""
    site.queue(ROWS[:1])
    waits = []
    for attempts in range(2, 10):
        site.later(3_000)
        site.soar.fault("POST /rest/container", "503")
        assert site.deliveries().round() == 1
        (item,) = site.items()
        assert (item.state, item.attempts, item.error_class, item.unclear) == (PENDING, attempts, "server fault", True)
        waits.append(round(item.next_attempt - item.updated))
    assert waits == [20, 20, 40, 80, 160, 320, 640, 1280]
    assert site.states() == {"0": ["queued"]}


def test_a_refusal_ends_an_item(site: Site) -> None:
    """Rejected, with SOAR's words; what it would have sent stays, so that it can be resent."""
    site.queue(ROWS[:1])
    site.later(SETTLED)
    site.soar.fault("POST /rest/container", "failed", message="No such label.", times=None)
    site.deliveries().round()
    (item,) = site.items()
    assert (item.state, item.error_class) == (REJECTED, "refused")
    assert "No such label." in item.error_text
    assert item.payload_parts == 1
    assert site.installed.statuses() == {"0": ["pending", "failure"]}


@pytest.mark.parametrize("is_resent", [False, True])
def test_too_old_is_rejected_not_dropped(site: Site, *, is_resent: bool) -> None:
    """After three days of attempts; the age counts from when it was last put in line."""
    (item,) = site.queue(ROWS[:1])
    site.later(AGE_LIMIT + 60)
    if is_resent:
        site.outbox.replace(replace(item, queued=site.clock() - 60))
    site.soar.fault("POST /rest/container", "503")
    site.deliveries().round()
    (item,) = site.items()
    assert item.state == (PENDING if is_resent else REJECTED)
    if not is_resent:
        assert item.error_text.startswith("Not delivered within 72 hours: SOAR")
        assert "2 attempts" in item.error_text
        event = site.events()[-1]
        assert (event["status"], event["reason"]) == ("rejected", item.error_text)
        assert site.installed.statuses() == {"0": ["pending", "failure"]}


def test_a_server_that_turns_us_away_is_left_alone_and_said(site: Site) -> None:
    """One message in Splunk's own list; the next round does not try; the right token brings everything."""
    site.queue(ROWS)
    site.hold()
    site.later(SETTLED)
    site.secret("lab", "falsch")
    site.deliveries().round()
    assert {(item.state, item.error_class) for item in site.items()} == {(PENDING, "authentication")}
    session = site.splunkd.session()
    messages = session.request("GET", "/services/messages?output_mode=json").body.decode()
    session.request("DELETE", "/services/messages/send_to_soar_lab")
    session.close()
    assert "the account lab is turned away" in messages
    site.offset += FIRST_PAUSE - 1
    site.outbox.replace_many([replace(item, next_attempt=site.clock()) for item in site.items()])
    assert site.deliveries().round() == 0
    site.secret("lab", "K2Zmb28tdW5pdC10ZXN0LXRva2Vu")
    site.later(1)
    assert site.deliveries().round() == 3
    assert site.states() == {rid: ["queued", "delivered"] for rid in "012"}


def test_a_message_that_can_t_be_posted_stops_nothing(site: Site) -> None:
    """It is only a message."""
    site.queue(ROWS[:1])
    site.later(SETTLED)
    site.secret("lab", "falsch")
    site.splunkd.fault("POST", "/services/messages", reset=True, times=1)
    site.deliveries().round()
    assert site.items()[0].error_class == "authentication"
    site.secret("lab", "K2Zmb28tdW5pdC10ZXN0LXRva2Vu")


@pytest.mark.parametrize("what", ["settings", "secret"])
def test_an_account_that_can_t_be_used_costs_no_attempt(site: Site, what: str) -> None:
    """It waits a minute, with the reason; other accounts go on."""
    site.queue(ROWS[:1])
    site.later(SETTLED)
    if what == "settings":
        site.account("other")
    else:
        site.splunkd.fault("GET", ".*/storage/passwords.*", status=503, times=1)
    site.deliveries().round()
    (item,) = site.items()
    assert (item.state, item.attempts, item.error_class) == (PENDING, 1, "settings")
    assert 50 < item.next_attempt - site.clock() <= 60
    assert "Outbox waits" in site.own_log()
    site.account()
    site.later(61)
    site.deliveries().round()
    assert site.items()[0].state == DELIVERED


def test_the_age_limit_is_a_setting(site: Site) -> None:
    """Two hours, as entered on the configuration page."""
    site.installed.configure("ta_send_to_soar_settings", "[delivery]\nage_limit = 2\n")
    site.queue(ROWS[:1])
    site.later(2 * 3600 + 60)
    site.soar.fault("POST /rest/container", "503")
    site.deliveries().round()
    (item,) = site.items()
    assert item.state == REJECTED
    assert item.error_text.startswith("Not delivered within 2 hours: ")


def test_receipts_are_removed_when_they_are_old_enough(site: Site) -> None:
    """What is delivered, after as many days as are set; what is rejected stays."""
    site.installed.configure("ta_send_to_soar_settings", "[delivery]\nreceipts = 3\n")
    site.queue(ROWS[:1])
    site.later(SETTLED)
    site.deliveries().round()
    site.installed.sid += "b"
    assert site.installed.run(site.installed.results(ROWS[1:2]), label="nope") == 4
    site.journals().round(site.outbox)
    site.later(3 * 86_400 - 60)
    site.deliveries().clear_up()
    assert {item.state for item in site.items()} == {DELIVERED, REJECTED}
    site.later(120)
    site.deliveries().clear_up()
    assert {item.state for item in site.items()} == {REJECTED}
    assert "Receipts removed" in site.own_log()


@pytest.mark.parametrize("is_gone", [True, False])
def test_what_waits_for_an_account_for_too_long_is_rejected(site: Site, *, is_gone: bool) -> None:
    """Visible, with what to do; and resent, it arrives. What is younger goes on waiting."""
    _, second, _ = site.queue(ROWS)
    site.later(AGE_LIMIT + 60)
    site.outbox.replace(replace(second, queued=site.clock() - 60))
    if is_gone:
        site.account("other")
    else:
        site.secret("lab", "")
    site.deliveries().round()
    items = site.items()
    assert [item.state for item in items] == [REJECTED, PENDING, REJECTED]
    assert items[0].error_text.startswith("Not delivered within 72 hours: ")
    assert ('no SOAR account "lab"' if is_gone else "has no automation token") in items[0].error_text
    assert "soaroutboxctl action=resend" in items[0].error_text
    assert site.installed.statuses() == {"0": ["pending", "failure"], "1": ["pending"], "2": ["pending", "failure"]}
    assert (site.events()[-1]["reason"], site.events()[-1]["account"]) == (items[0].error_text, "lab")
    site.account()
    Desk(site.outbox, "alice", site.clock()).carry_out(ActRequest(RESEND, Filters()), [items[0]]).__next__()
    site.deliveries().round()
    assert site.items()[0].state == DELIVERED


def test_what_the_store_holds_damaged_is_rejected(site: Site, kv: KvStore) -> None:
    """It can't be sent; its neighbours are."""
    first, *_ = site.queue(ROWS)
    kv.delete_where("soar_outbox_payload", {"item": first.key})
    site.later(SETTLED)
    site.deliveries().round()
    assert [item.state for item in site.items()] == [REJECTED, DELIVERED, DELIVERED]
    assert site.items()[0].error_text


def test_what_a_person_discards_is_told_once(site: Site) -> None:
    """Its row ends as rejected, by whom; what it would have sent goes."""
    first, *_ = site.queue(ROWS)
    site.outbox.replace(replace(first, state=DISCARDED, acts=("alice discarded it: test",)))
    for _ in range(2):
        site.deliveries().round()
    assert site.states()["0"] == ["queued", "rejected"]
    assert "alice discarded it" in site.events()[-1]["reason"]
    assert site.events()[-1]["account"] == "lab"
    assert site.installed.statuses()["0"] == ["pending", "failure"]
    assert site.items()[0].payload_parts == 0
    site.later(SETTLED)
    assert site.deliveries().round() == 2


def test_a_discarded_item_that_is_damaged_ends_too(site: Site, kv: KvStore) -> None:
    """There is nobody left to tell; it is not looked at again and again."""
    (item,) = site.queue(ROWS[:1])
    site.outbox.replace(replace(item, state=DISCARDED))
    kv.delete_where("soar_outbox_payload", {"item": item.key})
    site.deliveries().round()
    assert site.outbox.unreported(10) == []


def test_what_was_loaded_before_the_store_went_away_is_sent_and_told(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest waits as it was, and arrives with the next round."""
    monkeypatch.setattr("soarlink.outbox.stored._GROUP_DOCUMENTS", 2)
    site.queue(ROWS)
    site.later(SETTLED)
    find, asked = KvStore.find, []

    def going_away(self: KvStore, collection: str, queries: Any) -> Any:
        asked.append(collection)
        if collection == "soar_outbox_payload" and asked.count(collection) == 2:
            raise KvStoreUnavailable("gone")
        return find(self, collection, queries)

    monkeypatch.setattr(KvStore, "find", going_away)
    with pytest.raises(KvStoreUnavailable):
        site.deliveries().round()
    assert sorted(item.state for item in site.items()) == [DELIVERED, PENDING, PENDING]
    site.deliveries().round()
    assert site.states() == {rid: ["queued", "delivered"] for rid in "012"}


def test_outcomes_are_written_while_others_are_on_their_way(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many items in several parts; what has its end is not held back by the rest of the round."""
    monkeypatch.setattr("soarlink.inputs.deliveries.CONCLUDED_TOGETHER", 1)
    monkeypatch.setattr("soarlink.delivery.sender.MAX_CONTAINERS", 1)
    site.queue(ROWS)
    site.later(SETTLED)
    settled: list[int] = []
    settle = Outbox.settle_many

    def settling(self: Outbox, items: Any, noted: Any = None) -> None:
        chosen = list(items)
        settled.append(len(chosen))
        settle(self, chosen, noted)

    monkeypatch.setattr(Outbox, "settle_many", settling)
    assert site.deliveries().round() == 3
    assert settled == [1, 1, 1]
    assert site.states() == {rid: ["queued", "delivered"] for rid in "012"}


@pytest.mark.parametrize("is_needed", [False, True])
def test_the_line_of_one_account_goes_on(site: Site, monkeypatch: pytest.MonkeyPatch, *, is_needed: bool) -> None:
    """Without a break between pages, unless a journal waits: then a round ends with its first page."""
    monkeypatch.setattr("soarlink.inputs.deliveries.AT_ONCE", 2)
    site.queue([*ROWS, *ROWS])
    site.later(SETTLED)
    deliveries = Deliveries(site.session, site.outbox, site.log, site.tenure, site.stop, is_needed=lambda: is_needed)
    assert site.tenure.begin()
    assert deliveries.round() == (2 if is_needed else 6)
    assert len([item for item in site.items() if item.state == DELIVERED]) == (2 if is_needed else 6)


def test_the_line_ends_where_the_server_fails(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is far behind the failure is not loaded for nothing."""
    monkeypatch.setattr("soarlink.inputs.deliveries.AT_ONCE", 2)
    monkeypatch.setattr("soarlink.delivery.sender.MAX_CONTAINERS", 1)
    monkeypatch.setattr("soarlink.outbox.stored._GROUP_DOCUMENTS", 4)
    site.queue(10 * ROWS)
    site.later(SETTLED)
    site.secret("lab", "falsch")
    assert site.deliveries().round() < 10 * len(ROWS)
    assert {item.state for item in site.items()} == {PENDING}


def test_every_error_of_the_store_is_told(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first stops the round, the other is in the log, and all arrives in the end."""
    monkeypatch.setattr("soarlink.inputs.deliveries.CONCLUDED_TOGETHER", 1)
    site.queue(ROWS[:2])
    site.later(SETTLED)
    errors = [KvStoreUnavailable("first"), ZeroDivisionError("second")]
    added: list[object] = []
    both, add = threading.Event(), Conclusions.add

    def adding(self: Conclusions, work: Callable[[], None]) -> None:
        add(self, work)
        added.append(work)
        if len(added) == 2:
            both.set()

    def failing(*_: object) -> None:
        assert both.wait(10)
        raise errors.pop(0)

    with monkeypatch.context() as broken:
        broken.setattr(Conclusions, "add", adding)
        broken.setattr(Outbox, "settle_many", failing)
        with pytest.raises(KvStoreUnavailable, match="first"):
            site.deliveries().round()
    (line,) = [line for line in site.own_log().splitlines() if "Outcomes not written" in line]
    assert 'reason="ZeroDivisionError: second"' in line
    assert "Traceback" in site.own_log()
    site.deliveries().round()
    assert {item.state for item in site.items()} == {DELIVERED}
    assert len({item.container_id for item in site.items()}) == 2


def test_outcomes_are_not_held_back_by_a_slow_server(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """What has waited for seconds is told, however few there are."""
    monkeypatch.setattr("soarlink.inputs.deliveries.CONCLUDED_WITHIN", 0.0)
    monkeypatch.setattr("soarlink.delivery.sender.MAX_CONTAINERS", 1)
    site.queue(ROWS)
    site.later(SETTLED)
    assert site.deliveries().round() == 3
    assert site.own_log().count('Outbox worked ended="1" ') == 3


def test_a_server_is_examined_once_as_long_as_there_is_work(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it keeps the artifacts of lists is asked in the first round, and again after a pause."""
    monkeypatch.setattr("soarlink.inputs.deliveries.AT_ONCE", 2)
    deliveries = site.deliveries()
    counts = []
    for number in range(2):
        site.installed.sid = f"{site.sid}{number}"
        site.queue([*ROWS, *ROWS])
        site.later(SETTLED)
        asked = 0
        while deliveries.round():
            asked += len(site.soar.requests("GET /rest/container/"))
            site.soar.reset()
        counts.append(asked)
    assert counts == [1, 1]


def test_a_playbook_runs_once_whatever_happens_in_between(site: Site) -> None:
    """The first round asks for it and is cut down before the receipt; the second tells what is known."""
    site.queue(ROWS[:1], playbook="local/contain_host", automation="0")
    site.later(SETTLED)
    site.splunkd.fault("POST", ".*/data/soar_outbox/batch_save.*", status=503, times=1)
    with pytest.raises(KvStoreUnavailable):
        site.deliveries().round()
    site.later(SETTLED)
    site.deliveries().round()
    (item,) = site.items()
    assert item.state == DELIVERED
    assert item.container_id is not None
    assert len(site.soar.runs(item.container_id)) == 1
    assert site.installed.statuses() == {"0": ["pending", "success"]}


def test_an_unclear_playbook_start_is_told_and_not_repeated(site: Site) -> None:
    """The data is there, the run is not sure: rejected, and the next attempt asks for nothing."""
    (item,) = site.queue(ROWS[:1], playbook="local/contain_host", automation="0")
    site.later(SETTLED)
    site.soar.fault("POST /rest/playbook_run", "drop_after_commit")
    site.soar.fault("GET /rest/playbook_run", "503", times=None)
    site.deliveries().round()
    (item,) = site.items()
    assert item.state == REJECTED
    assert "may have started:" in item.error_text
    site.outbox.replace(replace(item, state=PENDING, next_attempt=site.clock()))
    site.deliveries().round()
    site.soar.reset()
    assert item.container_id is not None
    assert len(site.soar.runs(item.container_id)) == 1


def test_a_playbook_that_was_never_started_is_no_success_of_what_is_too_old(site: Site) -> None:
    """The data is in SOAR, which never took the run: the row is rejected and says so, as its item does."""
    site.queue(ROWS[:1], playbook="local/contain_host", automation="0")
    site.later(AGE_LIMIT)
    site.soar.fault("POST /rest/playbook_run", "429")
    site.deliveries().round()
    (item,) = site.items()
    assert (item.state, site.soar.runs(item.container_id or 0)) == (REJECTED, [])
    assert site.states() == {"0": ["queued", "rejected"]}
    assert "HTTP 429" in site.events()[-1]["reason"]


@pytest.mark.parametrize("fault", ["failed", "drop_after_commit", "drop_before_commit"])
def test_a_resent_item_may_start_what_was_refused_only(site: Site, fault: str) -> None:
    """Somebody mended the playbook and resent it; a start that may have happened is looked for, and not repeated."""
    site.queue(ROWS[:1], playbook="local/contain_host", automation="0")
    site.later(SETTLED)
    site.soar.fault("POST /rest/playbook_run", fault)
    site.soar.fault("GET /rest/playbook_run", "503", times=None)
    site.deliveries().round()
    (item,) = site.items()
    assert item.state == REJECTED
    site.soar.reset()
    loaded = site.outbox.load(item)
    site.outbox.note(item, [*loaded.ledger, {"t": "resent"}])
    site.outbox.replace(replace(item, state=PENDING, next_attempt=site.clock()))
    site.deliveries().round()
    (item,) = site.items()
    assert item.state == (REJECTED if fault == "drop_before_commit" else DELIVERED)
    assert len(site.soar.requests("POST /rest/playbook_run")) == (1 if fault == "failed" else 0)


def test_many_alerts_are_told_together(site: Site) -> None:
    """After an outage each item is of another alert: the log is read once for all, and their events are one file."""
    first = site.sid
    for number in range(3):
        site.installed.sid = f"{first}{number}"
        site.queue(ROWS[number : number + 1])
    site.later(SETTLED)
    spool = site.splunkd.home / "var/spool/splunk"
    before = set(spool.iterdir())
    assert site.deliveries().round() == 3
    (file,) = set(spool.iterdir()) - before
    text = file.read_text(encoding="utf-8")
    for number in range(3):
        assert text.count(f'orig_sid="{first}{number}"') == text.count(f'"sid": "{first}{number}"') == 1
        site.installed.sid = f"{first}{number}"
        assert site.installed.statuses() == {"0": ["pending", "success"]}
    assert len([event for event in site.events() if event["status"] == "delivered"]) == 3


def test_rows_are_told_once_however_often_the_receipt_fails(site: Site) -> None:
    """The KV store takes no writes: each round finds the container in SOAR, and has nothing new to tell."""
    site.queue(ROWS[:1])
    site.later(SETTLED)
    site.splunkd.fault("POST", ".*/data/soar_outbox/batch_save.*", status=503, times=3)
    deliveries = site.deliveries()
    for _ in range(3):
        with pytest.raises(KvStoreUnavailable):
            deliveries.round()
    assert deliveries.round() == 1
    assert site.states() == {"0": ["queued", "delivered"]}
    assert site.items()[0].state == DELIVERED


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_resend_forgets_no_run_that_is_asked_for_meanwhile(
    site: Site, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """A person resends an item that is on its way, and the input ends before the receipt: the playbook runs once."""
    (item,) = site.queue(ROWS[:1], playbook="local/contain_host", automation="0")
    site.later(SETTLED)
    load = Outbox.load

    def on_its_way() -> None:
        site.splunkd.fault("POST", ".*/data/soar_outbox/batch_save.*", status=503, times=1)
        with pytest.raises(KvStoreUnavailable):
            site.deliveries().round()

    def loading(self: Outbox, chosen: OutboxItem) -> Payload:
        found = load(self, chosen)
        on_its_way()
        return found

    with monkeypatch.context() as meanwhile:
        if when == "after":
            meanwhile.setattr(Outbox, "load", loading)
        else:
            on_its_way()
        (done,) = Desk(site.outbox, "alice", site.clock()).carry_out(ActRequest(RESEND, Filters()), [item])
    assert done.is_done
    site.later(SETTLED)
    site.deliveries().round()
    (item,) = site.items()
    assert item.state == DELIVERED
    assert item.container_id is not None
    assert len(site.soar.runs(item.container_id)) == 1


def test_two_items_of_one_container_take_turns(site: Site) -> None:
    """Two alerts with one container: one in a round, the other in the next, both arrive."""
    parameters = {"container_per": "search", "identity_fields": "kind", "identity": "fields"}
    site.queue([{"kind": "a", "src": "10.0.0.1"}], **parameters)
    site.installed.sid += "b"
    site.queue([{"kind": "a", "src": "10.0.0.2"}], **parameters)
    assert len(site.items()) == 2
    assert len({item.identity for item in site.items()}) == 1
    site.later(SETTLED)
    rounds = 0
    while site.deliveries().round():
        rounds += 1
    assert rounds == 2
    assert {item.state for item in site.items()} == {DELIVERED}
    (container,) = {item.container_id for item in site.items()}
    assert container is not None
    assert len(site.soar.artifacts(container)) == 2


def test_two_calls_of_one_search_both_wait(site: Site) -> None:
    """Two `sendalert` in one search: the same search id, result id and container, but other results."""
    site.queue([{"src": "10.0.0.1"}])
    site.queue([{"src": "10.0.0.2"}])
    site.later(SETTLED)
    while site.deliveries().round():
        pass
    containers = {item.container_id for item in site.items()}
    sources = [a["cef"]["sourceAddress"] for number in containers if number for a in site.soar.artifacts(number)]
    assert sorted(sources) == ["10.0.0.1", "10.0.0.2"]


def test_what_goes_by_another_account_is_told_by_that(site: Site) -> None:
    """Rows of one alert run whose container was sent by the account that a person chose, and by the run's own."""
    first, _ = site.queue(ROWS[:2])
    text = (site.installed.app / "local/ta_send_to_soar_account.conf").read_text("utf-8")
    site.account("other")
    with (site.installed.app / "local/ta_send_to_soar_account.conf").open("a", encoding="utf-8") as file:
        file.write(text)
    site.outbox.replace(replace(first, account="other"))
    site.later(SETTLED)
    site.deliveries().round()
    assert {event["rid"]: event["account"] for event in site.events()[2:]} == {"0": "other", "1": "lab"}


def test_a_dead_account_does_not_hold_the_others_up(site: Site) -> None:
    """Each account is worked off for itself."""
    site.queue(ROWS[:1])
    site.installed.sid += "b"
    site.account("dead", url="https://localhost:1")
    site.queue(ROWS[1:2])
    text = (site.installed.app / "local/ta_send_to_soar_account.conf").read_text("utf-8")
    site.account()
    with (site.installed.app / "local/ta_send_to_soar_account.conf").open("a", encoding="utf-8") as file:
        file.write(text)
    site.later(SETTLED)
    site.deliveries().round()
    assert {item.account: item.state for item in site.items()} == {"lab": DELIVERED, "dead": PENDING}


def test_the_pace_of_the_account_is_kept(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """`rate_limit` containers per minute, in lists of what five seconds let through."""
    waited: list[int] = []
    monkeypatch.setattr("soarlink.delivery.pace.Pace.wait", lambda _, count: waited.append(count))
    site.queue(ROWS)
    site.account(rate_limit="12")
    site.later(SETTLED)
    site.deliveries().round()
    assert waited[-3:] == [1, 1, 1]


def test_requests_to_the_kv_store_go_one_after_another(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """One connection serves all: batches on two connections to SOAR note their playbook runs while more is loaded."""
    monkeypatch.setattr("soarlink.delivery.sender.MAX_CONTAINERS", 1)
    site.queue([*ROWS, {"src": "10.0.0.4"}], playbook="local/contain_host", automation="0")
    site.later(SETTLED)
    request = Splunkd.request
    under_way: set[int] = set()
    met: list[str] = []

    def asking(self: Splunkd, method: str, path: str, *rest: Any) -> Reply:
        if "soar_outbox" not in path:
            return request(self, method, path, *rest)
        if under_way:
            met.append(path)
        under_way.add(threading.get_ident())
        time.sleep(0.1)
        under_way.discard(threading.get_ident())
        return request(self, method, path, *rest)

    monkeypatch.setattr(Splunkd, "request", asking)
    site.deliveries().round()
    assert met == []


def test_a_defect_while_sending_leaves_a_traceback(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the action: the item waits, and whoever is to mend it sees where it is."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    site.queue(ROWS[:1])
    site.later(SETTLED)
    monkeypatch.setattr("soarlink.delivery.carrier.Carrier.carry", broken)
    site.deliveries().round()
    (item,) = site.items()
    assert (item.state, item.attempts, item.unclear) == (PENDING, 2, True)
    assert "Internal error of the add-on: ZeroDivisionError" in item.error_text
    assert "Traceback" in site.own_log()
