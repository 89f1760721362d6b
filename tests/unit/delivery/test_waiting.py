"""Which failures are tried again, when, and when a server is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soarlink.delivery.backoff import Backoff
from soarlink.delivery.breaker import FIRST_PAUSE, LONGEST_PAUSE, Breaker
from soarlink.delivery.verdict import VERDICTS, judge
from soarlink.errors import AuthFailed, MaybeSent, NotSent, NotTried, Refused, ServerFault, SoarError, Throttled


@pytest.mark.parametrize(
    ("error", "name", "retry", "look_first", "pauses"),
    [
        (NotSent("x"), "not sent", True, False, True),
        (NotTried("x"), "not tried", True, False, False),
        (MaybeSent("x"), "maybe sent", True, True, False),
        (Refused("x"), "refused", False, False, False),
        (Throttled("x"), "throttled", True, False, True),
        (AuthFailed("x"), "authentication", True, False, True),
        (ServerFault("x"), "server fault", True, True, False),
        (SoarError("x"), "maybe sent", True, True, False),
    ],
)
def test_each_failure_has_one_verdict(
    error: SoarError, name: str, *, retry: bool, look_first: bool, pauses: bool
) -> None:
    """Only SOAR's own no is final, and only what surely stayed here is repeated without a look."""
    verdict = judge(error)
    assert verdict.name == name
    assert (verdict.retry, verdict.look_first, verdict.pauses_server) == (retry, look_first, pauses)


def test_every_verdict_is_in_the_table() -> None:
    """The table that the documentation prints names each class once, with when it is met."""
    assert len({verdict.name for verdict in VERDICTS}) == len(VERDICTS) == 7
    assert all(verdict.when for verdict in VERDICTS)


@given(
    attempts=st.integers(1, 10_000),
    chance=st.floats(0, 1),
    asked=st.none() | st.floats(0, 7200),
    unclear=st.booleans(),
)
def test_waits_stay_within_their_bounds(attempts: int, chance: float, asked: float | None, *, unclear: bool) -> None:
    """Never longer than the cap, unless SOAR asks for more, and never shorter than what was asked or must settle."""
    backoff = Backoff()
    wait = backoff.wait(attempts, lambda: chance, asked=asked, unclear=unclear)
    assert wait >= (asked or 0)
    assert wait >= (backoff.settle if unclear else 0)
    assert wait <= max(backoff.cap, asked or 0)


def test_waits_double() -> None:
    """5, 10, 20 … seconds at the longest."""
    assert [Backoff().wait(n, lambda: 1.0) for n in (1, 2, 3, 4)] == [5, 10, 20, 40]


class _Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_breaker_opens_for_all_and_closes(tmp_path: Path) -> None:
    """One process trips it, another sees the pause, time or success end it."""
    clock = _Clock()
    breaker, other = Breaker(tmp_path, "prod", clock), Breaker(tmp_path, "prod", clock)
    assert other.pause() is None
    breaker.trip("token refused")
    seen = other.pause()
    assert seen is not None
    assert (seen.reason, seen.until) == ("token refused", 1000 + FIRST_PAUSE)
    assert Breaker(tmp_path, "test", clock).pause() is None
    clock.now += FIRST_PAUSE + 1
    assert other.pause() is None
    assert breaker.trip("token refused").until == clock.now + 2 * FIRST_PAUSE
    breaker.close()
    assert other.pause() is None
    assert breaker.trip("again").until == clock.now + FIRST_PAUSE


def test_pauses_are_bounded(tmp_path: Path) -> None:
    """However often it trips, and whatever Retry-After says."""
    clock = _Clock()
    breaker = Breaker(tmp_path, "prod", clock)
    for _ in range(40):
        assert breaker.trip("x", asked=99_999).until <= clock.now + LONGEST_PAUSE


def test_a_clock_that_was_set_back_locks_nobody_out(tmp_path: Path) -> None:
    """A pause from a future that has not come yet is ignored."""
    clock = _Clock()
    Breaker(tmp_path, "prod", clock).trip("x")
    clock.now -= 100_000
    assert Breaker(tmp_path, "prod", clock).pause() is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"until": "soon"}'])
def test_a_damaged_file_pauses_nothing(tmp_path: Path, text: str) -> None:
    """What can't be read is no reason to hold alerts back."""
    (tmp_path / "prod.json").write_text(text, encoding="utf-8")
    assert Breaker(tmp_path, "prod", _Clock()).pause() is None
