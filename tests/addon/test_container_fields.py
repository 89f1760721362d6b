"""Container fields are filled per row, with the names that the server has."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.runner.lab import Lab
from lab.runner.report import Report
from tests.addon.conftest import Event, Send
from tests.addon.soar import SoarReader

Events = Callable[[Report], list[Event]]
Requests = Callable[[Callable[[], Report]], tuple[Report, list[str]]]


def _snapshot(lab: Lab) -> Path:
    return lab.home.root / "var" / "run" / "splunk" / "TA_send_to_soar" / "vocabulary-lab.json"


@pytest.fixture(autouse=True)
def _no_snapshot(lab: Lab) -> None:
    """Each test starts without a snapshot of the server's names."""
    _snapshot(lab).unlink(missing_ok=True)


def test_every_field_reaches_the_container(send: Send, soar: SoarReader, events: Events) -> None:
    """Status, owner, due time, custom fields, workbook, kill chain: names become ids, templates are filled per row."""
    rows = [
        {"src": "10.20.0.1", "who": "alice", "_time": "1700000000", "ticket": "INC-1", "stage": "command_and_control"},
        {"src": "10.20.0.2", "who": "bob", "_time": "1700000060", "stage": "delivery"},
    ]
    report = send(
        rows,
        {
            "status": "Open",
            "owner": "{{who}}",
            "due": "+4h",
            "custom_fields": "splunk_sid={{sid}}\ndetection={{ticket|default:none}}",
            "workbook": "incident response",
            "kill_chain": "{{stage}}",
        },
    )
    first, second = (soar.container(outcome.container_id) for outcome in report.results)
    assert (first["status"], first["owner_name"], second["owner_name"]) == ("open", "alice", "bob")
    assert first["due_time"] == "2023-11-15T02:13:20.000000Z"
    assert first["custom_fields"] == {"splunk_sid": report.sid, "detection": "INC-1"}
    assert second["custom_fields"]["detection"] == "none"
    assert first["workflow_name"] == "Incident response"
    assert (first["kill_chain"], second["kill_chain"]) == ("Command & Control", "Delivery")
    assert not any("notes" in event for event in events(report))


def test_a_role_can_own_a_container(send: Send, soar: SoarReader) -> None:
    """role:NAME becomes the role's id."""
    report = send([{"src": "10.20.1.1"}], {"owner": "role:incident commander"})
    container = soar.container(report.results[0].container_id)
    assert container["owner"] is None
    assert container["role"] is not None


def test_a_name_that_is_the_same_for_every_row_is_judged_before_anything_is_sent(
    send: Send, requests_of: Requests
) -> None:
    """An unknown owner or custom field stops the run, with the names that there are; nothing is created."""
    report, requests = requests_of(
        lambda: send([{"src": "10.20.2.1"}], {"owner": "nobody", "custom_fields": "ticket=1", "workbook": "none such"})
    )
    (outcome,) = report.results
    assert (outcome.status, report.exit_code) == ("rejected", 3)
    assert 'SOAR has no user "nobody" (parameter owner). There are: ' in str(outcome.reason)
    assert "alice, bob" in str(outcome.reason)
    assert 'SOAR has no custom field "ticket"' in str(outcome.reason)
    assert 'SOAR has no workbook template "none such"' in str(outcome.reason)
    assert not [request for request in requests if request.startswith("POST")]


def test_a_name_from_a_row_costs_that_row_only(send: Send) -> None:
    """The row whose owner SOAR does not know is rejected in plain words, its neighbours arrive."""
    rows = [{"src": f"10.20.3.{n}", "who": who} for n, who in enumerate(["alice", "mallory", ""])]
    report = send(rows, {"owner": "{{who}}"})
    assert [outcome.status for outcome in report.results] == ["delivered", "rejected", "delivered"]
    assert 'SOAR has no user "mallory"' in str(report.results[1].reason)
    assert report.exit_code == 4


def test_a_run_with_defaults_asks_for_no_names(send: Send, requests_of: Requests, lab: Lab) -> None:
    """One POST for one result, and no snapshot is made."""
    report, requests = requests_of(lambda: send([{"src": "10.20.4.1", "urgency": "high"}]))
    assert report.exit_code == 0
    assert requests == ["POST /rest/container"]
    assert not _snapshot(lab).exists()


def test_a_label_costs_one_list_an_hour(send: Send, requests_of: Requests, lab: Lab, soar: SoarReader) -> None:
    """Fetched once, then one POST for one result; a label and a severity that appeared since are found."""
    run = {"label": "notable", "severity": "high"}
    _, first = requests_of(lambda: send([{"src": "10.20.12.1"}], run))
    _, second = requests_of(lambda: send([{"src": "10.20.12.2"}], run))
    assert first == ["GET /rest/container_options", "POST /rest/container"]
    assert second == ["POST /rest/container"]
    assert lab.soar.stand_in is not None
    lab.soar.stand_in.admin.add_label("added")
    lab.soar.stand_in.admin.add_severity("Sev-1")
    content = json.loads(_snapshot(lab).read_text(encoding="utf-8"))
    for part in content["parts"].values():
        part["fetched"] -= 120
    _snapshot(lab).write_text(json.dumps(content), encoding="utf-8")
    report, third = requests_of(lambda: send([{"src": "10.20.12.3"}], {"label": "ADDED", "severity": "sev-1"}))
    container = soar.container(report.results[0].container_id)
    assert (container["label"], container["severity"].lower()) == ("added", "sev-1")
    assert third == ["GET /rest/container_options", "POST /rest/container"]


def test_the_snapshot_spares_the_requests_of_the_next_run(send: Send, requests_of: Requests, lab: Lab) -> None:
    """Only what is needed is fetched, once; an old snapshot is fetched again; no secret is in it."""
    run = {"owner": "alice"}
    _, first = requests_of(lambda: send([{"src": "10.20.5.1"}], run))
    _, second = requests_of(lambda: send([{"src": "10.20.5.2"}], run))
    assert [request for request in first if request.startswith("GET")] == ["GET /rest/ph_user"]
    assert second == ["POST /rest/container"]
    text = _snapshot(lab).read_text(encoding="utf-8")
    assert lab.account().token not in text
    assert _snapshot(lab).stat().st_mode & 0o077 == 0
    content = json.loads(text)
    assert set(content["parts"]) == {"user"}
    content["parts"]["user"]["fetched"] -= 4_000
    _snapshot(lab).write_text(json.dumps(content), encoding="utf-8")
    _, third = requests_of(lambda: send([{"src": "10.20.5.3"}], run))
    assert "GET /rest/ph_user" in third


def test_an_old_snapshot_is_used_when_it_can_t_be_refreshed(send: Send, lab: Lab, soar: SoarReader) -> None:
    """SOAR does not answer the list: what was known yesterday serves."""
    send([{"src": "10.20.6.1"}], {"owner": "bob"})
    content = json.loads(_snapshot(lab).read_text(encoding="utf-8"))
    content["parts"]["user"]["fetched"] -= 86_400
    _snapshot(lab).write_text(json.dumps(content), encoding="utf-8")
    assert lab.soar.stand_in is not None
    lab.soar.stand_in.admin.fault("GET /rest/ph_user", "503", times=None)
    report = send([{"src": "10.20.6.2"}], {"owner": "bob"})
    assert soar.container(report.results[0].container_id)["owner_name"] == "bob"


def test_without_any_snapshot_the_alert_waits_for_a_list_that_can_t_be_had(send: Send, lab: Lab) -> None:
    """Nothing is sent half: the alert is kept, and the reason is SOAR's fault."""
    assert lab.soar.stand_in is not None
    lab.soar.stand_in.admin.fault("GET /rest/ph_user", "503", times=None)
    report = send([{"src": "10.20.7.1"}], {"owner": "bob"})
    assert (report.results[0].status, report.exit_code) == ("queued", 0)
    assert "HTTP 503" in str(report.results[0].reason)


def test_a_status_that_appeared_since_is_found(send: Send, lab: Lab, soar: SoarReader) -> None:
    """A name that the snapshot lacks makes it be fetched once more before it is refused."""
    assert lab.soar.stand_in is not None
    send([{"src": "10.20.8.1"}], {"status": "open"})
    content = json.loads(_snapshot(lab).read_text(encoding="utf-8"))
    content["parts"]["status"]["fetched"] -= 120
    _snapshot(lab).write_text(json.dumps(content), encoding="utf-8")
    lab.soar.stand_in.admin.add_status("triage")
    report = send([{"src": "10.20.8.2"}], {"status": "triage"})
    assert soar.container(report.results[0].container_id)["status"] == "triage"


def test_a_severity_of_the_server_s_own_is_honoured(send: Send, lab: Lab, soar: SoarReader, events: Events) -> None:
    """A severity that only this server has is sent as it is; before it was there, medium, and the outcome says so."""
    assert lab.soar.stand_in is not None
    before = send([{"src": "10.20.9.1", "urgency": "severe"}])
    assert soar.container(before.results[0].container_id)["severity"] == "medium"
    (note,) = events(before)[0]["notes"]
    assert note.startswith('severity "severe" is none of High, Medium, Low')
    assert note.endswith(": sent as medium")
    lab.soar.stand_in.admin.add_severity("Severe")
    _snapshot(lab).unlink()
    after = send([{"src": "10.20.9.2", "urgency": "severe"}, {"src": "10.20.9.3", "urgency": "odd"}])
    assert soar.container(after.results[0].container_id)["severity"] == "severe"
    assert soar.container(after.results[1].container_id)["severity"] == "medium"
    assert "sent as medium" in events(after)[1]["notes"][0]


def test_what_can_t_be_used_is_told_and_left_to_soar(send: Send, soar: SoarReader, events: Events) -> None:
    """A due time and a kill chain stage that make no sense are notes, the container is made."""
    report = send([{"src": "10.20.10.1", "d": "soon", "k": "bragging"}], {"due": "{{d}}", "kill_chain": "{{k}}"})
    assert report.results[0].status == "delivered"
    notes = " ".join(events(report)[0]["notes"])
    assert 'due "soon" is no time' in notes
    assert 'kill_chain "bragging" is none of' in notes
    assert soar.container(report.results[0].container_id)["kill_chain"] is None


def test_the_way_back_to_the_finding_is_on_the_container(send: Send, soar: SoarReader) -> None:
    """Drilldown, risk, annotations, ids and the link to Incident Review are in the container's data."""
    notable = {
        "event_id": "A1@@notable@@B2",
        "_time": "1700000000",
        "drilldown_name": "Show",
        "drilldown_search": "index=x src=10.20.11.1",
        "risk_score": "80",
        "annotations.mitre_attack": ["T1110", "T1078"],
        "src": "10.20.11.1",
    }
    report = send([notable])
    container = soar.container(report.results[0].container_id)
    splunk = container["data"]["splunk"]
    assert splunk["drilldown_search"] == notable["drilldown_search"]
    assert splunk["risk_score"] == "80"
    assert splunk["annotations.mitre_attack"] == ["T1110", "T1078"]
    assert splunk["es_link"].endswith("?earliest=1699999999&latest=now&search=event_id%3DA1%40%40notable%40%40B2")
    assert set(splunk["keys"]) == {container["source_data_identifier"], "A1@@notable@@B2"}
    (artifact,) = soar.artifacts(report.results[0].container_id)
    assert artifact["data"]["row"]["drilldown_search"] == notable["drilldown_search"]
    assert artifact["cef"]["annotations.mitre_attack"] == ["T1110", "T1078"]
