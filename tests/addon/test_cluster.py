"""Two search heads with clocks that differ share an outbox, and one dies: nothing is lost, nothing is there twice."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab.runner.cam import TERMINAL, CamLog
from lab.runner.lab import ACCOUNT, APP, Lab
from lab.soar.admin import Admin
from tests.addon.conftest import interpreter
from tests.addon.results import write_results
from tests.addon.soar import SoarReader
from tests.faults.cases import CONTAINER, PLAYBOOK_NAME
from tests.faults.member import Member
from tools import build

ALERTS, ROWS = 3, 40
"""Alerts of each member, and results of each alert."""

SKEWS = (14.0, -14.0)
"""Seconds; clocks may differ by 30."""

LEASE_IS_OVER = 340.0
"""Seconds: the lease, and what clocks may differ."""

_PATIENCE = 90.0


def test_one_of_two_deliveries_dies(tmp_path: Path) -> None:
    """The lease's holder is killed while it sends; the other one takes over when the lease is over."""
    with Lab(tmp_path / "lab", build=build.build().folder, python=interpreter((3, 13))) as lab:
        admin = _quick(lab)
        members = [Member(lab, tmp_path / f"member{number}", skew) for number, skew in enumerate(SKEWS)]
        admin.fault(CONTAINER, "503", times=2 * 2 * ALERTS)  # the actions' attempts, and those of the inputs
        for number, member in enumerate(members):
            for alert in range(ALERTS):
                _send(member, tmp_path, number, alert)
        with members[0].delivery() as first, members[1].delivery() as second:
            _wait(lambda: not any(member.journals() for member in members) and len(_pending(lab)) > 0)
            admin.latency_ms = 150
            holder = _holder(lab, {first.pid: 0, second.pid: 1})
            _wait(lambda: _containers(lab) > 0)
            (first, second)[holder].kill()
            assert _pending(lab)
            admin.latency_ms = 0
            _send(members[1 - holder], tmp_path, 1 - holder, ALERTS)  # its own alerts wait for nobody
            for member in members:
                member.later(LEASE_IS_OVER)
            _wait(lambda: not _pending(lab))
            assert _holder(lab, {first.pid: 0, second.pid: 1}) == 1 - holder
        _check(lab, members, alerts={holder: ALERTS, 1 - holder: ALERTS + 1})
        assert lab.splunkd.unknown_calls == []


def _quick(lab: Lab) -> Admin:
    fields = {
        **lab.account().fields(),
        "read_timeout": "5",
        "connect_timeout": "5",
        "connections": "1",
        "skip_test": "1",
    }
    lab.management.post(f"/servicesNS/nobody/{APP}/{APP.lower()}_account/{ACCOUNT}", fields)
    assert lab.soar.stand_in is not None
    return lab.soar.stand_in.admin


def _send(member: Member, folder: Path, number: int, alert: int) -> None:
    path = write_results(folder / f"{number}.csv.gz", [{"src": source} for source in _sources(number, alert)])
    sid = f"scheduler__admin__search__RMD5member{number}{alert}_at_1700000000_1"
    report = member.send(path, sid, {"playbook": f"local/{PLAYBOOK_NAME}"})
    assert report.problems == ()


def _sources(number: int, alert: int) -> list[str]:
    return [f"10.{number}.{alert}.{row}" for row in range(ROWS)]


def _pending(lab: Lab) -> list[dict[str, Any]]:
    return list(lab.management.documents(APP, "soar_outbox", {"state": "pending"}))


def _holder(lab: Lab, pids: dict[int, int]) -> int:
    """Which member has the lease."""
    newest: list[dict[str, Any]] = []

    def found() -> bool:
        newest[:] = sorted(lab.management.documents(APP, "soar_lease", {}), key=lambda one: int(one["number"]))
        return bool(newest)

    _wait(found)
    return pids[int(str(newest[-1]["owner"]).rpartition(":")[2])]


def _containers(lab: Lab) -> int:
    reader = SoarReader(lab)
    try:
        return len(reader.all_containers())
    finally:
        reader.close()


def _wait(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + _PATIENCE
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.05)


def _check(lab: Lab, members: list[Member], alerts: dict[int, int]) -> None:
    wanted = {
        source for number, count in alerts.items() for alert in range(count) for source in _sources(number, alert)
    }
    reader = SoarReader(lab)
    try:
        artifacts = Counter(source for found in reader.all_artifacts().values() for source in found)
        runs = reader.run_counts(PLAYBOOK_NAME)
    finally:
        reader.close()
    assert artifacts == dict.fromkeys(wanted, 1)
    assert set(runs.values()) == {1}
    events = [event for member in members for event in member.events()]
    for number, count in alerts.items():
        for alert in range(count):
            _check_told(events, f"scheduler__admin__search__RMD5member{number}{alert}_at_1700000000_1")


def _check_told(events: list[dict[str, Any]], sid: str) -> None:
    log = CamLog("send_to_soar", sid)
    for event in events:
        if event["index"] == "cim_modactions":
            log.add(event)
    assert len(log.rids) == ROWS
    for entry in log.rids.values():
        assert sum(status in TERMINAL for status in entry.statuses) == 1, (sid, entry)
