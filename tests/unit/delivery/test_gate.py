"""Whether a run may go on asking SOAR."""

from __future__ import annotations

from pathlib import Path

import pytest

from soarlink.delivery.breaker import FIRST_PAUSE, Breaker
from soarlink.delivery.gate import Gate
from soarlink.errors import AuthFailed, MaybeSent, NotSent, NotTried, Refused, ServerFault, SoarError, Throttled


class Time:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Seconds since some start."""
        return self.now


@pytest.fixture
def clock() -> Time:
    """Return a clock."""
    return Time()


@pytest.fixture
def breaker(tmp_path: Path, clock: Time) -> Breaker:
    """Return the breaker of an account."""
    return Breaker(tmp_path, "prod", clock)


def test_a_gate_is_open_until_its_time_is_over(breaker: Breaker, clock: Time) -> None:
    """Then it says for how long it was open."""
    gate = Gate(breaker, 2.5, clock)
    assert gate.remaining == 2.5
    clock.now += 2.4
    assert gate.check() is None
    clock.now += 0.2
    closed = gate.check()
    assert isinstance(closed, NotTried)
    assert "The action's 2.5 seconds were over" in str(closed)
    assert gate.remaining == 0.0
    clock.now -= 1
    assert gate.check() is closed


def test_a_gate_without_a_bound_has_no_end(breaker: Breaker, clock: Time) -> None:
    """The delivery input has all the time."""
    gate = Gate(breaker, None, clock)
    clock.now += 1e9
    assert (gate.check(), gate.remaining) == (None, None)


def test_a_stop_closes_it_for_good(breaker: Breaker, clock: Time) -> None:
    """The first reason stays."""
    gate = Gate(breaker, 5.0, clock)
    gate.stop()
    clock.now += 60
    assert "was stopped before" in str(gate.check())
    gate.stop()
    assert "was stopped before" in str(gate.check())


def test_it_is_closed_while_the_server_is_paused(breaker: Breaker, clock: Time) -> None:
    """With the breaker's reason; success of another run does not open it, nor close the breaker."""
    breaker.trip("token refused")
    gate = Gate(breaker, None, clock)
    closed = gate.check()
    assert isinstance(closed, NotTried)
    assert "left alone for a while: token refused" in str(closed)
    gate.stop()
    gate.learn(None)
    assert gate.check() is closed
    assert breaker.pause() is not None


@pytest.mark.parametrize(
    ("error", "pauses"),
    [
        (NotSent("away."), True),
        (AuthFailed("who?"), True),
        (Throttled("slow down."), True),
        (MaybeSent("cut."), False),
        (ServerFault("500."), False),
        (Refused("no."), False),
        (NotTried("later."), False),
    ],
)
def test_what_concerns_the_server_closes_it(breaker: Breaker, clock: Time, error: SoarError, *, pauses: bool) -> None:
    """And pauses the server for all; what concerns one container closes nothing."""
    gate = Gate(breaker, None, clock)
    gate.learn(error)
    pause = breaker.pause()
    assert (gate.check() is not None, pause is not None) == (pauses, pauses)
    if pause is not None:
        assert str(error) in pause.reason
        assert pause.until == clock.now + FIRST_PAUSE


def test_it_trips_the_breaker_once(breaker: Breaker, clock: Time) -> None:
    """Containers that were on their way together must not lengthen the pause each."""
    gate = Gate(breaker, None, clock)
    for _ in range(5):
        gate.learn(NotSent("away."))
    pause = breaker.pause()
    assert pause is not None
    assert pause.failures == 1


def test_a_disk_that_takes_no_pause_stops_nothing(tmp_path: Path, clock: Time) -> None:
    """It is full, or the folder is not ours: this run leaves the server alone all the same, and success is success."""
    (tmp_path / "breaker").write_text("in the way", encoding="ascii")
    breaker = Breaker(tmp_path / "breaker", "prod", clock)
    gate = Gate(breaker, None, clock)
    gate.learn(None)
    gate.learn(NotSent("away."))
    assert "left alone for a while: away." in str(gate.check())
    assert breaker.pause() is None


def test_what_the_server_asks_for_is_waited(breaker: Breaker, clock: Time) -> None:
    """`Retry-After` lengthens the pause."""
    Gate(breaker, None, clock).learn(Throttled("slow down.", retry_after=77.0))
    pause = breaker.pause()
    assert pause is not None
    assert pause.until == clock.now + 77


def test_success_ends_the_row_of_failures(breaker: Breaker, clock: Time) -> None:
    """The next pause is a short one again, unless this very run has failed too."""
    breaker.trip("a")
    clock.now += FIRST_PAUSE + 1
    Gate(breaker, None, clock).learn(None)
    assert breaker.trip("b").failures == 1
    clock.now += FIRST_PAUSE + 1
    gate = Gate(breaker, None, clock)
    gate.learn(NotSent("away."))
    gate.learn(None)
    pause = breaker.pause()
    assert pause is not None
    assert pause.failures == 2
