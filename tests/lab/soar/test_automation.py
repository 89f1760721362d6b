"""Automation: what starts active playbooks, how runs go, by the stand-in's clock."""

from __future__ import annotations

import json

import pytest

from lab.soar import Outcome

from .conftest import Client, Start

RUN = {"container_id": 1, "playbook_id": "local/contain_host", "scope": "all", "run": True}


def test_embedded_artifacts_trigger_once(soar: Client) -> None:
    """Three artifacts in one POST start automation once, and one run of the active playbook."""
    soar.container(artifacts=[{"cef": {"a": number}} for number in range(3)])
    assert soar.soar.admin.triggers == {1: 1}
    assert soar.get("/rest/container/1/playbook_runs")["count"] == 1
    assert soar.get("/rest/container/1/playbook_runs")["data"][0]["last_artifact"] == 3


def test_separate_artifacts_trigger_by_their_own_flag(soar: Client) -> None:
    """Each element of a list decides for itself; true is the default."""
    soar.container()
    flags: list[dict[str, object]] = [{"run_automation": False}, {}, {"run_automation": True}]
    soar.post("/rest/artifact", [{"container_id": 1, "cef": {"n": n}, **flag} for n, flag in enumerate(flags)])
    assert soar.soar.admin.triggers == {1: 2}


def test_a_bare_container_triggers_only_when_told(soar: Client) -> None:
    """`run_automation` of the container counts when no artifact came with it."""
    soar.container()
    soar.container(run_automation=True)
    assert soar.soar.admin.triggers == {2: 1}


def test_duplicates_and_refusals_trigger_nothing(soar: Client) -> None:
    """What was not stored starts nothing."""
    soar.container(source_data_identifier="E", artifacts=[{"cef": {}}])
    soar.refused("/rest/container", {"name": "n", "label": "events", "source_data_identifier": "E", "artifacts": [{}]})
    soar.refused("/rest/artifact", {"container_id": 77}, status=404)
    assert soar.soar.admin.triggers == {1: 1}


def test_only_playbooks_of_the_label_run(soar: Client) -> None:
    """An active playbook for `email` leaves `events` alone."""
    soar.soar.admin.set_playbook("local/splunk_triage", active=False)
    soar.soar.admin.set_playbook("local/phishing_triage", active=True)
    soar.container(label="events", run_automation=True)
    soar.container(label="email", run_automation=True)
    assert [run["container"] for run in soar.get("/rest/playbook_run")["data"]] == [2]


def test_a_run_follows_the_clock(soar: Client) -> None:
    """pending, running, success at the switches' delays, with the times of the changes."""
    soar.container()
    answer = soar.post("/rest/playbook_run", {**RUN, "playbook_id": "local/splunk_triage"})
    assert answer == {"playbook_run_id": "1", "received": True}
    states = []
    for step in (0.0, 0.19, 0.02, 0.98, 0.02):
        soar.clock.now += step
        states.append(soar.get("/rest/playbook_run/1")["status"])
    assert states == ["pending", "pending", "running", "running", "success"]
    found = soar.get("/rest/playbook_run/1")
    assert found["update_time"] == "2025-10-09T08:53:21.200000Z"
    assert json.loads(found["message"])["playbook"] == "local/splunk_triage"
    assert [row["message_type"] for row in soar.get("/rest/playbook_run/1/log", page_size="0")["data"]] == [1, 1]


def test_filters_see_the_state_of_now(soar: Client) -> None:
    """A list by status is up to date without the run having been read before."""
    soar.container()
    soar.post("/rest/playbook_run", {**RUN, "playbook_id": "splunk_triage"})
    soar.clock.now += 10
    assert soar.ids("/rest/playbook_run", _filter_status='"success"', _filter_container="1") == [1]


def test_outcomes_leave_their_traces(start: Start) -> None:
    """Comment, note, status, severity and tags are written with the time at which the run ended."""
    outcome = Outcome(
        comment="c", note=("t", "x"), container_status="closed", severity="high", tags=("done",), outputs={"v": [1]}
    )
    soar = start(outcomes={"local/contain_host": outcome})
    soar.container(tags=["a"])
    soar.post("/rest/playbook_run", RUN)
    soar.clock.now += 100
    found = soar.get("/rest/container/1")
    assert (found["status"], found["severity"], found["tags"]) == ("closed", "high", ["a", "done"])
    assert found["container_update_time"] == "2025-10-09T08:53:21.200000Z"
    assert soar.get("/rest/container/1/comments")["data"][0]["comment"] == "c"
    assert soar.get("/rest/container/1/notes")["data"][0]["title"] == "t"
    assert soar.get("/rest/playbook_run/1")["outputs"] == {"v": [1]}


def test_failed_outcome(start: Start) -> None:
    """The run fails with the message, and the log has an error."""
    soar = start(outcomes={"local/contain_host": Outcome(status="failed", message="no route")})
    soar.container()
    soar.post("/rest/playbook_run", RUN)
    soar.clock.now += 2
    assert soar.get("/rest/playbook_run/1")["status"] == "failed"
    assert [row["message"] for row in soar.get("/rest/playbook_run/1/log", _filter_message_type="0")["data"]] == [
        "no route"
    ]


def test_actions_of_a_run(soar: Client) -> None:
    """A scripted run reports actions on the values that its artifacts hold."""
    soar.container(artifacts=[{"cef": {"sourceAddress": "10.0.0.1"}}])
    soar.post("/rest/playbook_run", {**RUN, "playbook_id": "local/phishing_triage"})
    soar.clock.now += 2
    runs = soar.get("/rest/container/1/actions")["data"]
    assert [run["action"] for run in runs] == ["geolocate ip"]
    app_run = soar.get(f"/rest/action_run/{runs[0]['id']}/app_runs", include_expensive="")["data"][0]
    assert app_run["result_data"][0]["parameter"] == {"ip": "10.0.0.1"}


def test_a_prompt_waits_for_its_answer(soar: Client) -> None:
    """The run stays running until the approval is answered, then ends."""
    soar.container()
    soar.post("/rest/playbook_run", RUN)
    soar.clock.now += 60
    assert soar.get("/rest/playbook_run/1")["status"] == "running"
    params = {"_filter_status": '"pending"', "_filter_action_run__container_id": '"1"', "sort": "start_time"}
    approval = soar.get("/rest/approval", **params)["data"][0]
    assert (approval["type"], approval["message"]) == ("manual", "pending-manual-action")
    soar.post(f"/rest/approval/{approval['id']}", {"status": "approve", "responses": ["Yes"]})
    soar.clock.now += 1
    assert soar.get("/rest/playbook_run/1")["status"] == "success"
    assert soar.get(f"/rest/approval/{approval['id']}")["responses"] == ["Yes"]
    soar.refused(f"/rest/approval/{approval['id']}", {"status": "deny"})


def test_an_unanswered_prompt_expires(soar: Client) -> None:
    """Past its due time the approval is expired and the run has failed."""
    soar.container()
    soar.post("/rest/playbook_run", RUN)
    soar.clock.now += 3600
    assert soar.get("/rest/playbook_run/1")["status"] == "failed"
    assert soar.get("/rest/container/1/approvals")["data"][0]["status"] == "expired"


@pytest.mark.parametrize(
    ("answer", "contained"),
    [
        ({"status": "approve", "responses": ["Yes"]}, ["quarantine device"]),
        ({"status": "approve", "responses": ["No"]}, []),
        ({"status": "deny"}, []),
        (None, []),
    ],
)
def test_nothing_is_done_without_a_yes(soar: Client, answer: dict[str, object] | None, contained: list[str]) -> None:
    """Behind a prompt a run acts when somebody agrees: not when they refuse, nor when nobody answers."""
    soar.container(artifacts=[{"cef": {"destinationHostName": "FIN-WS-042"}}])
    soar.post("/rest/playbook_run", RUN)
    soar.clock.now += 60
    if answer is not None:
        soar.post(f"/rest/approval/{soar.get('/rest/approval')['data'][0]['id']}", answer)
    soar.clock.now += 3600
    done = soar.get("/rest/action_run", _filter_type='"contain"')["data"]
    assert [one["action"] for one in done] == contained
    assert [one["status"] for one in done] == ["success"] * len(contained)


@pytest.mark.parametrize(("scope", "artifacts"), [("new", [2, 3]), ("all", [1, 2, 3]), ([1, 3], [1, 3])])
def test_scope(soar: Client, scope: object, artifacts: list[int]) -> None:
    """`new` are the artifacts since the playbook's last run on that container."""
    soar.container()
    soar.artifact(1, cef={"n": 1})
    soar.post("/rest/playbook_run", RUN)
    soar.artifact(1, cef={"n": 2}), soar.artifact(1, cef={"n": 3})
    soar.post("/rest/playbook_run", {**RUN, "scope": scope})
    soar.clock.now += 4000
    assert json.loads(soar.get("/rest/playbook_run/2")["message"])["result"] == artifacts


@pytest.mark.parametrize(
    ("change", "status", "message"),
    [
        ({"playbook_id": 9999, "container_id": 9999}, 404, 'Playbook "9999" not found'),
        ({"playbook_id": "local/nothing"}, 404, 'Playbook "local/nothing" not found'),
        ({"container_id": 9999}, 404, "Requested item not found"),
        ({"run": False}, 400, "Missing required parameter: run"),
        ({"scope": "some"}, 400, 'Invalid value for scope: expected "new", "all" or a list of artifact ids'),
        ({"scope": [77]}, 400, "Artifact 77 is not in container 1"),
    ],
)
def test_refused_runs(soar: Client, change: dict[str, object], status: int, message: str) -> None:
    """The playbook is looked up first; nothing is queued."""
    soar.container()
    assert soar.refused("/rest/playbook_run", {**RUN, **change}, status=status)["message"] == message
    assert soar.ids("/rest/playbook_run") == []


@pytest.mark.parametrize("inputs", [{"indicators": ["10.0.0.1"]}, '{"indicators": ["10.0.0.1"]}'])
def test_inputs_as_object_or_text(soar: Client, inputs: object) -> None:
    """A data playbook's inputs are stored as an object either way."""
    soar.container()
    soar.post("/rest/playbook_run", {**RUN, "playbook_id": "local/enrich_indicators", "inputs": inputs})
    assert soar.get("/rest/playbook_run/1")["inputs"] == {"indicators": ["10.0.0.1"]}


def test_cancelling(soar: Client) -> None:
    """A run that is under way is cancelled for good; one that has ended stays as it is."""
    soar.container()
    soar.post("/rest/playbook_run", RUN)
    assert soar.post("/rest/playbook_run/1", {"cancel": True})["cancelled"] == 1
    soar.clock.now += 100
    assert soar.get("/rest/playbook_run/1")["status"] == "cancelled"
    assert soar.post("/rest/playbook_run/1", {"cancel": True})["cancelled"] == 0


def test_playbooks(soar: Client) -> None:
    """The list as a picker reads it; data playbooks can't be activated, `python` is left out."""
    rows = soar.get("/rest/playbook", page_size="0", pretty="", _filter_active="True")["data"]
    assert [f"{row['_pretty_scm']}/{row['name']}" for row in rows] == ["local/splunk_triage"]
    assert "python" not in rows[0]
    data = soar.ids("/rest/playbook", _filter_playbook_type='"data"')
    soar.refused(f"/rest/playbook/{data[0]}", {"active": True})
    assert soar.post("/rest/playbook/2", {"active": True}) == {"message": "Operation successful", "success": True}
    assert soar.ids("/rest/playbook", _filter_active="True") == [1, 2]
    assert soar.ids("/rest/playbook", _filter_labels__contains='"email"') == [2]
    assert soar.ids("/rest/playbook", _filter_scm="1") == [1, 2, 3, 4]
    assert soar.call("GET", "/rest/playbook", params={"_filter_scm": '"local"'}).status_code == 400


def test_an_action_run(soar: Client) -> None:
    """An action goes through its states; without an app it is queued and fails."""
    soar.container()
    target = {"assets": ["maxmind"], "app_id": 1, "parameters": [{"ip": "8.8.8.8"}]}
    body = {"action": "lookup ip", "container_id": 1, "name": "x", "targets": [target]}
    assert soar.post("/rest/action_run", body)["action_run_id"] == 1
    soar.post("/rest/action_run", {**body, "targets": [{key: target[key] for key in ("assets", "parameters")}]})
    assert soar.get("/rest/action_run/1")["status"] == "pending"
    soar.clock.now += 2
    assert [run["status"] for run in soar.get("/rest/action_run")["data"]] == ["success", "failed"]
    assert soar.get("/rest/action_run/2")["message"] == "app_id has invalid format"
    assert soar.ids("/rest/app_run", _filter_action_run="1") == [1]
    assert soar.call("GET", "/rest/action_run/1/log").status_code == 400
