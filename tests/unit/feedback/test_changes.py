"""Nothing that changes in SOAR is missed, nothing is told twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soarlink.feedback import changes as module
from soarlink.feedback.changes import changes
from soarlink.feedback.cursor import Cursor, cursor_of, state_of
from soarlink.plan import moment

START = 1_700_000_000.0
TIMES = ("create_time", "update_time")


class Soar:
    """Records with two times, answering filters as SOAR does; between two requests the next edit happens."""

    def __init__(self, edits: Sequence[tuple[int, int]] = ()) -> None:
        self.records: dict[int, dict[str, Any]] = {}
        self.now = START
        self._edits = iter(edits)
        self.requests = 0

    def edit(self, number: int, step: int) -> None:
        """Make the record, or change it; time moves by `step` seconds (0: at the same moment as the last)."""
        self.now += step
        at = moment.written(self.now)
        if number in self.records:
            self.records[number]["update_time"] = at
        else:
            self.records[number] = {"id": number, "create_time": at, "update_time": None}

    def ask(self, query: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
        """One request."""
        self.requests += 1
        for edit in [next(self._edits, None)]:
            if edit:
                self.edit(*edit)
        given_query = dict(query)
        found = [dict(record) for record in self.records.values() if self._holds(record, query)]
        name = given_query["sort"]
        found.sort(key=lambda record: (str(record[name]) if name != "id" else record["id"], -record["id"]))
        return found[: int(given_query["page_size"])]

    @staticmethod
    def _holds(record: dict[str, Any], query: Sequence[tuple[str, str]]) -> bool:
        for key, text in query:
            if not key.startswith("_filter_"):
                continue
            name, _, operator = key[len("_filter_") :].partition("__")
            value = record[name]
            wanted: Any = int(text) if name == "id" else text.strip('"')
            if value is None:
                return False
            if not {"gte": value >= wanted, "gt": value > wanted, "": value == wanted}[operator]:
                return False
        return True


def poll(soar: Soar, cursor: Cursor, told: list[str]) -> Cursor:
    """One poll of both times, as the feedback does it; the cursor goes through its JSON."""
    for name in TIMES:
        for page in changes(soar.ask, name, cursor.since(name, moment.written(START - 1))):
            states = [state_of(record, TIMES)[0] for record in page]
            told += [state for state in states if not cursor.knows(state)]
            cursor = cursor.moved(name, [(state, str(one[name])) for state, one in zip(states, page)])
    return cursor_of(cursor.document())


EDITS = st.lists(st.tuples(st.integers(1, 12), st.integers(0, 2)), max_size=60)


@settings(max_examples=300)
@given(EDITS, EDITS, st.integers(2, 4))
def test_every_last_state_is_told_once(before: list[tuple[int, int]], during: list[tuple[int, int]], page: int) -> None:
    """Records change before and while they are read, many at the same moment: each state is told once, the last too."""
    soar = Soar(during)
    for edit in before:
        soar.edit(*edit)
    told: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "PAGE", page)
        cursor = Cursor()
        for _ in range(len(during) + 2):
            cursor = poll(soar, cursor, told)
    assert len(told) == len(set(told))
    assert {state_of(record, TIMES)[0] for record in soar.records.values()} <= set(told)


def test_what_changed_in_a_long_time_without_polls_is_read() -> None:
    """A poll goes on where the last one ended, also when that is further back than the first poll looks."""
    position = moment.written(START)
    cursor = Cursor().moved("update_time", [("1@a", position)])
    assert cursor.since("update_time", moment.written(START + 86_400)) < position
    assert cursor.since("create_time", moment.written(START + 86_400)) == moment.written(START + 86_400)


def test_requests_grow_with_the_changes() -> None:
    """Of 5,000 old records two changed: two requests, not one for each page of them."""
    soar = Soar()
    for number in range(1, 5_001):
        soar.edit(number, 1)
    told: list[str] = []
    cursor = poll(soar, Cursor(), told)
    assert (len(told), soar.requests) == (5_000, 27)
    for number in (17, 4_000):
        soar.edit(number, 600)
    told.clear()
    soar.requests = 0
    poll(soar, cursor, told)
    assert (len(told), soar.requests) == (2, 2)


def test_a_late_commit_is_found() -> None:
    """A record that appears with a time from before the last one that was read is told by the next poll."""
    soar = Soar()
    soar.edit(1, 30)
    told: list[str] = []
    cursor = poll(soar, Cursor(), told)
    soar.records[2] = {"id": 2, "create_time": moment.written(START + 5), "update_time": None}
    told.clear()
    poll(soar, cursor, told)
    assert told == [f"2@{moment.written(START + 5)}"]


def test_a_cursor_never_goes_back() -> None:
    """A page of older records, as the overlap brings them, leaves the position where it was."""
    cursor = Cursor().moved("create_time", [("1@a", moment.written(START + 100))])
    again = cursor.moved("create_time", [("2@b", moment.written(START + 50))])
    assert again.positions == cursor.positions
    assert again.knows("2@b")
    assert not again.moved("create_time", [("3@c", moment.written(START + 500))]).knows("2@b")
