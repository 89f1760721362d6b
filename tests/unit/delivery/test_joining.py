"""Containers that are there already, against the stand-in SOAR."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from soarlink.delivery.carrier import Carrier, ServerTraits
from soarlink.delivery.outcome import DELIVERED, QUEUED, REJECTED, SIMULATED, UPDATED, RowOutcome
from soarlink.delivery.pace import Pace
from soarlink.delivery.sender import send
from soarlink.delivery.simulation import MAX_TRACE, TracingMapper, simulate
from soarlink.journal.ledger import Ledger
from soarlink.mapping.artifact import MappedRow, TraceLine
from soarlink.plan.attachment import Attachment
from soarlink.plan.shipment import Shipment
from soarlink.rows.row import Row
from soarlink.soar.client import SoarClient
from tests.unit.samples import CountingMapper, make_row, make_run, open_gate, plan
from tests.unit.standin import StandIn


@pytest.fixture
def carrier(soar: StandIn, tmp_path: Path) -> Iterator[Carrier]:
    """Return a carrier to the stand-in."""
    made = Carrier(SoarClient(soar.account()), ServerTraits(), Ledger(tmp_path / "ledger"))
    yield made
    made.close()


def ship(
    carrier: Carrier, shipments: Sequence[Shipment], pace: Pace | None = None, *, keep: bool = True
) -> list[RowOutcome]:
    """The outcomes of these shipments, on one connection that stays open."""
    carrier_close, carrier.close = carrier.close, lambda: None  # type: ignore[method-assign]
    try:
        with TemporaryDirectory() as folder:
            reports = list(send(shipments, lambda: carrier, 1, open_gate(Path(folder)), pace))
    finally:
        carrier.close = carrier_close  # type: ignore[method-assign]
    return [outcome for report in reports for outcome in report.outcomes(keep=keep)]


def found(sid: str, count: int, name: str = "x", **changes: str) -> list[Shipment]:
    """One container with so many artifacts, always the same container for one sid."""
    return plan([make_row(artifacts=str(count), name=name)], make_run(sid=sid), **changes)


@pytest.mark.parametrize("count", [1, 150])
def test_a_closed_container_is_reopened_for_new_data_only(
    carrier: Carrier, soar: StandIn, sid: str, count: int
) -> None:
    """In one part or in several; the outcome has the note."""
    (first,) = ship(carrier, found(sid, count, on_closed="reopen"))
    assert first.container_id is not None
    soar.post(f"/rest/container/{first.container_id}", {"status": "closed"})
    (same,) = ship(carrier, found(sid, count, on_closed="reopen"))
    assert (same.state, soar.container(first.container_id)["status"]) == (UPDATED, "closed")
    (more,) = ship(carrier, found(sid, count, name="y", on_closed="reopen"))
    assert (more.container_id, more.artifacts) == (first.container_id, count)
    assert soar.container(first.container_id)["status"] == "open"
    assert more.account.notes == (f"container {first.container_id} was closed and has been reopened (on_closed)",)
    assert len(soar.artifacts(first.container_id)) == 2 * count


@pytest.mark.parametrize("count", [1, 150])
def test_a_closed_container_is_followed_by_the_next_generation(
    carrier: Carrier, soar: StandIn, sid: str, count: int
) -> None:
    """All parts go there, active playbooks start once."""
    (first,) = ship(carrier, found(sid, count, on_closed="new"))
    soar.post(f"/rest/container/{first.container_id}", {"status": "closed"})
    (second,) = ship(carrier, found(sid, count, name="y", on_closed="new"))
    assert second.container_id is not None
    assert (second.state, second.artifacts) == (DELIVERED, count)
    assert soar.container(second.container_id)["source_data_identifier"] == f"{sid}+0~2"
    assert len(soar.artifacts(second.container_id)) == count
    assert soar.triggers(second.container_id) == 1
    (third,) = ship(carrier, found(sid, count, name="y", on_closed="new"))
    assert (third.state, third.container_id) == (UPDATED, second.container_id)
    assert len(soar.artifacts(second.container_id)) == count


def test_an_open_container_is_left_as_it_is(carrier: Carrier, soar: StandIn, sid: str) -> None:
    """New data joins; its status costs one GET, and none at all with the default policy."""
    ship(carrier, found(sid, 1))
    soar.reset()
    (joined,) = ship(carrier, found(sid, 1, name="y", on_closed="new"))
    assert joined.state == UPDATED
    assert len(soar.requests("GET /rest/container")) == 1
    soar.reset()
    ship(carrier, found(sid, 1, name="z"))
    assert soar.requests("GET /rest/container") == []


def test_a_joined_container_learns_the_keys_that_it_lacks(carrier: Carrier, soar: StandIn, sid: str) -> None:
    """The scheduled run's container gets the notable's id: a GET and a POST once, then a GET; what was there stays."""
    (first,) = ship(carrier, found(sid, 1))
    number = first.container_id
    assert number is not None
    before = soar.container(number)["data"]
    assert "keys" not in before["splunk"]
    soar.post(f"/rest/container/{number}", {"data": {**before, "mine": 1}})
    event = f"{sid}@@notable@@1"
    row = make_row(orig_sid=sid, orig_rid="0", event_id=event)
    for posts in (1, 0):
        soar.reset()
        (joined,) = ship(carrier, plan([row], make_run(sid="1700000100.7", scheduled=False)))
        assert (joined.state, joined.container_id, joined.account.notes) == (UPDATED, number, ())
        assert len(soar.requests(f"POST /rest/container/{number}")) == posts
        data = soar.container(number)["data"]
        assert data == {
            "mine": 1,
            "splunk": {
                **before["splunk"],
                "event_id": event,
                "orig_sid": sid,
                "orig_rid": "0",
                "keys": [f"{sid}+0", event],
            },
        }


def test_keys_cost_nothing_where_none_are_to_be_learned(carrier: Carrier, soar: StandIn, sid: str) -> None:
    """A container that this run makes has its keys; a finding with one key has no others to give."""
    row = make_row(orig_sid=sid, orig_rid="0", event_id=f"{sid}@@notable@@1")
    soar.reset()
    (made,) = ship(carrier, plan([row]))
    assert made.state == DELIVERED
    ship(carrier, found(f"{sid}9", 1))
    ship(carrier, found(f"{sid}9", 1, name="y"))
    assert len(soar.requests("GET /rest/container")) == 1
    assert soar.requests(f"POST /rest/container/{made.container_id}") == []


def test_keys_that_can_t_be_stored_are_told(carrier: Carrier, soar: StandIn, sid: str) -> None:
    """The data has arrived, so the row has; the outcome says what is missing."""
    (first,) = ship(carrier, found(sid, 1))
    row = make_row(orig_sid=sid, orig_rid="0", event_id=f"{sid}@@notable@@1")
    soar.fault(f"POST /rest/container/{first.container_id}", "503", times=1)
    (outcome,) = ship(carrier, plan([row], make_run(sid="1700000100.7", scheduled=False)))
    assert (outcome.state, outcome.container_id) == (UPDATED, first.container_id)
    (note,) = outcome.account.notes
    assert note.startswith("the container was not given the finding's other keys: ")


def test_a_status_that_can_t_be_had_stops_the_container(carrier: Carrier, soar: StandIn, sid: str) -> None:
    """Nothing is added to a container that may be closed."""
    (first,) = ship(carrier, found(sid, 1))
    soar.fault("GET /rest/container", "503", times=1)
    (outcome,) = ship(carrier, found(sid, 1, name="y", on_closed="reopen"))
    assert (outcome.state, outcome.container_id) == (QUEUED, first.container_id)
    assert first.container_id is not None
    assert len(soar.artifacts(first.container_id)) == 1


def test_the_own_container_wins_over_one_under_another_key(carrier: Carrier, soar: StandIn, sid: str) -> None:
    """Adoption is for findings that have no container of their own."""
    own = soar.post("/rest/container", {"name": "own", "label": "events", "source_data_identifier": f"{sid}+1"})["id"]
    soar.post("/rest/container", {"name": "other", "label": "events", "source_data_identifier": f"E{sid}"})
    (outcome,) = ship(carrier, plan([make_row(orig_sid=sid, orig_rid="1", event_id=f"E{sid}")]))
    assert outcome.container_id == own


def test_a_look_that_fails_sends_nothing(carrier: Carrier, soar: StandIn, sid: str) -> None:
    """A second container would be made if the look were skipped."""
    soar.reset()
    soar.fault("GET /rest/container", "503", times=1)
    rows = [make_row(0, orig_sid=sid, orig_rid="1", event_id=f"F{sid}"), make_row(1, rid="9")]
    outcomes = ship(carrier, plan(rows, make_run(sid=sid)))
    assert [outcome.state for outcome in outcomes] == [QUEUED, DELIVERED]
    assert len(soar.requests("POST /rest/container")) == 1


def test_what_the_plan_refuses_is_not_sent(carrier: Carrier, soar: StandIn, sid: str) -> None:
    """Also in several parts; the others go."""
    shipments = plan([make_row(0, artifacts="150"), make_row(1)], make_run(sid=sid))
    refused = [replace(shipment, refusal="no such owner") for shipment in shipments[:-1]]
    outcomes = ship(carrier, [*refused, shipments[-1]])
    assert [(outcome.state, outcome.reason) for outcome in outcomes] == [
        (REJECTED, "no such owner"),
        (DELIVERED, None),
    ]
    assert outcomes[0].container_id is None


def test_files_are_attached_once(carrier: Carrier, soar: StandIn, sid: str) -> None:
    """To a new container without a look, to one that was there after a look; a changed file is another."""
    (shipment,) = found(sid, 1)
    soar.reset()
    for content, posts, gets in ((b"1", 1, 0), (b"1", 1, 1), (b"2", 2, 2)):
        (outcome,) = ship(carrier, [replace(shipment, attachments=(Attachment("f.txt", content),))])
        assert outcome.state in (DELIVERED, UPDATED)
        assert len(soar.requests("POST /rest/container_attachment")) == posts
        assert len(soar.requests("GET /rest/container_attachment")) == gets


@pytest.mark.parametrize(("fault", "state"), [("500", QUEUED), ("413", REJECTED)])
def test_a_file_that_is_not_taken_holds_the_rows(
    carrier: Carrier, soar: StandIn, sid: str, fault: str, state: str
) -> None:
    """They wait where it may succeed later, otherwise they are rejected, with the container and why."""
    (shipment,) = found(sid, 1)
    whole = [replace(shipment, attachments=(Attachment("f.txt", b"1"),))]
    soar.fault("POST /rest/container_attachment", fault, times=1)
    (outcome,) = ship(carrier, whole)
    assert (outcome.state, outcome.artifacts, outcome.unreachable) == (state, 1, False)
    soar.fault("POST /rest/container_attachment", fault, times=1)
    (outcome,) = ship(carrier, whole, keep=False)
    assert (outcome.state, outcome.artifacts, outcome.unreachable) == (REJECTED, 1, False)
    assert "the file f.txt was not attached" in str(outcome.reason)


def test_an_artifact_of_all_rows_counts_for_each(carrier: Carrier, soar: StandIn, sid: str) -> None:
    """Landed or refused, every row is told."""
    rows = [make_row(n, name=str(n)) for n in range(3)]
    changes = {"container_per": "search", "artifacts": "summary"}
    run = make_run(sid=sid)
    outcomes = ship(carrier, plan(rows, run, **changes))
    assert [(outcome.state, outcome.artifacts) for outcome in outcomes] == [(DELIVERED, 1)] * 3
    soar.fault("POST /rest/artifact", "500", times=1)
    again = ship(carrier, plan([*rows, make_row(3, name="3")], run, **changes))
    assert [(outcome.state, outcome.artifacts) for outcome in again] == [(QUEUED, 0)] * 4


def test_the_pace_bounds_lists_and_counts_containers_once(carrier: Carrier, soar: StandIn, sid: str) -> None:
    """60 per minute: lists of five, a turn for each; the parts of one container are one."""
    waited: list[float] = []
    soar.reset()
    shipments = plan([make_row(n) for n in range(12)], make_run(sid=sid)) + found(f"{sid}b", 250)
    outcomes = ship(carrier, shipments, Pace(60, lambda: 0.0, waited.append))
    assert {outcome.state for outcome in outcomes} == {DELIVERED}
    assert waited == [5.0, 10.0, 12.0]
    assert len(soar.requests("POST /rest/container")) == 4


class ExplainingMapper(CountingMapper):
    """Explains with as many lines as the row's field `lines` says."""

    def explain(self, row: Row) -> tuple[MappedRow, tuple[TraceLine, ...]]:
        """Every other line drops."""
        lines = (
            TraceLine(f"f{n}", "v", "", "", "" if n % 2 else "cs1", "because") for n in range(int(row.first("lines")))
        )
        return self.map(row), tuple(lines)


def simulated(rows: Sequence[Row], **changes: str) -> list[RowOutcome]:
    """The outcomes of a dry run."""
    mapper = TracingMapper(ExplainingMapper())  # type: ignore[arg-type]
    for row in rows:
        mapper.map(row)
    return list(simulate(plan(rows, make_run(), **changes), mapper))


def test_a_dry_run_tells_what_would_be_sent() -> None:
    """Container, artifacts, playbooks, files and the trace, each bounded."""
    rows = [make_row(0, artifacts="150", lines="250", name="n" * 900), make_row(1, lines="2")]
    first, second = simulated(rows, container_per="search", playbook="local/x", attach_results="csv")
    assert (first.state, first.artifacts, second.artifacts) == (SIMULATED, 150, 1)
    assert first.would_send is not None
    assert second.would_send is not None
    assert first.would_send["artifacts_left_out"] > 0
    assert len(first.would_send["artifacts"]) + first.would_send["artifacts_left_out"] == 150
    assert first.would_send["artifacts"][0]["cef"]["cs1"].endswith("… (900 characters)")
    assert len(first.would_send["trace"]) == MAX_TRACE + 1
    assert first.would_send["trace"][-1] == "… 150 more"
    assert second.would_send["trace"] == ["f0 → cs1: because", "f1 dropped: because"]
    assert second.would_send["playbooks"] == ["local/x"]
    assert second.would_send["attachments"]


def test_a_dry_run_refuses_what_a_real_one_would() -> None:
    """The reason is the same."""
    (shipment,) = plan([make_row(lines="1")])
    mapper = TracingMapper(ExplainingMapper())  # type: ignore[arg-type]
    (outcome,) = simulate([replace(shipment, refusal="no such owner")], mapper)
    assert (outcome.state, outcome.reason) == (REJECTED, "no such owner")


def test_the_summary_is_shown_to_every_row() -> None:
    """The one artifact of all of them."""
    outcomes = simulated(
        [make_row(n, lines="0", name=str(n)) for n in range(2)], container_per="search", artifacts="summary"
    )
    assert [len(outcome.would_send["artifacts"]) for outcome in outcomes if outcome.would_send] == [1, 1]
