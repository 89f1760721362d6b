"""An incident that the built add-on carries through the lab: sent, asked, answered, closed, brought back."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from lab.demo.incident import NOTABLES_FILE
from lab.runner.lab import Lab
from lab.runner.request import SendRequest
from tests.addon.soar import SoarReader

SENT = 12
"""Notables that the lab brings; each gets a container."""
APPROVED, DENIED, CLOSED, OWNED = 3, 2, 4, 5
"""What people do with the first containers."""
_PATIENCE_SECONDS = 30


@dataclass(frozen=True)
class Incident:
    """What came of it.

    Args:
        containers: the containers, in the order of the notables.
    """

    containers: tuple[int, ...]


def carry_through(lab: Lab) -> Incident:
    """Send the lab's notables with a playbook that asks, answer some of its prompts, close some containers."""
    report = lab.send(SendRequest(NOTABLES_FILE, parameters={"playbook": "local/contain_host", "due": "+1h"}))
    numbers = tuple(int(result.container_id or 0) for result in report.results)
    assert len(numbers) == SENT, report.problems
    refused = lab.send(SendRequest(NOTABLES_FILE, parameters={"label": "nowhere"}, search_name="Refused"))
    assert refused.summary()["rejected"] == SENT
    soar = SoarReader(lab)
    try:
        _until(lambda: all(soar.approvals(number) for number in numbers))
        lab.poll()
        _answer(soar, numbers)
        lab.poll()
    finally:
        soar.close()
    return Incident(numbers)


def _answer(soar: SoarReader, numbers: tuple[int, ...]) -> None:
    answered = numbers[: APPROVED + DENIED]
    for place, number in enumerate(answered):
        approves = place < APPROVED
        words = ["Yes"] if approves else ["No, it is a server"]
        answer = {"status": "approve" if approves else "deny", "type": "manual", "responses": words}
        (prompt,) = soar.approvals(number)
        soar.post(f"/rest/approval/{prompt['id']}", answer)
    for number in numbers[:OWNED]:
        soar.post(f"/rest/container/{number}", {"status": "open", "owner_id": 1})
    soar.post("/rest/note", {"container_id": numbers[0], "title": "Why", "content": "Seen.", "note_type": "general"})
    _until(lambda: all(run["status"] != "running" for number in answered for run in soar.runs(number)))
    for number in numbers[:CLOSED]:
        soar.post(f"/rest/container/{number}", {"status": "closed"})


def _until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not done():
        assert time.monotonic() < deadline, "SOAR does not come to it"
        time.sleep(0.1)
