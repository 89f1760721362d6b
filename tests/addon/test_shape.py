"""What travels beside one artifact per result: summaries, files, cuts, pace, dry runs."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab.runner.accounts import Accounts
from lab.runner.lab import ACCOUNT, APP, Lab
from lab.runner.report import Report
from tests.addon.conftest import Event, Send
from tests.addon.soar import SoarReader

Events = Callable[[Report], list[Event]]
Requests = Callable[[Callable[[], Report]], tuple[Report, list[str]]]


def test_a_summary_lists_distinct_values(send: Send, soar: SoarReader) -> None:
    """One artifact for the search: every distinct value with its type; each row is told it has one artifact."""
    rows = [{"src": f"10.40.0.{n % 3}", "dest": "srv-40", "_raw": f"raw {n}"} for n in range(7)]
    report = send(rows, {"container_per": "search", "artifacts": "summary"})
    assert [(outcome.status, outcome.artifacts) for outcome in report.results] == [("delivered", 1)] * 7
    (artifact,) = soar.artifacts(report.results[0].container_id)
    assert artifact["cef"]["sourceAddress"] == ["10.40.0.0", "10.40.0.1", "10.40.0.2"]
    assert artifact["cef_types"]["sourceAddress"] == ["ip"]
    assert artifact["cef"]["destinationHostName"] == "srv-40"
    assert artifact["name"].endswith("(7 results)")
    assert artifact["data"]["summary"]["results"] == 7
    assert artifact["data"]["summary"]["values"]["_raw"] == [f"raw {n}" for n in range(7)]
    assert soar.attachments(report.results[0].container_id) == []


def test_a_summary_that_is_too_short_has_the_results_beside_it(send: Send, soar: SoarReader, events: Events) -> None:
    """More than 1,000 values of a field: the outcome says which, and every row is in the attachment."""
    rows = [{"src": f"10.41.{n // 250}.{n % 250}", "n": str(n)} for n in range(1_100)]
    report = send(rows, {"container_per": "search", "artifacts": "summary"})
    (artifact,) = soar.artifacts(report.results[0].container_id)
    assert len(artifact["cef"]["sourceAddress"]) == 1_000
    (attachment,) = soar.attachments(report.results[0].container_id)
    assert [row["n"] for row in json.loads(soar.download(attachment["vault_id"]))] == [str(n) for n in range(1_100)]
    note = events(report)[0]["notes"][0]
    assert "does not list every value of" in note
    assert attachment["name"] in note


@pytest.mark.parametrize("form", ["csv", "json"])
def test_results_are_attached_once(send: Send, soar: SoarReader, form: str) -> None:
    """Each group's rows as a file of its own, lists and line breaks intact; a rerun attaches nothing twice."""
    sid = f"scheduler__admin__search__RMD5at_at_17000{'1' if form == 'csv' else '2'}0000_1"
    rows = [{"dest": dest, "n": str(n), "ip": ["10.42.0.1", "10.42.0.2"]} for n, dest in enumerate("aba")]
    parameters = {"container_per": "group", "group_by": "dest", "attach_results": form}
    report = send(rows, parameters, sid=sid)
    assert {outcome.status for outcome in report.results} == {"delivered"}
    numbers = [outcome.container_id for outcome in sorted(report.results, key=lambda outcome: int(outcome.rid))]
    (attachment,) = soar.attachments(numbers[0])
    content = soar.download(attachment["vault_id"]).decode()
    if form == "csv":
        found = list(csv.DictReader(io.StringIO(content, newline="")))
        assert [row["n"] for row in found] == ["0", "2"]
        assert found[0]["ip"] == "10.42.0.1\n10.42.0.2"
    else:
        assert [row["n"] for row in json.loads(content)] == ["0", "2"]
        assert json.loads(content)[0]["ip"] == ["10.42.0.1", "10.42.0.2"]
    send(rows, parameters, sid=sid)
    assert [len(soar.attachments(number)) for number in numbers[:2]] == [1, 1]


def test_a_file_that_soar_refuses_is_no_success(send: Send, lab: Lab) -> None:
    """The data is in, the file is not: an error of the server keeps the row waiting, a refusal ends it."""
    assert lab.soar.stand_in is not None
    admin = lab.soar.stand_in.admin
    admin.fault("POST /rest/container_attachment", "500", times=None)
    (waiting,) = send([{"src": "10.42.1.1"}], {"attach_results": "json"}).results
    assert (waiting.status, waiting.artifacts) == ("queued", 1)
    admin.clear()
    admin.fault("POST /rest/container_attachment", "failed", times=None)
    (outcome,) = send([{"src": "10.42.1.2"}], {"attach_results": "json"}).results
    assert (outcome.status, outcome.artifacts) == ("rejected", 1)
    assert "The data is in SOAR, but the file results-" in str(outcome.reason)


def test_a_value_that_is_too_large_is_cut_and_attached_whole(send: Send, soar: SoarReader, events: Events) -> None:
    """10 MB in one cell: the artifact is cut so that it shows, the file has it whole, the other row is intact."""
    huge = "x" * 10_000_000
    report = send([{"src": "10.43.0.1", "blob": huge}, {"src": "10.43.0.2", "blob": "small"}])
    assert [outcome.status for outcome in report.results] == ["delivered"] * 2
    (artifact,) = soar.artifacts(report.results[0].container_id)
    assert artifact["cef"]["sourceAddress"] == "10.43.0.1"
    assert artifact["cef"]["blob"].endswith("… [cut: 10000000 characters]")
    (attachment,) = soar.attachments(report.results[0].container_id)
    assert json.loads(soar.download(attachment["vault_id"]))["blob"] == huge
    (note,) = events(report)[0]["notes"]
    assert note.startswith("too large for an artifact and cut: blob; the whole result is attached as result-0.json")
    assert soar.attachments(report.results[1].container_id) == []


def test_many_large_results_travel_in_requests_that_soar_takes(send: Send, soar: SoarReader) -> None:
    """40 results of 600 kB in one container: parts by size, everything arrives."""
    rows = [{"n": str(n), "blob": f"{n}-" + "y" * 200_000} for n in range(40)]
    report = send(rows, {"container_per": "search", "field_names": "cef"})
    assert {outcome.status for outcome in report.results} == {"delivered"}
    artifacts = soar.artifacts(report.results[0].container_id)
    assert sorted(int(artifact["cef"]["n"]) for artifact in artifacts) == list(range(40))
    assert all(len(artifact["cef"]["blob"]) > 200_000 for artifact in artifacts)


@pytest.fixture
def three_results(lab: Lab) -> Iterator[None]:
    """The action's maxresults is 3."""
    local = lab.home.root / "etc" / "apps" / APP / "local" / "alert_actions.conf"
    local.parent.mkdir(exist_ok=True)
    local.write_text("[send_to_soar]\nmaxresults = 3\n", encoding="utf-8")
    yield
    local.unlink()


@pytest.mark.usefixtures("three_results")
def test_results_that_splunk_may_have_cut_are_told(send: Send, events: Events) -> None:
    """Exactly maxresults rows: the last row's outcome and the log say so; one row fewer says nothing."""
    full, fewer = (send([{"src": f"10.44.{count}.{n}"} for n in range(count)]) for count in (3, 2))
    assert "which is the action's maxresults: Splunk may have cut it" in events(full)[2]["notes"][0]
    assert not any("notes" in event for event in (*events(full)[:2], *events(fewer)))
    assert "Splunk may have cut it" in full.log.read_text(encoding="utf-8")


def test_an_account_s_rate_is_kept(lab: Lab, send: Send) -> None:
    """240 containers per minute: the first 20 go at once, 30 take at least the five seconds that 20 are worth."""
    accounts = Accounts(lab.management, APP)
    path = f"/servicesNS/nobody/{APP}/ta_send_to_soar_account/{ACCOUNT}"
    lab.management.post(path, {"rate_limit": "240"})
    try:
        before = time.monotonic()
        report = send([{"src": f"10.45.0.{n}"} for n in range(30)])
        took = time.monotonic() - before
    finally:
        lab.management.post(path, {"rate_limit": "0"})
    assert accounts.find(ACCOUNT) is not None
    assert {outcome.status for outcome in report.results} == {"delivered"}
    assert took >= 5


def test_a_dry_run_sends_nothing_and_tells_everything(
    send: Send, requests_of: Requests, events: Events, soar: SoarReader
) -> None:
    """No request to SOAR; each row is simulated, with its container, its artifacts and why each field went where."""
    rows = [{"src": "10.46.0.1", "dest": "srv-46", "rule_title": "Dry run 46"}, {"src": "10.46.0.2"}]
    report, requests = requests_of(lambda: send(rows, {"dry_run": "1", "owner": "alice", "playbook": "local/x"}))
    assert requests == []
    assert (report.exit_code, [outcome.status for outcome in report.results]) == (0, ["simulated"] * 2)
    assert soar.containers("Dry run 46") == 0
    event = events(report)[0]
    would = event["would_send"]
    assert would["container"]["name"] == "Dry run 46"
    assert would["artifacts"][0]["cef"]["sourceAddress"] == "10.46.0.1"
    assert would["playbooks"] == ["local/x"]
    assert any(line.startswith("src → sourceAddress: ") for line in would["trace"])
    log = report.log.read_text(encoding="utf-8")
    lines = [line for line in log.splitlines() if report.sid in line and "Result simulated" in line]
    assert len(lines) == 2
    assert all('action_status="success"' in line for line in lines)


def test_a_dry_run_needs_no_secret(lab: Lab, send: Send) -> None:
    """A user who may not read the account's token can still see what would be sent."""
    report = send([{"src": "10.46.1.1"}], {"dry_run": "1"}, owner="analyst")
    assert (report.exit_code, report.results[0].status) == (0, "simulated")


def test_odd_field_names_arrive(send: Send, soar: SoarReader) -> None:
    """Fields called result, with braces, dots, blanks and other letters; 2,000 values in a cell."""
    many = [f"v{n};$," for n in range(2_000)]
    row = {"result": "r", "a{}.b": "braces", "größe café": "ü", "many": many, "src": "10.47.0.1"}
    report = send([row], {"container_name": "{{größe café}} {{a{}.b}}"})
    number = report.results[0].container_id
    assert soar.container(number)["name"] == "ü braces"
    (artifact,) = soar.artifacts(number)
    for name in ("result", "a{}.b", "größe café", "many"):
        assert artifact["data"]["row"][name] == row[name]
    assert artifact["cef"]["many"] == many


def test_the_snapshot_folder_is_the_add_on_s_own(lab: Lab, send: Send) -> None:
    """What runs leave below var/run/splunk is in one folder that only Splunk may read."""
    send([{"src": "10.48.0.1"}], {"owner": "alice"})
    folder = Path(lab.home.root) / "var" / "run" / "splunk" / APP
    assert folder.stat().st_mode & 0o077 == 0
