"""Request Enrichment from SOAR: chosen fields go out, answers come back; through the built action."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.runner.cam import CamLog
from lab.runner.lab import Lab
from lab.runner.report import Report
from lab.runner.request import SendRequest
from lab.runner.search import Mode
from tests.addon.results import write_results
from tests.addon.soar import SoarReader
from tools import build, interpreters

ACTION = "request_soar_enrichment"
ROW = {
    "src": "10.50.0.1",
    "user": "jdoe",
    "url": "http://evil.example.com/a",
    "dest": "host1",
    "_raw": "raw text of the event",
    "event_id": "ev@@notable@@1",
    "orig_sid": "scheduler__admin__search__RMD5abc_at_1700000000_1",
    "orig_rid": "7",
}


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


def run(lab: Lab, tmp_path: Path, action: str = ACTION, row: dict[str, str] = ROW, /, **parameters: str) -> Report:
    """Run the action on the row, ad hoc, as an analyst does it on a notable."""
    path = write_results(tmp_path / "results.csv.gz", [row])
    report = lab.send(SendRequest(path, action=action, mode=Mode.ADHOC, parameters=parameters))
    assert report.problems == ()
    return report


def result_events(lab: Lab) -> list[dict[str, Any]]:
    """The action's result events as Splunk has them, oldest first."""
    events = [event for event in lab.indexes.since({}) if event["sourcetype"] == "soar:action:result"]
    return [{**event["fields"], **json.loads(event["raw"])} for event in events]


def statuses(lab: Lab, sid: str) -> list[str]:
    """The row's statuses in the Common Action Model's log."""
    log = CamLog(ACTION, sid)
    for event in lab.indexes.since({}):
        if event["index"] == "cim_modactions":
            log.add(event)
    return [status for entry in log.rids.values() for status in entry.statuses]


def test_only_the_chosen_fields_arrive(own: Lab, soar: SoarReader, tmp_path: Path) -> None:
    """The finding's container gets an artifact of these fields alone, with CEF names and types: that is looked at."""
    sent = run(own, tmp_path, "send_to_soar", automation="0").results[0]
    report = run(own, tmp_path, fields="src,url", playbooks="local/enrich_indicators", inputs="indicators={{src}}")
    (outcome,) = report.results
    assert (outcome.status, outcome.container_id, outcome.artifacts) == ("updated", sent.container_id, 1)
    whole, chosen = soar.artifacts(sent.container_id)
    assert set(chosen["cef"]) == {"src", "sourceAddress", "url", "requestURL", "destinationDnsDomain"}
    assert (chosen["cef"]["sourceAddress"], chosen["cef_types"]["sourceAddress"]) == ("10.50.0.1", ["ip"])
    assert chosen["data"] == {"row": {"src": "10.50.0.1", "url": "http://evil.example.com/a"}}
    assert {"user", "dest"} <= set(whole["cef"])
    (started,) = soar.runs(sent.container_id)
    assert started["inputs"] == {"indicators": "10.50.0.1"}
    assert json.loads(started["message"])["result"] == [chosen["id"]]


def test_outputs_come_back_on_the_notable(own: Lab, tmp_path: Path) -> None:
    """What an input playbook puts out is a field of the result event, which carries the notable's sid and rid."""
    report = run(own, tmp_path, fields="src", playbooks="local/enrich_indicators")
    assert [one.status for one in report.results] == ["delivered"]
    (event,) = result_events(own)
    assert event["enrichment.verdict"] == "unknown"
    assert (event["orig_sid"], event["orig_rid"]) == (ROW["orig_sid"], ROW["orig_rid"])
    assert "enrichment_actions" not in event
    assert statuses(own, report.sid) == ["success"]


def test_actions_and_notes_come_back(own: Lab, tmp_path: Path) -> None:
    """One line for each action says app, action, parameter, status, message and summary; the note follows."""
    run(own, tmp_path, fields="src,user,url", playbooks="local/phishing_triage")
    (event,) = result_events(own)
    ended = "on 1 object(s) | total_objects=1, total_objects_successful=1"
    assert event["enrichment_actions"].splitlines() == [
        f"MaxMind | geolocate ip | ip=10.50.0.1 | success | 'geolocate ip' {ended}",
        f"VirusTotal v3 | url reputation | url={ROW['url']} | success | 'url reputation' {ended}",
    ]
    assert event["enrichment_notes"].startswith("Phishing triage: Sender, addresses and links were looked up")
    assert not any(value in (None, {}, "") for name, value in event.items() if name.startswith("enrichment"))


def test_what_was_written_before_is_no_answer(own: Lab, soar: SoarReader, tmp_path: Path) -> None:
    """A note that was in the container before the run began is not told."""
    sent = run(own, tmp_path, "send_to_soar", automation="0").results[0]
    note = {"container_id": sent.container_id, "title": "Old", "note_type": "general", "content": "of yesterday"}
    soar.post("/rest/note", note)
    run(own, tmp_path, fields="src", playbooks="local/phishing_triage")
    assert "Old" not in result_events(own)[-1]["enrichment_notes"]


def test_a_field_that_no_row_has_is_told(own: Lab, soar: SoarReader, tmp_path: Path) -> None:
    """The others are asked about, and the event names the one; without any of them nothing is sent."""
    (outcome,) = run(own, tmp_path, fields="src,usr", playbooks="local/enrich_indicators").results
    assert outcome.status == "delivered"
    assert any("no value in usr (parameter fields)" in note for note in result_events(own)[-1]["notes"])
    before = len(soar.all_containers())
    row = {**ROW, "event_id": "ev@@notable@@2"}
    (refused,) = run(own, tmp_path, ACTION, row, fields="usr,ulr", playbooks="local/enrich_indicators").results
    assert refused.status == "rejected"
    assert "none of the fields usr, ulr" in str(refused.reason)
    assert len(soar.all_containers()) == before


def test_one_value_of_many_results_is_asked_about_once(own: Lab, soar: SoarReader, tmp_path: Path) -> None:
    """A container for all results with that value: one artifact, one run, and the answer on each of the notables."""
    rows = [{**ROW, "event_id": f"ev@@notable@@{n}", "orig_rid": str(n)} for n in range(12)]
    path = write_results(tmp_path / "results.csv.gz", rows)
    asked = {"fields": "src", "playbooks": "local/phishing_triage", "container_per": "group", "group_by": "src"}
    report = own.send(SendRequest(path, action=ACTION, mode=Mode.ADHOC, parameters=asked))
    assert ({one.status for one in report.results}, report.problems) == ({"delivered"}, ())
    number = report.results[0].container_id
    assert (len(soar.artifacts(number)), len(soar.runs(number))) == (1, 1)
    told = result_events(own)
    assert [event["orig_rid"] for event in told] == [str(n) for n in range(12)]
    assert len({event["enrichment_actions"] for event in told}) == 1
    assert ["asked about once" in str(event.get("notes")) for event in told] == [False] + [True] * 11


def test_a_group_of_results_without_the_fields_starts_nothing(own: Lab, soar: SoarReader, tmp_path: Path) -> None:
    """A container of several results that bring no artifact has no run, and says why."""
    asked = {"fields": "usr", "playbooks": "local/enrich_indicators", "container_per": "search"}
    (outcome,) = run(own, tmp_path, **asked).results
    assert outcome.status == "rejected"
    assert "these results brought no artifacts" in str(outcome.reason)
    assert soar.runs(outcome.container_id) == []


def test_a_time_out_is_completed_by_the_input(own: Lab, soar: SoarReader, tmp_path: Path) -> None:
    """Pending without an answer; then the delivery input tells the same result with the answers, once."""
    report = run(own, tmp_path, fields="src,url", playbooks="local/phishing_triage", follow="0")
    assert [one.status for one in report.results] == ["queued"]
    number = report.results[0].container_id
    (event,) = result_events(own)
    assert not [name for name in event if name.startswith("enrichment")]
    _until(lambda: soar.runs(number)[0]["status"] == "success")
    drained = own.drain(wait=20)
    assert (drained.remaining, [one.status for one in drained.results]) == (0, ["delivered"])
    _, told = result_events(own)
    assert len(told["enrichment_actions"].splitlines()) == 2
    assert "Phishing triage" in told["enrichment_notes"]
    assert (told["orig_sid"], told["orig_rid"]) == (ROW["orig_sid"], ROW["orig_rid"])
    assert statuses(own, report.sid) == ["pending", "success"]
    assert len(soar.runs(number)) == 1


def test_answers_that_cannot_be_read_now_are_read_later(own: Lab, soar: SoarReader, tmp_path: Path) -> None:
    """The verdict is known, SOAR fails when it is asked for the answers: pending, and complete by the input."""
    assert own.soar.stand_in is not None
    own.soar.stand_in.admin.fault("GET /rest/app_run", "503", times=1)
    report = run(own, tmp_path, fields="src", playbooks="local/phishing_triage")
    (outcome,) = report.results
    assert outcome.status == "queued"
    assert "what they answered could not be read" in str(outcome.reason)
    drained = own.drain(wait=20)
    assert (drained.remaining, [one.status for one in drained.results]) == (0, ["delivered"])
    assert "geolocate ip" in result_events(own)[-1]["enrichment_actions"]
    assert len(soar.runs(outcome.container_id)) == 1


def test_answers_that_soar_refuses_are_told_as_such(own: Lab, tmp_path: Path) -> None:
    """SOAR says no for good: the result has its verdict, and the event says why the answers are missing."""
    assert own.soar.stand_in is not None
    own.soar.stand_in.admin.fault("GET /rest/app_run", "413", times=1)
    (outcome,) = run(own, tmp_path, fields="src", playbooks="local/phishing_triage").results
    assert outcome.status == "delivered"
    (event,) = result_events(own)
    assert "what they answered could not be read" in event["enrichment_problem"]
    assert "enrichment_actions" not in event


def test_a_refused_prompt_is_no_answer(own: Lab, soar: SoarReader, tmp_path: Path) -> None:
    """A run whose prompt was refused is a failure, as for Run SOAR Playbook."""
    report = run(own, tmp_path, fields="src", playbooks="local/contain_host", follow="2")
    number = report.results[0].container_id
    (prompt,) = soar.approvals(number)
    soar.post(f"/rest/approval/{prompt['id']}", {"status": "deny", "type": "manual", "responses": ["No"]})
    _until(lambda: soar.runs(number)[0]["status"] == "success")
    (ended,) = own.drain(wait=5).results
    assert (ended.status, [one.state for one in ended.runs]) == ("rejected", ["refused"])


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"playbooks": "local/x"}, "Parameter fields is empty"),
        ({"fields": "src"}, "Parameter playbooks is empty"),
        ({"fields": "src", "playbooks": "local/x", "follow": "999"}, "at most 240 seconds"),
    ],
)
def test_wrong_parameters_are_refused(own: Lab, tmp_path: Path, parameters: dict[str, str], said: str) -> None:
    """The row says which parameter, which value, what is allowed; nothing is sent."""
    report = run(own, tmp_path, **parameters)
    assert report.exit_code == 3
    assert said in str(report.results[0].reason)


def test_the_action_is_declared_for_enterprise_security() -> None:
    """alert_actions.conf has what makes it run ad hoc, and says which parameters name fields of the notable."""
    text = (build.build().folder / "default" / "alert_actions.conf").read_text(encoding="utf-8")
    stanza = text.partition(f"[{ACTION}]")[2].partition("\n[")[0]
    settings: dict[str, Any] = dict(line.split(" = ", 1) for line in stanza.splitlines() if " = " in line)
    cam = json.loads(settings["param._cam"])
    assert cam["supports_adhoc"] is True
    assert cam["required_params"] == ["param.fields", "param.playbooks"]
    assert "param.fields" in cam["field_name_params"]
    assert settings["maxtime"] == "5m"


def _until(holds: Any, seconds: float = 20.0) -> None:
    """Wait for the stand-in's clock: its runs take a second."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.05)
