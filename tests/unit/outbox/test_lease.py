"""Leases: exactly one holder, whatever crashes, races, lost answers and clocks that differ."""

from __future__ import annotations

import contextlib
import itertools
import random
import threading
from collections.abc import Iterator
from typing import Any, cast

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from soarlink.errors import KvStoreUnavailable
from soarlink.outbox.lease import COLLECTION, Lease
from soarlink.splunk.kvstore import KvStore
from tests.unit.outbox.splunkd import SplunkdProcess, kv_store

TTL = 90.0


class Clock:
    """Seconds that pass when told, and a wall clock that may be set wrong."""

    def __init__(self, ahead: float = 0.0) -> None:
        self.now = 1_000.0
        self.ahead = ahead

    def monotonic(self) -> float:
        """The clock that nobody sets."""
        return self.now

    def wall(self) -> float:
        """Epoch seconds."""
        return 1_790_000_000.0 + self.now + self.ahead


def lease(kv: KvStore, owner: str, clock: Clock, ahead: float = 0.0) -> Lease:
    """A member's lease; its wall clock is ahead by so much."""
    return Lease(kv, "delivery", owner, TTL, lambda: clock.wall() + ahead, monotonic=clock.monotonic)


def test_one_has_it_until_it_gives_it_back(kv: KvStore, splunkd: SplunkdProcess) -> None:
    """The other gets it at once then. Three requests to take it, one to see that it is taken."""
    clock = Clock()
    one, other = lease(kv, "one", clock), lease(kv, "other", clock)
    splunkd.calls()
    assert one.acquire()
    assert len(splunkd.calls()) == 3
    assert not other.acquire()
    assert len(splunkd.calls()) == 1
    assert other.holder == "one"
    assert one.still_mine(TTL - 1)
    assert not one.still_mine(TTL + 1)
    assert not other.still_mine(0)
    one.release()
    assert not one.still_mine(0)
    assert other.acquire()
    assert (one.holder, other.holder) == ("", "other")
    one.release()
    assert not one.renew()
    assert not one.acquire()
    assert other.still_mine(1)


def test_a_holder_that_was_asleep_has_it_no_more(kv: KvStore) -> None:
    """Its monotonic clock stood still with it, the time of day did not: another one may have the lease by now."""
    clock = Clock()
    one = lease(kv, "one", clock)
    assert one.acquire()
    clock.ahead += TTL + 31
    assert not one.still_mine(0)
    other = lease(kv, "other", clock)
    assert other.acquire()
    assert not one.renew()


def test_a_clock_that_is_set_takes_the_lease_from_nobody(kv: KvStore) -> None:
    """Set ahead, the holder renews; set back, it has it for as long as by the clock that nobody sets."""
    clock = Clock()
    one = lease(kv, "one", clock)
    assert one.acquire()
    clock.ahead += 18_000
    assert one.renew()
    assert one.still_mine(TTL - 1)
    clock.ahead -= 36_000
    assert one.still_mine(TTL - 1)
    clock.now += TTL
    assert not one.still_mine(0)


def test_renewal_prolongs_and_clears_up(kv: KvStore, splunkd: SplunkdProcess) -> None:
    """Two requests; old documents do not pile up."""
    clock = Clock()
    one, other = lease(kv, "one", clock), lease(kv, "other", clock)
    assert one.acquire()
    splunkd.calls()
    for _ in range(20):
        clock.now += TTL / 3
        assert one.renew()
        assert one.still_mine(TTL - 1)
        assert not other.acquire()
    assert len(splunkd.calls()) == 20 * 3
    assert len(kv.query(COLLECTION)) == 3


def test_a_crashed_holder_is_replaced_after_its_time_and_the_skew(kv: KvStore) -> None:
    """Not a second earlier, and the one who slept learns it."""
    clock = Clock()
    one, other = lease(kv, "one", clock), lease(kv, "other", clock)
    assert one.acquire()
    clock.now += TTL + 29
    assert not one.still_mine(0)
    assert not other.acquire()
    clock.now += 2
    assert other.acquire()
    assert not one.renew()
    assert not one.acquire()
    assert other.still_mine(TTL - 1)


def test_a_holder_that_slept_goes_on_when_nobody_came(kv: KvStore) -> None:
    """By the next number, as anybody else would."""
    clock = Clock()
    one = lease(kv, "one", clock)
    assert one.acquire()
    clock.now += 10 * TTL
    assert not one.still_mine(0)
    assert one.acquire()
    assert one.still_mine(TTL - 1)
    clock.now += 10 * TTL
    assert one.renew()
    assert one.still_mine(TTL - 1)


@pytest.mark.parametrize("ahead", [-29.0, 0.0, 29.0])
def test_clocks_may_differ_by_the_skew(kv: KvStore, ahead: float) -> None:
    """A living holder is never replaced, wherever the other's clock stands within the bound."""
    clock = Clock()
    one, other = lease(kv, "one", clock), lease(kv, "other", clock, ahead)
    assert one.acquire()
    for _ in range(6):
        clock.now += TTL - 1
        assert one.still_mine(0)
        assert not other.acquire()
        assert one.renew()


def test_a_clock_that_is_far_ahead_does_not_lock_the_lease_for_ever(kv: KvStore) -> None:
    """Its holder died with an end a day from now: who has watched for the whole time takes over."""
    clock = Clock()
    one, other = lease(kv, "one", clock, 86400.0), lease(kv, "other", clock)
    assert one.acquire()
    assert not other.acquire()
    clock.now += TTL + 29
    assert not other.acquire()
    clock.now += 2
    assert other.acquire()


@pytest.mark.parametrize("is_committed", [True, False])
@pytest.mark.parametrize("step", ["acquire", "renew"])
def test_a_lost_answer_is_no_lost_lease(
    kv: KvStore,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    is_committed: bool,  # noqa: FBT001 - a test's parameter
) -> None:
    """The insert may have had its effect: asking again finds that out, and the time counts from the first try."""
    clock = Clock()
    one, other = lease(kv, "one", clock), lease(kv, "other", clock)
    if step == "renew":
        assert one.acquire()
    insert = KvStore.insert

    def lost(self: KvStore, collection: str, document: dict[str, object]) -> bool:
        if is_committed:
            insert(self, collection, document)
        raise KvStoreUnavailable("no answer")

    monkeypatch.setattr(KvStore, "insert", lost)
    with pytest.raises(KvStoreUnavailable):
        getattr(one, step)()
    monkeypatch.undo()
    clock.now += 10
    assert getattr(one, step)()
    assert one.still_mine(TTL - 11)
    assert one.still_mine(TTL - 9) != is_committed
    assert not other.acquire()


def test_a_lease_given_back_without_an_answer_is_taken_anew(kv: KvStore, splunkd: SplunkdProcess) -> None:
    """The old document does not count for its former holder either."""
    clock = Clock()
    one = lease(kv, "one", clock)
    assert one.acquire()
    splunkd.fault("POST", "soar_lease/delivery", status=503, times=1)
    with pytest.raises(KvStoreUnavailable):
        one.release()
    assert not one.still_mine(0)
    assert one.acquire()
    assert [document["number"] for document in kv.query(COLLECTION)] == [1, 2]


def test_who_acts_on_old_data_steps_back(kv: KvStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stale read shows an ended lease whose next number was used and cleared since: the insert wins, and is void."""
    clock = Clock()
    one, other = lease(kv, "one", clock), lease(kv, "other", clock)
    assert one.acquire()
    stale = kv.page(COLLECTION)
    for _ in range(6):
        clock.now += TTL - 1
        assert one.renew()
    page, answers = KvStore.page, itertools.chain([stale], itertools.repeat(None))
    monkeypatch.setattr(KvStore, "page", lambda self, *args, **more: next(answers) or page(self, *args, **more))
    assert not other.acquire()
    assert one.still_mine(0)
    assert one.renew()


def test_of_two_that_race_exactly_one_wins(splunkd: SplunkdProcess) -> None:
    """Eight members at once, over and over, from free, ended and released leases."""
    clock = Clock()
    members = [lease(kv_store(splunkd), str(number), clock) for number in range(8)]
    for turn in range(12):
        barrier = threading.Barrier(len(members))
        won: list[Lease] = []

        def race(member: Lease, barrier: threading.Barrier = barrier, won: list[Lease] = won) -> None:
            barrier.wait()
            if member.acquire():
                won.append(member)

        threads = [threading.Thread(target=race, args=(member,)) for member in members]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(won) == 1
        assert [member for member in members if member.still_mine(0)] == won
        if turn % 2:
            won[0].release()
        else:
            clock.now += TTL + 31


class MemoryKv:
    """What a lease uses of the KV store, with a crash before or after the next write; the real one is raced above."""

    def __init__(self) -> None:
        self.documents: dict[str, dict[str, Any]] = {}
        self.crash = ""

    def insert(self, _: str, document: dict[str, Any]) -> bool:
        """False when the key is taken."""
        with self._write():
            return self.documents.setdefault(document["_key"], document) is document

    def get(self, _: str, key: str) -> dict[str, Any] | None:
        """The document, if there is one."""
        return self.documents.get(key)

    def page(self, *_: object, **__: object) -> list[dict[str, Any]]:
        """The highest number."""
        return sorted(self.documents.values(), key=lambda one: -int(one["number"]))[:1]

    def replace(self, _: str, key: str, document: dict[str, Any]) -> bool:
        """Whole, if there is one."""
        with self._write():
            if key in self.documents:
                self.documents[key] = document
            return key in self.documents

    def delete_where(self, _: str, query: dict[str, Any]) -> None:
        """All numbers below one."""
        with self._write():
            first = query["$and"][1]["number"]["$lt"]
            self.documents = {key: one for key, one in self.documents.items() if one["number"] >= first}

    @contextlib.contextmanager
    def _write(self) -> Iterator[None]:
        crash, self.crash = self.crash, ""
        if crash == "before":
            raise KvStoreUnavailable("crash")
        yield
        if crash == "after":
            raise KvStoreUnavailable("crash")


class LeaseMachine(RuleBasedStateMachine):
    """Three members with clocks within the bound, crashes in every step, restarts, time."""

    def __init__(self) -> None:
        super().__init__()
        self.kv, self.clock = MemoryKv(), Clock()
        self.members = [self._member(number) for number in range(3)]

    @rule(
        number=st.integers(0, 2),
        step=st.sampled_from(["acquire", "renew", "release"]),
        crash=st.sampled_from(["", "before", "after"]),
    )
    def work(self, number: int, step: str, crash: str) -> None:
        """One step of one member."""
        self.kv.crash = crash
        with contextlib.suppress(KvStoreUnavailable):
            getattr(self.members[number], step)()
        self.kv.crash = ""

    @rule(number=st.integers(0, 2))
    def restart(self, number: int) -> None:
        """A member forgets everything."""
        self.members[number] = self._member(number)

    @rule(seconds=st.sampled_from([1.0, 20.0, TTL - 1, TTL + 16, TTL + 31, 3 * TTL]))
    def wait(self, seconds: float) -> None:
        """Time passes for all."""
        self.clock.now += seconds

    @invariant()
    def at_most_one_has_it(self) -> None:
        """The claim."""
        assert sum(member.still_mine(0) for member in self.members) <= 1

    def _member(self, number: int) -> Lease:
        return lease(cast(KvStore, self.kv), str(number), self.clock, (-15.0, 0.0, 14.0)[number])


LeaseMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40)
TestLeaseMachine = LeaseMachine.TestCase


def test_the_random_source_of_tokens_is_not_shared(kv: KvStore) -> None:
    """Two members that were forked with the same seed still have different tokens."""
    clock = Clock()
    random.seed(1)
    one = lease(kv, "same", clock)
    random.seed(1)
    other = lease(kv, "same", clock)
    assert one.acquire()
    assert not other.acquire()
