"""What a poll tells of runs whose prompts open and are answered without moving the runs' own times."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soarlink.feedback.case import Case
from soarlink.feedback.cursor import Cursor
from soarlink.feedback.event import Event
from soarlink.feedback.poll import Poll, Sinks
from soarlink.feedback.settings import FeedbackSettings
from soarlink.plan import moment

START = 1_700_000_000.0


class Soar:
    """One container with a run and its prompts, at the client's port: filters by id, by time and by run."""

    def __init__(self) -> None:
        self.now = START
        at = self.tick()
        self.tables: dict[str, list[dict[str, Any]]] = {
            "container": [{"id": 7, "name": "Case", "status": "new", "create_time": at}],
            "playbook_run": [{"id": 3, "container": 7, "status": "running", "start_time": at, "update_time": at}],
            "approval": [],
            "action_run": [{"id": 9, "container": 7, "playbook_run": 3, "status": "running", "action": "prompt"}],
        }
        self.requests = 0
        self.meanwhile: dict[int, str] = {}
        """What happens before the request of that number."""

    def tick(self, seconds: float = 1.0) -> str:
        """Time passes; the time."""
        self.now += seconds
        return moment.written(self.now)

    def happens(self, what: str) -> None:
        """A prompt opens, the open ones are answered, the run moves, or nothing but time."""
        at, approvals = self.tick(100.0 if what == "time" else 1.0), self.tables["approval"]
        if what == "ask":
            facts = {"status": "pending", "start_time": at, "close_time": None, "name": "Isolate?"}
            approvals.append({"id": len(approvals) + 1, "action_run": 9, "playbook_run": 3, **facts})
        elif what == "answer":
            for one in approvals:
                if one["status"] == "pending":
                    one.update(status="approved", close_time=at, responses=["Yes"])
        elif what == "move":
            self.tables["playbook_run"][0]["update_time"] = at

    def server_time(self) -> float:
        """Its clock."""
        return float(int(self.now))

    def records(self, resource: str, query: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
        """One list."""
        self.requests += 1
        if self.requests in self.meanwhile:
            self.happens(self.meanwhile.pop(self.requests))
        found = [dict(one) for one in self.tables.get(resource, ())]
        for name, value in query:
            if name.endswith("__gte"):
                key = name[len("_filter_") : -len("__gte")]
                found = [one for one in found if one.get(key) and one[key] >= value.strip('"')]
            elif name.endswith("__in"):
                key = name[len("_filter_") : -len("__in")]
                found = [one for one in found if str(one.get(key)) in value.strip("[]").split(",")]
            elif name == "sort":
                found.sort(key=lambda one, key=value: one[key])  # type: ignore[misc] # of this turn
        return found


class Known:
    """The cases that are known: one."""

    def __init__(self) -> None:
        self.case = Case("lab", 7, ours=True, name="Case", status="new")

    def find(self, ids: Any) -> dict[int, Case]:
        """That one."""
        return dict.fromkeys(ids, self.case)

    def change(self, case: Case) -> None:
        """What became of it."""
        self.case = case

    def save(self) -> None:
        """Nothing to write."""


class Site:
    """Polls one after another; what they told of the run."""

    def __init__(self) -> None:
        self.soar, self.known = Soar(), Known()
        self.cursors: dict[str, Cursor] = {}
        self.events: list[Event] = []
        self.now = self.read = START
        """Our clock, and when it was read last."""

    def later(self, seconds: float, set_back: float = 0.0) -> None:
        """Time passes, and SOAR's clock is set back in between."""
        self.now += seconds
        self.soar.now += seconds - set_back

    def poll(self) -> list[Event]:
        """One poll; its events of runs."""
        before = len(self.events)
        sinks = Sinks(self.events.extend, self.cursors.__setitem__, lambda: True)
        poll = Poll(self.soar, "soar", self.known, FeedbackSettings(), sinks)  # type: ignore[arg-type] # their ports
        elapsed, self.read = self.now - self.read, self.now
        assert poll.run(self.cursors, moment.written(0.0), elapsed).complete
        return [one for one in self.events[before:] if one.sourcetype == "soar:playbook_run"]


def verdicts(events: Sequence[Event]) -> list[str]:
    """What runs came to, in order."""
    return [str(one.fields["verdict"]) for one in events]


def test_a_prompt_is_a_state_of_its_run() -> None:
    """It opens, is answered, and opens again while the run's times stand still: each is told once, in order."""
    site = Site()
    told = site.poll()
    for what in ("ask", "answer", "ask"):
        site.soar.happens(what)
        told += site.poll()
        assert site.known.case.verdict == verdicts(told)[-1]
    assert site.poll() == []
    assert verdicts(told) == ["running", "waiting", "running", "waiting"]
    assert [one.time for one in told] == sorted({one.time for one in told})
    assert len({one.fields["soar_event_id"] for one in told}) == 4


def test_a_prompt_of_a_called_playbook_is_a_state_of_the_run_that_called_it() -> None:
    """Neither run's times move: the prompt opens and is answered, and both runs say so."""
    site = Site()
    (caller,) = site.soar.tables["playbook_run"]
    misc = {"parent_playbook_run": {"parent_playbook_run_id": 3}}
    site.soar.tables["playbook_run"].append({**caller, "id": 4, "misc": misc})
    site.soar.tables["action_run"][0]["playbook_run"] = 4
    site.poll()
    for what, verdict in (("ask", "waiting"), ("answer", "running")):
        site.soar.happens(what)
        site.soar.tables["approval"][0]["playbook_run"] = 4
        told = site.poll()
        assert {one.fields["run_id"]: one.fields["verdict"] for one in told} == {3: verdict, 4: verdict}
    assert site.poll() == []


@pytest.mark.parametrize("set_back", [0.0, 45.0, 300.0, 4_000.0])
@pytest.mark.parametrize("pause", [60.0, 3_600.0])
def test_a_clock_that_is_set_back_hides_nothing(set_back: float, pause: float) -> None:
    """SOAR's clock goes back, by seconds or an hour: what changes then is told by the next poll, once, and so on."""
    site = Site()
    site.later(5_000.0)
    site.soar.happens("move")
    at = site.soar.tick()
    # A later one: what changes is not among what was made last.
    site.soar.tables["playbook_run"].append(
        {**site.soar.tables["playbook_run"][0], "id": 4, "start_time": at, "update_time": at}
    )
    site.poll()
    site.later(pause / 2, set_back)
    for _ in range(3):
        site.soar.happens("move")
        site.later(pause / 2)
        assert verdicts(site.poll()) == ["running"]
        site.later(1.0)
        assert site.poll() == []
        site.later(pause / 2)
    ids = [one.fields["soar_event_id"] for one in site.events]
    assert len(ids) == len(set(ids))


HAPPENS = st.sampled_from(["ask", "answer", "move", "time"])


@given(st.lists(st.tuples(HAPPENS, st.dictionaries(st.integers(1, 16), HAPPENS, max_size=4)), max_size=6))
def test_whenever_prompts_open_the_last_verdict_is_told_and_none_twice(turns: list[tuple[str, dict[int, str]]]) -> None:
    """Between polls and between their requests: one event for each state, the latest by time says what is true."""
    site = Site()
    site.poll()
    for what, meanwhile in turns:
        site.soar.happens(what)
        site.soar.requests, site.soar.meanwhile = 0, dict(meanwhile)
        site.poll()
    site.soar.meanwhile = {}
    site.poll()
    runs = [one for one in site.events if one.sourcetype == "soar:playbook_run"]
    ids = [one.fields["soar_event_id"] for one in runs]
    assert len(ids) == len(set(ids))
    is_asked = any(one["status"] == "pending" for one in site.soar.tables["approval"])
    latest = max(runs, key=lambda one: one.time)
    assert latest.fields["verdict"] == site.known.case.verdict == ("waiting" if is_asked else "running")
