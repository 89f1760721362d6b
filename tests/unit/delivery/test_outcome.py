"""States, exit codes, and what a container's progress says of its rows."""

from __future__ import annotations

import pytest

from soarlink.delivery import outcome
from soarlink.delivery.outcome import DELIVERED, QUEUED, REJECTED, STATES, UPDATED, PlaybookRun
from soarlink.delivery.progress import ContainerProgress
from soarlink.errors import AuthFailed, NotSent, Refused, SoarError
from tests.unit.samples import make_account, make_row, plan

STARTED = PlaybookRun("l/p", "started", id="1")


@pytest.mark.parametrize(
    ("states", "unreachable", "code"),
    [
        ([], True, 0),
        (["delivered", "updated", "queued", "simulated"], False, 0),
        (["delivered", "rejected"], False, 4),
        (["rejected"], True, 5),
    ],
)
def test_the_exit_code_is_0_only_when_no_row_is_rejected(states: list[str], unreachable: bool, code: int) -> None:  # noqa: FBT001
    """Rejected rows give 4, or 5 when SOAR never answered."""
    assert outcome.exit_code(outcome.count(states), all_unreachable=unreachable) == code


def test_every_state_is_counted_and_has_its_status() -> None:
    """No state without a number, none without a Common Action Model status."""
    assert outcome.count(["rejected", "rejected"]) == {**dict.fromkeys(STATES, 0), "rejected": 2}
    assert set(outcome.CAM_STATUS) == set(STATES)


def progress(**changes: object) -> ContainerProgress:
    """Container 7 with two rows of two artifacts each."""
    made = ContainerProgress(container_id=7, rows=[make_account(0, 2), make_account(1, 2)])
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def test_rows_whose_artifacts_all_landed_are_delivered_or_updated() -> None:
    """It depends on whether the container was there."""
    for existed, state in ((False, DELIVERED), (True, UPDATED)):
        made = progress(existed=existed, runs=(STARTED,))
        for owner in (0, 0, 1, 1):
            made.land(owner, None)
        assert [(row.state, row.artifacts, row.container_id) for row in made.outcomes("u", keep=True)] == [
            (state, 2, 7)
        ] * 2
        assert made.is_complete


def test_a_row_with_one_refused_artifact_is_rejected_and_its_neighbour_is_not() -> None:
    """The first refusal is its reason, with how much landed."""
    made = progress()
    for owner, error in ((0, None), (0, Refused("no.")), (0, Refused("later.")), (1, None), (1, None)):
        made.land(owner, error)
    first, second = made.outcomes("u", keep=True)
    assert (first.state, first.artifacts, first.reason) == (
        REJECTED,
        1,
        "Container 7 has 1 of 2 artifacts of this result: no.",
    )
    assert (second.state, second.reason) == (DELIVERED, None)
    assert not first.unreachable
    assert not made.is_complete


@pytest.mark.parametrize(
    ("error", "kept", "is_unreachable"),
    [(NotSent("away."), QUEUED, True), (Refused("no."), REJECTED, False), (AuthFailed("who."), QUEUED, False)],
)
def test_a_container_that_never_came_to_be_holds_all_its_rows(
    error: SoarError, kept: str, *, is_unreachable: bool
) -> None:
    """Rows without artifacts too: queued when a further attempt can help and is made; unreachable if nobody said no."""
    (shipment,) = plan([make_row(0, artifacts="2"), make_row(1, artifacts="0")], container_per="search")
    made = progress(container_id=None)
    made.stop(shipment, error)
    for keep, state in ((True, kept), (False, REJECTED)):
        rows = made.outcomes(None, keep=keep)
        assert [(row.state, row.reason, row.unreachable) for row in rows] == [(state, str(error), is_unreachable)] * 2


def test_a_playbook_that_did_not_start_rejects_its_rows_and_says_that_the_data_is_there() -> None:
    """Worst state of its parts."""
    made = progress(runs=(STARTED, PlaybookRun("l/q", "unclear", reason="no answer.")))
    (first, _) = made.outcomes("u", keep=True)
    assert first.state == REJECTED
    assert first.reason == 'The data is in SOAR, but playbook "l/q" may have started: no answer.'
    assert first.container_id == 7


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (PlaybookRun("l/q", "waiting", "4", "for an answer: Isolate?"), "is waiting for an answer: Isolate?"),
        (PlaybookRun("l/q", "failed", "4", "in the action a: offline."), "failed in the action a: offline."),
        (PlaybookRun("l/q", "cancelled", "4"), "was cancelled."),
        (PlaybookRun("l/q", "not started", reason="no."), "was not started: no."),
        (PlaybookRun("l/q", "unclear"), "may have started."),
    ],
)
def test_a_run_is_told_in_a_sentence(run: PlaybookRun, said: str) -> None:
    """State and reason once each, one full stop."""
    assert run.sentence() == f'playbook "l/q" {said}'


def test_a_run_that_ended_well_before_spoils_nothing() -> None:
    """What an earlier attempt started and saw succeed is no reason to reject when another playbook starts now."""
    made = progress(runs=(PlaybookRun("l/p", "succeeded", "3"), STARTED))
    assert {row.state for row in made.outcomes("u", keep=True)} == {DELIVERED}
    assert {row.state for row in progress(runs=(PlaybookRun("l/p", "failed", "3"),)).outcomes("u", keep=True)} == {
        REJECTED
    }
