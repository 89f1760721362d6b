"""`make nightly`: hundreds of SIGKILLs at random moments of action and inputs, on both Pythons."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.runner.lab import ACCOUNT, APP, Lab
from tests.addon.conftest import PYTHONS, interpreter
from tests.faults.casework import kill_feedback
from tests.faults.clock import Clock
from tests.faults.kills import kill_anywhere
from tools import build

KILLS = 100
"""Of action and delivery input, for each Python."""

FEEDBACK_KILLS = 60
"""Of the feedback input, for each Python."""

SECONDS = 900.0
"""Most time for each Python; fewer kills than wanted is a failure."""


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    """The lab's clock."""
    return Clock(tmp_path / "clock")


@pytest.fixture(params=PYTHONS, ids=lambda version: ".".join(map(str, version)))
def lab(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[Lab]:
    """A lab whose account's timeouts are short: an unclear attempt settles soon."""
    folder, python = build.build().folder, interpreter(request.param)
    with Lab(tmp_path / "lab", build=folder, python=python, environ=clock.environ, clock=clock.now) as running:
        fields = {**running.account().fields(), "read_timeout": "2", "connect_timeout": "2", "skip_test": "1"}
        running.management.post(f"/servicesNS/nobody/{APP}/{APP.lower()}_account/{ACCOUNT}", fields)
        yield running
        assert running.splunkd.unknown_calls == []


@pytest.fixture
def seed(capsys: pytest.CaptureFixture[str]) -> int:
    """Of all choices of a test. It is printed; SEED=… repeats the same choices."""
    chosen = int(os.environ.get("SEED") or secrets.randbelow(1_000_000))
    with capsys.disabled():
        print(f"\nseed {chosen}", end=" ", flush=True)
    return chosen


def test_kill_anywhere(lab: Lab, clock: Clock, tmp_path: Path, seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Alerts: nothing is lost and nothing is there twice."""
    tally = kill_anywhere(lab, clock, tmp_path, seed=seed, kills=KILLS, seconds=SECONDS)
    with capsys.disabled():
        print(f"{tally.alerts} alerts, {tally.actions} actions and {tally.inputs} inputs killed", end=" ", flush=True)
    assert tally.kills >= KILLS


@pytest.mark.parametrize("version", PYTHONS, ids=lambda version: ".".join(map(str, version)))
def test_kill_the_feedback_anywhere(
    version: tuple[int, int], tmp_path: Path, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """What comes back: nothing is lost, nothing is there twice after dedup, each notable is updated once."""
    folder, python = build.build().folder, interpreter(version)
    with Lab(tmp_path / "lab", build=folder, python=python, es="8.1.0") as running:
        done = kill_feedback(running, tmp_path, seed=seed, kills=FEEDBACK_KILLS, seconds=SECONDS)
        with capsys.disabled():
            print(f"{done} feedback inputs killed", end=" ", flush=True)
        assert done >= FEEDBACK_KILLS
        assert running.splunkd.unknown_calls == []
