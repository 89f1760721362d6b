"""Containers: creation, validation, duplicates, update, deletion."""

from __future__ import annotations

import re

import pytest

from .conftest import PASSWORD, Client, Start

EMBEDDED = {"name": "a", "cef": {"sourceAddress": "10.0.0.1"}, "source_data_identifier": "E1-0"}


def test_creation_answers_as_the_reference_shows(soar: Client) -> None:
    """A container with an embedded artifact answers id, new_artifact_ids and artifacts."""
    body = {"name": "n", "label": "events", "source_data_identifier": "E1", "artifacts": [EMBEDDED]}
    answer = soar.post("/rest/container", body)
    assert answer == {"success": True, "id": 1, "new_artifact_ids": [1], "artifacts": [{"id": 1}]}


def test_defaults_of_a_new_container(soar: Client) -> None:
    """Status, severity, sensitivity, type, times and a UUID are set where nothing was sent."""
    found = soar.get(f"/rest/container/{soar.container()}")
    expected = {"status": "new", "severity": "medium", "sensitivity": "amber", "container_type": "default", "tenant": 0}
    assert {key: found[key] for key in expected} == expected
    assert found["create_time"] == found["start_time"] == "2025-10-09T08:53:20.000000Z"
    assert found["due_time"] == "2025-10-09T20:53:20.000000Z"
    assert found["container_update_time"] is None
    assert re.fullmatch(r"[0-9a-f-]{36}", found["source_data_identifier"])
    assert re.fullmatch(r"[0-9a-f]{32}", found["hash"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": None}, "Missing required parameter: name"),
        ({"label": None}, "Missing required parameter: label"),
        ({"label": "foobar"}, 'Label "foobar" is not a known label.'),
        ({"severity": "critical"}, 'Severity "critical" is not a known severity.'),
        ({"status": "nowhere"}, "ContainerStatus matching query does not exist."),
        ({"status": 2}, "'int' object has no attribute 'lower'"),
        ({"owner_id": "nobody"}, '"owner_id" Not found'),
        ({"owner_id": 1, "role_id": 1}, "Container cannot be assigned both an owner and a role"),
        ({"asset_id": 99}, "Unknown ingesting asset_id 99"),
        ({"label": "foobar", "severity": "critical"}, 'Label "foobar" is not a known label.'),
    ],
)
def test_refusals(soar: Client, change: dict[str, object], message: str) -> None:
    """Each fault of a body is refused with SOAR's text, the first in the documented order, and nothing is stored."""
    assert soar.refused("/rest/container", {"name": "n", "label": "events", **change})["message"] == message
    assert soar.ids("/rest/container") == []


def test_names_of_the_vocabulary(soar: Client) -> None:
    """Severities are compared without case, and those that were added count."""
    soar.soar.admin.add_severity("Critical")
    assert soar.get(f"/rest/container/{soar.container(severity='HIGH')}")["severity"] == "high"
    assert soar.get(f"/rest/container/{soar.container(severity='critical')}")["severity"] == "critical"


def test_unknown_keys_are_ignored(soar: Client) -> None:
    """What SOAR doesn't know in a body doesn't hurt."""
    assert soar.container(closing_rule_run=1, nonsense=True) == 1


def test_duplicate_points_to_the_container_that_is_there(soar: Client) -> None:
    """The same source identifier is refused with the existing id, and its artifacts are not added."""
    first = soar.container(source_data_identifier="E1")
    body = {"name": "n", "label": "events", "source_data_identifier": "E1", "artifacts": [EMBEDDED]}
    assert soar.refused("/rest/container", body) == {
        "failed": True,
        "message": "duplicate with source_data_identifier E1",
        "existing_container_id": first,
    }
    assert soar.get(f"/rest/container/{first}/artifacts")["count"] == 0


def test_the_asset_is_part_of_the_identity(soar: Client) -> None:
    """The same source identifier from an asset and from none are two containers."""
    assert soar.container(source_data_identifier="E1") != soar.container(source_data_identifier="E1", asset_id=1)


def test_duplicate_status_switch(start: Start) -> None:
    """A server that answers duplicates with 200 still says `failed`."""
    soar = start(duplicate_status=200)
    soar.container(source_data_identifier="E1")
    body = {"name": "n", "label": "events", "source_data_identifier": "E1"}
    assert soar.refused("/rest/container", body, status=200)["existing_container_id"] == 1


def test_id_key_switch(start: Start) -> None:
    """The other spelling of the artifact ids can be had."""
    answer = start(id_key="new_artifacts_ids").post("/rest/container", {"name": "n", "label": "events"})
    assert answer == {"success": True, "id": 1, "new_artifacts_ids": []}


def test_a_bad_embedded_artifact_does_not_undo_the_container(soar: Client) -> None:
    """Its answer stands at its place, the good ones are stored."""
    body = {"name": "n", "label": "events", "artifacts": [{"cef": {"a": 1}}, {"cef": "no"}, EMBEDDED]}
    answer = soar.post("/rest/container", body)
    assert [set(part) for part in answer["artifacts"]] == [{"id"}, {"failed", "message"}, {"id"}]
    assert soar.get("/rest/container/1")["artifact_count"] == 2


def test_list_of_containers(soar: Client) -> None:
    """A list is worked off in order: good ones are stored, bad ones answer at their place, the status is 200."""
    answer = soar.post(
        "/rest/container",
        [
            {"name": "a", "label": "events", "source_data_identifier": "A", "artifacts": [EMBEDDED]},
            {"name": "b", "label": "foobar"},
            {"name": "c", "label": "events", "source_data_identifier": "A"},
            "no object",
            {"id": 1, "severity": "high"},
        ],
    )
    assert answer[0] == {"success": True, "id": 1, "new_artifact_ids": [1], "artifacts": [{"id": 1}]}
    assert answer[1]["message"] == 'Label "foobar" is not a known label.'
    assert answer[2]["existing_container_id"] == 1
    assert answer[3]["failed"] is True
    assert answer[4] == {"success": True, "id": 1}
    assert soar.get("/rest/container/1")["severity"] == "high"


def test_list_of_which_nothing_succeeds(start: Start) -> None:
    """The status is that of the switch; the body is the list all the same."""
    for status in (400, 200):
        answer = start(bulk_all_failed_status=status).call("POST", "/rest/container", json=[{}, {"name": "n"}])
        assert answer.status_code == status
        assert [part["failed"] for part in answer.json()] == [True, True]


def test_update_changes_what_is_sent(soar: Client) -> None:
    """Other fields stay, tags are replaced, and the update time is set."""
    soar.container(tags=["a", "b"], description="d")
    soar.clock.now += 60
    assert soar.post("/rest/container/1", {"tags": ["c"], "name": "new"}) == {"success": True, "id": 1}
    found = soar.get("/rest/container/1")
    assert (found["tags"], found["name"], found["description"]) == (["c"], "new", "d")
    assert found["container_update_time"] == "2025-10-09T08:54:20.000000Z"


def test_closing_and_opening_again(soar: Client) -> None:
    """A resolved status sets close time and closing owner; another takes them back."""
    soar.container()
    soar.post("/rest/container/1", {"status": "closed"})
    closed = soar.get("/rest/container/1")
    assert closed["close_time"]
    assert closed["closing_owner"]
    soar.post("/rest/container/1", {"status": "open"})
    found = soar.get("/rest/container/1")
    assert (found["status"], found["close_time"], found["closing_owner"]) == ("open", None, None)


def test_owner_and_role_exclude_each_other(soar: Client) -> None:
    """Setting one clears the other; an owner may be given by name."""
    soar.container(owner_id="alice")
    assert soar.get("/rest/container/1")["owner_name"] == "alice"
    soar.post("/rest/container/1", {"role_id": 3})
    found = soar.get("/rest/container/1")
    assert (found["owner"], found["owner_name"], found["role"]) == (None, None, 3)


def test_owner_by_name_switch(start: Start) -> None:
    """A server that takes ids only refuses a name."""
    body = {"name": "n", "label": "events", "owner_id": "alice"}
    assert start(owner_by_name=False).refused("/rest/container", body)["message"] == '"owner_id" Not found'


def test_a_comment_in_an_update_writes_nothing(soar: Client) -> None:
    """It answers success, as 7.1 does, and there is no comment."""
    soar.container()
    soar.post("/rest/container/1", {"comment": "hello"})
    soar.post("/rest/container/1/comments", {"comment": "hello"})
    assert soar.get("/rest/container/1/comments")["count"] == 0


def test_required_custom_fields(soar: Client) -> None:
    """A custom field that is required must be there."""
    soar.soar.admin.require_custom_field("ticket")
    message = soar.refused("/rest/container", {"name": "n", "label": "events"})["message"]
    assert message == "Missing required parameter: custom_fields.ticket"
    assert soar.container(custom_fields={"ticket": "T-1"}) == 1


def test_case_gets_phases_and_tasks(soar: Client) -> None:
    """Promoting a container makes the phases of the template at once."""
    soar.container()
    soar.post("/rest/container/1", {"container_type": "case", "template": 1})
    phases = soar.get("/rest/container/1/phases")["data"]
    assert [phase["name"] for phase in phases] == ["Detection", "Containment", "Recovery"]
    assert len(phases[0]["tasks"]) == 2


def test_merging_a_container_into_a_case(soar: Client) -> None:
    """The child is marked, its artifacts and comments are copied."""
    case, child = soar.container(container_type="case"), soar.container(artifacts=[EMBEDDED])
    soar.post("/rest/container_comment", {"container_id": child, "comment": "c"})
    soar.post(
        f"/rest/container/{case}",
        {
            "add_to_case": True,
            "container_id": child,
            "copy_artifacts": True,
            "copy_comments": True,
        },
    )
    assert soar.get(f"/rest/container/{child}")["parent_container"] == case
    assert soar.get(f"/rest/container/{case}/artifacts")["data"][0]["cef"] == EMBEDDED["cef"]
    assert soar.get(f"/rest/container/{case}/comments")["count"] == 1


def test_deletion_takes_everything_in_it(soar: Client) -> None:
    """A person deletes; a token may not."""
    soar.container(artifacts=[EMBEDDED])
    assert soar.call("DELETE", "/rest/container/1").status_code == 403
    soar.soar.add_user("dana", PASSWORD)
    assert soar.call("DELETE", "/rest/container/1", auth=("dana", PASSWORD)).json() == {"success": True, "id": 1}
    assert soar.ids("/rest/artifact") == []
    assert soar.call("GET", "/rest/container/1").status_code == 404


def test_bulk_deletion(start: Start) -> None:
    """`ids` names several; with the switch a token may."""
    soar = start(allow_token_delete=True)
    for _ in range(3):
        soar.container()
    assert soar.call("DELETE", "/rest/container", params={"ids": "[1,3]"}).status_code == 200
    assert soar.ids("/rest/container") == [2]


def test_details(soar: Client) -> None:
    """Below a container hang its lists and its single fields; raw data is not in lists."""
    soar.container(data={"raw": 1}, artifacts=[EMBEDDED])
    lists = ("artifacts", "comments", "notes", "actions", "playbook_runs", "attachments", "approvals", "pins")
    counts = {part: soar.get(f"/rest/container/1/{part}")["count"] for part in lists}
    assert {part for part, count in counts.items() if count} == {"artifacts", "playbook_runs"}
    assert [entry["object_type"] for entry in soar.get("/rest/audit")] == ["container"]
    assert soar.get("/rest/container/1/name") == {"name": "n"}
    assert soar.get("/rest/container/1")["data"] == {"raw": 1}
    assert "data" not in soar.get("/rest/container")["data"][0]
    assert soar.get("/rest/container", include_expensive="")["data"][0]["data"] == {"raw": 1}
    assert soar.call("GET", "/rest/container/1/nonsense").status_code == 404
