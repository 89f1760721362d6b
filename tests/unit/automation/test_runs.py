"""Playbook runs, and those that they called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from soarlink.automation import answers, runs
from soarlink.automation.verdict import STARTED


class Soar:
    """Answers filters on lists of numbers from records."""

    def __init__(self, **records: list[dict[str, Any]]) -> None:
        self._records = records
        self.asked: list[str] = []

    def records(self, resource: str, query: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
        """The records that the filters find."""
        self.asked.append(resource)
        found = self._records.get(resource, [])
        for name, value in query:
            field, _, operator = name.removeprefix("_filter_").partition("__")
            if operator == "in":
                found = [one for one in found if str(one.get(field)) in value.strip("[]").split(",")]
            elif operator == "gt":
                found = [one for one in found if one[field] > int(value)]
        return found


def ran(number: int, caller: object = None, *, container: int = 7, status: str = "success") -> dict[str, Any]:
    """A run, called by another."""
    misc = {} if caller is None else {"parent_playbook_run": {"parent_playbook_run_id": caller}}
    return {"id": number, "container": container, "status": status, "misc": misc, "_pretty_playbook": f"p{number}"}


DENIED = {"status": "denied", "jitc": {"message": "Go?"}}
FAILED = {"status": "failed", "name": "isolate_1", "message": "offline"}


@pytest.mark.parametrize(
    ("others", "approvals", "actions", "verdict"),
    [
        ([], [], [], ("succeeded", "")),
        ([ran(2, 1), ran(3, "2")], [], [{**FAILED, "playbook_run": 3}], ("failed", "in the action isolate_1: offline")),
        ([ran(2, 1)], [{**DENIED, "playbook_run": 2}], [], ("refused", "at the prompt: Go? (denied) (playbook p2)")),
        ([ran(2, 1, status="cancelled")], [], [], ("cancelled", "(playbook p2)")),
        ([ran(2, 1, status="running")], [], [], ("succeeded", "")),
        ([ran(2)], [{**DENIED, "playbook_run": 2}], [], ("succeeded", "")),
        ([ran(2, 1, container=8)], [{**DENIED, "playbook_run": 2}], [], ("succeeded", "")),
        ([{**ran(2), "misc": "x"}, ran(3, 3), ran(4, "x")], [{**DENIED, "playbook_run": 3}], [], ("succeeded", "")),
    ],
)
def test_a_run_answers_for_those_that_it_called(
    others: list[Any], approvals: list[Any], actions: list[Any], verdict: tuple[str, str]
) -> None:
    """Through any number of steps, each verdict with its playbook; other runs in the container have no part in it."""
    soar = Soar(playbook_run=[ran(1), *others], approval=approvals, action_run=actions)
    found = runs.verdicts(soar, [ran(1)])[1]  # type: ignore[arg-type]
    assert found.state == verdict[0]
    assert found.reason.startswith(verdict[1])
    assert bool(found.reason) == bool(verdict[1])
    assert soar.asked == ["playbook_run", "approval", "action_run"]


def test_a_run_that_soar_does_not_show_is_told_as_such() -> None:
    """It stays open, and says why nothing more is known."""
    found = runs.follow(Soar(playbook_run=[ran(1)]), [1, 9], lambda _: False, lambda _: None)  # type: ignore[arg-type]
    assert (found[1].state, found[9].state) == ("succeeded", STARTED)
    assert "SOAR does not show the run" in found[9].reason


def test_actions_of_called_playbooks_are_answers() -> None:
    """An enrichment playbook that calls others: what their apps said is told."""
    app_runs = [{"playbook_run": number, "action": f"look up {number}", "status": "success"} for number in (2, 3)]
    soar = Soar(playbook_run=[ran(1), ran(2, 1), ran(3)], app_run=app_runs)
    (found,) = answers.read(soar, [(7, [1])])  # type: ignore[arg-type]
    assert found["enrichment_actions"] == "- | look up 2 | - | success | - | -"
