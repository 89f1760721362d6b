"""What people and playbooks do with cases in SOAR, and what of it must be back in Splunk: all of it, once."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from lab.runner.lab import APP, Lab
from lab.runner.report import Report
from lab.runner.request import SendRequest
from lab.splunkd.installation import set_local
from lab.splunkd.notables import NotableBoard
from tests.addon.results import write_results
from tests.addon.soar import SoarReader
from tests.faults.cases import PLAYBOOK_NAME

ROWS = 3
"""Results of each alert: containers."""

CLOSED = "5"
"""Enterprise Security's status Closed, which the shipped rule ``status_closed`` sets."""

SLOW_SECONDS = 0.02
"""Latency of SOAR and of the KV store."""

POLL_SECONDS = 1.0
"""About as long as a poll takes, from its first request on: it is killed within."""

_RULES = ("comment_on_close", "status_closed")
_PATIENCE = 30.0

Indexed = Mapping[str, Any]


class Casework:
    """Containers of a lab with Enterprise Security, from the alert to their end.

    Args:
        lab: a lab of its own with Enterprise Security.
        folder: for files.
        seed: of what happens.
    """

    def __init__(self, lab: Lab, folder: Path, seed: int) -> None:
        self._lab = lab
        self._folder = folder
        self._chance = random.Random(seed)  # noqa: S311 - what a test does
        self._soar = SoarReader(lab)
        self._alerts = 0
        self.containers: dict[int, str] = {}
        """Container → its notable."""
        self._said: Counter[tuple[int, str]] = Counter()
        set_local(lab.home.root, "authorize", "role_admin", {"edit_notable_events": "enabled"})
        for rule in _RULES:
            assert lab.management.post(f"/servicesNS/nobody/{APP}/{APP.lower()}_writeback/{rule}", {"disabled": "0"})

    def close(self) -> None:
        """Close the connection."""
        self._soar.close()

    @property
    def board(self) -> NotableBoard:
        """Enterprise Security's side."""
        assert self._lab.splunkd.notables is not None
        return self._lab.splunkd.notables

    def send(self) -> Report:
        """A correlation search finds something: notables, and containers with a playbook that asks an analyst."""
        number, self._alerts = self._alerts, self._alerts + 1
        sid = f"scheduler__admin__search__RMD5case{number:04d}_at_1700000000_1"
        rows = [{"src": f"10.60.{number}.{row}", "event_id": f"case{number}@@notable@@{row}"} for row in range(ROWS)]
        for row, fields in enumerate(rows):
            self.board.add(fields["event_id"], sid, str(row))
        path = write_results(self._folder / "case.csv.gz", rows)
        report = self._lab.send(SendRequest(path, sid=sid, parameters={"playbook": f"local/{PLAYBOOK_NAME}"}))
        assert report.problems == ()
        return report

    def learn(self) -> None:
        """Look up the containers in SOAR."""
        for one in self._soar.all_containers():
            origin = self._soar.container(one["id"])["data"]["splunk"]
            self.containers[one["id"]] = origin["event_id"]
        assert len(self.containers) == self._alerts * ROWS

    def act(self) -> None:
        """Somebody does something to a case."""
        number = self._chance.choice(sorted(self.containers))
        self._chance.choice((self._comment, self._note, self._change, self._start, self._answer))(number)

    def finish(self) -> None:
        """All prompts are answered, all runs end, all cases are closed."""
        _wait(lambda: all(self._answer(number) for number in self.containers))
        for number in self.containers:
            self._soar.post(f"/rest/container/{number}", {"status": "closed"})

    def _comment(self, number: int) -> None:
        self._soar.post("/rest/container_comment", {"container_id": number, "comment": self._words(number)})

    def _note(self, number: int) -> None:
        body = {"container_id": number, "title": "t", "content": self._words(number), "note_type": "general"}
        self._soar.post("/rest/note", body)

    def _words(self, number: int) -> str:
        words = f"said {self._said.total()}"
        self._said[number, words] += 1
        return words

    def _change(self, number: int) -> None:
        severity = self._chance.choice(["low", "medium", "high"])
        self._soar.post(f"/rest/container/{number}", {"severity": severity, "description": f"{self._said.total()}"})

    def _start(self, number: int) -> None:
        body = {"container_id": number, "playbook_id": "local/phishing_triage", "scope": "all", "run": True}
        self._soar.post("/rest/playbook_run", body)

    def _answer(self, number: int) -> bool:
        """Answer what a case's playbooks ask; True when they have all come to an end."""
        for asked in self._soar.approvals(number):
            if asked["status"] == "pending":
                how, words = self._chance.choice([("approve", "Yes"), ("deny", "No")])
                answer = {"status": how, "type": "manual", "responses": [words]}
                self._soar.post(f"/rest/approval/{asked['id']}", answer)
        return all(run["status"] not in {"pending", "running"} for run in self._soar.runs(number))

    def check(self, events: Iterable[Indexed]) -> None:
        """Everything is back: as events, once after ``dedup soar_event_id``; in the lookup; on the notables, once."""
        states: dict[str, Indexed] = {}
        for one in events:
            if one["source"] == "soar_feedback" and "soar_event_id" in one["fields"]:
                states.setdefault(one["fields"]["soar_event_id"], one)
        self._check_events(states.values())
        self._check_lookup()
        self._check_notables()

    def _check_events(self, states: Iterable[Indexed]) -> None:
        by_type: dict[str, list[Mapping[str, Any]]] = {}
        for one in states:
            by_type.setdefault(one["sourcetype"], []).append(one["fields"])
        said = Counter((int(one["container_id"]), one["content"]) for one in by_type["soar:note"])
        written = Counter((one["container"], one["comment"]) for one in self._soar.records("container_comment"))
        written.update((one["container"], one["content"]) for one in self._soar.records("note"))
        assert said == written
        assert self._said <= written
        for sourcetype, key, resource in (
            ("soar:playbook_run", "run_id", "playbook_run"),
            ("soar:action_run", "app_run_id", "app_run"),
            ("soar:approval", "approval_id", "approval"),
            ("soar:container", "ticket_id", "container"),
        ):
            told = Counter((int(one[key]), one["status"]) for one in by_type.get(sourcetype, ()))
            ends = {(one["id"], one["status"]) for one in self._soar.records(resource)}
            assert ends <= set(told), sourcetype
            if resource != "container":  # which is told again each time it changes
                assert all(told[end] == 1 for end in ends), sourcetype

    def _check_lookup(self) -> None:
        rows = {one["container_id"]: one for one in self._lab.management.documents(APP, "soar_containers", {})}
        assert {number: row["event_id"] for number, row in rows.items()} == self.containers
        assert {row["status"] for row in rows.values()} == {"closed"}
        for number, row in rows.items():
            assert int(row["last_run_id"]) in {run["id"] for run in self._soar.runs(number)}
            assert row["verdict"] in {"succeeded", "refused"}, row

    def _check_notables(self) -> None:
        for number, event_id in self.containers.items():
            reviews = [one for one in self.board.reviews if one["rule_id"] == event_id]
            lines = Counter(line for one in reviews for line in one["comment"].splitlines())
            assert sorted(line.split(",")[0] for line in lines) == [
                f"SOAR container {number} is closed.",
                f"Sent to SOAR: container {number}",
            ]
            assert set(lines.values()) == {1}, (event_id, reviews)
            assert [one["status"] for one in reviews].count(CLOSED) == 1, (event_id, reviews)


def _wait(holds: Callable[[], bool]) -> None:
    """Wait for the stand-in's clock: its runs take a second."""
    deadline = time.monotonic() + _PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.05)


def kill_feedback(lab: Lab, folder: Path, *, seed: int, kills: int, seconds: float) -> int:
    """Kill the feedback input at random moments while cases live, let it come to its end, and check all of it.

    Args:
        lab: a lab of its own with Enterprise Security.
        folder: for files.
        seed: of moments and of what happens.
        kills: how many SIGKILLs of a running input.
        seconds: the longest time for them.

    Returns:
        How often a running input was killed.
    """
    chance = random.Random(seed)  # noqa: S311 - the moments of a test
    work = Casework(lab, folder, seed)
    assert lab.soar.stand_in is not None
    admin = lab.soar.stand_in.admin
    # A poll is to take its time, so that it is met in each of its steps.
    admin.latency_ms = 1000 * SLOW_SECONDS
    lab.splunkd.fault("GET|POST", "storage/collections|notable_update", slow=SLOW_SECONDS)
    done, until = 0, time.monotonic() + seconds
    try:
        while done < kills and time.monotonic() < until:
            if not work.containers or not chance.randrange(25):
                work.send()
                work.learn()
            lab.management.empty(APP, "soar_lease")  # the one that a killed input held has run out
            for _ in range(chance.randrange(6)):
                work.act()
            before = len(admin.requests)
            with lab.feedback() as feedback:
                _wait(lambda before=before: len(admin.requests) > before)  # type: ignore[misc] # of this turn
                time.sleep(chance.uniform(0.0, POLL_SECONDS))
                done += feedback.is_running
                feedback.kill()
        admin.latency_ms = 0
        lab.splunkd.clear_faults()
        _close_all(lab, work)
    finally:
        work.close()
    return done


def _close_all(lab: Lab, work: Casework) -> None:
    work.finish()
    lab.management.empty(APP, "soar_lease")
    assert lab.poll().problems == ()
    assert lab.poll().events == ()
    work.check(lab.indexes.since({}))
