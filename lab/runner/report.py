"""What a run of an action did, as the lab tells it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

STATUSES = ("delivered", "updated", "queued", "rejected", "simulated")
"""The states that a result can be in."""

SCHEMA = 1


@dataclass(frozen=True)
class Run:
    """A playbook run.

    Args:
        id: SOAR's id of the run; None when none was started.
        playbook: ``repository/name``.
        state: its state.
        reason: why it did not start or failed.
    """

    id: str | None
    playbook: str
    state: str
    reason: str | None


@dataclass(frozen=True)
class Outcome:
    """What became of one result.

    Args:
        rid: result id.
        status: one of ``STATUSES``.
        container_id: container in SOAR.
        container_url: its page.
        artifacts: how many artifacts of the result are in it.
        runs: playbook runs.
        reason: why it was not delivered, in words that say what to do.
    """

    rid: str
    status: str
    container_id: int | None
    container_url: str | None
    artifacts: int
    runs: tuple[Run, ...]
    reason: str | None


@dataclass(frozen=True)
class Report:
    """What became of all results.

    Args:
        exit_code: the action's; with several calls the first that is not 0.
        sid: search id.
        duration_ms: how long the action's processes ran.
        results: in the order of the results file.
        problems: what contradicts the interface of actions; empty when all is well.
        notes: what the reader should know.
        stderr: the end of what the action wrote there.
        log: the action's log.
        index: folder of the indexed events.
    """

    exit_code: int
    sid: str
    duration_ms: int
    results: tuple[Outcome, ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    stderr: str
    log: Path
    index: Path

    def summary(self) -> dict[str, int]:
        """Count the results by status."""
        return counted(self.results)

    def document(self) -> dict[str, Any]:
        """Give the JSON document of ``lab send --json``."""
        return {
            "schema": SCHEMA,
            "exit_code": self.exit_code,
            "sid": self.sid,
            "duration_ms": self.duration_ms,
            "results": [asdict(outcome) for outcome in self.results],
            "summary": self.summary(),
            "problems": list(self.problems),
            "notes": list(self.notes),
        }


def counted(outcomes: Iterable[Outcome]) -> dict[str, int]:
    """Count outcomes by status, every status named."""
    counts = dict.fromkeys(STATUSES, 0)
    for outcome in outcomes:
        counts[outcome.status] += 1
    return counts


def failure_document(message: str, exit_code: int) -> dict[str, Any]:
    """Give the JSON document of a command that could not start the action."""
    return {
        "schema": SCHEMA,
        "exit_code": exit_code,
        "sid": None,
        "duration_ms": 0,
        "results": [],
        "summary": dict.fromkeys(STATUSES, 0),
        "problems": [message],
        "notes": [],
    }
