"""The pace of containers."""

from __future__ import annotations

import threading

from soarlink.delivery.pace import Pace


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def clock(self) -> float:
        """The time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.slept.append(seconds)
        self.now += seconds


def test_containers_are_spaced_out() -> None:
    """120 per minute: the first go at once, what follows waits for its turn; idle time is not saved up."""
    time = Time()
    pace = Pace(120, time.clock, time.sleep)
    assert pace.burst == 10
    pace.wait(10)
    assert time.slept == []
    pace.wait(4)
    assert time.slept == [5.0]
    time.now += 60
    pace.wait(1)
    pace.wait(1)
    assert time.slept == [5.0, 0.5]


def test_a_slow_pace_lets_one_through_at_a_time() -> None:
    """Three per minute."""
    assert Pace(3).burst == 1


def test_threads_share_the_pace() -> None:
    """Each turn is given once."""
    turns: list[float] = []
    pace = Pace(60, lambda: 0.0, turns.append)
    threads = [threading.Thread(target=pace.wait, args=(1,)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(turns) == [1.0, 2.0, 3.0, 4.0]
