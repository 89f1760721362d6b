"""What SOAR does not take now is kept, and arrives once when it can."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.runner.accounts import Account, Accounts
from lab.runner.cam import CamLog
from lab.runner.lab import ACCOUNT, APP, Lab
from lab.runner.request import SendRequest
from lab.runner.searchcommand import Search, run_command
from lab.soar.admin import Admin
from tests.addon.conftest import interpreter
from tests.addon.results import write_results
from tests.addon.soar import SoarReader
from tests.faults.clock import Clock
from tests.faults.kills import kill_anywhere
from tools import build

ROWS = [{"src": f"10.20.0.{n}", "dest": f"host{n}"} for n in range(5)]
QUICK = {"read_timeout": "2", "connect_timeout": "2"}
"""An account whose unclear attempts settle within two seconds."""


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    """The clock of the test's own lab."""
    return Clock(tmp_path / "clock")


@pytest.fixture
def own(tmp_path: Path, clock: Clock) -> Iterator[Lab]:
    """A lab of the test's own: its outbox, journals and breakers are nobody else's."""
    folder, python = build.build().folder, interpreter((3, 13))
    with Lab(tmp_path / "lab", build=folder, python=python, environ=clock.environ, clock=clock.now) as running:
        good = running.account()
        path = f"/servicesNS/nobody/{APP}/{APP.lower()}_account/{ACCOUNT}"
        running.management.post(path, {**good.fields(), **QUICK, "skip_test": "1"})
        yield running
        assert running.splunkd.unknown_calls == []


def _admin(lab: Lab) -> Admin:
    assert lab.soar.stand_in is not None
    return lab.soar.stand_in.admin


def _send(lab: Lab, tmp_path: Path, **parameters: str) -> Any:
    path = write_results(tmp_path / "results.csv.gz", ROWS)
    report = lab.send(SendRequest(path, parameters=parameters))
    assert report.problems == ()
    return report


def _statuses(lab: Lab, sid: str) -> dict[str, list[str]]:
    log = CamLog("send_to_soar", sid)
    for event in lab.indexes.since({}):
        if event["index"] == "cim_modactions":
            log.add(event)
    assert {entry.invocations for entry in log.rids.values()} == {1}
    return {rid: entry.statuses for rid, entry in log.rids.items()}


def _exactly_once(lab: Lab) -> None:
    """Every row has one container with one artifact, and active playbooks were started once on it."""
    reader = SoarReader(lab)
    try:
        found = reader.all_containers()
        assert len(found) == len(ROWS)
        sources = Counter()  # type: ignore[var-annotated]
        for container in found:
            artifacts = reader.artifacts(container["id"])
            sources.update(artifact["cef"]["sourceAddress"] for artifact in artifacts)
            assert _admin(lab).triggers.get(container["id"]) == 1
        assert sources == Counter(row["src"] for row in ROWS)
    finally:
        reader.close()


def test_a_dead_server_costs_no_alert(own: Lab, tmp_path: Path) -> None:
    """Nothing listens: the alert is kept, further ones don't even try, and all arrive when the address is right."""
    good = own.account()
    accounts = Accounts(own.management, APP)
    accounts.save(Account(ACCOUNT, "https://127.0.0.1:1", good.token, good.ca_certificate), exists=True)
    first = _send(own, tmp_path)
    assert {outcome.status for outcome in first.results} == {"queued"}
    assert "refuses connections" in str(first.results[0].reason)
    second = _send(own, tmp_path)
    assert "left alone" in str(second.results[0].reason)
    accounts.save(good, exists=True)
    drained = own.drain(wait=60)
    assert drained.remaining == 0
    assert len(drained.results) == 2 * len(ROWS)
    assert {outcome.status for outcome in drained.results} == {"delivered"}


def test_a_wrong_token_is_a_matter_of_the_server(own: Lab, tmp_path: Path) -> None:
    """401 keeps the alert; the right token brings it to SOAR."""
    good = own.account()
    accounts = Accounts(own.management, APP)
    accounts.save(Account(ACCOUNT, good.url, "wrong", good.ca_certificate), exists=True)
    assert {outcome.status for outcome in _send(own, tmp_path).results} == {"queued"}
    accounts.save(good, exists=True)
    assert own.drain(wait=60).remaining == 0
    _exactly_once(own)


def test_a_refusal_can_be_looked_at_and_stays_refused(own: Lab, tmp_path: Path) -> None:
    """A label that SOAR does not know is rejected at once; the container waits in the outbox for a person."""
    report = _send(own, tmp_path, label="nonsense")
    assert {outcome.status for outcome in report.results} == {"rejected"}
    assert report.exit_code == 4
    drained = own.drain(wait=5)
    assert (drained.results, drained.remaining) == ((), 0)
    items = own.management.documents(APP, "soar_outbox", {"state": "rejected"})
    assert len(items) == len(ROWS)
    assert {item["error_class"] for item in items} == {"refused"}


def test_a_refused_label_is_resent_with_one_that_soar_has(own: Lab, tmp_path: Path) -> None:
    """The plan refused it before SOAR saw anything; a person's resend brings every result to SOAR once."""
    _send(own, tmp_path, label="evnts")
    own.drain(wait=5)
    reader = SoarReader(own)
    assert reader.all_containers() == []
    reader.close()
    key, home = own.splunkd.session_key("admin"), own.home
    python = interpreter((3, 13))
    text = "soaroutboxctl action=resend state=rejected label=events"
    result = run_command(home, APP, Search(text, "admin", key, own.splunkd.uri), python)
    assert [row["done"] for row in result.rows] == ["1"] * len(ROWS)
    drained = own.drain(wait=60)
    assert drained.remaining == 0
    _exactly_once(own)


def test_a_rerun_of_the_same_call_does_nothing(own: Lab, tmp_path: Path) -> None:
    """Splunk calls the action again for the same results: no second container, no second artifact, no second run."""
    path = write_results(tmp_path / "results.csv.gz", ROWS)
    sid = "scheduler__admin__search__RMD5again_at_1700000000_1"
    request = SendRequest(path, sid=sid, parameters={"playbook": "local/contain_host", "automation": "0"})
    first = own.send(request)
    again = own.send(request)
    assert {outcome.status for outcome in first.results} == {"delivered"}
    assert {outcome.status for outcome in again.results} == {"updated"}
    assert (first.problems, again.problems) == ((), ())
    assert set(map(tuple, _statuses(own, sid).values())) == {("success",)}
    assert [outcome.runs[0].id for outcome in again.results] == [outcome.runs[0].id for outcome in first.results]
    reader = SoarReader(own)
    assert all(len(reader.runs(outcome.container_id)) == 1 for outcome in first.results)
    reader.close()
    assert sum(_artifact_sources(own).values()) == len(ROWS)


def test_a_rerun_meets_the_work_that_is_under_way(own: Lab, tmp_path: Path) -> None:
    """The first call is still waiting for SOAR: the second one is queued behind it and doubles nothing."""
    path = write_results(tmp_path / "results.csv.gz", ROWS)
    request = SendRequest(path, sid="scheduler__admin__search__RMD5under_at_1700000000_1")
    _admin(own).fault("POST /rest/container", "503", times=1)
    own.send(request)
    again = own.send(request)
    assert {outcome.status for outcome in again.results} == {"queued"}
    assert "under way" in str(again.results[0].reason)
    assert again.problems == ()
    _admin(own).clear()
    assert own.drain(wait=60).remaining == 0
    _exactly_once(own)


def test_an_unclear_playbook_start_is_never_repeated(own: Lab, tmp_path: Path) -> None:
    """The answer is lost after SOAR took the request: the row says so, one run exists, a drain starts none."""
    _admin(own).fault("POST /rest/playbook_run", "drop_after_commit", times=None)
    _admin(own).fault("GET /rest/playbook_run", "503", times=None)
    report = _send(own, tmp_path, playbook="local/contain_host", automation="0")
    assert {outcome.status for outcome in report.results} == {"rejected"}
    assert {outcome.runs[0].state for outcome in report.results} == {"unclear"}
    _admin(own).clear()
    own.drain(wait=5)
    reader = SoarReader(own)
    assert [len(reader.runs(container["id"])) for container in reader.all_containers()] == [1] * len(ROWS)
    reader.close()


def test_kill_anywhere(own: Lab, clock: Clock, tmp_path: Path) -> None:
    """Actions and the delivery input are killed at any moment: nothing is lost, nothing is there twice."""
    tally = kill_anywhere(own, clock, tmp_path, seed=20, kills=20, seconds=120)
    assert tally.kills >= 20


def _artifact_sources(lab: Lab) -> Counter[str]:
    reader = SoarReader(lab)
    try:
        found: Counter[str] = Counter()
        for container in reader.all_containers():
            found.update(artifact["cef"]["sourceAddress"] for artifact in reader.artifacts(container["id"]))
        return found
    finally:
        reader.close()


def test_an_input_that_is_ended_gives_its_lease_back(own: Lab) -> None:
    """SIGTERM, as splunkd ends it: the next owner need not wait for the lease's end."""

    def newest() -> dict[str, Any]:
        found = own.management.documents(APP, "soar_lease", {"lease": "soar_delivery"})
        return max(found, key=lambda one: float(one["number"]), default={"expires": 0.0})

    until = time.monotonic() + 60
    with own.delivery():
        while not newest()["expires"]:
            assert time.monotonic() < until
            time.sleep(0.2)
    assert newest()["expires"] == 0.0


def test_an_alert_keeps_the_mapping_it_was_written_down_with(own: Lab, tmp_path: Path) -> None:
    """Rules that change, or break, while an alert waits change nothing about it."""
    _admin(own).fault("POST /rest/container", "503", times=1)
    _send(own, tmp_path)
    local = own.home.root / "etc" / "apps" / APP / "local" / "ta_send_to_soar_mapping.conf"
    local.write_text("[everything_else]\nfields = src\norder = 1\nmode = drop\nreason = test\n", encoding="utf-8")
    _admin(own).clear()
    assert own.drain(wait=60).remaining == 0
    _exactly_once(own)
