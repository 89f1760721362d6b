"""One account, one alert, one container that goes slowly holds up itself and nobody else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from soarlink.delivery.pace import Pace
from soarlink.inputs.deliveries import Deliveries
from soarlink.inputs.turn import LONGEST
from soarlink.outbox.collection import Outbox
from soarlink.outbox.item import DELIVERED, PENDING, REJECTED, OutboxItem
from soarlink.rows.row import Value
from soarlink.splunk.settings import DeliveryLimits
from tests.unit.actions.installed import ROWS
from tests.unit.inputs.site import Site

SETTLED = 25.0
"""Seconds after which an unclear attempt of the site's account is due again."""

AGE_LIMIT = DeliveryLimits().age_limit


def rows(count: int) -> list[dict[str, Value]]:
    """So many results that become a container each."""
    return [{"src": f"10.0.1.{number}"} for number in range(count)]


def two_accounts(site: Site, **slow: str) -> None:
    """`slow` and `lab`, at the same server."""
    site.account("slow", **slow)
    text = (site.installed.app / "local/ta_send_to_soar_account.conf").read_text("utf-8")
    site.account()
    with (site.installed.app / "local/ta_send_to_soar_account.conf").open("a", encoding="utf-8") as file:
        file.write(text)


def states(site: Site, account: str) -> list[str]:
    """The states of an account's items."""
    return [item.state for item in site.items() if item.account == account]


def test_a_slow_account_gives_way(site: Site) -> None:
    """Its rate limit would take a minute for its items; the other account has its turn after ten seconds."""
    two_accounts(site)
    site.queue(rows(12), account="slow")
    site.installed.sid += "b"
    site.queue(ROWS[:1], account="lab")
    two_accounts(site, rate_limit="12")
    site.later(SETTLED)
    site.hold()
    began = site.clock()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Pace, "wait", lambda *_: site.later(5.0))
        site.deliveries().round()
    assert states(site, "lab") == [DELIVERED]
    assert site.clock() - began <= LONGEST + 3 * 5.0
    assert PENDING in states(site, "slow")
    assert DELIVERED in states(site, "slow")


def test_what_a_round_has_no_time_for_stays_as_it_was(site: Site) -> None:
    """No attempt is counted, no reason is written over: the next round goes on, and all arrive once."""
    site.queue(rows(8))
    site.hold()
    site.account(rate_limit="12")
    site.later(SETTLED)
    before = {item.key: item for item in site.items()}
    deliveries = site.deliveries()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Pace, "wait", lambda *_: site.later(5.0))
        assert 0 < deliveries.round() < 8
        left = [item for item in site.items() if item.state == PENDING]
        assert left
        assert all(item == before[item.key] for item in left)
        while deliveries.round():
            pass
    assert {item.state for item in site.items()} == {DELIVERED}
    assert len({item.container_id for item in site.items()}) == 8


def test_a_rate_limit_holds_from_round_to_round(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new round waits for its turn as if there had been no break."""
    site.hold()
    monkeypatch.setattr("soarlink.inputs.deliveries.AT_ONCE", 1)
    site.queue(rows(3))
    site.account(rate_limit="12")
    site.later(SETTLED)
    slept: list[float] = []
    init = Pace.__init__

    def pace(self: Pace, per_minute: int, **_: Any) -> None:
        init(self, per_minute, clock=site.clock, sleep=lambda seconds: (slept.append(seconds), site.later(seconds)))  # type: ignore[arg-type,func-returns-value]

    monkeypatch.setattr(Pace, "__init__", pace)
    deliveries = Deliveries(site.session, site.outbox, site.log, site.tenure, site.stop, is_needed=lambda: True)
    assert site.tenure.begin()
    while deliveries.round():
        pass
    assert [round(seconds) for seconds in slept] == [5, 5]


def test_a_journal_that_goes_slowly_is_left_to_the_outbox(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """One minute is an alert's time in the journals: other alerts wait behind it. The rest goes on from the outbox."""
    site.alert(rows(20))
    site.account(rate_limit="12")
    site.hold()
    site.later(SETTLED)
    began = site.clock()
    monkeypatch.setattr(Pace, "wait", lambda *_: site.later(5.0))
    assert site.journals().round(site.outbox) == 1
    assert site.clock() - began < 90
    assert site.installed.journals() == []
    left = site.items()
    assert 0 < len(left) < 20
    assert {item.state for item in left} == {PENDING}
    while site.deliveries().round():
        pass
    assert site.states() == {str(number): ["queued", "delivered"] for number in range(20)}


def test_a_stop_leaves_a_journal_where_it_is(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Splunkd ends the input in the middle of an alert: nothing more is sent or moved, the next process goes on."""
    monkeypatch.setattr("soarlink.delivery.sender.MAX_CONTAINERS", 1)
    site.account(connections="1")
    site.alert(rows(20))
    site.later(SETTLED)
    create = pytest.importorskip("soarlink.soar.client").SoarClient.create_container

    def ended(self: Any, body: Any) -> Any:
        site.stop.set()
        return create(self, body)

    with monkeypatch.context() as patch:
        patch.setattr("soarlink.soar.client.SoarClient.create_container", ended)
        assert site.journals().round(site.outbox) == 0
    sent = len(site.soar.requests("POST /rest/container"))
    assert 0 < sent < 20
    assert (len(site.installed.journals()), site.items()) == (1, [])
    site.stop.clear()
    assert site.journals().round(site.outbox) == 1
    assert len(site.soar.requests("POST /rest/container")) == 20
    assert {told[-1] for told in site.installed.statuses().values()} == {"success"}


def test_items_of_one_container_are_loaded_when_it_is_their_turn(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of alerts wait for the same container: a round takes one, and loads one."""
    parameters = {"container_per": "search", "identity_fields": "kind", "identity": "fields"}
    for number in range(4):
        site.installed.sid = f"{site.sid}{number}"
        site.queue([{"kind": "of many", "src": f"10.0.0.{number}"}], **parameters)
    site.later(SETTLED)
    loaded: list[str] = []
    load_many = Outbox.load_many

    def loading(self: Outbox, items: Any) -> Any:
        for item, found in load_many(self, items):
            loaded.append(item.key)
            yield item, found

    monkeypatch.setattr(Outbox, "load_many", loading)
    deliveries, tried = site.deliveries(), []
    while count := deliveries.round():
        tried.append(count)
    assert (tried, len(loaded), len(set(loaded))) == ([1, 1, 1, 1], 4, 4)
    (container,) = {item.container_id for item in site.items()}
    assert container is not None
    assert len(site.soar.artifacts(container)) == 4


def test_an_account_that_can_t_be_used_is_left_alone_for_a_minute(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much waits for it: one page of it says why, nothing is loaded, the rest is not touched."""
    monkeypatch.setattr("soarlink.inputs.deliveries.AT_ONCE", 2)
    site.queue(rows(6))
    site.later(SETTLED)
    site.account("other")
    loaded: list[OutboxItem] = []
    load_many = Outbox.load_many

    def loading(self: Outbox, items: Any) -> Any:
        chosen = list(items)
        loaded.extend(chosen)
        return load_many(self, chosen)

    monkeypatch.setattr(Outbox, "load_many", loading)
    deliveries = site.deliveries()
    assert [deliveries.round() for _ in range(3)] == [2, 0, 0]
    assert [item.error_class for item in site.items()].count("settings") == 2
    assert loaded == []
    site.later(61)
    assert deliveries.round() == 2
    site.account()
    site.later(61)
    while deliveries.round():
        pass
    assert {item.state for item in site.items()} == {DELIVERED}


def test_a_wait_that_the_server_asks_for_ends_with_the_age_limit(site: Site) -> None:
    """A year of `Retry-After` would make an item be forgotten: when it is too old it is tried, and rejected."""
    site.queue(ROWS[:1])
    site.later(SETTLED)
    site.soar.fault("POST /rest/container", "429", retry_after=31_536_000, times=None)
    site.deliveries().round()
    (item,) = site.items()
    assert item.state == PENDING
    assert item.next_attempt == pytest.approx(item.queued + AGE_LIMIT, abs=5)
    site.later(AGE_LIMIT)
    site.deliveries().round()
    assert site.items()[0].state == REJECTED
    assert site.installed.statuses() == {"0": ["pending", "failure"]}


def test_a_wait_that_the_server_asked_the_action_for_ends_with_the_age_limit(site: Site) -> None:
    """The same where the action met it."""
    site.soar.fault("POST /rest/container", "429", retry_after=31_536_000, times=None)
    assert site.installed.run(site.installed.results(ROWS[:1])) == 0
    site.journals().round(site.outbox)
    (item,) = site.items()
    assert item.next_attempt <= item.queued + AGE_LIMIT + 5


def test_a_clock_that_was_set_back_holds_nothing_up(site: Site) -> None:
    """By hours: an alert is taken up after its half minute, an item of the outbox after its wait."""
    (item,) = site.queue(ROWS[:1])
    site.installed.sid += "b"
    site.splunkd.fault("GET", ".*/storage/passwords.*", status=503, times=2)
    journals = site.journals()
    assert site.installed.run(site.installed.results(ROWS[1:2])) == 0
    assert journals.round(site.outbox) == 0
    assert item.next_attempt > site.clock()
    site.step(-5 * 3600.0)
    site.later(31)
    assert journals.round(site.outbox) == 1
    assert site.deliveries().round() == 1
    assert site.states()["0"].count("delivered") == 2  # each search has a result 0


def test_one_message_tells_that_an_account_is_turned_away(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many of its containers are."""
    site.queue(ROWS)
    site.later(SETTLED)
    site.secret("lab", "falsch")
    posted: list[object] = []
    monkeypatch.setattr(Deliveries, "_bulletin", lambda *about: posted.append(about))
    site.deliveries().round()
    site.secret("lab", "K2Zmb28tdW5pdC10ZXN0LXRva2Vu")
    assert len(posted) == 1
    assert {item.error_class for item in site.items()} == {"authentication"}


def test_items_of_one_moment_follow_one_another(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """More of them than a page holds: none is passed over, none comes before its turn."""
    monkeypatch.setattr("soarlink.inputs.deliveries.AT_ONCE", 2)
    monkeypatch.setattr("soarlink.delivery.sender.MAX_CONTAINERS", 1)
    site.account(connections="1")
    items = site.queue(rows(7))
    site.later(SETTLED)
    for number, item in enumerate(items):
        site.outbox.replace(replace(item, created=items[0].created + (number == 6)))
    assert site.deliveries().round() == 7
    assert {item.state for item in site.items()} == {DELIVERED}
    last = max(site.items(), key=lambda item: item.created)
    assert last.container_id == max(item.container_id or 0 for item in site.items())
