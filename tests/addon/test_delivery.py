"""The built action brings results to SOAR."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.runner.lab import Lab
from lab.runner.search import Mode
from tests.addon.conftest import Send
from tests.addon.soar import SoarReader

NOTABLE = {
    "event_id": "1A08@@notable@@cb87",
    "orig_sid": "scheduler__admin__SA-Access__RMD5aa_at_1700000000_1",
    "orig_rid": "3",
    "rule_title": "Brute force on srv-01",
    "urgency": "critical",
    "src": "10.1.1.5",
    "dest": "srv-01",
    "_time": "1700000000.5",
}


def test_each_result_becomes_a_container_with_its_artifact(send: Send, soar: SoarReader) -> None:
    """Three results make three containers, each with one artifact whose fields carry their types."""
    report = send([{"src": f"10.0.0.{n}", "dest": f"host{n}", "user": "CORP\\alice"} for n in range(3)])
    assert report.exit_code == 0
    assert [outcome.status for outcome in report.results] == ["delivered"] * 3
    assert [outcome.rid for outcome in report.results] == ["0", "1", "2"]
    for number, outcome in enumerate(report.results):
        (artifact,) = soar.artifacts(outcome.container_id)
        assert artifact["cef"]["sourceAddress"] == f"10.0.0.{number}"
        assert artifact["cef_types"]["sourceAddress"] == ["ip"]
        assert artifact["cef"]["destinationHostName"] == f"host{number}"
        assert artifact["cef_types"]["destinationHostName"] == ["host name"]
        assert artifact["data"]["row"]["user"] == "CORP\\alice"


def test_the_container_tells_where_it_comes_from(send: Send, soar: SoarReader) -> None:
    """Name, severity, time and origin of a notable are on its container."""
    report = send([NOTABLE], mode=Mode.ADHOC)
    container = soar.container(report.results[0].container_id)
    assert container["name"] == "Brute force on srv-01"
    assert container["severity"] == "high"
    assert container["sensitivity"] == "amber"
    assert container["start_time"] == "2023-11-14T22:13:20.500000Z"
    origin = container["data"]["splunk"]
    assert origin["event_id"] == NOTABLE["event_id"]
    assert origin["orig_sid"] == NOTABLE["orig_sid"]
    assert origin["results_link"].startswith("http")


def test_scheduled_run_and_ad_hoc_run_meet(send: Send, soar: SoarReader) -> None:
    """The search beside the notable and the analyst's click on it use one container."""
    sid = "scheduler__admin__SA-Access__RMD5bb_at_1700000300_1"
    rows = [{"src": "10.9.9.9", "dest": "srv-09"}]
    scheduled = send(rows, sid=sid).results[0]
    clicked = send([{**rows[0], "event_id": "x@@y@@z", "orig_sid": sid, "orig_rid": "0"}], mode=Mode.ADHOC).results[0]
    assert (scheduled.status, clicked.status) == ("delivered", "updated")
    assert scheduled.container_id == clicked.container_id
    assert len(soar.artifacts(scheduled.container_id)) == 2


def test_a_rerun_adds_nothing(send: Send, soar: SoarReader) -> None:
    """The same run sent again finds its container and its artifact."""
    sid = "scheduler__admin__SA-Access__RMD5cc_at_1700000600_1"
    rows = [{"src": "10.8.8.8", "dest": "srv-08"}]
    first, second = send(rows, sid=sid), send(rows, sid=sid)
    assert second.results[0].status == "updated"
    assert second.results[0].container_id == first.results[0].container_id
    assert len(soar.artifacts(first.results[0].container_id)) == 1


def test_a_group_becomes_one_container(send: Send, soar: SoarReader) -> None:
    """Results of equal group fields share a container; each row keeps its own outcome."""
    rows = [{"dest": dest, "src": f"10.0.1.{n}"} for n, dest in enumerate(["a", "b", "a", "b", "a"])]
    report = send(rows, {"container_per": "group", "group_by": "dest"})
    containers = [outcome.container_id for outcome in sorted(report.results, key=lambda outcome: int(outcome.rid))]
    assert containers[0] == containers[2] == containers[4]
    assert containers[1] == containers[3] != containers[0]
    assert len(soar.artifacts(containers[0])) == 3


def test_a_search_becomes_one_container_in_parts(send: Send, soar: SoarReader, lab: Lab) -> None:
    """250 results in one container: all artifacts arrive once, and active playbooks start once, after the last."""
    rows = [{"src": f"10.2.{n // 250}.{n % 250}", "n": str(n)} for n in range(250)]
    report = send(rows, {"container_per": "search"})
    assert {outcome.status for outcome in report.results} == {"delivered"}
    (number,) = {outcome.container_id for outcome in report.results}
    assert sorted(int(artifact["cef"]["n"]) for artifact in soar.artifacts(number)) == list(range(250))
    assert lab.soar.stand_in is not None
    assert number is not None
    assert lab.soar.stand_in.admin.triggers.get(number) == 1


def test_many_results_travel_in_lists(send: Send, soar: SoarReader, lab: Lab) -> None:
    """300 containers take a handful of requests."""
    assert lab.soar.stand_in is not None
    lab.soar.stand_in.admin.clear_requests()
    report = send([{"src": f"10.3.{n // 250}.{n % 250}"} for n in range(300)])
    assert [outcome.rid for outcome in report.results] == [str(n) for n in range(300)]
    assert {outcome.status for outcome in report.results} == {"delivered"}
    posts = [request for request in lab.soar.stand_in.admin.requests if request.method == "POST"]
    assert len(posts) <= 4
    assert len(soar.artifacts(report.results[299].container_id)) == 1


def test_the_flood_guard_gathers_the_rest(send: Send, soar: SoarReader) -> None:
    """Beyond max_containers results share one summary container, and their events say so."""
    report = send([{"src": f"10.4.0.{n}"} for n in range(7)], {"max_containers": "3"})
    containers = [outcome.container_id for outcome in report.results]
    assert len(set(containers[:3])) == 3
    assert len(set(containers[3:])) == 1
    assert len(soar.artifacts(containers[6])) == 4


def test_a_playbook_runs_once_for_each_container(send: Send, soar: SoarReader) -> None:
    """The named playbook starts once per container, not once per result."""
    rows = [{"dest": dest, "src": f"10.5.0.{n}"} for n, dest in enumerate("aab")]
    report = send(
        rows, {"container_per": "group", "group_by": "dest", "playbook": "local/contain_host", "automation": "0"}
    )
    containers = {outcome.container_id for outcome in report.results}
    assert len(containers) == 2
    for container in containers:
        assert len(soar.runs(container)) == 1
    assert all(len(outcome.runs) == 1 and outcome.runs[0].state == "started" for outcome in report.results)


def test_per_result_mode_uses_the_result_id(send: Send) -> None:
    """Called once per result, each call names its result as splunkd does."""
    report = send([{"src": "10.6.0.1"}, {"src": "10.6.0.2"}], mode=Mode.PER_RESULT)
    assert [outcome.rid for outcome in report.results] == ["0", "1"]
    assert {outcome.status for outcome in report.results} == {"delivered"}


@pytest.mark.parametrize("sid", ["rt_scheduler__admin__x__RMD5a_at_1700000000_1.7", "1700000000.42"])
def test_other_kinds_of_search_ids(send: Send, sid: str) -> None:
    """Real-time snapshots and plain numbers are search ids too."""
    report = send([{"src": "10.7.0.1"}], sid=sid)
    assert report.results[0].status in ("delivered", "updated")
    assert report.exit_code == 0


def test_no_results_is_nothing_to_do(send: Send, tmp_path: Path) -> None:
    """A header without rows ends well and says nothing about any result."""
    path = tmp_path / "empty.csv"
    path.write_text("src,dest\n", encoding="utf-8")
    report = send(path)
    assert (report.exit_code, report.results) == (0, ())
