"""The whole action in one process: payload and results file in; lines, events, containers and exit code out."""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from soarlink.actions import alert_action
from soarlink.delivery.carrier import Carrier
from soarlink.delivery.gate import Gate
from soarlink.errors import JournalError
from soarlink.journal.journal import JournalStore
from soarlink.journal.ledger import Ledger
from tests.unit.actions.conftest import splunkd_script
from tests.unit.actions.installed import ROWS, Installed, assert_every_row_has_one_invocation_and_one_end
from tests.unit.rawserver import Connection, RawServer
from tests.unit.samples import write_results
from tests.unit.standin import StandIn


def broken(*_: object, **__: object) -> None:
    """Fail as a defect does."""
    raise ZeroDivisionError


def assert_queued(action: Installed, rows: int) -> None:
    """So many rows wait, in one journal that is free to be taken up."""
    assert [event["status"] for event in action.events()] == ["queued"] * rows
    assert action.statuses() == {str(rid): ["pending"] for rid in range(rows)}
    (key,) = action.journals()
    journal = action.store().resume(key)
    assert journal is not None
    journal.release()


def test_rows_arrive_and_every_row_is_told(action: Installed, soar: StandIn) -> None:
    """Three results: three containers with mapped fields, three successes, exit code 0."""
    action.account(soar.url, soar.ca)
    assert action.run(action.results(ROWS)) == 0
    assert_every_row_has_one_invocation_and_one_end(action, ["0", "1", "2"])
    events = sorted(action.events(), key=lambda event: str(event["rid"]))
    assert [event["status"] for event in events] == ["delivered"] * 3
    assert [soar.container(event["container_id"])["name"] for event in events] == ["Brute force", "Scan", "Beacon"]
    (artifact,) = soar.artifacts(events[0]["container_id"])
    assert artifact["cef"]["sourceAddress"] == "10.0.0.1"
    assert artifact["cef"]["user"] == ["al", "bo"]
    assert events[0]["account"] == "lab"
    assert re.fullmatch("[0-9a-f]{16}", events[0]["mapping"])


def test_the_same_call_again_doubles_nothing(action: Installed, soar: StandIn) -> None:
    """Splunk may call twice for the same results: containers and artifacts are found, no journal is left."""
    action.account(soar.url, soar.ca)
    path = action.results(ROWS)
    assert action.run(path) == 0
    assert action.run(path) == 0
    assert sorted(event["status"] for event in action.events()) == ["delivered"] * 3 + ["updated"] * 3
    assert action.statuses() == {rid: ["success"] for rid in "012"}
    assert len(action.lines("Invoking modular action")) == 3
    assert action.lines("Later outcome") == []
    assert action.journals() == []


def test_a_later_success_is_no_second_final_status(action: Installed, soar: StandIn) -> None:
    """The first call was wrong, the second is right: it is sent and told, and the log keeps the one final status."""
    action.account(soar.url, soar.ca)
    path = action.results(ROWS)
    assert [action.run(path, sensitivity="blue"), action.run(path)] == [3, 0]
    assert [event["status"] for event in action.events()] == ["rejected"] * 3 + ["delivered"] * 3
    assert action.statuses() == {rid: ["failure"] for rid in "012"}
    later = action.lines("Later outcome: delivered")
    assert [line["rid"] for line in later] == ["0", "1", "2"]
    assert all(line["container_id"] and "action_status" not in line for line in later)


def test_per_result_calls_are_first_calls(action: Installed, soar: StandIn) -> None:
    """One search, a call for each result: each has its own line, and none reads the log for the others'."""
    action.account(soar.url, soar.ca)
    for number in (0, 1):
        path = action.home / "dispatch" / "per_result_alert" / f"tmp_{number}.csv.gz"
        assert action.run(write_results(path, ROWS[number : number + 1])) == 0
    assert action.statuses() == {"0": ["success"], "1": ["success"]}
    assert len(list((action.delivery / "calls").iterdir())) == 2


def test_a_dry_run_before_is_no_end_of_the_real_one(action: Installed, soar: StandIn) -> None:
    """The same search id: what was simulated is sent all the same, and what waits is not called simulated."""
    action.account(soar.url, soar.ca)
    path = action.results(ROWS[:1])
    soar.fault("POST /rest/container", "503")
    for dry_run in ("1", "0", "0"):
        assert action.run(path, dry_run=dry_run) == 0
    assert [event["status"] for event in action.events()] == ["simulated", "queued", "queued"]
    assert len(action.journals()) == 1


def test_the_same_call_again_has_the_same_exit_code(action: Installed, soar: StandIn) -> None:
    """Also when rows were rejected by the plan."""
    action.account(soar.url, soar.ca)
    path = action.home / "ragged.csv"
    path.write_bytes(b"src,rule_title\n10.0.0.1,a\nbroken\n")
    assert [action.run(path), action.run(path)] == [6, 6]


def test_a_call_while_the_first_is_under_way_is_queued_behind_it(action: Installed, soar: StandIn) -> None:
    """Nothing is sent: the first one does, and its rows still have no end."""
    action.account(soar.url, soar.ca)
    soar.fault("POST /rest/container", "503")
    path = action.results(ROWS)
    assert action.run(path) == 0
    soar.reset()
    assert action.run(path) == 0
    assert soar.requests() == []
    assert action.statuses() == {rid: ["pending"] for rid in "012"}
    assert any("under way" in event["reason"] for event in action.events())


def test_the_same_call_again_starts_no_playbook(action: Installed, soar: StandIn) -> None:
    """What was started stays started, and its run is told again."""
    action.account(soar.url, soar.ca)
    path = action.results(ROWS)
    parameters = {"playbook": "local/contain_host", "automation": "0"}
    assert [action.run(path, **parameters), action.run(path, **parameters)] == [0, 0]
    first, again = action.events()[:3], action.events()[3:]
    assert [event["runs"][0]["id"] for event in first] == [event["runs"][0]["id"] for event in again]
    for event in first:
        assert len(soar.artifacts(event["container_id"])) == len(soar.runs(event["container_id"])) == 1


def test_a_call_while_the_first_is_under_way_takes_no_end_back(action: Installed, soar: StandIn) -> None:
    """A row that is delivered must not be shown as pending again: nobody would ever end it."""
    action.account(soar.url, soar.ca)
    soar.fault("POST /rest/playbook_run", "429", after=1)
    path = action.results(ROWS[:2])
    for _ in range(2):
        assert action.run(path, playbook="local/contain_host", automation="0") == 0
    assert action.statuses() == {"0": ["success"], "1": ["pending"]}
    first, again = ([event for event in action.events() if event["rid"] == rid] for rid in "01")
    assert [event["status"] for event in again] == ["queued", "queued"]
    names = ("status", "container_id", "container_url", "artifacts")
    assert [first[1][name] for name in names] == [first[0][name] for name in names]


def test_a_call_after_a_rejection_says_so_again(action: Installed, soar: StandIn) -> None:
    """Its container is kept for a person: the results are not queued, and the exit code is the same."""
    action.account(soar.url, soar.ca)
    path = action.results(ROWS)
    assert [action.run(path, label="nope"), action.run(path, label="nope")] == [4, 4]
    assert action.statuses() == {rid: ["failure"] for rid in "012"}
    assert [event["status"] for event in action.events()] == ["rejected"] * 6
    assert all("Create the label in SOAR" in event["reason"] for event in action.events())


def test_the_same_results_for_another_account_are_an_alert_of_their_own(action: Installed, soar: StandIn) -> None:
    """`| sendalert … param.account=a | sendalert … param.account=b` while SOAR is busy: both are written down."""
    action.account(soar.url, soar.ca)
    accounts = action.app / "local/ta_send_to_soar_account.conf"
    accounts.write_text(accounts.read_text("utf-8") + accounts.read_text("utf-8").replace("[lab]", "[b]"), "utf-8")
    soar.fault("POST /rest/container", "503", times=None)
    path = action.results(ROWS)
    for name in ("lab", "b"):
        assert action.run(path, account=name) == 0
    assert len(action.journals()) == 2


def test_other_results_of_the_same_search_join(action: Installed, soar: StandIn) -> None:
    """The same containers: updated, exit code 0."""
    action.account(soar.url, soar.ca)
    assert action.run(action.results(ROWS)) == 0
    assert action.run(action.results([*ROWS, {"src": "10.0.0.4"}])) == 0
    assert sorted(event["status"] for event in action.events()) == ["delivered"] * 4 + ["updated"] * 3


def test_an_ad_hoc_run_on_a_notable_meets_the_scheduled_run(action: Installed, soar: StandIn) -> None:
    """One container for both, and the ad hoc lines name the notable's origin."""
    action.account(soar.url, soar.ca)
    assert action.run(action.results(ROWS[:1])) == 0
    origin, action.sid = action.sid, "1700000100.42"
    assert action.run(action.results([{**ROWS[0], "orig_sid": origin, "orig_rid": "0", "event_id": "E"}])) == 0
    assert len({event["container_id"] for event in action.events()}) == 1
    line = action.lines("Result updated")[0]
    assert (line["orig_sid"], line["orig_rid"], line["action_mode"]) == (origin, "0", "adhoc")


def test_per_result_alerting(action: Installed, soar: StandIn) -> None:
    """The file's number is the result's id."""
    action.account(soar.url, soar.ca)
    path = write_results(action.home / "dispatch" / "per_result_alert" / "tmp_7.csv.gz", ROWS[:1])
    assert action.run(path) == 0
    assert_every_row_has_one_invocation_and_one_end(action, ["7"])


@pytest.mark.parametrize("path", [None, Path("/no/such/results.csv.gz")])
def test_no_results_are_no_error(action: Installed, soar: StandIn, path: Path | None) -> None:
    """No file, no rows: exit code 0, nothing sent."""
    action.account(soar.url, soar.ca)
    assert action.run(path) == 0
    assert soar.requests() == []
    assert action.events() == []


def test_a_header_alone_is_no_error(action: Installed, soar: StandIn) -> None:
    """No rows either."""
    action.account(soar.url, soar.ca)
    path = action.results(ROWS)
    path.write_bytes(gzip.compress(b"a,b\n"))
    assert action.run(path) == 0
    assert soar.requests() == []


def test_wrong_parameters_are_told_at_once_and_nothing_is_sent(action: Installed, soar: StandIn) -> None:
    """Exit code 3; each row's reason has every problem."""
    action.account(soar.url, soar.ca)
    assert action.run(action.results(ROWS), sensitivity="blue", automation="maybe") == 3
    assert_every_row_has_one_invocation_and_one_end(action, ["0", "1", "2"])
    assert all("sensitivity" in event["reason"] and "automation" in event["reason"] for event in action.events())
    assert soar.requests() == []


def test_no_account_is_told(action: Installed) -> None:
    """A fresh installation: exit code 3, each row says where to add one."""
    assert action.run(action.results(ROWS)) == 3
    assert_every_row_has_one_invocation_and_one_end(action, ["0", "1", "2"])
    assert all("No SOAR account is configured" in event["reason"] for event in action.events())


def test_an_unknown_authority_is_told(action: Installed, soar: StandIn) -> None:
    """No CA certificate in the account: the alert is kept, with what to paste where."""
    action.account(soar.url, "")
    assert action.run(action.results(ROWS)) == 0
    assert_every_row_has_one_invocation_and_one_end(action, ["0", "1", "2"])
    assert all("Paste the PEM" in event["reason"] for event in action.events())
    assert_queued(action, 3)


def test_a_dead_url_is_told(action: Installed, soar: StandIn) -> None:
    """Nothing listens: the alert is kept; the next one does not even try."""
    action.account("https://localhost:1", soar.ca)
    assert action.run(action.results(ROWS)) == 0
    assert all("refuses connections" in event["reason"] for event in action.events())
    assert_queued(action, 3)
    assert action.run(action.results(ROWS[:1])) == 0
    assert "left alone for a while" in action.events()[-1]["reason"]


def test_a_wrong_token_is_told(action: Installed, soar: StandIn, splunkd: RawServer) -> None:
    """SOAR turns the account away: the alert is kept until somebody mends it."""
    action.account(soar.url, soar.ca)
    splunkd.script = splunkd_script({"token": "falsch"})
    assert action.run(action.results(ROWS)) == 0
    assert_every_row_has_one_invocation_and_one_end(action, ["0", "1", "2"])
    assert all("Check the account's token" in event["reason"] for event in action.events())
    assert_queued(action, 3)


def test_an_unknown_label_is_told(action: Installed, soar: StandIn) -> None:
    """Exit code 4, with where to create it; the journal stays, for the outbox where a person can resend it."""
    action.account(soar.url, soar.ca)
    assert action.run(action.results(ROWS), label="nope") == 4
    assert all("Create the label in SOAR" in event["reason"] for event in action.events())
    assert action.statuses() == {rid: ["failure"] for rid in "012"}
    assert len(action.journals()) == 1


def test_a_user_without_the_capability_is_told(action: Installed, soar: StandIn, splunkd: RawServer) -> None:
    """Exit code 3, with the role that helps; nothing is written down."""
    action.account(soar.url, soar.ca)

    def refuse(connection: Connection) -> None:
        connection.read_request()
        connection.answer(b"{}", "403 Forbidden")

    splunkd.script = refuse
    assert action.run(action.results(ROWS)) == 3
    assert all("send_to_soar_user" in event["reason"] for event in action.events())
    assert action.journals() == []
    assert soar.requests() == []


def test_a_service_account_is_left_to_the_delivery_input(action: Installed, soar: StandIn, splunkd: RawServer) -> None:
    """Written down and told honestly; SOAR is not asked, and no secret came."""
    action.account(soar.url, soar.ca, "delivery = service")
    splunkd.script = splunkd_script({}, "service")
    assert action.run(action.results(ROWS)) == 0
    assert_every_row_has_one_invocation_and_one_end(action, ["0", "1", "2"])
    assert all("the delivery input sends it" in event["reason"] for event in action.events())
    assert_queued(action, 3)
    assert soar.requests() == []
    (key,) = action.journals()
    journal = action.store().resume(key)
    assert journal is not None
    assert journal.settings()["checked"] is True
    journal.release()


def test_an_account_that_can_t_be_asked_for_is_written_down_unasked(
    action: Installed, soar: StandIn, splunkd: RawServer
) -> None:
    """Splunkd is busy: nothing is lost, nothing is sent, and the input knows that it has to ask."""
    action.account(soar.url, soar.ca)

    def busy(connection: Connection) -> None:
        connection.read_request()
        connection.answer(b"busy", "503 Busy")

    splunkd.script = busy
    assert action.run(action.results(ROWS)) == 0
    assert_queued(action, 3)
    assert soar.requests() == []
    (key,) = action.journals()
    journal = action.store().resume(key)
    assert journal is not None
    assert journal.settings()["checked"] is False
    journal.release()


def test_a_file_that_breaks_off_sends_what_can_be_read(action: Installed, soar: StandIn) -> None:
    """Rows before the cut are delivered; exit code 6, and the log says where it ended."""
    action.account(soar.url, soar.ca)
    path = action.home / "ragged.csv"
    path.write_bytes(b"src,rule_title\n10.0.0.1,a\n10.0.0.2,b\nbroken\n10.0.0.3,c\n")
    assert action.run(path) == 6
    assert_every_row_has_one_invocation_and_one_end(action, ["0", "1"])
    assert {event["status"] for event in action.events()} == {"delivered"}
    assert "Row 2 of the results file has 1 cells" in action.log()


def test_a_broken_file_and_wrong_parameters(action: Installed) -> None:
    """Both are told; exit code 3."""
    path = action.home / "ragged.csv"
    path.write_bytes(b"a,b\n1,2\nbroken\n")
    assert action.run(path, automation="maybe") == 3
    assert "Parameter automation" in action.log()
    assert "Row 1 of the results file" in action.log()


@pytest.mark.parametrize("argv", [["x"], ["x", "--help"], ["x", "--execute", "more"]])
def test_other_arguments_are_told(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Only splunkd starts it."""
    assert alert_action.main(argv, io.BytesIO(), name="send_to_soar") == 3
    assert "started by splunkd" in capsys.readouterr().err


def test_an_unreadable_payload_is_told_to_splunkd(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """splunkd.log is all there is then."""
    assert alert_action.main(["x", "--execute"], io.BytesIO(b"nope"), name="send_to_soar") == 3
    assert "ERROR send_to_soar: The alert payload is no JSON" in capsys.readouterr().err


def test_a_defect_of_ours_while_sending_costs_no_alert(
    action: Installed, soar: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was on its way is kept as if no answer had come, and the reason names the defect."""
    action.account(soar.url, soar.ca)
    monkeypatch.setattr(Carrier, "carry", broken)
    assert action.run(action.results(ROWS)) == 0
    assert_every_row_has_one_invocation_and_one_end(action, ["0", "1", "2"])
    assert all("Internal error of the add-on: ZeroDivisionError" in event["reason"] for event in action.events())
    assert_queued(action, 3)


def test_a_defect_of_ours_while_sending_leaves_a_traceback(
    action: Installed, soar: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is to mend it must see where it is."""
    action.account(soar.url, soar.ca)
    monkeypatch.setattr(Carrier, "carry", broken)
    action.run(action.results(ROWS))
    assert "Traceback" in action.log()


def test_a_defect_of_ours_in_the_plan_is_queued_where_the_journal_stays(
    action: Installed, soar: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The delivery input takes the journal up: a failure must not be told before that has ended."""
    action.account(soar.url, soar.ca)
    monkeypatch.setattr("soarlink.plan.planner.Planner.plan", broken)
    assert action.run(action.results(ROWS)) == 6
    assert "Traceback" in action.log()
    assert bool(action.journals()) == (action.statuses() == {rid: ["pending"] for rid in "012"})


@pytest.mark.parametrize("ca", ["no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"])
def test_an_unusable_ca_certificate_is_a_plain_message(action: Installed, soar: StandIn, ca: str) -> None:
    """Exit code 3, every row told, no traceback."""
    action.account(soar.url, ca)
    assert action.run(action.results(ROWS)) == 3
    assert_every_row_has_one_invocation_and_one_end(action, ["0", "1", "2"])
    assert all("The CA certificate can't be used" in event["reason"] for event in action.events())


def test_a_file_that_is_damaged_from_its_start_is_a_plain_message(action: Installed, soar: StandIn) -> None:
    """A cut gzip file: told like any other damage."""
    action.account(soar.url, soar.ca)
    path = action.results(ROWS)
    path.write_bytes(path.read_bytes()[:30])
    assert action.run(path) == 6
    assert "can't be read" in action.log()
    assert "Traceback" not in action.log()


@pytest.mark.parametrize("parameters", [{"container_per": "search"}, {"container_per": "group", "group_by": "src"}])
def test_rows_of_a_shared_container_are_told_when_the_file_breaks_off(
    action: Installed, soar: StandIn, parameters: dict[str, str]
) -> None:
    """Sent or rejected, but never silent."""
    action.account(soar.url, soar.ca)
    path = action.home / "ragged.csv"
    path.write_bytes(b"src,rule_title\n10.0.0.1,a\n10.0.0.1,b\nbroken\n")
    assert action.run(path, **parameters) == 6
    assert_every_row_has_one_invocation_and_one_end(action, ["0", "1"])


def test_rows_of_parts_are_told_when_the_file_breaks_off(action: Installed, soar: StandIn) -> None:
    """250 rows in one container, the file breaks off after row 230: rows that are in SOAR must not stay open."""
    action.account(soar.url, soar.ca)
    path = action.home / "ragged.csv"
    path.write_bytes(b"src,rule_title\n" + b"".join(b"10.0.0.%d,a\n" % n for n in range(230)) + b"broken\n")
    assert action.run(path, container_per="search") == 6
    invoked = [line["rid"] for line in action.lines("Invoking modular action")]
    ended = [line["rid"] for line in action.lines("Result ")]
    assert len(invoked) > 100
    assert sorted(ended) == sorted(invoked)


def test_a_defect_before_anything_is_sent_is_told_to_every_row(
    action: Installed, soar: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every row ends in one state, whatever happens."""
    action.account(soar.url, soar.ca)

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("soarlink.mapping.shipped.load", broken)
    assert action.run(action.results(ROWS)) == 6
    assert_every_row_has_one_invocation_and_one_end(action, ["0", "1", "2"])


def test_a_macro_without_an_index_stops_no_alert(action: Installed, soar: StandIn) -> None:
    """`soar_index` may be any search restriction: the alert goes out, result events go to main, and it is said."""
    action.account(soar.url, soar.ca)
    action.configure("macros", "[soar_index]\ndefinition = (index=a OR index=b)\n")
    assert action.run(action.results(ROWS)) == 0


def test_no_results_are_said(action: Installed, soar: StandIn) -> None:
    """An empty file is a plain message, so that nobody looks for lost alerts."""
    action.account(soar.url, soar.ca)
    assert action.run(None) == 0
    assert re.search(r'signature="[^"]*\b[Nn]o results', action.log())


def test_rows_with_the_same_rid_are_told_apart(action: Installed, soar: StandIn) -> None:
    """A search may have a field `rid` of its own, such as the relative id of a Windows account."""
    action.account(soar.url, soar.ca)
    assert action.run(action.results([{**row, "rid": "500"} for row in ROWS])) == 0
    assert len({event["container_id"] for event in action.events()}) == 3
    ended = [(line["sid"], line["rid"]) for line in action.lines("Result ")]
    assert len(set(ended)) == len(ended)


def test_an_alert_that_can_t_be_written_down_is_not_sent(
    action: Installed, soar: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rejected with the reason, exit code 4: without the journal a crash could lose it unseen."""
    action.account(soar.url, soar.ca)

    def full(*_: object) -> None:
        raise JournalError("The disk that holds Splunk's var folder is full.")

    monkeypatch.setattr(JournalStore, "create", full)
    assert action.run(action.results(ROWS)) == 4
    assert_every_row_has_one_invocation_and_one_end(action, ["0", "1", "2"])
    assert all("var folder is full" in event["reason"] for event in action.events())
    assert soar.requests() == []


def test_an_alert_whose_journal_can_t_be_continued_is_queued(
    action: Installed, soar: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk fills up on the way: every row waits for the delivery input and says why, the journal stays."""
    action.account(soar.url, soar.ca)

    def full(*_: object) -> None:
        raise JournalError("The alert's journal can't be continued: No space left on device.")

    monkeypatch.setattr(Ledger, "note_sent", full)
    assert action.run(action.results(ROWS)) == 0
    assert {event["status"] for event in action.events()} == {"queued"}
    assert all("can't be continued" in event["reason"] for event in action.events())
    assert len(action.journals()) == 1


def test_the_journal_has_what_redelivery_needs(action: Installed, soar: StandIn) -> None:
    """Payload, results, account, and the rules by their digest; nothing outside the input's own directory."""
    action.account(soar.url, soar.ca)
    soar.fault("POST /rest/container", "503")
    path = action.results(ROWS)
    action.run(path, container_per="search")
    (key,) = action.journals()
    journal = action.store().resume(key)
    assert journal is not None
    settings = journal.settings()
    assert (settings["action"], settings["account"]) == ("send_to_soar", "lab")
    assert action.store().mapping(settings["mapping"])
    assert json.loads(journal.payload())["configuration"] == {"container_per": "search"}
    assert journal.results is not None
    assert journal.results.read_bytes() == path.read_bytes()
    journal.release()


@pytest.mark.parametrize(
    ("answer", "code", "state"), [("500 Internal Server Error", 0, "queued"), ("403 Forbidden", 3, "rejected")]
)
def test_splunkd_that_does_not_give_the_secret(  # noqa: PLR0917 - fixtures
    action: Installed, soar: StandIn, splunkd: RawServer, answer: str, code: int, state: str
) -> None:
    """Busy or away, the alert waits; a user who may not read the secret is told."""
    action.account(soar.url, soar.ca)

    def script(connection: Connection) -> None:
        while connection.read_request():
            connection.answer(b"{}", answer)

    splunkd.script = script
    assert action.run(action.results(ROWS)) == code
    assert_every_row_has_one_invocation_and_one_end(action, ["0", "1", "2"])
    assert {event["status"] for event in action.events()} == {state}
    assert len(action.journals()) == (1 if state == "queued" else 0)


def test_sigterm_ends_the_run_in_good_order(action: Installed, soar: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is on its way is finished and told, the rest waits; exit code 0."""
    action.account(soar.url, soar.ca, "connections = 1")
    carry, stop, stopped = Carrier.carry, Gate.stop, threading.Event()

    def stopping(self: Carrier, batch: Any) -> Any:
        os.kill(os.getpid(), signal.SIGTERM)
        assert stopped.wait(20)
        return carry(self, batch)

    def noted(self: Gate) -> None:
        stop(self)
        stopped.set()

    monkeypatch.setattr(Carrier, "carry", stopping)
    monkeypatch.setattr(Gate, "stop", noted)
    monkeypatch.setattr("soarlink.delivery.sender.MAX_CONTAINERS", 2)
    assert action.run(action.results([*ROWS, {"src": "10.0.0.4"}, {"src": "10.0.0.5"}])) == 0
    assert_every_row_has_one_invocation_and_one_end(action, ["0", "1", "2", "3", "4"])
    events = {event["rid"]: event for event in action.events()}
    assert [events[rid]["status"] for rid in "01234"] == ["delivered"] * 2 + ["queued"] * 3
    assert "was stopped before this was sent" in events["4"]["reason"]
    assert len(action.journals()) == 1


@pytest.mark.parametrize(
    ("name", "limits", "seconds"),
    [
        ("results.csv.gz", "", "20"),
        ("per_result_alert/tmp_3.csv.gz", "", "2"),
        ("results.csv.gz", "seconds = 45", "45"),
        ("per_result_alert/tmp_3.csv.gz", "seconds_per_result = 1", "1"),
    ],
)
def test_the_run_has_its_time(action: Installed, soar: StandIn, name: str, limits: str, seconds: str) -> None:
    """20 seconds, 2 in per-result alerting, or as set: what is left then waits, and no request is made for it."""
    action.account(soar.url, soar.ca)
    action.configure("ta_send_to_soar_settings", f"[delivery]\n{limits}\n")
    ticks = iter([0.0, *[float(seconds)] * 100])
    action.monotonic = lambda: next(ticks)
    assert action.run(write_results(action.home / "dispatch" / name, ROWS[:1])) == 0
    (event,) = action.events()
    assert event["status"] == "queued"
    assert f"The action's {seconds} seconds were over" in event["reason"]
    assert soar.requests("POST") == []


def test_results_that_splunk_may_have_cut_are_said(action: Installed, soar: StandIn) -> None:
    """The file holds exactly `maxresults` rows."""
    action.account(soar.url, soar.ca)
    action.configure("alert_actions", "[send_to_soar]\nmaxresults = 3\n")
    assert action.run(action.results(ROWS)) == 0
    assert "maxresults" in action.log()


@pytest.mark.parametrize("rows", [3, 2])
def test_a_dry_run_asks_nobody(action: Installed, soar: StandIn, splunkd: RawServer, rows: int) -> None:
    """Every row is simulated, nothing is written down, no secret is read, SOAR gets no request."""
    action.account(soar.url, soar.ca)
    action.configure("alert_actions", "[send_to_soar]\nmaxresults = 3\n")
    assert action.run(action.results(ROWS[:rows]), dry_run="1") == 0
    assert_every_row_has_one_invocation_and_one_end(action, [str(rid) for rid in range(rows)])
    assert {event["status"] for event in action.events()} == {"simulated"}
    assert (soar.requests(), splunkd.requests, action.journals()) == ([], [], [])
    assert ("maxresults" in action.log()) == (rows == 3)


def test_debug_lines_are_written_on_request(action: Installed, soar: StandIn) -> None:
    """The add-on's log level DEBUG."""
    action.account(soar.url, soar.ca)
    action.configure("ta_send_to_soar_settings", "[logging]\nloglevel = DEBUG\n")
    assert action.run(action.results(ROWS)) == 0
