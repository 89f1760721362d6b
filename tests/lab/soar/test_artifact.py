"""Artifacts: creation, duplicates by content, lists, update."""

from __future__ import annotations

import pytest

from .conftest import PASSWORD, Client, Start


def test_creation_counts_in_the_container(soar: Client) -> None:
    """The parent's artifact count and artifact update time follow."""
    soar.container()
    soar.clock.now += 5
    assert soar.post("/rest/artifact", {"container_id": 1, "cef": {"a": "b"}}) == {"success": True, "id": 1}
    found = soar.get("/rest/container/1")
    assert (found["artifact_count"], found["artifact_update_time"]) == (1, "2025-10-09T08:53:25.000000Z")


def test_defaults(soar: Client) -> None:
    """Name, severity, identifier and times are set where nothing was sent."""
    soar.container()
    soar.artifact(1)
    found = soar.get("/rest/artifact/1")
    assert (found["name"], found["severity"], found["cef"], found["cef_types"]) == ("artifact", "medium", {}, {})
    assert found["source_data_identifier"]
    assert found["container"] == 1
    assert found["data"] == {}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"container_id": 99}, 404),
        ({"container_id": 1, "cef": []}, 400),
        ({"container_id": 1, "tags": 5}, 400),
        ({"container_id": 1, "cef_types": {"a": "ip"}}, 400),
        ({"container_id": 1, "severity": "x"}, 400),
    ],
)
def test_refusals(soar: Client, body: dict[str, object], status: int) -> None:
    """A body that doesn't fit is refused and nothing is stored."""
    soar.container()
    soar.refused("/rest/artifact", body, status=status)
    assert soar.ids("/rest/artifact") == []


def test_same_content_is_a_duplicate(soar: Client) -> None:
    """The existing id is named; key order doesn't matter, any other content is another artifact."""
    soar.container()
    body = {"container_id": 1, "cef": {"a": "1", "b": "2"}, "source_data_identifier": "S", "run_automation": False}
    soar.post("/rest/artifact", body)
    again = {**body, "cef": {"b": "2", "a": "1"}}
    assert soar.refused("/rest/artifact", again) == {
        "failed": True,
        "message": "artifact already exists",
        "existing_artifact_id": 1,
    }
    assert soar.post("/rest/artifact", {**body, "cef": {"a": "1"}})["id"] == 2


@pytest.mark.parametrize(("dedup", "count"), [("sdi", 1), ("off", 2)])
def test_dedup_switch(start: Start, dedup: str, count: int) -> None:
    """Servers that look at the identifier only, or at nothing."""
    soar = start(artifact_dedup=dedup)
    soar.container()
    for value in ("1", "2"):
        soar.call(
            "POST", "/rest/artifact", json={"container_id": 1, "cef": {"a": value}, "source_data_identifier": "S"}
        )
    assert soar.get("/rest/artifact")["count"] == count


def test_list(soar: Client) -> None:
    """Containers may differ by element, answers come by position."""
    soar.container(), soar.container()
    answer = soar.post(
        "/rest/artifact", [{"container_id": 2, "cef": {"a": 1}}, {"container_id": 9999}, {"container_id": 1}]
    )
    assert answer[0] == {"success": True, "id": 1}
    assert answer[1]["failed"] is True
    assert answer[2] == {"success": True, "id": 2}
    assert [soar.get(f"/rest/artifact/{number}")["container"] for number in (1, 2)] == [2, 1]


def test_update_replaces_cef_and_loses_a_label_that_is_not_sent(soar: Client) -> None:
    """As on SOAR: `cef` wholesale, label clobbered, update times set."""
    soar.container()
    soar.artifact(1, cef={"a": "1", "b": "2"}, label="event", name="kept")
    soar.clock.now += 1
    soar.post("/rest/artifact/1", {"cef": {"c": "3"}})
    found = soar.get("/rest/artifact/1")
    assert (found["cef"], found["label"], found["name"]) == ({"c": "3"}, None, "kept")
    assert (
        found["update_time"] == soar.get("/rest/container/1")["artifact_update_time"] == "2025-10-09T08:53:21.000000Z"
    )


def test_deletion_answers_the_id_as_text(soar: Client) -> None:
    """8.5 answers a string."""
    soar.container()
    soar.artifact(1)
    soar.soar.add_user("dana", PASSWORD)
    assert soar.call("DELETE", "/rest/artifact/1", auth=("dana", PASSWORD)).json()["id"] == "1"
    assert soar.get("/rest/container/1")["artifact_count"] == 0


def test_registered_types_on_demand(soar: Client) -> None:
    """`include_all_cef_types` merges the registry's types in, own types win."""
    soar.container()
    soar.artifact(1, cef={"sourcePort": 22, "requestURL": "u", "x": 1}, cef_types={"requestURL": ["domain"]})
    assert soar.get("/rest/artifact/1")["cef_types"] == {"requestURL": ["domain"]}
    types = soar.get("/rest/artifact/1", include_all_cef_types="")["cef_types"]
    assert types == {"sourcePort": ["port"], "requestURL": ["domain"]}
