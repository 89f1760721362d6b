"""Each row is told its end once, in order, and across processes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Callable

import pytest

from soarlink.actions.clerk import Clerk
from soarlink.delivery.outcome import DELIVERED, QUEUED, REJECTED, SIMULATED, UPDATED, RowOutcome
from soarlink.journal.ledger import Ledger
from soarlink.splunk import camhistory, payload
from soarlink.splunk.cam import EVENTS_PER_FILE, CommonAction
from tests.unit.actions.installed import Installed
from tests.unit.samples import SCHEDULED_SID, make_account

PAYLOAD = json.dumps({"sid": SCHEDULED_SID, "search_name": "Rule"}).encode()


class Crash(BaseException):
    """The process ends here."""


class Desk:
    """A clerk of a process, with what the processes before it left: ledger and log."""

    def __init__(self, home: Path, *, with_ledger: bool = True) -> None:
        self.action = CommonAction(payload.parse(PAYLOAD, "send_to_soar"), home)
        self.ledger = Ledger(home / "ledger")
        history = camhistory.read(home / "var/log/splunk/send_to_soar_modalert.log", SCHEDULED_SID)
        self.clerk = Clerk(self.action, self.ledger if with_ledger else None, history)

    def tell(self, state: str, *positions: int, **more: Any) -> None:
        """Announce rows and tell them a state."""
        for position in positions:
            self.clerk.announce(make_account(position))
        for position in positions:
            self.clerk.tell(RowOutcome(make_account(position), state, **more))

    def end(self) -> None:
        """End in good order."""
        self.clerk.flush()
        self.action.close()
        self.ledger.close()

    def crash(self) -> None:
        """End without another word."""
        self.action.events = []
        self.action.close()
        self.ledger.close()


Open = Callable[..., Desk]


@pytest.fixture
def desk(home: Path) -> Open:
    """Return a function that starts a process's clerk."""

    def start(**options: bool) -> Desk:
        return Desk(home, **options)

    return start


@pytest.fixture
def told(home: Path, tmp_path: Path) -> Callable[[], dict[str, list[str]]]:
    """Return a function that gives the lines and events of each row, in order."""
    installed = Installed(home, tmp_path, "", SCHEDULED_SID)

    def look() -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for line in installed.log().splitlines():
            for word in ("Invoking", "pending", "success", "failure"):
                if f'="{word}' in line:
                    rid = line.partition(' rid="')[2].partition('"')[0]
                    found.setdefault(rid, []).append(word.lower())
        for event in installed.events():
            found.setdefault(event["rid"], []).append(f"({event['status']})")
        return found

    return look


Told = Callable[[], dict[str, list[str]]]


def test_a_row_is_invoked_and_ended_once(desk: Open, told: Told) -> None:
    """Whatever processes take the run up again."""
    for _ in range(3):
        process = desk()
        process.tell(DELIVERED, 0)
        process.end()
    assert told() == {"0": ["invoking", "success", "(delivered)"]}


def test_a_queued_row_gets_its_end_from_whoever_finishes_it(desk: Open, told: Told) -> None:
    """Pending once, then the one terminal status; the row is not invoked again."""
    for states in ((QUEUED,), (QUEUED,), (UPDATED,), (UPDATED,)):
        process = desk()
        for state in states:
            process.tell(state, 0)
        process.end()
    assert told() == {"0": ["invoking", "pending", "success", "(queued)", "(updated)"]}


def test_the_end_is_the_end(desk: Open, told: Told) -> None:
    """No second terminal status, and no pending after one, whatever is found out later."""
    for state in (REJECTED, DELIVERED, QUEUED):
        process = desk()
        process.tell(state, 0)
        process.end()
    lines = [word for word in told()["0"] if not word.startswith("(")]
    assert lines == ["invoking", "failure"]


def test_a_crash_before_the_events_are_out_tells_the_event_later(desk: Open, told: Told) -> None:
    """The line is in the log, so only the event is made up for."""
    first = desk()
    first.tell(DELIVERED, 0)
    first.crash()
    assert told() == {"0": ["invoking", "success"]}
    second = desk()
    second.tell(DELIVERED, 0)
    second.end()
    assert told() == {"0": ["invoking", "success", "(delivered)"]}


def test_events_are_out_before_the_ledger_says_so(desk: Open, told: Told) -> None:
    """A crash between the two tells an event twice at the worst, never not at all."""
    process = desk()
    process.tell(REJECTED, 0)
    note = process.ledger.note_told

    def crash(positions: Sequence[int], state: str) -> None:
        raise Crash

    process.ledger.note_told = crash  # type: ignore[method-assign]
    with pytest.raises(Crash):
        process.clerk.flush()
    assert told() == {"0": ["invoking", "failure", "(rejected)"]}
    assert not process.ledger.is_told(0, REJECTED)
    process.ledger.note_told = note  # type: ignore[method-assign]
    process.crash()
    again = desk()
    again.tell(REJECTED, 0)
    again.end()
    assert again.ledger.is_told(0, REJECTED)
    assert told() == {"0": ["invoking", "failure", "(rejected)", "(rejected)"]}


def test_the_ledger_alone_is_enough(desk: Open, told: Told, home: Path) -> None:
    """A log that was cleared away makes nothing be told again."""
    process = desk()
    process.tell(DELIVERED, 0)
    process.end()
    (home / "var/log/splunk/send_to_soar_modalert.log").unlink()
    process = desk()
    process.tell(DELIVERED, 0)
    process.end()
    assert told() == {"0": ["(delivered)"]}


def test_the_log_alone_is_enough_for_lines(desk: Open, told: Told) -> None:
    """The outbox keeps no ledger of rows: a crash before the receipt must not give a second line."""
    for _ in range(2):
        process = desk(with_ledger=False)
        process.tell(DELIVERED, 0)
        process.end()
    assert [word for word in told()["0"] if not word.startswith("(")] == ["invoking", "success"]


def test_events_go_out_in_files_of_bounded_size(desk: Open, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each file is in the ledger before the next one begins."""
    monkeypatch.setattr("soarlink.actions.clerk.EVENTS_PER_FILE", 3)
    process = desk()
    process.tell(DELIVERED, *range(7))
    assert [process.ledger.is_told(n, DELIVERED) for n in range(7)] == [True] * 6 + [False]
    process.crash()
    assert sum(words.count("(delivered)") for words in told().values()) == 6
    assert EVENTS_PER_FILE >= 1_000


def test_rows_that_are_open_can_be_ended_together(desk: Open, told: Told) -> None:
    """Those that have their outcome keep it."""
    process = desk()
    process.tell(DELIVERED, 0)
    for position in (1, 2):
        process.clerk.announce(make_account(position))
    process.clerk.end_open(REJECTED, "over")
    process.clerk.end_open(REJECTED, "again")
    process.end()
    assert told() == {
        "0": ["invoking", "success", "(delivered)"],
        "1": ["invoking", "failure", "(rejected)"],
        "2": ["invoking", "failure", "(rejected)"],
    }
    assert [process.clerk.knows(n) for n in range(4)] == [True, True, True, False]


@pytest.mark.parametrize(
    ("states", "code"),
    [
        ([], 0),
        ([DELIVERED, UPDATED, SIMULATED], 0),
        ([DELIVERED, QUEUED], 0),
        ([DELIVERED, REJECTED], 4),
    ],
)
def test_totals_give_the_exit_code(desk: Open, states: list[str], code: int) -> None:
    """Rows that an earlier process told count too."""
    for _ in range(2):
        process = desk()
        for position, state in enumerate(states):
            process.tell(state, position)
        process.end()
        assert (process.clerk.rows, process.clerk.exit_code()) == (len(states), code)


def test_rejected_for_lack_of_an_answer_is_a_code_of_its_own(desk: Open) -> None:
    """Unless one of them was refused."""
    process = desk()
    process.tell(REJECTED, 0, unreachable=True)
    assert process.clerk.exit_code() == 5
    process.tell(REJECTED, 1)
    assert process.clerk.exit_code() == 4
    process.end()
