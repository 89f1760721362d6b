"""Playbook starts: once per run and container, and never on a guess."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from soarlink.delivery.directory import PlaybookDirectory
from soarlink.delivery.outcome import PlaybookRun
from soarlink.delivery.playbooks import PlaybookStarts
from soarlink.delivery.progress import ContainerProgress
from soarlink.errors import (
    AuthFailed,
    MaybeSent,
    NotPermitted,
    NotSent,
    NotTried,
    Refused,
    ServerFault,
    SoarError,
    Throttled,
)
from soarlink.journal.ledger import INTENDED, Ledger, RunNote
from soarlink.plan.shipment import PlaybookCall, Shipment
from soarlink.soar.client import SoarClient
from tests.unit.samples import make_row, plan

BOOK = "local/contain_host"


class Asked(SoarClient):
    """A client whose playbook starts end as told; everything else of it is left alone."""

    def __init__(self, ledger_path: Path, answer: str | SoarError) -> None:
        self.answer = answer
        self.answers: dict[str, str | SoarError] = {}
        self.listed: list[dict[str, Any]] | SoarError = []
        self.runs: list[dict[str, Any]] | SoarError = []
        self.artifacts: set[int] | SoarError = {3}
        self.queries: list[tuple[str, str]] = []
        self.requests: list[tuple[int, str, str | Sequence[int]]] = []
        self.known_at_request: list[RunNote | None] = []
        self._ledger_path = ledger_path

    def start_playbook(
        self, container_id: int, playbook: str, scope: str | Sequence[int], inputs: Mapping[str, str] | None = None
    ) -> str:
        """Note the request, and what is on disk at that moment."""
        self.requests.append((container_id, playbook, scope))
        (ledger := Ledger(self._ledger_path)).close()
        self.known_at_request.append(ledger.run("id", playbook))
        answer = self.answers.get(playbook, self.answer)
        if isinstance(answer, SoarError):
            raise answer
        return answer

    def records(self, resource: str, query: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
        """The playbooks that SOAR lists under a name; the runs that a container has."""
        if resource == "playbook_run":
            if isinstance(self.runs, SoarError):
                raise self.runs
            least = int(dict(query).get("_filter_id__gt", "0"))
            return [one for one in self.runs if one["id"] > least]
        assert resource == "playbook"
        self.queries.append(query[0])
        if isinstance(self.listed, SoarError):
            raise self.listed
        return self.listed

    def artifact_ids(self, container_id: int, keys: Iterable[str]) -> set[int]:
        """The artifacts of these results."""
        if isinstance(self.artifacts, SoarError):
            raise self.artifacts
        return self.artifacts


Start = Callable[..., tuple[ContainerProgress, Asked]]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Return a function that starts the playbooks of a container, with one ledger for all its calls."""
    path = tmp_path / "ledger"

    def run(
        answer: str | SoarError = "46",
        *books: str | PlaybookCall,
        soar: Mapping[str, object] | None = None,
        **changes: object,
    ) -> tuple[ContainerProgress, Asked]:
        client, ledger = Asked(path, answer), Ledger(path)
        for name, value in (soar or {}).items():
            setattr(client, name, value)
        progress = ContainerProgress(container_id=7)
        for name, value in changes.items():
            setattr(progress, name, value)
        PlaybookStarts(client, ledger, PlaybookDirectory()).start(shipment(*books), progress)
        ledger.close()
        return progress, client

    return run


def shipment(*books: str | PlaybookCall) -> Shipment:
    """A container that wants these playbooks."""
    (made,) = plan([make_row()])
    calls = (PlaybookCall(book) if isinstance(book, str) else book for book in books or (BOOK,))
    return replace(made, identity="id", playbooks=tuple(calls), automation=False)


def test_the_intent_is_on_disk_before_the_request(start: Start) -> None:
    """So that no crash can lead to a second one."""
    progress, client = start()
    assert client.known_at_request == [RunNote(INTENDED, after=0)]
    assert progress.runs == (PlaybookRun(BOOK, "started", "46"),)


def test_a_run_is_asked_for_once(start: Start) -> None:
    """Again and again tried, the container has one run and tells its id."""
    start("46")
    for _ in range(2):
        progress, client = start("99")
        assert client.requests == []
        assert progress.runs == (PlaybookRun(BOOK, "started", "46"),)


@pytest.mark.parametrize(("existed", "scope"), [(False, "all"), (True, "new")])
def test_the_scope_follows_the_container(start: Start, *, existed: bool, scope: str) -> None:
    """On a join it must not work again on what it has seen."""
    _, client = start(existed=existed)
    assert client.requests == [(7, BOOK, scope)]


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (Refused("no."), "not started"),
        (NotPermitted("not yours."), "not started"),
        (MaybeSent("cut."), "unclear"),
        (ServerFault("500."), "unclear"),
    ],
)
def test_a_start_that_may_have_happened_or_was_refused_is_not_repeated(
    start: Start, error: SoarError, state: str
) -> None:
    """Told as it is, now and later; unclear says what a person can do."""
    for answer in (error, "99"):
        progress, client = start(answer)
        (run,) = progress.runs
        assert (run.state, run.id, progress.pending) == (state, None, None)
        assert str(run.reason).startswith(str(error))
        assert ("Look at the container" in str(run.reason)) == (state == "unclear")
    assert client.requests == []


@pytest.mark.parametrize(
    "error", [NotSent("away."), NotTried("later."), AuthFailed("who?"), Throttled("slow down.", retry_after=5.0)]
)
def test_a_start_that_surely_did_not_happen_is_tried_again(start: Start, error: SoarError) -> None:
    """The container waits; the next attempt asks."""
    progress, _ = start(error)
    assert (progress.runs, progress.pending) == ((), error)
    progress, client = start("46")
    assert len(client.requests) == 1
    assert progress.runs == (PlaybookRun(BOOK, "started", "46"),)


def test_a_crash_after_the_intent_is_unclear(start: Start, tmp_path: Path) -> None:
    """Nobody knows whether the request went out: never repeated."""
    ledger = Ledger(tmp_path / "ledger")
    ledger.note_run("id", BOOK, RunNote(INTENDED))
    ledger.close()
    progress, client = start()
    (run,) = progress.runs
    assert (run.state, client.requests) == ("unclear", [])
    assert "interrupted while it asked" in str(run.reason)


def test_it_waits_for_the_artifacts(start: Start) -> None:
    """Some may still arrive: nothing is asked and nothing told; refused for good: not started, and tried no more."""
    progress, client = start(error=ServerFault("500."))
    assert (progress.runs, client.requests) == ((), [])
    progress, client = start(error=Refused("no."))
    assert [run.state for run in progress.runs] == ["not started"]
    assert client.requests == []


def test_without_a_container_there_is_no_run(start: Start) -> None:
    """Nothing to run on."""
    progress, client = start(container_id=None)
    assert (progress.runs, client.requests) == ((), [])


def test_each_playbook_has_a_start_of_its_own(start: Start) -> None:
    """One that is there does not stop the other."""
    start("46", "local/a")
    progress, client = start("47", "local/a", "local/b")
    assert [run.id for run in progress.runs] == ["46", "47"]
    assert [name for _, name, _ in client.requests] == ["local/b"]


def test_one_that_waits_is_not_forgotten_when_another_starts(start: Start) -> None:
    """SOAR takes the second of two: the container is tried again for the first, and has both then."""
    slow = Throttled("slow down.")
    progress, _ = start("47", "local/a", "local/b", soar={"answers": {"local/a": slow}})
    assert progress.pending is slow
    progress, client = start("48", "local/a", "local/b")
    assert [(run.playbook, run.id) for run in progress.runs] == [("local/a", "48"), ("local/b", "47")]
    assert [name for _, name, _ in client.requests] == ["local/a"]


JOINED = PlaybookCall(BOOK, "artifacts")


@pytest.mark.parametrize("error", [MaybeSent("cut."), ServerFault("500."), NotSent("away.")])
@pytest.mark.parametrize("question", ["listed", "artifacts"])
def test_a_question_before_the_start_that_gets_no_answer_starts_nothing(
    start: Start, question: str, error: SoarError
) -> None:
    """Which playbook, which artifacts: nothing was asked to run, so it is tried again and not unclear."""
    land = {"rows": list(shipment().rows), "existed": True}
    progress, client = start("46", JOINED, soar={question: error}, **land)
    assert (progress.runs, progress.pending, client.requests) == ((), error, [])
    progress, client = start("46", JOINED, **land)
    assert client.requests == [(7, BOOK, [3])]


def test_a_scope_that_soar_refuses_to_tell_is_the_reason(start: Start) -> None:
    """Said no for good: not started, in SOAR's words."""
    rows = list(shipment().rows)
    progress, client = start("46", JOINED, soar={"artifacts": Refused("no.")}, rows=rows, existed=True)
    assert [(run.state, run.reason) for run in progress.runs] == [("not started", "no.")]
    assert (progress.pending, client.requests) == (None, [])


def listed(repository: str, *inputs: str, kind: str = "data") -> dict[str, Any]:
    """A playbook as SOAR lists it (REST reference, 6.3)."""
    spec = [{"name": name} for name in inputs]
    return {"id": 5, "name": "contain_host", "_pretty_scm": repository, "playbook_type": kind, "input_spec": spec}


TWO = [listed("local"), listed("community")]
HOST = (("host", "web01"),)


@pytest.mark.parametrize(
    ("call", "found", "words"),
    [
        (PlaybookCall("contain_host"), TWO, "in several repositories (community, local). Write which one is meant"),
        (PlaybookCall(BOOK, refusal="Its input host is empty."), [], "Its input host is empty."),
    ],
)
def test_what_can_not_be_meant_is_not_started(
    start: Start, call: PlaybookCall, found: list[dict[str, Any]], words: str
) -> None:
    """A name that means two playbooks, an input without a value."""
    progress, client = start("46", call, soar={"listed": found})
    (run,) = progress.runs
    assert (run.state, client.requests) == ("not started", [])
    assert words in str(run.reason)


@pytest.mark.parametrize(
    ("call", "found", "note"),
    [
        (PlaybookCall(BOOK), TWO, None),
        (PlaybookCall("contain_host"), [], None),
        (PlaybookCall("12"), [listed("local")], None),
        (PlaybookCall(BOOK, inputs=HOST), [listed("local", "host")], None),
        (PlaybookCall(BOOK, inputs=HOST), [listed("local", kind="data")], None),
        (PlaybookCall(BOOK, inputs=HOST), AuthFailed("not yours."), None),
        (PlaybookCall(BOOK, inputs=HOST), [listed("local", "ip")], "has no input host: its inputs are ip"),
        (PlaybookCall(BOOK), [listed("local", "host", "why")], "was not given its input host, why"),
        (PlaybookCall(BOOK, inputs=HOST), [listed("local", kind="automation")], "takes no inputs: host went along"),
    ],
)
def test_what_is_odd_is_said_and_started(
    start: Start, call: PlaybookCall, found: list[dict[str, Any]] | SoarError, note: str | None
) -> None:
    """SOAR has the last word; what the result event says of it stands in its notes."""
    progress, client = start("46", call, soar={"listed": found})
    assert [run.state for run in progress.runs] == ["started"]
    assert len(client.requests) == 1
    assert any(note in one for one in progress.notes) if note is not None else progress.notes == []


def test_a_playbook_is_looked_up_once(start: Start, tmp_path: Path) -> None:
    """However many containers of a run want it; by name, and by id."""
    client, ledger = Asked(tmp_path / "other", "46"), Ledger(tmp_path / "other")
    starts = PlaybookStarts(client, ledger, PlaybookDirectory())
    for number in range(3):
        wanted = replace(shipment(BOOK, "12"), identity=str(number))
        starts.start(wanted, ContainerProgress(container_id=number))
    ledger.close()
    assert client.queries == [("_filter_name", '"contain_host"'), ("_filter_id", "12")]
    assert len(client.requests) == 6


MINE = {"id": 8, "playbook": 5, "misc": {}}
CALLED = {"id": 9, "playbook": 5, "misc": {"parent_playbook_run": {"parent_playbook_run_id": 8}}}
OTHER = {"id": 9, "playbook": 6, "misc": {}}
OLD = {"id": 3, "playbook": 5, "misc": {}}
LOST = MaybeSent("cut.")


@pytest.mark.parametrize(
    ("runs", "existed", "found"),
    [
        ([MINE], False, "8"),
        ([MINE, CALLED, OTHER], False, "8"),
        ([], False, None),
        ([OTHER], False, None),
        ([MINE, {**MINE, "id": 9}], False, None),
        (MaybeSent("cut again."), False, None),
        (AuthFailed("not yours."), True, None),
    ],
)
def test_a_run_whose_answer_was_lost_is_looked_for(
    start: Start, runs: list[dict[str, Any]] | SoarError, found: str | None, *, existed: bool
) -> None:
    """The one run of that playbook since then is it; none, several, no answer: unclear, and never asked for again."""
    soar = {"listed": [listed("local")], "runs": runs}
    progress, client = start(LOST, soar=soar, existed=existed)
    assert [(run.state, run.id) for run in progress.runs] == [("started" if found else "unclear", found)]
    progress, again = start("99", existed=True)
    assert [run.id for run in progress.runs] == [found]
    assert (len(client.requests), again.requests) == (1, [])


def test_runs_that_were_there_before_are_others(start: Start) -> None:
    """On a join what the container had is known before anything is asked for."""
    soar = {"listed": [listed("local")], "runs": [OLD]}
    progress, client = start(LOST, soar=soar, existed=True)
    assert client.known_at_request == [RunNote(INTENDED, after=3)]
    assert [run.state for run in progress.runs] == ["unclear"]


def test_a_run_that_a_crash_left_behind_is_found(start: Start, tmp_path: Path) -> None:
    """It shows in SOAR later: it is told as started, with its id, from then on."""
    ledger = Ledger(tmp_path / "ledger")
    ledger.note_run("id", BOOK, RunNote(INTENDED, after=7))
    ledger.close()
    soar = {"listed": [listed("local")], "runs": [OLD, MINE]}
    progress, client = start("99", soar=soar, existed=True)
    assert (client.requests, progress.runs) == ([], (PlaybookRun(BOOK, "started", "8"),))
    progress, _ = start("99", existed=True)
    assert progress.runs == (PlaybookRun(BOOK, "started", "8"),)


def test_where_active_playbooks_start_too_nothing_is_told_from_a_run(tmp_path: Path) -> None:
    """It may be theirs: unclear, as before."""
    client, ledger = Asked(tmp_path / "ledger", LOST), Ledger(tmp_path / "ledger")
    client.listed, client.runs = [listed("local")], [MINE]
    progress = ContainerProgress(container_id=7)
    PlaybookStarts(client, ledger, PlaybookDirectory()).start(replace(shipment(), automation=True), progress)
    ledger.close()
    assert [run.state for run in progress.runs] == ["unclear"]
