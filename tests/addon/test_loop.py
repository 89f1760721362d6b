"""The whole loop, and what does not break it: a correlation search's row goes to SOAR, and its verdict comes back."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.runner.accounts import Account, Accounts
from lab.runner.lab import ACCOUNT, APP, Lab
from lab.runner.polling import PollReport
from lab.runner.request import SendRequest
from lab.soar.certificate import ensure_certificate
from lab.splunkd.installation import set_local
from tests.addon.conftest import interpreter
from tests.addon.results import write_results
from tests.addon.soar import SoarReader
from tests.faults.casework import CLOSED, ROWS, Casework, kill_feedback
from tests.faults.member import Member
from tests.faults.proxy import Fault, FaultProxy, Kind
from tools import build

SID = "scheduler__admin__search__RMD5loop_at_1700000000_1"
EVENT_ID = "ev@@notable@@1"
LEASE_IS_OVER = 340.0
"""Seconds: the lease, and what clocks may differ."""

POLL_IS_DUE = 11.0
_PATIENCE = 60.0


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Lab]:
    """A lab of the test's own with Enterprise Security, whose account is polled as often as may be."""
    with Lab(tmp_path / "lab", build=build.build().folder, python=interpreter((3, 13)), es="8.1.0") as running:
        Accounts(running.management, APP).poll_every(ACCOUNT, 10)
        yield running
        assert running.splunkd.unknown_calls == []


@pytest.fixture
def work(own: Lab, tmp_path: Path) -> Iterator[Casework]:
    """Cases."""
    made = Casework(own, tmp_path, seed=6)
    yield made
    made.close()


def test_the_whole_loop(own: Lab, tmp_path: Path) -> None:
    """Row, container, playbook, prompt, verdict, end: each step shows in events, in the lookup and on the notable."""
    assert own.splunkd.notables is not None
    board = own.splunkd.notables
    board.add(EVENT_ID, SID, "0")
    set_local(own.home.root, "authorize", "role_admin", {"edit_notable_events": "enabled"})
    for rule in ("comment_on_verdict", "comment_on_close", "status_in_progress", "status_closed"):
        own.management.post(f"/servicesNS/nobody/{APP}/{APP.lower()}_writeback/{rule}", {"disabled": "0"})
    soar = SoarReader(own)

    parameters = {"playbook": "local/contain_host", "automation": "0"}
    rows = write_results(tmp_path / "results.csv.gz", [{"src": "10.70.0.1", "dest": "host1"}])
    (sent,) = own.send(SendRequest(rows, sid=SID, parameters=parameters, search_name="Rule 1")).results
    number = int(sent.container_id or 0)
    assert (sent.status, len(soar.artifacts(number)), len(sent.runs)) == ("delivered", 1, 1)
    _wait(lambda: bool(soar.approvals(number)))

    seen = _seen(own)
    (run,), (asked,) = seen["soar:playbook_run"], seen["soar:approval"]
    assert (run["verdict"], asked["prompt"], asked["status"]) == ("waiting", "Isolate the host?", "pending")
    assert _lookup(own) == (EVENT_ID, "new", "waiting")
    assert [(one["rule_id"], one["comment"]) for one in board.reviews] == [
        (EVENT_ID, f"Sent to SOAR: container {number}, {sent.container_url}")
    ]

    answer = {"status": "approve", "type": "manual", "responses": ["Yes"]}
    soar.post(f"/rest/approval/{asked['approval_id']}", answer)
    _wait(lambda: soar.container(number)["status"] == "open")
    seen = _seen(own)
    assert [(one["run_id"], one["verdict"]) for one in seen["soar:playbook_run"]] == [(run["run_id"], "succeeded")]
    assert [(one["status"], one["responses"]) for one in seen["soar:approval"]] == [("approved", "Yes")]
    assert {one["splunk_id"] for kind in seen.values() for one in kind if "splunk_id" in one} == {EVENT_ID}
    assert _lookup(own) == (EVENT_ID, "open", "succeeded")
    assert [(one["status"], one["comment"]) for one in board.reviews[1:]] == [
        ("2", "SOAR playbook local/contain_host: succeeded")
    ]

    soar.post(f"/rest/container/{number}", {"status": "closed"})
    seen = _seen(own)
    assert [one["status"] for one in seen["soar:container"]] == ["closed"]
    assert _lookup(own) == (EVENT_ID, "closed", "succeeded")
    assert [(one["status"], one["comment"]) for one in board.reviews[2:]] == [
        (CLOSED, f"SOAR container {number} is closed.")
    ]
    told = [json.loads(one["raw"]) for one in own.indexes.since({}) if one["sourcetype"] == "soar:notable_update"]
    assert [one["outcome"] for one in told] == ["updated"] * 3
    assert _seen(own) == {}
    soar.close()


def test_an_input_that_is_killed_again_and_again(own: Lab, tmp_path: Path) -> None:
    """SIGKILLs at random moments: nothing is lost, nothing is there twice, each notable is updated once."""
    assert kill_feedback(own, tmp_path, seed=11, kills=20, seconds=150) >= 20


def test_soar_is_down_for_a_while(own: Lab, work: Casework, tmp_path: Path) -> None:
    """Alerts wait, polls say why; when SOAR is back, also for a moment within a poll, everything arrives."""
    with _proxied(own) as proxy:
        work.send()
        work.learn()
        assert own.poll().problems == ()
        proxy.refuse()
        for _ in range(10):
            work.act()
        assert {one.status for one in work.send().results} == {"queued"}
        for _ in range(2):
            assert "refuses connections" in _problem(own.poll())
        proxy.accept()
        proxy.script(Fault(Kind.RESET_BEFORE_COMMIT, "GET /rest/note"))
        assert _problem(own.poll())
        assert own.drain(wait=60).remaining == 0
        work.learn()
        for _ in range(10):
            work.act()
        work.finish()
        proxy.script(Fault(Kind.CUT_ANSWER, "GET /rest/approval"))  # while it asks for the verdicts of runs
        assert _problem(own.poll())
        assert own.poll().problems == ()
        work.check(own.indexes.since({}))


def test_two_search_heads_poll_at_once(own: Lab, work: Casework, tmp_path: Path) -> None:
    """Clocks differ, the one that polls dies and the other takes over: everything is told once, also without dedup."""
    members = [Member(own, tmp_path / f"member{number}", skew) for number, skew in enumerate((14.0, -14.0))]
    work.send()
    work.learn()
    with members[0].feedback() as first, members[1].feedback() as second:
        pids = {first.pid: 0, second.pid: 1}
        holder = pids[_holder(own)]
        for turn in range(6):
            for _ in range(6):
                work.act()
            before = _polled(own)
            for member in members:
                member.later(POLL_IS_DUE)
            _wait(lambda before=before: _polled(own) > before)  # type: ignore[misc] # of this turn
            if turn == 2:
                (first, second)[holder].kill()
                for member in members:
                    member.later(LEASE_IS_OVER)
        work.finish()
        members[1 - holder].later(POLL_IS_DUE)
        _wait(lambda: _is_written_back(own))
    events = [event for member in members for event in member.events()]
    assert all(any(one["source"] == "soar_feedback" for one in member.events()) for member in members)
    work.check(events)
    ids = [one["fields"]["soar_event_id"] for one in events if "soar_event_id" in one["fields"]]
    assert len(ids) == len(set(ids))


def _seen(lab: Lab) -> dict[str, list[dict[str, Any]]]:
    """What a poll brings, by sourcetype, of what SOAR itself says."""
    report = lab.poll()
    assert report.problems == ()
    found: dict[str, list[dict[str, Any]]] = {}
    for one in report.events:
        if "soar_event_id" in one["event"]:
            found.setdefault(one["sourcetype"], []).append(one["event"])
    return found


def _lookup(lab: Lab) -> tuple[str, str, str]:
    (row,) = lab.management.documents(APP, "soar_containers", {})
    return row["event_id"], row["status"], row["verdict"]


def _problem(report: PollReport) -> str:
    (problem,) = report.problems
    return problem


@contextlib.contextmanager
def _proxied(lab: Lab) -> Iterator[FaultProxy]:
    """A proxy before SOAR, which the lab's account uses from now on."""
    assert lab.soar.stand_in is not None
    certificate = ensure_certificate(lab.soar.stand_in.state / "certificate")
    known = lab.account()
    with FaultProxy(lab.soar.stand_in.port, certificate, "127.0.0.1") as proxy:
        accounts = Accounts(lab.management, APP)
        accounts.save(Account(ACCOUNT, proxy.url, known.token, known.ca_certificate), exists=True)
        yield proxy


def _holder(lab: Lab) -> int:
    """The process that polls."""
    _wait(lambda: bool(lab.management.documents(APP, "soar_lease", {})))
    newest = max(lab.management.documents(APP, "soar_lease", {}), key=lambda one: int(one["number"]))
    return int(str(newest["owner"]).rpartition(":")[2])


def _polled(lab: Lab) -> float:
    """When the account was polled last, and what came of it written to notables."""
    return max((float(one["tried"]) for one in lab.management.documents(APP, "soar_checkpoint", {})), default=0.0)


def _is_written_back(lab: Lab) -> bool:
    rows = lab.management.documents(APP, "soar_containers", {})
    return len(rows) == ROWS and all((one["status"], one["writeback"]) == ("closed", "done") for one in rows)


def _wait(holds: Callable[[], bool]) -> None:
    """Wait for another process."""
    deadline = time.monotonic() + _PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.05)
