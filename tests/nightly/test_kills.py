"""`make nightly`: two hundred SIGKILLs at random moments of action and delivery input, on both Pythons."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.runner.lab import ACCOUNT, APP, Lab
from tests.addon.conftest import PYTHONS, interpreter
from tests.faults.clock import Clock
from tests.faults.kills import kill_anywhere
from tools import build

KILLS = 100
"""For each Python."""

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


def test_kill_anywhere(lab: Lab, clock: Clock, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is lost and nothing is there twice. The seed is printed; SEED=… repeats the same choices."""
    seed = int(os.environ.get("SEED") or secrets.randbelow(1_000_000))
    with capsys.disabled():
        print(f"\nseed {seed}", end=" ", flush=True)
    tally = kill_anywhere(lab, clock, tmp_path, seed=seed, kills=KILLS, seconds=SECONDS)
    with capsys.disabled():
        print(f"{tally.alerts} alerts, {tally.actions} actions and {tally.inputs} inputs killed", end=" ", flush=True)
    assert tally.kills >= KILLS
