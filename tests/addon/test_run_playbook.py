"""Run SOAR Playbook: on the result's container, once, and followed to what it came to; through the built action."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.runner.cam import CamLog
from lab.runner.lab import ACCOUNT, APP, Lab
from lab.runner.report import Report
from lab.runner.request import SendRequest
from lab.runner.search import Mode
from lab.soar.switches import Outcome, ScriptedAction, Switches
from tests.addon.conftest import interpreter
from tests.addon.results import write_results
from tests.addon.soar import SoarReader
from tools import build, interpreters

ACTION = "run_soar_playbook"
ROWS = [{"src": "10.50.0.1", "dest": "host1", "event_id": "ev@@notable@@1"}]


@pytest.fixture(params=[(3, 9), (3, 13)], ids=["3.9", "3.13"])
def own(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Lab]:
    """A lab of the test's own."""
    found = interpreters.find(request.param)
    if found is None:
        pytest.skip(f"CPython {request.param} is not on this machine")
    with Lab(tmp_path / "lab", build=build.build().folder, python=found.path) as running:
        yield running
        assert running.splunkd.unknown_calls == []


@pytest.fixture
def soar(own: Lab) -> Iterator[SoarReader]:
    """The stand-in, as a person uses it."""
    reader = SoarReader(own)
    yield reader
    reader.close()


def run(lab: Lab, tmp_path: Path, sid: str | None = None, action: str = ACTION, **parameters: str) -> Report:
    """Run the action on the row, ad hoc, as an analyst does it on a notable."""
    path = write_results(tmp_path / "results.csv.gz", ROWS)
    report = lab.send(SendRequest(path, action=action, mode=Mode.ADHOC, sid=sid, parameters=parameters))
    assert report.problems == ()
    return report


def statuses(lab: Lab, sid: str) -> list[str]:
    """The row's statuses in the Common Action Model's log."""
    log = CamLog(ACTION, sid)
    for event in lab.indexes.since({}):
        if event["index"] == "cim_modactions":
            log.add(event)
    return [status for entry in log.rids.values() for status in entry.statuses]


def test_the_verdict_is_the_results(own: Lab, soar: SoarReader, tmp_path: Path) -> None:
    """A run that succeeds within the time is a success, with its id; the log has one status."""
    report = run(own, tmp_path, playbooks="local/splunk_triage")
    (outcome,) = report.results
    assert (outcome.status, [one.state for one in outcome.runs]) == ("delivered", ["succeeded"])
    assert [one["id"] for one in soar.runs(outcome.container_id)] == [int(outcome.runs[0].id or 0)]
    assert statuses(own, report.sid) == ["success"]


def test_it_runs_on_the_container_that_is_there(own: Lab, soar: SoarReader, tmp_path: Path) -> None:
    """What Send to SOAR made of the same notable is found, nothing is doubled; inputs are filled from the row."""
    sent = run(own, tmp_path, action="send_to_soar", automation="0").results[0]
    report = run(own, tmp_path, playbooks="local/enrich_indicators", scope="artifacts", inputs="ip={{src}},why=test")
    (outcome,) = report.results
    assert (outcome.status, outcome.container_id) == ("updated", sent.container_id)
    assert len(soar.artifacts(sent.container_id)) == 1
    (started,) = soar.runs(sent.container_id)
    assert started["inputs"] == {"ip": "10.50.0.1", "why": "test"}


def test_a_prompt_is_waited_for_and_its_answer_told_once(own: Lab, soar: SoarReader, tmp_path: Path) -> None:
    """The row is pending while an analyst is asked; the delivery input tells the refusal, and the log one end."""
    report = run(own, tmp_path, playbooks="local/contain_host", follow="2")
    (outcome,) = report.results
    assert outcome.status == "queued"
    assert "is waiting for an answer: Isolate the host?" in str(outcome.reason)
    assert statuses(own, report.sid) == ["pending"]
    assert own.drain(wait=5).remaining == 1

    (prompt,) = soar.approvals(outcome.container_id)
    soar.post(f"/rest/approval/{prompt['id']}", {"status": "deny", "type": "manual", "responses": ["No"]})
    _until(lambda: soar.runs(outcome.container_id)[0]["status"] == "success")
    drained = own.drain(wait=5)
    assert drained.remaining == 0
    (ended,) = drained.results
    assert (ended.status, [one.state for one in ended.runs]) == ("rejected", ["refused"])
    assert statuses(own, report.sid) == ["pending", "failure"]
    assert len(soar.runs(outcome.container_id)) == 1


def test_a_second_call_starts_nothing(own: Lab, soar: SoarReader, tmp_path: Path) -> None:
    """Splunk calls the action again for the same search: the run is not repeated, the answer is the same."""
    sid = "1700000000.77"
    first, second = (run(own, tmp_path, sid=sid, playbooks="local/splunk_triage") for _ in range(2))
    assert [one.id for one in second.results[0].runs] == [one.id for one in first.results[0].runs]
    assert len(soar.runs(first.results[0].container_id)) == 1
    assert statuses(own, sid) == ["success"]


@pytest.mark.parametrize(
    "other", [{"playbooks": "local/splunk_triage"}, {"playbooks": "local/contain_host", "inputs": "host={{dest}}"}]
)
def test_another_errand_of_the_same_search_is_run(
    own: Lab, soar: SoarReader, tmp_path: Path, other: dict[str, str]
) -> None:
    """`| sendalert` twice in one search: the second playbook runs while the first waits; the same again does not."""
    sid = "1700000000.78"
    (first,) = run(own, tmp_path, sid=sid, playbooks="local/contain_host", follow="2").results
    (second,) = run(own, tmp_path, sid=sid, follow="2", **other).results
    (again,) = run(own, tmp_path, sid=sid, playbooks="local/contain_host", follow="2").results
    assert again.runs == ()
    assert (first.container_id, first.runs[0].state) == (second.container_id, "waiting")
    assert second.runs[0].state in {"succeeded", "waiting"}
    assert [one["id"] for one in soar.runs(first.container_id)] == [1, 2]


def test_soar_away_means_pending_and_then_the_verdict(own: Lab, soar: SoarReader, tmp_path: Path) -> None:
    """Nothing is lost: once SOAR is back the container is made, the playbook runs once, its verdict is told."""
    assert own.soar.stand_in is not None
    path = f"/servicesNS/nobody/{APP}/{APP.lower()}_account/{ACCOUNT}"
    own.management.post(path, {**own.account().fields(), "read_timeout": "2"})  # an unclear attempt settles so soon
    own.soar.stand_in.admin.fault("POST /rest/container", "503", times=1)
    report = run(own, tmp_path, playbooks="local/splunk_triage")
    assert [one.status for one in report.results] == ["queued"]
    drained = own.drain(wait=60)
    told = [one for one in drained.results if one.status != "queued"]
    assert [(one.status, one.runs[0].state) for one in told] == [("delivered", "succeeded")]
    assert len(soar.runs(told[0].container_id)) == 1
    assert statuses(own, report.sid)[-1] == "success"


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({}, "Parameter playbooks is empty"),
        ({"playbooks": "local/x", "follow": "999"}, "at most 240 seconds"),
        ({"playbooks": "local/x", "scope": "some"}, "allowed are auto, new, all, artifacts"),
    ],
)
def test_wrong_parameters_are_refused(own: Lab, tmp_path: Path, parameters: dict[str, str], said: str) -> None:
    """The row says which parameter, which value, what is allowed; nothing is sent."""
    report = run(own, tmp_path, **parameters)
    assert report.exit_code == 3
    assert said in str(report.results[0].reason)


def test_an_unknown_playbook_is_refused(own: Lab, tmp_path: Path) -> None:
    """The container is there, the row is rejected with SOAR's words and the way out."""
    (outcome,) = run(own, tmp_path, playbooks="local/nope").results
    assert (outcome.status, outcome.container_id) == ("rejected", 1)
    assert "local/nope" in str(outcome.reason)


def test_one_that_runs_is_followed_where_another_can_not_start(own: Lab, soar: SoarReader, tmp_path: Path) -> None:
    """The row waits for the one that runs, and names the other; its end tells both, and that the data is there."""
    report = run(own, tmp_path, playbooks="local/nope,local/contain_host", follow="2")
    (outcome,) = report.results
    assert (outcome.status, [one.state for one in outcome.runs]) == ("queued", ["not started", "waiting"])
    for said in ('playbook "local/nope" was not started', '"local/contain_host" is waiting for an answer'):
        assert said in str(outcome.reason)
    (prompt,) = soar.approvals(outcome.container_id)
    soar.post(f"/rest/approval/{prompt['id']}", {"status": "deny", "type": "manual", "responses": ["No"]})
    _until(lambda: soar.runs(outcome.container_id)[0]["status"] == "success")
    (ended,) = own.drain(wait=5).results
    assert (ended.status, ended.artifacts) == ("rejected", 1)
    assert [one.state for one in ended.runs] == ["not started", "refused"]
    for said in ('playbook "local/nope" was not started', "was refused at the prompt: Isolate the host? (answer: No)"):
        assert said in str(ended.reason)
    assert statuses(own, report.sid) == ["pending", "failure"]
    assert len(soar.runs(outcome.container_id)) == 1
    assert [item["state"] for item in own.management.documents(APP, "soar_outbox", {})] == ["rejected"]


def test_of_two_the_one_that_failed_is_named_while_the_other_waits(tmp_path: Path) -> None:
    """A failure is told as soon as it is known, a cancelled run as cancelled, by whom."""
    outcomes = {"local/splunk_triage": Outcome(status="failed", message="no such asset")}
    folder, python = build.build().folder, interpreter((3, 13))
    with Lab(tmp_path / "lab", build=folder, python=python, switches=Switches(outcomes=outcomes)) as lab:
        soar = SoarReader(lab)
        report = run(lab, tmp_path, playbooks="local/splunk_triage,local/contain_host", follow="3")
        (outcome,) = report.results
        assert outcome.status == "queued"
        failed = 'playbook "local/splunk_triage" failed with the message: no such asset.'
        assert str(outcome.reason).startswith(failed)
        assert 'playbook "local/contain_host" is waiting' in str(outcome.reason)
        waiting = next(one for one in soar.runs(outcome.container_id) if one["status"] == "running")
        soar.post(f"/rest/playbook_run/{waiting['id']}", {"cancel": True})
        (ended,) = lab.drain(wait=5).results
        assert (ended.status, [one.state for one in ended.runs]) == ("rejected", ["failed", "cancelled"])
        assert (
            ended.reason == f'The data is in SOAR, but {failed} playbook "local/contain_host" was cancelled by splunk.'
        )
        assert statuses(lab, report.sid) == ["pending", "failure"]
        soar.close()


def test_an_action_that_fails_in_a_run_that_soar_calls_a_success(tmp_path: Path) -> None:
    """Row, log, result event and feedback name the action and the app's words; what it answered is told, too."""
    isolate = ScriptedAction("quarantine device", "MaxMind", "ip", ("sourceAddress",), failure="agent offline")
    look = ScriptedAction("geolocate ip", "MaxMind", "ip", ("sourceAddress",))
    outcomes = {"local/phishing_triage": Outcome(actions=(look, isolate))}
    folder, python = build.build().folder, interpreter((3, 13))
    with Lab(tmp_path / "lab", build=folder, python=python, switches=Switches(outcomes=outcomes)) as lab:
        report = run(lab, tmp_path, playbooks="local/phishing_triage")
        (outcome,) = report.results
        assert (outcome.status, outcome.runs[0].state) == ("rejected", "failed")
        why = 'playbook "local/phishing_triage" failed in the action quarantine device: agent offline.'
        assert outcome.reason == f"The data is in SOAR, but {why}"
        assert statuses(lab, report.sid) == ["failure"]
        asked = {"fields": "src", "playbooks": "local/phishing_triage"}
        (asking,) = run(lab, tmp_path, action="request_soar_enrichment", **asked).results
        assert asking.status == "rejected"
        events = [event for event in lab.indexes.since({}) if event["sourcetype"] == "soar:action:result"]
        told = json.loads(events[-1]["raw"])
        assert told["reason"] == outcome.reason
        assert "| quarantine device | ip=10.50.0.1 | failed | agent offline |" in told["enrichment_actions"]
        seen = [one["event"] for one in lab.poll().events if one["sourcetype"] == "soar:playbook_run"]
        assert {(one["verdict"], one["reason"]) for one in seen if "reason" in one} == {
            ("failed", "in the action quarantine device: agent offline")
        }


def test_a_prompt_that_nobody_answers(tmp_path: Path) -> None:
    """The verdict names the question, where SOAR's own message of the run does not."""
    folder, python = build.build().folder, interpreter((3, 13))
    with Lab(tmp_path / "lab", build=folder, python=python, switches=Switches(prompt_seconds=1.0)) as lab:
        (outcome,) = run(lab, tmp_path, playbooks="local/contain_host").results
        said = "failed at the prompt: Isolate the host? (nobody answered in time)."
        assert (outcome.status, outcome.reason) == (
            "rejected",
            f'The data is in SOAR, but playbook "local/contain_host" {said}',
        )


def test_a_run_answers_for_the_playbooks_that_it_calls(tmp_path: Path) -> None:
    """SOAR's success is none when a called playbook's prompt was refused; while that waits, so does the caller."""
    outcomes = {"local/splunk_triage": Outcome(calls=("local/contain_host",))}
    folder, python = build.build().folder, interpreter((3, 13))
    with Lab(tmp_path / "lab", build=folder, python=python, switches=Switches(outcomes=outcomes)) as lab:
        soar = SoarReader(lab)
        (outcome,) = run(lab, tmp_path, playbooks="local/splunk_triage", follow="3").results
        assert (outcome.status, outcome.runs[0].state) == ("queued", "waiting")
        assert "is waiting for an answer: Isolate the host?" in str(outcome.reason)
        (prompt,) = soar.approvals(outcome.container_id)
        soar.post(f"/rest/approval/{prompt['id']}", {"status": "deny", "type": "manual", "responses": ["No"]})
        _until(lambda: {one["status"] for one in soar.runs(outcome.container_id)} == {"success"})
        (ended,) = lab.drain(wait=5).results
        assert (ended.status, ended.runs[0].state) == ("rejected", "refused")
        said = "at the prompt: Isolate the host? (answer: No) (playbook local/contain_host)"
        assert str(ended.runs[0].reason) == said
        seen = [one["event"] for one in lab.poll().events if one["sourcetype"] == "soar:playbook_run"]
        assert {(one["playbook"], one["verdict"]) for one in seen} == {
            ("local/splunk_triage", "refused"),
            ("local/contain_host", "refused"),
        }
        soar.close()


def test_the_action_is_declared_for_enterprise_security() -> None:
    """alert_actions.conf has the metadata that makes it run ad hoc, and every parameter."""
    text = (build.build().folder / "default" / "alert_actions.conf").read_text(encoding="utf-8")
    stanza = text.partition(f"[{ACTION}]")[2].partition("\n[")[0]
    settings: dict[str, Any] = dict(line.split(" = ", 1) for line in stanza.splitlines() if " = " in line)
    cam = json.loads(settings["param._cam"])
    assert cam["supports_adhoc"] is True
    assert cam["required_params"] == ["param.playbooks"]
    assert settings["maxtime"] == "5m"


def _until(holds: Any, seconds: float = 20.0) -> None:
    """Wait for the stand-in's clock: its runs take a second."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.05)
