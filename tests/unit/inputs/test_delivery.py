"""The input's loop: always at work, in nobody's way, and ended in good order."""

from __future__ import annotations

import io
import os
import re
import signal
import threading
from collections.abc import Callable
from dataclasses import replace

import pytest
from splunklib.modularinput import EventWriter, InputDefinition

from soarlink.inputs import delivery as module
from soarlink.inputs import script
from soarlink.inputs.delivery import HEARTBEAT_EVERY, LEASE_SECONDS, Delivery, DeliveryScript
from soarlink.inputs.journals import Journals
from soarlink.inputs.tenure import Tenure
from soarlink.outbox.item import DELIVERED, PENDING
from soarlink.outbox.lease import SKEW, Lease
from soarlink.splunk.kvstore import KvStore
from tests.unit.actions.installed import ROWS
from tests.unit.inputs.site import Site


class Waits(threading.Event):
    """A stop that comes after so many waits; waiting moves the site's clock and takes no time."""

    def __init__(self, site: Site, count: int) -> None:
        super().__init__()
        self.site = site
        self.left = count
        self.waited: list[float] = []
        self.then: Callable[[], None] = lambda: None

    def wait(self, timeout: float | None = None) -> bool:
        """Move the clock on."""
        assert timeout is not None
        self.waited.append(timeout)
        self.site.later(timeout)
        self.then()
        self.left -= 1
        if self.left <= 0:
            self.set()
        return self.is_set()


Run = Callable[..., Waits]


@pytest.fixture
def run(site: Site) -> Run:
    """Return a function that runs the input for so many waits."""

    def start(count: int, then: Callable[[], None] | None = None) -> Waits:
        stop = Waits(site, count)
        stop.then = then or stop.then
        Delivery(site.session, stop).run()
        assert site.own_log().splitlines()[-1].endswith("Delivery stopped")
        return stop

    return start


@pytest.fixture
def other(site: Site, kv: KvStore) -> Lease:
    """Return the lease as another search head sees it."""
    return Lease(kv, "soar_delivery", "other:1", LEASE_SECONDS, clock=site.clock, monotonic=site.clock)


def test_journals_and_outbox_are_worked_off(site: Site, run: Run) -> None:
    """What must settle goes through the outbox; when all is done the input looks once a second."""
    site.alert(ROWS)
    run(40)
    assert site.states() == {rid: ["queued", "delivered"] for rid in "012"}
    assert {item.state for item in site.items()} == {DELIVERED}
    assert site.installed.journals() == []


def test_it_costs_little_when_there_is_nothing_to_do(site: Site, run: Run) -> None:
    """A folder listing a second; the KV store is asked every five seconds only."""
    run(10)  # the lease and the connection are there
    site.splunkd.calls()
    start = site.clock()
    stop = run(60)
    assert set(stop.waited) == {1.0}
    seconds = site.clock() - start  # the 60 that it waited, and what a busy machine takes beside them
    assert len([call for call in site.splunkd.calls() if "soar_outbox" in call]) <= 2 * seconds / 5 + 2


def test_only_who_holds_the_lease_works_off_the_outbox(site: Site, run: Run, other: Lease) -> None:
    """Journals are this member's own and are worked off all the same."""
    site.queue(ROWS[:1])
    site.later(30)
    assert other.acquire()
    site.installed.sid += "b"
    site.alert(ROWS[1:2])
    run(30)
    states = {item.sid[-1] == "b": item.state for item in site.items()}
    assert states[False] == PENDING
    assert site.installed.journals() == []


def test_the_lease_of_a_member_that_died_is_taken_over(site: Site, run: Run, other: Lease) -> None:
    """When its time and the skew of clocks are over."""
    site.queue(ROWS[:1])
    site.later(30)
    assert other.acquire()
    run(int(LEASE_SECONDS + SKEW) + 20)
    assert {item.state for item in site.items()} == {DELIVERED}


def test_the_lease_is_kept_and_given_back(site: Site, run: Run, other: Lease) -> None:
    """Renewed in time while the input runs; free at once when it ends."""
    taken: list[bool] = []
    run(int(2 * LEASE_SECONDS), lambda: taken.append(other.acquire()))
    assert not any(taken[10:])
    assert other.acquire()


def test_without_a_kv_store_journals_are_delivered(site: Site, run: Run) -> None:
    """Nothing else is done, and it is said; when it is back the input goes on."""
    site.alert(ROWS)
    site.splunkd.fault(".*", ".*/storage/collections/data/soar_.*", status=503, times=None)
    run(70)
    assert site.states() == {rid: ["queued", "delivered"] for rid in "012"}
    assert "Delivery waits" in site.own_log()
    assert "Lease not released" not in site.own_log()  # there was none


def test_a_lease_that_can_t_be_given_back_stops_no_end(site: Site, run: Run) -> None:
    """It ends by itself."""
    run(8, lambda: site.splunkd.fault("POST", ".*/soar_lease/.*", status=503, times=None))
    assert "Lease not released" in site.own_log()


def test_without_splunkd_the_input_goes_on(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """It tries again and again, and says why at once, and then every five minutes only."""
    site.session = replace(site.session, uri="https://127.0.0.1:1")
    tries: list[int] = []
    begin = Tenure.begin

    def counted(self: Tenure) -> bool:
        tries.append(1)
        return begin(self)

    monkeypatch.setattr(Tenure, "begin", counted)
    stop = Waits(site, 240)
    Delivery(site.session, stop).run()
    minutes = sum(stop.waited) / 60
    assert len(tries) > minutes * 60 / 12
    assert site.own_log().count("Delivery waits") == 1 + int(minutes / 5)


def test_it_is_said_when_splunkd_is_back(site: Site, run: Run) -> None:
    """Once, with how long it was away; another reason in between is said at once."""
    waits: list[int] = []

    def then() -> None:
        waits.append(1)
        if len(waits) == 10:
            site.splunkd.fault(".*", ".*/storage/collections/data/soar_.*", status=503, times=None)
        if len(waits) == 30:
            site.splunkd.clear()

    run(60, then)
    lines = [line for line in site.own_log().splitlines() if "Delivery waits" in line or "Delivery goes on" in line]
    assert ["waits" in line for line in lines] == [True, False]
    assert float(re.findall(r'waited="(\d+)"', lines[1])[0]) > 20


def test_a_defect_does_not_end_the_input(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log has the traceback; the next round is tried."""
    rounds: list[int] = []

    def broken(*_: object) -> int:
        rounds.append(1)
        raise ZeroDivisionError

    monkeypatch.setattr(Journals, "round", broken)
    Delivery(site.session, Waits(site, 6)).run()
    assert 3 <= len(rounds) <= 6
    assert site.own_log().count("Traceback") == len(rounds)


def test_a_defect_in_the_journals_does_not_stop_the_outbox(
    site: Site, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has its own round."""
    site.queue(ROWS[:1])

    def broken(*_: object) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(Journals, "round", broken)
    run(20)
    assert {item.state for item in site.items()} == {DELIVERED}


def test_it_ends_when_splunkd_is_gone(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """An orphan must not deliver beside the input of the next splunkd."""
    stop = Waits(site, 100)
    delivery = Delivery(site.session, stop)
    stop.then = lambda: monkeypatch.setattr(os, "getppid", lambda: 1)
    delivery.run()
    assert len(stop.waited) == 1


def test_finished_runs_are_forgotten_after_a_day(site: Site, run: Run) -> None:
    """Splunk calls an action again within seconds, if at all; the heartbeat is logged."""
    assert site.installed.run(site.installed.results(ROWS)) == 0
    done = site.installed.delivery / "done"
    assert len(list(done.iterdir())) == 1
    run(int(HEARTBEAT_EVERY) + 10)
    assert len(list(done.iterdir())) == 1
    assert site.own_log().count("Heartbeat") == 2
    site.later(module.REMEMBER_SECONDS)
    run(10)
    assert list(done.iterdir()) == []


def test_a_stop_leaves_the_rest_as_it_is(site: Site) -> None:
    """A stop that was there before: nothing is begun."""
    site.alert(ROWS)
    site.later(30)
    stop = threading.Event()
    stop.set()
    Delivery(site.session, stop).run()
    assert site.states() == {rid: ["queued"] for rid in "012"}


class TestScript:
    """The input as splunkd starts it."""

    @pytest.fixture
    def definition(self, site: Site) -> InputDefinition:
        """Return what splunkd hands over."""
        found = InputDefinition()
        found.metadata = {"server_uri": site.splunkd.uri, "session_key": site.key, "checkpoint_dir": "x"}
        return found

    def test_the_scheme_has_no_parameters(self) -> None:
        """One process for all stanzas, and nothing to fill in."""
        out = io.StringIO()
        writer = EventWriter(out, io.StringIO())
        code = DeliveryScript().run_script(["soar_delivery.py", "--scheme"], writer, io.StringIO())
        assert code == 0
        assert "<use_single_instance>true</use_single_instance>" in out.getvalue()
        assert "<args />" in out.getvalue()

    def test_sigterm_ends_it(self, site: Site, definition: InputDefinition, monkeypatch: pytest.MonkeyPatch) -> None:
        """In good order."""
        rounds: list[int] = []

        def stopped(*_: object) -> int:
            rounds.append(1)
            os.kill(os.getpid(), signal.SIGTERM)
            return 0

        monkeypatch.setattr(script, "APP", site.installed.app)
        monkeypatch.setattr(Journals, "round", stopped)
        DeliveryScript().stream_events(definition, None)
        assert rounds == [1]
        assert site.own_log().splitlines()[-1].endswith("Delivery stopped")
