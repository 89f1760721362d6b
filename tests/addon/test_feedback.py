"""What happens in SOAR comes back: as events, once, and as a lookup; through the built input."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.runner.lab import APP, Lab
from lab.runner.polling import PollReport
from lab.runner.request import SendRequest
from tests.addon.results import write_results
from tests.addon.soar import SoarReader
from tools import build, interpreters

PAGE = 200
"""Records that the input asks for at once."""

ROWS = [{"src": f"10.30.0.{n}", "dest": f"host{n}", "event_id": f"ev@@notable@@{n}"} for n in range(3)]


@pytest.fixture(params=[(3, 9), (3, 13)], ids=["3.9", "3.13"])
def own(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Lab]:
    """A lab of the test's own."""
    found = interpreters.find(request.param)
    if found is None:
        pytest.skip(f"CPython {request.param} is not on this machine")
    with Lab(tmp_path / "lab", build=build.build().folder, python=found.path) as running:
        yield running
        assert running.splunkd.unknown_calls == []


@pytest.fixture
def soar(own: Lab) -> Iterator[SoarReader]:
    """The stand-in, as a person or a playbook uses it."""
    reader = SoarReader(own)
    yield reader
    reader.close()


def sent(lab: Lab, tmp_path: Path, **parameters: str) -> list[int]:
    """Send three results; their containers."""
    path = write_results(tmp_path / "results.csv.gz", ROWS)
    report = lab.send(SendRequest(path, parameters=parameters, search_name="Rule 1"))
    assert report.summary()["delivered"] == len(ROWS)
    return [int(one.container_id or 0) for one in report.results]


def of(report: PollReport, kind: str) -> list[dict[str, Any]]:
    """The events of one sourcetype."""
    assert report.problems == ()
    return [one["event"] for one in report.events if one["sourcetype"] == f"soar:{kind}"]


def test_a_case_comes_back_from_its_container_to_its_verdict(own: Lab, soar: SoarReader, tmp_path: Path) -> None:
    """Container, prompt, refusal, note and closing become events that name the finding; the lookup follows."""
    number, *_ = sent(own, tmp_path, playbook="local/contain_host")
    _until(lambda: any(run["status"] == "running" and run["playbook"] == 3 for run in soar.runs(number)))
    first = own.poll()
    waits = next(
        run for run in of(first, "playbook_run") if run["container_id"] == number and run["verdict"] == "waiting"
    )
    asked = next(one for one in of(first, "approval") if one["container_id"] == number)
    assert (waits["playbook"], asked["prompt"]) == ("local/contain_host", "Isolate the host?")
    assert waits["waiting_since"] == asked["start_time"]

    soar.post(f"/rest/approval/{asked['approval_id']}", {"status": "deny", "type": "manual", "responses": ["No"]})
    soar.post("/rest/note", {"container_id": number, "title": "Why", "content": "A test.", "note_type": "general"})
    _until(lambda: all(run["status"] != "running" for run in soar.runs(number)))
    soar.post(f"/rest/container/{number}", {"status": "closed"})
    second = own.poll()
    run = next(one for one in of(second, "playbook_run") if one["run_id"] == waits["run_id"])
    (answer,) = of(second, "approval")
    (container,) = of(second, "container")
    assert (run["verdict"], run["reason"]) == ("refused", "at the prompt: Isolate the host? (answer: No)")
    assert (answer["status"], answer["responses"], answer["overdue"]) == ("denied", "No", False)
    assert [note["content"] for note in of(second, "note") if note.get("title") == "Why"] == ["A test."]
    assert (container["status"], container["splunk_id"], container["search_name"]) == (
        "closed",
        "ev@@notable@@0",
        "Rule 1",
    )
    assert None not in container.values()

    row = next(one for one in own.management.documents(APP, "soar_containers", {}) if one["container_id"] == number)
    assert (row["event_id"], row["status"], row["verdict"], row["last_playbook"]) == (
        "ev@@notable@@0",
        "closed",
        "refused",
        "local/contain_host",
    )
    assert row["due"] == container["due_time"]
    assert own.poll().events == ()


def test_only_what_the_add_on_sent_comes_back(own: Lab, soar: SoarReader, tmp_path: Path) -> None:
    """A container of somebody else, and what happens in it, is left where it is; each event is a ticket."""
    ours = sent(own, tmp_path)
    soar.post("/rest/container", {"name": "theirs", "label": "events", "artifacts": [{"cef": {"a": "b"}}]})
    _until(lambda: all(run["status"] == "success" for number in ours for run in soar.runs(number)))
    report = own.poll()
    assert {one["event"]["container_id"] for one in report.events} == set(ours)
    indexed = [one for one in own.indexes.since({}) if one["sourcetype"] == "soar:container"]
    assert {tuple(sorted(one["tag"])) for one in indexed} == {("incident", "ticketing")}
    assert {one["time"] for one in report.events} == {one["event"]["time"] for one in report.events}


def test_a_killed_input_loses_nothing(own: Lab, soar: SoarReader, tmp_path: Path) -> None:
    """The input is killed again and again while things happen: every last state arrives, and once after dedup."""
    chance = random.Random(7)  # noqa: S311 - no secret
    containers = sent(own, tmp_path)
    for turn in range(6):
        own.management.empty(APP, "soar_lease")  # the one that a killed input held has run out
        with own.feedback() as feedback:
            for number in containers:
                soar.post("/rest/container_comment", {"container_id": number, "comment": f"turn {turn}"})
                soar.post(f"/rest/container/{number}", {"description": f"turn {turn}"})
            time.sleep(chance.uniform(0.2, 0.9))
            feedback.kill()
    _until(lambda: all(run["status"] == "success" for number in containers for run in soar.runs(number)))
    own.management.empty(APP, "soar_lease")
    assert own.poll().problems == ()
    raw = [one for one in own.indexes.since({}) if one["source"] == "soar_feedback"]
    states = {one["fields"]["soar_event_id"]: one["fields"] for one in raw}
    comments = Counter(one["content"] for one in states.values() if one.get("note_type") == "comment")
    for turn in range(6):
        assert comments[f"turn {turn}"] == len(containers)
    last = [one for one in states.values() if one.get("description") == "turn 5"]
    assert {int(one["container_id"]) for one in last} == set(containers)


def test_one_of_two_search_heads_polls(own: Lab, soar: SoarReader, tmp_path: Path) -> None:
    """Two inputs at once: what happens is written once, also without dedup."""
    containers = sent(own, tmp_path)
    with own.feedback(), own.feedback():
        for number in containers:
            soar.post("/rest/container_comment", {"container_id": number, "comment": "seen once"})
        _until(lambda: own.management.documents(APP, "soar_checkpoint", {}))
    own.management.empty(APP, "soar_lease")
    own.poll()
    raw = [one["fields"]["soar_event_id"] for one in own.indexes.since({}) if one["source"] == "soar_feedback"]
    assert len(raw) == len(set(raw))


def test_requests_grow_with_the_changes(own: Lab, soar: SoarReader, tmp_path: Path) -> None:
    """With 500 containers more a poll asks no more often, but for the last minute, which it reads again."""
    number, *_ = sent(own, tmp_path, automation="0")
    assert own.soar.stand_in is not None
    admin = own.soar.stand_in.admin
    asked = []
    for more in (0, 500):
        bodies = [{"name": f"more {n}", "label": "events", "run_automation": False} for n in range(more)]
        for start in range(0, more, 100):
            soar.post_list("/rest/container", bodies[start : start + 100])
        own.poll()
        own.poll()
        soar.post("/rest/container_comment", {"container_id": number, "comment": f"after {more}"})
        admin.clear_requests()
        assert [note["content"] for note in of(own.poll(), "note")] == [f"after {more}"]
        asked.append(len(admin.requests))
    again = 500 // PAGE + 1
    assert asked[0] <= asked[1] <= asked[0] + again


def test_what_soar_refuses_to_show_is_said(own: Lab, tmp_path: Path) -> None:
    """A SOAR that is away makes the poll fail with its reason, and the next one brings everything."""
    sent(own, tmp_path)
    assert own.soar.stand_in is not None
    own.soar.stand_in.admin.fault("GET /rest/container", "503", times=1)
    report = own.poll()
    assert report.exit_code == 1
    assert "503" in report.problems[0]
    assert len(of(own.poll(), "container")) == len(ROWS)


def _until(holds: Any, seconds: float = 20.0) -> None:
    """Wait for the stand-in's clock: its runs take a second."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.05)
