"""Playbook starts: once per run and container, and never on a guess."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

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
        if isinstance(self.answer, SoarError):
            raise self.answer
        return self.answer


Start = Callable[..., tuple[ContainerProgress, Asked]]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Return a function that starts the playbooks of a container, with one ledger for all its calls."""
    path = tmp_path / "ledger"

    def run(answer: str | SoarError = "46", *books: str, **changes: object) -> tuple[ContainerProgress, Asked]:
        client, ledger = Asked(path, answer), Ledger(path)
        progress = ContainerProgress(container_id=7)
        for name, value in changes.items():
            setattr(progress, name, value)
        PlaybookStarts(client, ledger).start(shipment(*books), progress)
        ledger.close()
        return progress, client

    return run


def shipment(*books: str) -> Shipment:
    """A container that wants these playbooks."""
    (made,) = plan([make_row()])
    return replace(made, identity="id", playbooks=tuple(PlaybookCall(book) for book in books or (BOOK,)))


def test_the_intent_is_on_disk_before_the_request(start: Start) -> None:
    """So that no crash can lead to a second one."""
    progress, client = start()
    assert client.known_at_request == [RunNote(INTENDED)]
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
