"""Rows that wait for their playbook runs, and for what these answered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from soarlink.actions.following import Following
from soarlink.delivery.outcome import DELIVERED, QUEUED, PlaybookRun, RowOutcome
from soarlink.errors import NotSent
from soarlink.journal.ledger import Ledger
from soarlink.plan.shipment import RowAccount

ROW = RowAccount(0, "0", "", "", 1, 1, 0, ())
ENDED = RowOutcome(ROW, DELIVERED, container_id=7, runs=(PlaybookRun("local/a", "succeeded", "3"),))


class Told:
    """Keeps what rows are told, and notes it in the ledger as the clerk does."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.outcomes: list[RowOutcome] = []

    def tell(self, outcome: RowOutcome) -> None:
        """Tell a row."""
        self.outcomes.append(outcome)
        self._ledger.note_told([outcome.account.position], outcome.state)


class Reader:
    """Reads answers, or fails; keeps what it was asked."""

    def __init__(self, error: NotSent | None = None) -> None:
        self.error = error
        self.asked: list[list[Any]] = []

    def __call__(self, _: object, asked: Sequence[Any]) -> list[dict[str, str]]:
        """Read."""
        self.asked.append(list(asked))
        if self.error is not None:
            raise self.error
        return [{"enrichment.verdict": "clean"} for _ in asked]


class Connection:
    """Nothing of SOAR is asked through it: the runs have ended."""

    def close(self) -> None:
        """Close it."""


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """A ledger."""
    opened = Ledger(tmp_path / "ledger")
    yield opened
    opened.close()


def settled(ledger: Ledger, reader: Reader) -> tuple[Following, Told, set[str]]:
    """A round of a process that finds a container whose run has ended."""
    told = Told(ledger)
    following = Following(ledger, told, reader)  # type: ignore[arg-type]
    following.tell("k", [ENDED])
    left = following.settle(Connection, lambda _: False, lambda _: None)  # type: ignore[arg-type]
    return following, told, left


def test_answers_are_read_until_the_row_is_told(ledger: Ledger) -> None:
    """While SOAR is away the row is queued; the next process reads them; the one after it asks no more."""
    _, told, left = settled(ledger, Reader(NotSent("no answer")))
    assert ([one.state for one in told.outcomes], left) == ([QUEUED], {"k"})
    reader = Reader()
    _, told, left = settled(ledger, reader)
    assert [(one.state, one.answers) for one in told.outcomes] == [(DELIVERED, {"enrichment.verdict": "clean"})]
    assert (reader.asked, left) == ([[(7, [3])]], set())
    again = Reader()
    settled(ledger, again)
    assert again.asked == []


def test_given_up_the_verdict_is_told_without_answers(ledger: Ledger) -> None:
    """Nobody waits for the answers any longer: the row has its run's end, and says what is missing."""
    following, told, _ = settled(ledger, Reader(NotSent("no answer")))
    following.end("too old")
    last = told.outcomes[-1]
    assert last.state == DELIVERED
    assert last.answers is not None
    assert "no answer" in last.answers["enrichment_problem"]
