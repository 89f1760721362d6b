"""What the busy week's scenario did, written down as it did it: figures are compared with it."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Case:
    """What became of one container, as the scenario knows it. Times are epoch seconds, 0 where it did not happen."""

    account: str
    container_id: int
    search_name: str
    severity: str
    label: str
    created: float
    event_id: str
    opened: float = 0.0
    closed: float = 0.0
    status: str = "new"
    owner: str = ""


@dataclass
class Ledger:
    """What the scenario did.

    Args:
        end: its last moment.
        cases: every container.
        results: how many results ended in which state.
        answers: prompts by answer; "" for those that ran out, "waiting" for those that wait.
        notes: notes and comments that people wrote.
        tasks_done: tasks that people finished.
        failed_runs: playbook runs that failed, prompts that ran out not counted.
        locked: the notable that nobody may change.
        kept: notables that somebody has resolved after the case was closed, before Splunk knew.
    """

    end: float
    cases: list[Case] = field(default_factory=list)
    results: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    notes: int = 0
    tasks_done: int = 0
    failed_runs: int = 0
    locked: str = ""
    kept: list[str] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """Give it as JSON."""
        return {**vars(self), "cases": [asdict(case) for case in self.cases]}
