"""SIGKILLs at random moments of the built action and the built delivery input."""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.runner.cam import CamLog
from lab.runner.lab import Lab
from lab.runner.request import SendRequest
from lab.soar.admin import Admin
from tests.addon.results import write_results
from tests.addon.soar import SoarReader
from tests.faults.cases import CONTAINER, PLAYBOOK_NAME
from tests.faults.clock import Clock

ROWS = 8
LEASE_IS_OVER = 340.0
"""Seconds: the lease, and what clocks may differ."""

_KILLED = 137
_FAULTS = ("drop_after_commit", "drop_before_commit", "503", "truncated_json", "502")
_LATENCY_MS = 40.0


@dataclass(frozen=True)
class Alert:
    """One alert of the run. ``is_kept``: it was written down before its action was killed."""

    number: int
    sid: str
    is_kept: bool


@dataclass
class Tally:
    """What was done: alerts sent, and SIGKILLs of running processes."""

    alerts: int = 0
    actions: int = 0
    inputs: int = 0

    @property
    def kills(self) -> int:
        """SIGKILLs of running processes."""
        return self.actions + self.inputs


def kill_anywhere(lab: Lab, clock: Clock, folder: Path, *, seed: int, kills: int, seconds: float) -> Tally:
    """Kill until it was done that often or that long, deliver what is left, and check all rows.

    Args:
        lab: a lab of its own, with short timeouts.
        clock: the lab's.
        folder: for files.
        seed: of moments, parameters and faults.
        kills: how many SIGKILLs of running processes.
        seconds: the longest time for them.
    """
    chance = random.Random(seed)  # noqa: S311 - the moments of a test
    admin = _admin(lab)
    admin.latency_ms = _LATENCY_MS
    tally, alerts = Tally(), []
    until = time.monotonic() + seconds
    while tally.kills < kills and time.monotonic() < until:
        if not chance.randrange(3):
            admin.fault(CONTAINER, chance.choice(_FAULTS))
        alerts.append(_send(lab, folder, tally, chance))
        if not chance.randrange(4):
            with lab.delivery() as delivery:
                time.sleep(chance.uniform(0.2, 2.5))
                tally.inputs += delivery.is_running
                delivery.kill()
    admin.clear()
    admin.latency_ms = 0
    clock.later(LEASE_IS_OVER)  # the lease of an input that was killed
    drained = lab.drain(wait=120)
    assert (drained.problems, drained.remaining) == ((), 0)
    _check(lab, alerts)
    return tally


def _send(lab: Lab, folder: Path, tally: Tally, chance: random.Random) -> Alert:
    number = tally.alerts
    path = write_results(folder / "kill.csv.gz", [{"src": source} for source in _sources(number)])
    sid = f"scheduler__admin__search__RMD5kill{number:04d}_at_1700000000_1"
    parameters = {
        "container_per": chance.choice(["result", "search"]),
        "automation": chance.choice(["0", "1"]),
        "playbook": f"local/{PLAYBOOK_NAME}",
    }
    before = _journals(lab)
    report = lab.send(SendRequest(path, sid=sid, parameters=parameters, timeout=chance.uniform(0.1, 1.0)))
    tally.alerts += 1
    tally.actions += report.exit_code == _KILLED
    return Alert(number, sid, bool(_journals(lab) - before))


def _check(lab: Lab, alerts: list[Alert]) -> None:
    """Nothing lost, nothing twice, one terminal status each."""
    reader = SoarReader(lab)
    try:
        by_container = reader.all_artifacts()
        runs = reader.run_counts(PLAYBOOK_NAME)
    finally:
        reader.close()
    seen: dict[str, int] = defaultdict(int)
    for found in by_container.values():
        for source in found:
            seen[source] += 1
    logs = logs_of(lab)
    for alert in alerts:
        counts = [seen[source] for source in _sources(alert.number)]
        assert counts in ([1] * ROWS, [0] * ROWS), alert
        assert counts == [1] * ROWS or not alert.is_kept, alert
        if counts[0]:
            check_statuses(logs[alert.sid], alert.sid)
    assert max(runs.values(), default=0) <= 1


def check_statuses(log: CamLog, sid: str) -> None:
    """Each row was invoked once, and has one terminal status and none after it."""
    assert len(log.rids) == ROWS, sid
    for entry in log.rids.values():
        assert entry.invocations == 1, sid
        # A start of a playbook that was interrupted is told as failure.
        assert entry.statuses in (["success"], ["failure"], ["pending", "success"], ["pending", "failure"]), sid


def logs_of(lab: Lab) -> Mapping[str, CamLog]:
    """The action's log, by search id."""
    logs: dict[str, CamLog] = {}
    for event in lab.indexes.since({}):
        sid = str(event["fields"].get("sid", ""))
        if event["index"] == "cim_modactions" and sid:
            logs.setdefault(sid, CamLog("send_to_soar", sid)).add(event)
    return logs


def _sources(number: int) -> list[str]:
    return [f"{11 + number // 250}.{number % 250}.0.{row}" for row in range(ROWS)]


def _journals(lab: Lab) -> set[Path]:
    return set((lab.home.root / "var/lib/splunk/modinputs/soar_delivery").glob("journal/*"))


def _admin(lab: Lab) -> Admin:
    assert lab.soar.stand_in is not None
    return lab.soar.stand_in.admin
