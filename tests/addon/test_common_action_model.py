"""What Enterprise Security and Splunk see of a run."""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from lab.runner.cam import CamLog
from lab.runner.lab import ACCOUNT, Lab
from lab.runner.request import SendRequest
from lab.runner.search import Mode
from tests.addon.conftest import Send
from tests.addon.results import write_results
from tools import build

AT_ONCE = 8
ROWS = 40


def _events(lab: Lab, index: str) -> list[dict[str, Any]]:
    return [event for event in lab.indexes.since({}) if event["index"] == index]


def _log(lab: Lab, sid: str) -> CamLog:
    log = CamLog("send_to_soar", sid)
    for event in _events(lab, "cim_modactions"):
        log.add(event)
    return log


def test_eight_actions_at_once_keep_their_lines_apart(lab: Lab, tmp_path: Path) -> None:
    """Each (action, sid, rid) has exactly one invocation and one terminal status, however many write at once."""
    path = write_results(tmp_path / "results.csv.gz", [{"src": f"10.1.0.{n}", "dest": "h"} for n in range(ROWS)])
    requests = [SendRequest(path, parameters={"account": ACCOUNT, "label": "events"}) for _ in range(AT_ONCE)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        reports = list(pool.map(lab.send, requests))
    assert len({report.sid for report in reports}) == AT_ONCE
    for report in reports:
        assert report.problems == ()
        log = _log(lab, report.sid)
        assert len(log.rids) == ROWS
        assert {entry.invocations for entry in log.rids.values()} == {1}
        assert {tuple(entry.statuses) for entry in log.rids.values()} == {("success",)}


def test_rejected_rows_end_in_failure(lab: Lab, send: Send) -> None:
    """A rejected row has its invocation and one failure, and never a success before it."""
    report = send([{"src": "10.1.1.1"}], {"label": "nonsense"})
    (entry,) = _log(lab, report.sid).rids.values()
    assert (entry.invocations, entry.statuses) == (1, ["failure"])


def test_values_can_t_break_a_line(lab: Lab, send: Send) -> None:
    """Quotes, line breaks and forged fields in what a row or a search brings stay inside their value."""
    forged = 'x"\nsendmodaction - signature="Invoking modular action" action_status="success" rid="0"'
    report = send([{"src": "10.1.1.2", "l": forged}], {"label": "{{l}}"}, search_name=forged)
    log = _log(lab, report.sid)
    (entry,) = log.rids.values()
    assert (entry.invocations, entry.statuses) == (1, ["failure"])


def test_the_result_event_is_found_from_the_notable(lab: Lab, send: Send) -> None:
    """Tag modaction_result, the notable's orig_sid and orig_rid, container and counts stand on the event."""
    orig = {"orig_sid": "scheduler__admin__SA__RMD5dd_at_1700000900_1", "orig_rid": "5", "event_id": "e@@notable@@5"}
    report = send([{"src": "10.1.1.3", **orig}], mode=Mode.ADHOC)
    found = [
        event
        for event in _events(lab, "main")
        if event["fields"].get("orig_sid") == orig["orig_sid"] and event["fields"].get("orig_rid") == "5"
    ]
    (event,) = found
    assert event["sourcetype"] == "soar:action:result"
    assert "modaction_result" in event["tag"]
    assert event["fields"]["orig_action_name"] == "send_to_soar"
    assert event["fields"]["container_id"] == str(report.results[0].container_id)
    assert event["fields"]["container_url"] == report.results[0].container_url
    assert event["fields"]["status"] == "delivered"
    assert float(event["time"]) == float(event["fields"]["time"])


def test_result_events_follow_the_index_macro(python: Path, tmp_path: Path) -> None:
    """The index is where the macro soar_index says."""
    build_folder = build.build().folder
    with Lab(tmp_path / "lab", build=build_folder, python=python) as first:
        local = first.home.root / "etc" / "apps" / "TA_send_to_soar" / "local" / "macros.conf"
        local.write_text("[soar_index]\ndefinition = index=soc_soar\n", encoding="utf-8")
    results = write_results(tmp_path / "results.csv.gz", [{"src": "10.1.1.4"}])
    with Lab(tmp_path / "lab", build=build_folder, python=python) as restarted:
        report = restarted.send(SendRequest(results))
        assert report.problems == ()
        assert [event for event in _events(restarted, "soc_soar") if event["fields"]["sid"] == report.sid]


def test_the_secret_is_nowhere(lab: Lab, send: Send) -> None:
    """The account's token and the session keys are in no file but the password store, whatever goes wrong."""
    lab.management.post("/servicesNS/nobody/TA_send_to_soar/ta_send_to_soar_settings/logging", {"loglevel": "DEBUG"})
    assert lab.soar.stand_in is not None
    send([{"src": "10.1.1.5"}])
    lab.soar.stand_in.admin.fault("POST /rest/container", "500", times=None)
    report = send([{"src": "10.1.1.6"}])
    token = lab.account().token
    assert token not in report.stderr
    holders: dict[str, list[str]] = defaultdict(list)
    for file in lab.state.rglob("*"):
        if file.is_file() and token.encode() in file.read_bytes():
            holders["token"].append(file.name)
    assert holders["token"] == ["passwords.json"]
