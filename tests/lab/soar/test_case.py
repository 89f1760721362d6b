"""What people and playbooks add to a container: comments, notes, tasks, files, evidence, pins, lists."""

from __future__ import annotations

import base64
import hashlib

import pytest

from .conftest import Client


@pytest.fixture
def case(soar: Client) -> Client:
    """A stand-in with one case, container 1."""
    soar.container(container_type="case", artifacts=[{"cef": {"a": 1}}])
    return soar


@pytest.mark.parametrize("key", ["container_id", "container"])
def test_comments(case: Client, key: str) -> None:
    """Either key names the container; user and time are kept."""
    assert case.post("/rest/container_comment", {key: 1, "comment": "text"}) == {"success": True, "id": 1}
    row = case.get("/rest/container_comment", _filter_container="1")["data"][0]
    assert (row["comment"], row["user_name"], row["time"]) == ("text", "splunk", "2025-10-09T08:53:20.000000Z")


def test_notes(case: Client) -> None:
    """Required parameters are named; a null phase is fine; lists are taken; updates set the time."""
    note = {"container_id": 1, "title": "t", "note_type": "general", "content": "c", "phase": None}
    answer = case.post("/rest/note", [note, {key: note[key] for key in ("container_id", "title", "content")}])
    assert answer == [{"success": True, "id": 1}, {"failed": True, "message": "Missing required parameter: note_type"}]
    case.clock.now += 1
    case.post("/rest/note/1", {"content": "new"})
    row = case.get("/rest/note", _filter_container="1", _filter_modified_time__gt='"2025-10-09T08:53:20Z"')["data"][0]
    assert (row["content"], row["title"], row["note_format"]) == ("new", "t", "markdown")


def test_task_notes_are_not_notes_of_the_container(case: Client) -> None:
    """They are found by their task."""
    case.post("/rest/note", {"container_id": 1, "title": "t", "note_type": "task", "content": "c", "task_id": 1})
    assert case.get("/rest/container/1/notes")["count"] == 0
    assert case.ids("/rest/note", _filter_task_id="1") == [1]


def test_tasks_go_one_way(case: Client) -> None:
    """0 to 2 to 1, back to 0 from anywhere, and never from 0 to 1."""
    assert case.refused("/rest/workbook_task/1", {"status": 1})["failed"] is True
    for status in (2, 1, 0, 2, 0):
        case.post("/rest/workbook_task/1", {"status": status})
        assert case.get("/rest/workbook_task/1")["status"] == status


def test_a_task_that_needs_a_note(case: Client) -> None:
    """It can be closed with one only, and the note is kept."""
    task = case.ids("/rest/workbook_task", _filter_is_note_required="True")[0]
    case.post(f"/rest/workbook_task/{task}", {"status": 2})
    assert case.refused(f"/rest/workbook_task/{task}", {"status": 1})["message"] == "Closing note content is required"
    case.post(f"/rest/workbook_task/{task}", {"status": 1, "note": "done", "title": "T"})
    assert case.get("/rest/note", _filter_task_id=str(task))["data"][0]["content"] == "done"


def test_own_phases_and_tasks(case: Client) -> None:
    """Both can be added to a case, tasks with an owner."""
    phase = case.post("/rest/workbook_phase", {"container_id": 1, "name": "Extra"})["id"]
    task = case.post("/rest/workbook_task", {"phase_id": phase, "name": "x"})["id"]
    case.post(f"/rest/workbook_task/{task}", {"owner_id": "alice"})
    row = case.get(f"/rest/workbook_task/{task}")
    assert (row["container"], row["owner_name"], row["status"]) == (1, "alice", 0)


@pytest.mark.parametrize("metadata", [{"contains": ["vault id"]}, '{"contains": ["vault id"]}'])
def test_attachments(case: Client, metadata: object) -> None:
    """Metadata as object or text; the file comes back byte by byte, found by its SHA-1."""
    content = bytes(range(256))
    sha1 = hashlib.sha1(content, usedforsecurity=False).hexdigest()
    body = {"container_id": 1, "file_name": "a.eml", "file_content": base64.b64encode(content).decode()}
    answer = case.post("/rest/container_attachment", {**body, "metadata": metadata})
    assert (answer["succeeded"], answer["vault_id"], answer["hash"], answer["size"]) == (True, sha1, sha1, 256)
    assert case.call("GET", "/rest/download_attachment", params={"vault_id": sha1}).content == content
    row = case.get("/rest/container_attachment", _filter_vault_document__hash=f'"{sha1}"')["data"][0]
    assert (row["name"], row["contains"]) == ("a.eml", ["vault id"])
    case.refused("/rest/container_attachment", {**body, "file_content": "not base64!"})


def test_evidence(case: Client) -> None:
    """An object is evidence once."""
    body = {"container_id": 1, "object_id": 1, "content_type": "artifact"}
    assert case.post("/rest/evidence", body) == {"id": 1, "success": True}
    assert case.refused("/rest/evidence", body)["message"] == "Already added to Evidence."


def test_pins(case: Client) -> None:
    """Pins are made, changed and listed below the container."""
    case.post("/rest/container_pin", {"container_id": 1, "message": "m", "pin_type": "card_medium", "pin_style": "red"})
    case.post("/rest/container_pin/1", {"message": "new"})
    row = case.get("/rest/container/1/pins")["data"][0]
    assert (row["message"], row["pin_style"]) == ("new", "red")


def test_custom_lists(case: Client) -> None:
    """Rows are appended, changed and replaced, by id or by name; a token may delete a list."""
    assert case.post("/rest/decided_list", {"name": "block list", "content": [["a", "b"]]}) == {
        "id": 1,
        "success": True,
    }
    case.post("/rest/decided_list/block%20list", {"append_rows": [["c"]]})
    case.post("/rest/decided_list/1", {"update_rows": {"0": ["z"]}})
    assert case.get("/rest/decided_list/1")["content"] == [["z"], ["c"]]
    case.refused("/rest/decided_list/nothing", {"append_rows": [["c"]]}, status=404)
    case.refused("/rest/decided_list", {"name": "x"}, status=500)
    assert case.call("DELETE", "/rest/decided_list/1").status_code == 200


def test_custom_cef_fields(case: Client) -> None:
    """They can be made and changed; default ones can't."""
    number = case.post("/rest/cef", {"name": "myField", "data_type": ["ip"]})["id"]
    case.post(f"/rest/cef/{number}", {"data_type": ["domain"]})
    assert case.get("/rest/cef", _filter_type='"custom"')["data"][0]["data_type"] == ["domain"]
    case.refused("/rest/cef/1", {"data_type": []})


def test_severities(case: Client) -> None:
    """At most ten are active, names are short and unique."""
    for number in range(7):
        case.post("/rest/severity", {"name": f"s{number}"})
    case.refused("/rest/severity", {"name": "one-too-many"})
    assert case.container(severity="S3") == 2
