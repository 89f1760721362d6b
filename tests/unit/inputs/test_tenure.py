"""The lease while a round is under way: one search head at a time sends, whatever time a round takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from soarlink.delivery.carrier import Carrier
from soarlink.inputs.deliveries import Deliveries
from soarlink.inputs.tenure import RETRY, Tenure
from soarlink.outbox.item import DELIVERED, PENDING
from soarlink.rows.row import Value
from soarlink.soar.client import SoarClient
from tests.unit.inputs.site import Site

SETTLED = 25.0
FOUR: list[dict[str, Value]] = [{"src": f"10.0.0.{n}"} for n in range(4)]


@pytest.fixture(autouse=True)
def one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each container travel alone."""
    monkeypatch.setattr("soarlink.delivery.sender.MAX_CONTAINERS", 1)


@pytest.fixture
def other(site: Site) -> Tenure:
    """Return the lease as another search head has it."""
    return site.apply("sh2")


def after_each(monkeypatch: pytest.MonkeyPatch, holder: type, name: str, then: Callable[[], Any]) -> None:
    """Let something happen after each call of a method."""
    original = getattr(holder, name)

    def call(*args: Any) -> Any:
        result = original(*args)
        then()
        return result

    monkeypatch.setattr(holder, name, call)


def queued(site: Site, rows: list[dict[str, Value]], **parameters: str) -> None:
    """Rows in the outbox that are due, and an account that has one connection."""
    site.queue(rows, **parameters)
    site.account(connections="1")
    site.later(SETTLED)


def test_a_lease_that_is_lost_in_a_round_ends_it(site: Site, other: Tenure, monkeypatch: pytest.MonkeyPatch) -> None:
    """This one stalls after its first container and another search head takes over: it sends and tells nothing more.

    What it had sent, the next owner finds in SOAR; every row gets one final status.
    """
    queued(site, FOUR)
    taken: list[bool] = []

    def stall() -> None:
        site.offset += 400
        taken.append(other.begin())

    with monkeypatch.context() as patch:
        after_each(patch, Carrier, "carry", stall)
        site.deliveries().round()
    assert taken == [True]
    assert len(site.soar.requests("POST /rest/container")) == 1
    assert {(item.state, item.attempts) for item in site.items()} == {(PENDING, 1)}
    assert site.states() == {rid: ["queued"] for rid in "0123"}
    assert "Lease lost" in site.own_log()
    site.later(1)
    while Deliveries(site.session, site.outbox, site.log, other, site.stop).round():
        pass
    assert {item.state for item in site.items()} == {DELIVERED}
    assert site.installed.statuses() == {rid: ["pending", "success"] for rid in "0123"}
    numbers = {event["container_id"] for event in site.events() if "container_id" in event}
    assert [len(site.soar.artifacts(number)) for number in numbers] == [1] * 4


def test_a_lease_that_is_lost_within_a_container_ends_it(
    site: Site, other: Tenure, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is looked at before each request, not before each container: the artifact is the next owner's."""
    queued(site, FOUR[:1], automation="0")

    def stall() -> None:
        site.offset += 400
        assert other.begin()

    with monkeypatch.context() as patch:
        after_each(patch, SoarClient, "create_container", stall)
        site.deliveries().round()
    assert site.soar.requests("POST /rest/artifact") == []
    site.later(1)
    Deliveries(site.session, site.outbox, site.log, other, site.stop).round()
    assert [item.state for item in site.items()] == [DELIVERED]
    assert len(site.soar.requests("POST /rest/artifact")) == 1


def test_a_long_round_keeps_its_lease(site: Site, other: Tenure, monkeypatch: pytest.MonkeyPatch) -> None:
    """Renewed when it is due: four containers take longer than a lease, and nobody gets in between."""
    monkeypatch.setattr("soarlink.inputs.turn.LONGEST", 1_000.0)
    queued(site, FOUR)
    taken: list[bool] = []

    def slow() -> None:
        site.offset += 100
        taken.append(other.begin())

    after_each(monkeypatch, Carrier, "carry", slow)
    site.deliveries().round()
    assert taken == [False] * 4
    assert {item.state for item in site.items()} == {DELIVERED}


def test_a_lease_that_can_t_be_renewed_runs_on_until_its_end(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The KV store takes nothing: sent as long as a request fits into what is left, and it is not asked each time."""
    tenure = site.apply("sh1")
    assert tenure.begin()
    site.splunkd.fault("POST", ".*/soar_lease.*", status=503, times=None)
    site.splunkd.calls()
    site.offset += 200
    assert [tenure.outlasts(50) for _ in range(5)] == [True] * 5
    assert len([call for call in site.splunkd.calls() if "soar_lease" in call]) == 1
    site.offset += 60
    assert not tenure.outlasts(50)
    site.splunkd.clear()
    site.offset += RETRY + 1
    assert tenure.outlasts(50)


def test_timeouts_that_are_longer_than_the_lease_lengthen_it(site: Site, other: Tenure) -> None:
    """An account may wait for answers for ten minutes."""
    queued(site, FOUR[:1])
    site.account(read_timeout="600")
    site.deliveries().round()
    assert [item.state for item in site.items()] == [DELIVERED]
    site.offset += 1_000
    assert not other.begin()


def test_a_stop_ends_a_round_in_good_order(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was sent is told, the rest waits as it was."""
    queued(site, FOUR)
    after_each(monkeypatch, Carrier, "carry", site.stop.set)
    site.deliveries().round()
    assert sorted(item.state for item in site.items()) == [DELIVERED, PENDING, PENDING, PENDING]
    assert sorted(site.installed.statuses().values()) == [["pending"]] * 3 + [["pending", "success"]]
