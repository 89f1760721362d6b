"""What SOAR did reaches the notable in Enterprise Security, each update once; through the built input."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.runner.accounts import Account, Accounts
from lab.runner.lab import ACCOUNT, APP, Lab
from lab.runner.request import SendRequest
from lab.runner.search import Mode
from lab.splunkd.installation import set_local
from lab.splunkd.notables import NotableBoard
from tests.addon.results import write_results
from tests.addon.soar import SoarReader
from tools import build, interpreters

ROWS = [{"src": f"10.40.0.{n}", "event_id": f"ev@@notable@@{n}"} for n in range(3)]
NOWHERE = "https://127.0.0.1:1"
SCHEDULED = "scheduler__admin__search__RMD5back_at_1700000000_1"


@pytest.fixture(params=[(3, 9), (3, 13)], ids=["3.9", "3.13"])
def own(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Lab]:
    """A lab with Enterprise Security, three notables, and a rule that closes them."""
    found = interpreters.find(request.param)
    if found is None:
        pytest.skip(f"CPython {request.param} is not on this machine")
    with Lab(tmp_path / "lab", build=build.build().folder, python=found.path, es="8.1.0") as running:
        grant(running)
        board = notables(running)
        for number, row in enumerate(ROWS):
            board.add(row["event_id"], SCHEDULED, str(number))
        yield running
        assert running.splunkd.unknown_calls == []


@pytest.fixture
def soar(own: Lab) -> Iterator[SoarReader]:
    """The stand-in, as a person uses it."""
    reader = SoarReader(own)
    yield reader
    reader.close()


def grant(lab: Lab, state: str = "enabled") -> None:
    """Give administrators, and so inputs, the right to change notables, as Enterprise Security does."""
    set_local(lab.home.root, "authorize", "role_admin", {"edit_notable_events": state})


def notables(lab: Lab) -> NotableBoard:
    """Enterprise Security's side."""
    assert lab.splunkd.notables is not None
    return lab.splunkd.notables


def sent(lab: Lab, tmp_path: Path, rows: list[dict[str, str]] = ROWS, sid: str | None = None) -> list[int]:
    """Send results; their containers."""
    path = write_results(tmp_path / "results.csv.gz", rows)
    report = lab.send(SendRequest(path, parameters={"automation": "0"}, sid=sid))
    return [int(one.container_id or 0) for one in report.results]


def switch_on(lab: Lab, *rules: str) -> None:
    """Switch shipped rules on, as the table on the configuration page does."""
    for rule in rules:
        assert lab.management.post(f"/servicesNS/nobody/{APP}/{APP.lower()}_writeback/{rule}", {"disabled": "0"})


def updates(lab: Lab) -> list[dict[str, Any]]:
    """The reports of updates, oldest first."""
    raw = [json.loads(one["raw"]) for one in lab.indexes.since({}) if one["sourcetype"] == "soar:notable_update"]
    return sorted(raw, key=lambda one: float(one["time"]))


def checkpoint(lab: Lab) -> dict[str, Any]:
    """How far the one account was read."""
    (found,) = lab.management.documents(APP, "soar_checkpoint", {})
    return found


def move_soar(lab: Lab, url: str) -> None:
    """SOAR is under another address from now on."""
    known = lab.account()
    Accounts(lab.management, APP).save(Account(ACCOUNT, url, known.token, known.ca_certificate), exists=True)


def _until(holds: Callable[[], bool]) -> None:
    """Wait for another process."""
    deadline = time.monotonic() + 60.0
    while not holds():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.02)


def test_the_notable_shows_the_container_and_its_end(own: Lab, soar: SoarReader, tmp_path: Path) -> None:
    """One comment with the page on delivery; closing in SOAR closes the notables; a third poll writes nothing."""
    containers = sent(own, tmp_path)
    switch_on(own, "status_closed")
    assert own.poll().problems == ()
    board = notables(own)
    assert {one["rule_id"]: one["comment"] for one in board.reviews} == {
        row["event_id"]: f"Sent to SOAR: container {number}, {own.soar.url}/mission/{number}"
        for row, number in zip(ROWS, containers, strict=True)
    }
    for number in containers:
        soar.post(f"/rest/container/{number}", {"status": "closed"})
    own.poll()
    assert [one["status"] for one in board.reviews[3:]] == ["5", "5", "5"]
    own.poll()
    assert len(board.reviews) == 6
    assert {one["outcome"] for one in updates(own)} == {"updated"}
    row = next(iter(own.management.documents(APP, "soar_containers", {"container_id": containers[0]})))
    assert row["writeback"] == "done"


def test_the_notable_of_a_scheduled_alert_is_found(own: Lab, tmp_path: Path) -> None:
    """The action beside the notable knows no event id: it is looked up by the run that made both."""
    rows = [{"src": f"10.41.0.{n}"} for n in range(3)]
    sent(own, tmp_path, rows, sid=SCHEDULED)
    own.poll()
    assert {one["rule_id"] for one in notables(own).reviews} == {row["event_id"] for row in ROWS}
    named = own.management.documents(APP, "soar_containers", {})
    assert {one["event_id"] for one in named} == {row["event_id"] for row in ROWS}


def test_an_analysts_newer_change_stays(own: Lab, soar: SoarReader, tmp_path: Path) -> None:
    """What somebody changed in Enterprise Security after SOAR did is not overwritten, and that is said."""
    first, second, _ = sent(own, tmp_path)
    switch_on(own, "status_closed")
    own.poll()
    board = notables(own)
    for number in (first, second):
        soar.post(f"/rest/container/{number}", {"status": "closed"})
    board.review(ROWS[0]["event_id"], "analyst", status="3")
    own.poll()
    latest = {one["rule_id"]: one["status"] for one in board.reviews}
    assert (latest[ROWS[0]["event_id"]], latest[ROWS[1]["event_id"]]) == ("3", "5")
    kept = [one for one in updates(own) if one["outcome"] == "kept"]
    assert [one["event_id"] for one in kept] == [ROWS[0]["event_id"]]
    assert "analyst changed the notable later" in kept[0]["reason"]


def test_a_refused_transition_concerns_one_notable(own: Lab, soar: SoarReader, tmp_path: Path) -> None:
    """Of three that change alike one is refused: the others are written, once, and the reason is told."""
    containers = sent(own, tmp_path)
    switch_on(own, "status_closed")
    own.poll()
    board = notables(own)
    board.refuse(ROWS[1]["event_id"], "You do not have permission to make this transition")
    for number in containers:
        soar.post(f"/rest/container/{number}", {"status": "closed"})
    own.poll()
    own.poll()
    closed = [one["rule_id"] for one in board.reviews if one["status"] == "5"]
    assert set(closed) == {ROWS[0]["event_id"], ROWS[2]["event_id"]}
    refused = [one for one in updates(own) if one["outcome"] == "refused"]
    assert [one["event_id"] for one in refused] == [ROWS[1]["event_id"]]
    assert "permission to make this transition" in refused[0]["reason"]
    # The sid and rid of the run: with them the event stands beside what the action itself said of this result.
    (outcome,) = [
        json.loads(one["raw"])
        for one in own.indexes.since({})
        if one["sourcetype"] == "soar:action:result" and f'"container_id": {containers[1]}' in one["raw"]
    ]
    assert (refused[0]["orig_sid"], refused[0]["orig_rid"]) == (outcome["sid"], outcome["rid"])


def test_a_missing_right_is_said_and_nothing_is_lost(own: Lab, tmp_path: Path) -> None:
    """Without edit_notable_events the poll names it; once it is granted the comments are written."""
    grant(own, "disabled")
    sent(own, tmp_path)
    (problem,) = own.poll().problems
    assert "edit_notable_events" in problem
    told = checkpoint(own)
    assert (told["polled"] > 0, told["error"], "edit_notable_events" in told["writeback_error"]) == (True, "", True)
    log = (own.home.root / "var/log/splunk/soar_feedback.log").read_text("utf-8")
    assert ("Notables not updated" in log, "Not polled" in log) == (True, False)
    (said,) = [one for one in own.doctor({}).checks if one["check"] == "feedback"]
    assert (said["verdict"], "notables were not all updated" in said["evidence"]) == ("warning", True)
    grant(own)
    assert own.poll().problems == ()
    assert len(notables(own).reviews) == len(ROWS)


def test_an_update_that_was_cut_short_is_not_written_again(own: Lab, tmp_path: Path) -> None:
    """The input ended between the update and its note: what the last review shows counts as written."""
    grant(own, "disabled")
    containers = sent(own, tmp_path)
    assert own.poll().problems  # refused, after it was noted that the updates are under way
    board = notables(own)
    for row, number in zip(ROWS[:2], containers, strict=False):
        comment = f"Sent to SOAR: container {number}, {own.soar.url}/mission/{number}"
        board.review(row["event_id"], "splunk-system-user", comment=comment)
    grant(own)
    assert own.poll().problems == ()
    assert [one["rule_id"] for one in board.reviews] == [row["event_id"] for row in ROWS]


def test_what_was_cut_short_is_known_when_soar_comes_back_to_it(own: Lab, soar: SoarReader, tmp_path: Path) -> None:
    """Killed right after the update; SOAR opens the case again, and closes it: one text, and the status follows."""
    (number,) = sent(own, tmp_path, ROWS[:1])
    switch_on(own, "comment_on_close", "status_closed", "status_in_progress")
    own.poll()
    board = notables(own)
    soar.post(f"/rest/container/{number}", {"status": "closed"})
    own.splunkd.fault("POST", "jobs/export", slow=0.5)  # also the search that reads back
    with own.feedback() as feedback:
        _until(lambda: len(board.reviews) == 2)
        feedback.kill()
    own.splunkd.clear_faults()
    for status in ("open", "closed"):
        own.management.empty(APP, "soar_lease")  # the one that the killed input held has run out
        soar.post(f"/rest/container/{number}", {"status": status})
        assert own.poll().problems == ()
    assert [one["comment"] for one in board.reviews[1:]] == [f"SOAR container {number} is closed.", "", ""]
    assert [one["status"] for one in board.reviews[1:]] == ["5", "2", "5"]


def test_a_lookup_that_was_emptied_repeats_nothing(own: Lab, soar: SoarReader, tmp_path: Path) -> None:
    """The container changes, and is like a new one: its comment stands there already."""
    (number,) = sent(own, tmp_path, ROWS[:1])
    own.poll()
    own.management.empty(APP, "soar_containers")
    soar.post(f"/rest/container/{number}", {"severity": "low"})
    own.poll()
    (row,) = own.management.documents(APP, "soar_containers", {})
    assert (row["severity"], row["writeback"]) == ("low", "done")
    assert len(notables(own).reviews) == 1


def test_an_error_of_one_notable_concerns_no_other(own: Lab, tmp_path: Path) -> None:
    """One breaks Enterprise Security's endpoint: the others are written; it is named, and written when it is mended."""
    board = notables(own)
    board.breaks_down(ROWS[0]["event_id"])
    sent(own, tmp_path)
    (problem,) = own.poll().problems
    assert "tried again: 1. splunkd answered notable_update with status 500" in problem
    assert {one["rule_id"] for one in board.reviews} == {row["event_id"] for row in ROWS[1:]}
    assert sorted(one["outcome"] for one in updates(own)) == ["failed", "updated", "updated"]
    board.mend(ROWS[0]["event_id"])
    assert own.poll().problems == ()
    assert len(board.reviews) == len(ROWS)


def test_an_input_that_is_stopped_amid_updates_ends_in_good_order(own: Lab, tmp_path: Path) -> None:
    """What was written is told and noted; what was not is written by the next one, once; the lease is given back."""
    rows = [{"src": f"10.42.0.{n}", "event_id": f"many@@notable@@{n}"} for n in range(12)]
    board = notables(own)
    for row in rows:
        board.add(row["event_id"])
    sent(own, tmp_path, rows)
    own.splunkd.fault("POST", "notable_update", slow=0.2)
    with own.feedback():  # which is stopped at the end as splunkd does it
        _until(lambda: len(board.reviews) >= 3)
    own.splunkd.clear_faults()
    own.collect()
    written = [one["rule_id"] for one in board.reviews]
    assert 3 <= len(written) < len(rows)
    assert sorted(one["event_id"] for one in updates(own)) == sorted(written)
    states = {one["event_id"]: one["writeback"] for one in own.management.documents(APP, "soar_containers", {})}
    assert {event_id for event_id, state in states.items() if state == "done"} == set(written)
    assert own.poll().problems == ()
    assert sorted(one["rule_id"] for one in board.reviews) == sorted(row["event_id"] for row in rows)


def test_updates_that_are_off_for_a_while_are_written_later(own: Lab, tmp_path: Path) -> None:
    """Within a day nothing is lost."""
    path = f"/servicesNS/nobody/{APP}/{APP.lower()}_settings/enterprise_security"
    assert own.management.post(path, {"writeback_mode": "off"})
    sent(own, tmp_path)
    own.poll()
    assert notables(own).reviews == []
    assert own.management.post(path, {"writeback_mode": "on"})
    own.poll()
    assert len(notables(own).reviews) == len(ROWS)
    assert checkpoint(own)["writeback_off_since"] == 0


def test_updates_that_are_switched_on_late_begin_there(own: Lab, soar: SoarReader, tmp_path: Path) -> None:
    """What changed before is left as it is, until it changes again; what comes later is written."""
    path = f"/servicesNS/nobody/{APP}/{APP.lower()}_settings/enterprise_security"
    assert own.management.post(path, {"writeback_mode": "off"})
    (number, *_) = sent(own, tmp_path)
    own.poll()
    told = checkpoint(own)
    long_ago = told["writeback_off_since"] - 25 * 3600
    own.management.save(APP, "soar_checkpoint", {**told, "writeback_off_since": long_ago})
    assert own.management.post(path, {"writeback_mode": "on"})
    later = [{"src": "10.43.0.1", "event_id": "later@@notable@@1"}]
    notables(own).add(later[0]["event_id"])
    sent(own, tmp_path, later)
    for _ in range(2):
        assert own.poll().problems == ()
    assert [one["rule_id"] for one in notables(own).reviews] == [later[0]["event_id"]]
    states = [one["writeback"] for one in own.management.documents(APP, "soar_containers", {})]
    assert sorted(states) == ["before"] * len(ROWS) + ["done"]
    soar.post(f"/rest/container/{number}", {"severity": "low"})
    own.poll()
    assert [one["rule_id"] for one in notables(own).reviews[1:]] == [ROWS[0]["event_id"]]


def test_an_account_that_was_not_read_for_long_begins_there(own: Lab, soar: SoarReader, tmp_path: Path) -> None:
    """What its first poll catches up with is left as it is, also when that poll fails at first; later changes count."""
    first, second, _ = sent(own, tmp_path)
    own.poll()
    written = len(notables(own).reviews)
    switch_on(own, "status_closed")
    accounts = Accounts(own.management, APP)
    accounts.bring_back(ACCOUNT, "off")
    with own.feedback():
        _until(lambda: checkpoint(own)["writeback_off_since"] > 0)
    told = checkpoint(own)
    long_ago = {name: told[name] - 25 * 3600 for name in ("writeback_off_since", "polled", "tried")}
    own.management.save(APP, "soar_checkpoint", {**told, **long_ago})
    soar.post(f"/rest/container/{first}", {"status": "closed"})
    accounts.bring_back(ACCOUNT, "ours")
    move_soar(own, NOWHERE)
    assert own.poll().problems
    move_soar(own, own.soar.url)
    for _ in range(2):
        assert own.poll().problems == ()
    assert len(notables(own).reviews) == written == len(ROWS)
    soar.post(f"/rest/container/{second}", {"status": "closed"})
    own.poll()
    assert [one["rule_id"] for one in notables(own).reviews[written:]] == [ROWS[1]["event_id"]]
    assert checkpoint(own)["writeback_off_since"] == 0


def test_updates_do_not_wait_for_soar(own: Lab, tmp_path: Path) -> None:
    """What was read before is written while SOAR is away, and the poll says of SOAR what is wrong all the same."""
    grant(own, "disabled")
    sent(own, tmp_path)
    own.poll()
    assert notables(own).reviews == []
    grant(own)
    move_soar(own, NOWHERE)
    own.poll()
    assert len(notables(own).reviews) == len(ROWS)
    told = checkpoint(own)
    assert ("127.0.0.1" in told["error"], told["writeback_error"]) == (True, "")


def test_a_note_stands_on_the_finding(own: Lab, soar: SoarReader, tmp_path: Path) -> None:
    """Version 8: what a rule notes is a note with the container in its title, once; nothing of it is a comment."""
    (number, *_) = sent(own, tmp_path)
    rule = {"name": "note_on_close", "order": "50", "field": "status", "values": "closed", "set": "note"}
    root = f"/servicesNS/nobody/{APP}/{APP.lower()}_writeback"
    assert own.management.post(root, {**rule, "to": "{{name}} is {{status}}."})
    own.poll()
    soar.post(f"/rest/container/{number}", {"status": "closed"})
    for _ in range(2):
        own.poll()
    (note,) = notables(own).notes
    assert (note["finding"], note["title"]) == (ROWS[0]["event_id"], f"Splunk SOAR: container {number}")
    assert note["content"].endswith(" is closed.")
    assert [one["comment"] for one in notables(own).reviews if " is closed." in one["comment"]] == []


def test_the_doctor_says_which_way_is_taken(own: Lab, tmp_path: Path) -> None:
    """As long as all is well, and when an update was taken that shows nowhere."""
    (told,) = [one for one in own.doctor({}).checks if one["check"] == "enterprise_security"]
    assert (told["verdict"], "notes by /servicesNS/nobody/missioncontrol" in told["evidence"]) == ("ok", True)
    notables(own).lose(ROWS[1]["event_id"])
    sent(own, tmp_path)
    own.poll()
    assert {one["event_id"]: one["outcome"] for one in updates(own)} == {
        ROWS[0]["event_id"]: "updated",
        ROWS[1]["event_id"]: "unconfirmed",
        ROWS[2]["event_id"]: "updated",
    }
    (told,) = [one for one in own.doctor({}).checks if one["check"] == "enterprise_security"]
    assert (told["verdict"], "1 not seen" in told["evidence"]) == ("warning", True)


def test_risk_and_tag_are_written_once(own: Lab, soar: SoarReader, tmp_path: Path) -> None:
    """A modifier in the index risk, as Enterprise Security reads it, a tag of the container; neither comes again."""
    rows = [{**row, "risk_object": 'ws "7"', "risk_object_type": "system"} for row in ROWS[:1]]
    (number,) = sent(own, tmp_path, rows)
    root = f"/servicesNS/nobody/{APP}/{APP.lower()}_writeback"
    rule = {"name": "risk_on_close", "order": "50", "field": "status", "values": "closed", "set": "risk"}
    assert own.management.post(root, {**rule, "to": "40 {{risk_object_type}} {{risk_object}}"})
    switch_on(own, "tag_on_close")
    own.poll()
    soar.post(f"/rest/container/{number}", {"status": "closed", "tags": ["mine"]})
    for _ in range(3):
        own.poll()
    (event,) = [one for one in own.indexes.since({}) if one["index"] == "risk"]
    assert (event["sourcetype"], event["source"]) == ("stash", "Send to SOAR")
    assert event["raw"].startswith(f"{float(event['time']):.3f}, ")
    for part in ('search_name="Send to SOAR: risk_on_close"', r'risk_object="ws \"7\""', 'risk_score="40"'):
        assert part in event["raw"]
    assert sorted(soar.container(number)["tags"]) == ["mine", "told_enterprise_security"]
    told = [(one.get("risk"), one.get("tag")) for one in updates(own) if "risk" in one or "tag" in one]
    assert told == [('40 system ws "7"', None), (None, "told_enterprise_security")]


@pytest.mark.parametrize(("scope", "action"), [("ours", "send_to_soar"), ("all", "run_soar_playbook")])
def test_what_a_paired_soar_holds_is_adopted(
    own: Lab, soar: SoarReader, tmp_path: Path, scope: str, action: str
) -> None:
    """Enterprise Security gave SOAR the finding before: its container is used and shown on the finding, none is made.

    Also when the feedback knew it before as somebody else's, and whichever action meets it.
    """
    account = f"/servicesNS/nobody/{APP}/{APP.lower()}_account/{ACCOUNT}"
    assert own.management.post(account, {"feedback": scope, "skip_test": "1"})
    finding = {**ROWS[1], "orig_sid": SCHEDULED, "orig_rid": "1"}
    body = {
        "name": "Paired",
        "label": "events",
        "source_data_identifier": finding["event_id"],
        "data": {"mc": "its own"},
    }
    number = soar.post("/rest/container", body)["id"]
    own.poll()
    assert len(own.management.documents(APP, "soar_containers", {"ours": False})) == (scope == "all")
    path = write_results(tmp_path / "results.csv.gz", [finding])
    parameters = {"playbooks": "local/splunk_triage"} if action == "run_soar_playbook" else {"automation": "0"}
    report = own.send(SendRequest(path, action=action, mode=Mode.ADHOC, parameters=parameters))
    assert (report.results[0].status, report.results[0].container_id) == ("updated", number)
    for _ in range(2):
        own.poll()
    assert [one["id"] for one in soar.all_containers()] == [number]
    data = soar.container(number)["data"]
    assert (data["mc"], finding["event_id"] in data["splunk"]["keys"]) == ("its own", True)
    comment = f"Sent to SOAR: container {number}, {own.soar.url}/mission/{number}"
    assert [(one["rule_id"], one["comment"]) for one in notables(own).reviews] == [(finding["event_id"], comment)]
    (row,) = own.management.documents(APP, "soar_containers", {})
    assert (row["ours"], row["event_id"], row["writeback"]) == (True, finding["event_id"], "done")


def test_a_preview_writes_nothing(own: Lab, tmp_path: Path) -> None:
    """In preview the events say what would have been; the notables stay as they are."""
    path = f"/servicesNS/nobody/{APP}/{APP.lower()}_settings/enterprise_security"
    assert own.management.post(path, {"writeback_mode": "preview"})
    sent(own, tmp_path)
    own.poll()
    assert notables(own).reviews == []
    assert [one["outcome"] for one in updates(own)] == ["would have updated"] * 3


def test_a_rule_that_is_wrong_is_refused_on_save(own: Lab) -> None:
    """The page's handler names stanza, key and way out."""
    with pytest.raises(Exception, match="a status is a number"):
        own.management.post(f"/servicesNS/nobody/{APP}/{APP.lower()}_writeback/status_closed", {"to": "Closed"})
