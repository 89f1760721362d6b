"""The busy week: what searches find in it is what the scenario did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from lab.runner.lab import APP, BUILD, Lab
from lab.splunkd.python.splunk.clilib import conffile
from tests.busy import busy_lab
from tests.lab.splunkd.client import Client, client_of

JOBS = f"/servicesNS/nobody/{APP}/search/jobs"
Rows = list[dict[str, Any]]
CASES = '`soar_index` sourcetype="soar:container" | dedup account container_id'
RUNS = '`soar_index` sourcetype="soar:playbook_run" | dedup account run_id'


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lab, dict[str, Any]]]:
    """The week."""
    with busy_lab(tmp_path_factory.mktemp("week")) as opened:
        yield opened


@pytest.fixture(scope="module")
def ledger(busy: tuple[Lab, dict[str, Any]]) -> dict[str, Any]:
    """What the scenario did."""
    return busy[1]


@pytest.fixture(scope="module")
def admin(busy: tuple[Lab, dict[str, Any]]) -> Client:
    """An administrator."""
    return client_of(busy[0].splunkd, "admin")


def rows(client: Client, search: str) -> Rows:
    """The rows of a search over the week."""
    form = {"search": search, "exec_mode": "oneshot", "earliest_time": "-7d@d", "latest_time": "now"}
    reply = client.post(JOBS, {**form, "count": "0"})
    assert reply.status == 200, reply.text
    found: Rows = reply.json["results"]
    return found


def test_every_event_type_finds_its_events(admin: Client) -> None:
    """Each finds all events of the sourcetype that it is for, and no others; its tags are on these alone."""
    types = conffile.read(str(BUILD / "default" / "eventtypes.conf"))
    tags = conffile.read(str(BUILD / "default" / "tags.conf"))
    everywhere = "(index=* OR index=_internal)"
    without: set[str] = set()
    for name, stanza in types.items():
        sourcetype = stanza["search"].split('sourcetype="')[1].rstrip('"')
        (there,) = rows(admin, f'{everywhere} sourcetype="{sourcetype}" | stats count')
        found = rows(admin, f"{everywhere} eventtype={name} | stats count BY sourcetype")
        if there["count"] == "0":
            without.add(name)
            assert found == []
            continue
        assert found == [{"sourcetype": sourcetype, **there}]
        for tag in tags.get(f"eventtype={name}", {}):
            assert rows(admin, f"{everywhere} tag={tag} | stats count") == [there]
    assert without == {"soar_outbox_act", "soar_artifact"}  # nobody acts on the outbox, artifacts are switched off
    assert {name.removeprefix("eventtype=") for name in tags} <= types.keys()


def test_every_case_is_there_as_it_ended(admin: Client, ledger: dict[str, Any]) -> None:
    """One container for each result that was sent, with its last status, owner and detection."""
    found = rows(admin, f"{CASES} | table account container_id status owner search_name severity label")
    told = {(one["account"], int(one["container_id"])): one for one in found}
    assert len(found) == len(ledger["cases"]) == len(told)
    for case in ledger["cases"]:
        one = told[case["account"], case["container_id"]]
        assert (one["search_name"], one["severity"], one["label"]) == (
            case["search_name"],
            case["severity"],
            case["label"],
        )
        assert one["status"] == case["status"], case


def test_times_to_close_are_those_of_the_scenario(admin: Client, ledger: dict[str, Any]) -> None:
    """Seconds from making to closing, case by case."""
    time = '"%Y-%m-%dT%H:%M:%S.%6NZ"'
    search = f"""{CASES} | where isnotnull(close_time)
        | eval seconds = round(strptime(close_time, {time}) - strptime(create_time, {time})) | table seconds"""
    found = sorted(int(one["seconds"]) for one in rows(admin, search))
    wanted = sorted(round(case["closed"] - case["created"]) for case in ledger["cases"] if case["closed"])
    assert found == wanted


def test_results_end_as_the_scenario_counts(admin: Client, ledger: dict[str, Any]) -> None:
    """Each result's last state, by state."""
    search = '`soar_index` sourcetype="soar:action:result" | dedup action sid rid | stats count BY status'
    found = {one["status"]: int(one["count"]) for one in rows(admin, search)}
    assert found == {status: count for status, count in ledger["results"].items() if count}


def test_prompts_end_as_the_scenario_answers(admin: Client, ledger: dict[str, Any]) -> None:
    """Answers, prompts that ran out, and those that wait."""
    search = '`soar_index` sourcetype="soar:approval" | dedup account approval_id | table status responses'
    found = Counter(
        {"pending": "waiting", "expired": ""}.get(one["status"], one.get("responses", ""))
        for one in rows(admin, search)
    )
    assert found == ledger["answers"]


def test_notes_tasks_and_failures(admin: Client, ledger: dict[str, Any]) -> None:
    """What people wrote, the tasks that they finished, the runs that failed."""
    written = '`soar_index` sourcetype="soar:note" (author=alice OR author=bob) note_type!=task'
    notes = rows(admin, f"{written} | dedup soar_event_id | stats count")
    assert int(notes[0]["count"]) == ledger["notes"]
    tasks = rows(admin, '`soar_index` sourcetype="soar:task" status=complete | stats dc(task_id) AS n BY account')
    assert sum(int(one["n"]) for one in tasks) == ledger["tasks_done"]
    failed = rows(admin, f'{RUNS} | search verdict=failed reason!="*prompt*" | stats count')
    assert int(failed[0]["count"]) == ledger["failed_runs"]


def test_what_was_contained_is_what_was_agreed_to(admin: Client, ledger: dict[str, Any]) -> None:
    """A device is quarantined for each prompt that was answered with yes, and for no other."""
    search = '`soar_index` sourcetype="soar:action_run" | where `soar_contains(action)` | dedup account app_run_id'
    found = rows(admin, f"{search} | table account container_id status action")
    assert [(one["action"], one["status"]) for one in found] == [("quarantine device", "success")] * 3
    assert len(found) == ledger["answers"]["Yes"]


def test_notables_follow_their_cases(admin: Client, ledger: dict[str, Any]) -> None:
    """Each has its comment, those of closed cases are closed; one is locked, and what analysts resolved stays."""
    search = '`soar_index` sourcetype="soar:notable_update" | table event_id outcome status comment reason'
    updates = rows(admin, search)

    def notables(outcome: str, **fields: str) -> set[str]:
        ours = (one for one in updates if one["outcome"] == outcome)
        return {
            one["event_id"] for one in ours if all(one.get(name, "").startswith(text) for name, text in fields.items())
        }

    cases, locked, kept = ledger["cases"], {ledger["locked"]}, set(ledger["kept"])
    assert notables("updated", comment="Sent to SOAR") == {case["event_id"] for case in cases} - locked
    closed = {case["event_id"] for case in cases if case["status"] == "closed"}
    assert notables("updated", status="5") == closed - locked - kept
    assert (notables("refused"), notables("kept")) == (locked, kept)
    assert len(kept) > 1
    assert {one["outcome"] for one in updates} == {"updated", "refused", "kept"}
    assert all("permission" in one["reason"] for one in updates if one["outcome"] == "refused")


def test_an_account_has_gone(admin: Client) -> None:
    """What can't be sent waits in the outbox with its reason, and the feedback of that account says why it stands."""
    (waiting,) = rows(admin, '| inputlookup soar_outbox where state="pending" | stats count BY account error_class')
    assert waiting == {"account": "soc_apac", "error_class": "not sent", "count": "3"}
    errors = rows(admin, '| inputlookup soar_checkpoint | where error!="" | table account')
    assert errors == [{"account": "soc_apac"}]
