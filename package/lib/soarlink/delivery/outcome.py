"""What became of each row: one honest state, and what the process says at its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from soarlink.plan.shipment import RowAccount

DELIVERED = "delivered"
UPDATED = "updated"
QUEUED = "queued"
REJECTED = "rejected"
SIMULATED = "simulated"
STATES: tuple[str, ...] = (DELIVERED, UPDATED, QUEUED, REJECTED, SIMULATED)

EXIT_OK = 0
EXIT_CONFIGURATION = 3
EXIT_REJECTED = 4
EXIT_UNREACHABLE = 5
EXIT_INTERNAL = 6

CAM_STATUS: Mapping[str, str] = {
    DELIVERED: "success",
    UPDATED: "success",
    QUEUED: "pending",
    REJECTED: "failure",
    SIMULATED: "success",
}
"""Common Action Model status for each state (lookup ``cam_action_statuses``; ``pending`` as its work queue uses it)."""


_WELL = frozenset(("started", "running", "waiting", "succeeded"))
_SAID: Mapping[str, str] = {
    "started": "has started",
    "running": "is running",
    "waiting": "is waiting",
    "refused": "was refused",
    "cancelled": "was cancelled",
    "not started": "was not started:",
    "unclear": "may have started:",
}


@dataclass(frozen=True)
class PlaybookRun:
    """A playbook that the action asked SOAR to run.

    ``state`` is ``started``, ``not started`` (SOAR did not take it) or ``unclear``; where runs are followed it becomes
    the verdict (:mod:`soarlink.automation.verdict`), and ``reason`` reads on behind it.
    """

    playbook: str
    state: str
    id: str | None = None
    reason: str | None = None

    @property
    def goes_well(self) -> bool:
        """Whether nothing is wrong with it so far."""
        return self.state in _WELL

    def sentence(self) -> str:
        """The run in words."""
        reason = self.reason or ""
        said = _SAID.get(self.state, self.state) + ("," if reason.startswith("but ") else "")
        text = f'playbook "{self.playbook}" {said} {reason}'.rstrip(" .:")
        return text if text.endswith(("?", "!")) else f"{text}."


@dataclass(frozen=True)
class RowOutcome:
    """One row's state, with container and counts even when it was rejected."""

    account: RowAccount
    state: str
    container_id: int | None = None
    container_url: str | None = None
    artifacts: int = 0
    runs: tuple[PlaybookRun, ...] = ()
    reason: str | None = None
    unreachable: bool = False
    """True when the row was rejected because no answer came from SOAR, not because SOAR said no."""
    would_send: Mapping[str, Any] | None = None
    """What a dry run would have sent: container, artifacts and why, bounded."""
    answers: Mapping[str, str] | None = None
    """What playbook runs answered: flat, bounded, named as in the result event."""


def exit_code(outcomes: Mapping[str, int], *, all_unreachable: bool) -> int:
    """The action's exit code.

    Args:
        outcomes: number of rows by state.
        all_unreachable: every rejected row is one that SOAR never answered to.
    """
    if not outcomes.get(REJECTED):
        return EXIT_OK
    return EXIT_UNREACHABLE if all_unreachable else EXIT_REJECTED


def count(states: Iterable[str]) -> Mapping[str, int]:
    """Number of rows by state, every state named."""
    totals = dict.fromkeys(STATES, 0)
    for state in states:
        totals[state] += 1
    return totals
