"""Carrier and sender against the stand-in SOAR."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from soarlink.delivery.carrier import Carrier, ServerTraits
from soarlink.delivery.outcome import DELIVERED, QUEUED, REJECTED, UPDATED, RowOutcome
from soarlink.delivery.progress import ContainerReport
from soarlink.delivery.sender import send
from soarlink.journal.ledger import Ledger
from soarlink.plan.shipment import PlaybookCall, Shipment
from soarlink.rows.row import Row
from soarlink.secret import Secret
from soarlink.soar.client import SoarClient
from tests.unit.conftest import Serve
from tests.unit.rawserver import Connection
from tests.unit.samples import make_row, make_run, open_gate, plan
from tests.unit.standin import StandIn


class Sending:
    """Plans rows of one search and sends them; each call of :meth:`send` or :meth:`ship` is an alert run of its own."""

    def __init__(self, soar: StandIn, sid: str, folder: Path) -> None:
        self.soar = soar
        self.sid = sid
        self.folder = folder
        self.account = soar.account()
        self.keep = True
        self._numbers = itertools.count()
        self.traits = ServerTraits()
        self.opened: list[SoarClient] = []

    def plan(self, rows: Sequence[Row], **changes: str) -> list[Shipment]:
        """The shipments of these rows."""
        return plan(rows, make_run(sid=self.sid), **changes)

    def send(self, rows: Sequence[Row], connections: int = 2, **changes: str) -> list[RowOutcome]:
        """The outcomes of these rows."""
        return list(self.ship(self.plan(rows, **changes), connections))

    def ship(self, shipments: Sequence[Shipment], connections: int = 2) -> Iterator[RowOutcome]:
        """The outcomes of these shipments: what may still succeed is queued, unless ``keep`` is off."""
        for report in self.reports(shipments, connections):
            yield from report.outcomes(keep=self.keep)

    def reports(
        self, shipments: Iterable[Shipment], connections: int = 2, kind: type[Carrier] = Carrier
    ) -> Iterator[ContainerReport]:
        """The reports on these shipments."""
        ledger = self.ledger()

        def connect() -> Carrier:
            self.opened.append(SoarClient(self.account))
            return kind(self.opened[-1], self.traits, ledger)

        return send(shipments, connect, connections, open_gate(self.folder / str(next(self._numbers))))

    def ledger(self) -> Ledger:
        """A new ledger: nothing is known of playbook runs."""
        return Ledger(self.folder / f"ledger-{next(self._numbers)}")


@pytest.fixture
def sending(soar: StandIn, sid: str, tmp_path: Path) -> Sending:
    """Return a sending to the stand-in."""
    return Sending(soar, sid, tmp_path)


def states(outcomes: Sequence[RowOutcome]) -> list[str]:
    """The states in order."""
    return [outcome.state for outcome in outcomes]


def triggered(soar: StandIn, container: int | None) -> int:
    """How often automation ran on a container."""
    assert container is not None
    return soar.triggers(container)


def test_one_row_is_one_post(sending: Sending, soar: StandIn) -> None:
    """A new container with its artifacts: a single request, automation once, and the outcome says where it is."""
    (outcome,) = sending.send([make_row(artifacts="3")])
    assert (outcome.state, outcome.artifacts, outcome.reason, outcome.runs) == (DELIVERED, 3, None, ())
    assert outcome.container_url == f"{soar.url}/mission/{outcome.container_id}"
    assert [record["method"] for record in soar.requests()] == ["POST"]
    assert triggered(soar, outcome.container_id) == 1


def test_nothing_to_send_opens_no_connection(sending: Sending) -> None:
    """An empty plan costs nothing."""
    assert sending.send([]) == []
    assert sending.opened == []


def test_outcomes_come_in_the_order_of_the_plan(sending: Sending, soar: StandIn) -> None:
    """Several batches on several connections; every row once, every container its own."""
    outcomes = sending.send([make_row(n) for n in range(450)], connections=2)
    assert [outcome.account.position for outcome in outcomes] == list(range(450))
    assert set(states(outcomes)) == {DELIVERED}
    assert len({outcome.container_id for outcome in outcomes}) == 450
    assert len(soar.requests("POST")) == 5
    assert 1 <= len(sending.opened) <= 2


def test_the_first_list_is_verified_by_counting(sending: Sending, soar: StandIn) -> None:
    """One look at how many artifacts a container has, then lists are trusted."""
    sending.send([make_row(n) for n in range(150)], connections=1)
    assert len(soar.requests("GET")) == 1
    assert sending.traits.lists_verified
    assert not sending.traits.singles_only


def test_a_list_that_cannot_be_verified_is_doubted(sending: Sending, soar: StandIn) -> None:
    """No count, no trust: what follows goes one by one, and nothing is doubled."""
    soar.fault("GET /rest/container/*/artifacts", "500", times=None)
    outcomes = sending.send([make_row(n, artifacts="2") for n in range(120)], connections=1)
    assert states(outcomes) == [DELIVERED] * 120
    assert sending.traits.singles_only
    assert outcomes[0].container_id is not None
    assert len(soar.artifacts(outcomes[0].container_id)) == 2


@pytest.mark.parametrize("artifacts", [1, 3])
def test_sent_again_rows_are_updated_and_nothing_is_doubled(sending: Sending, soar: StandIn, artifacts: int) -> None:
    """The same plan a second time joins, and sends no artifact twice."""
    rows = [make_row(n, artifacts=str(artifacts)) for n in range(3)]
    first, second = sending.send(rows), sending.send(rows)
    assert (states(first), states(second)) == ([DELIVERED] * 3, [UPDATED] * 3)
    assert [outcome.container_id for outcome in first] == [outcome.container_id for outcome in second]
    for outcome in second:
        assert outcome.container_id is not None
        assert len(soar.artifacts(outcome.container_id)) == outcome.artifacts == artifacts
        assert triggered(soar, outcome.container_id) == 1
    assert soar.requests("POST /rest/artifact") == []


def test_new_artifacts_join_a_container_that_is_there_and_start_automation_once(
    sending: Sending, soar: StandIn
) -> None:
    """Only the last of the new ones starts active playbooks."""
    row = make_row(name="old")
    (first,) = sending.send([row])
    (second,) = sending.send([replace(row, fields={"name": "new", "artifacts": "3"})])
    assert (second.state, second.container_id, second.artifacts) == (UPDATED, first.container_id, 3)
    assert second.container_id is not None
    assert len(soar.artifacts(second.container_id)) == 4
    assert triggered(soar, second.container_id) == 2


def test_without_automation_nothing_starts(sending: Sending, soar: StandIn) -> None:
    """Neither on a new container nor on a join."""
    for name in ("a", "b"):
        (outcome,) = sending.send([make_row(name=name, artifacts="2")], automation="0")
        assert outcome.artifacts == 2
        assert triggered(soar, outcome.container_id) == 0


@pytest.mark.parametrize("count", [101, 200, 250, 450])
def test_a_large_container_travels_in_parts_and_automation_runs_once_at_the_end(
    sending: Sending, soar: StandIn, count: int
) -> None:
    """More artifacts than one request carries: all there, in order, automation only after the last."""
    outcomes = sending.send([make_row(n) for n in range(count)], container_per="search")
    assert states(outcomes) == [DELIVERED] * count
    assert [outcome.account.position for outcome in outcomes] == list(range(count))
    (container,) = {outcome.container_id for outcome in outcomes}
    assert container is not None
    found = soar.artifacts(container)
    assert [row["cef"]["cs1"] for row in found] == [str(n) for n in range(count)]
    assert triggered(soar, container) == 1


def test_a_large_row_is_told_when_its_last_artifact_is_in(sending: Sending) -> None:
    """A row that spans parts has one outcome with all its artifacts."""
    outcomes = sending.send([make_row(0, artifacts="250"), make_row(1)], container_per="search")
    assert [(outcome.state, outcome.artifacts) for outcome in outcomes] == [(DELIVERED, 250), (DELIVERED, 1)]


def test_large_and_small_containers_go_side_by_side(sending: Sending) -> None:
    """Parts, whole containers and several large ones in one plan keep their order."""
    counts = [1, 250, 1, 130, 101, 1, 1, 220]
    outcomes = sending.send([make_row(n, artifacts=str(count)) for n, count in enumerate(counts)], connections=4)
    assert [outcome.artifacts for outcome in outcomes] == counts
    assert set(states(outcomes)) == {DELIVERED}


def test_one_refused_container_never_takes_its_neighbours_with_it(sending: Sending) -> None:
    """A label that is unknown rejects its row alone, with the way out."""
    rows = [make_row(n, kind="nope" if n == 1 else "events") for n in range(3)]
    outcomes = sending.send(rows, label="{{kind}}")
    assert states(outcomes) == [DELIVERED, REJECTED, DELIVERED]
    assert 'Label "nope" is not a known label. Create the label' in str(outcomes[1].reason)
    assert not outcomes[1].unreachable
    assert outcomes[1].container_id is None


def test_one_refused_artifact_never_takes_its_neighbours_with_it(sending: Sending, soar: StandIn) -> None:
    """A severity that SOAR does not know: the row is rejected with what landed, the others are delivered."""
    (shipment,) = sending.plan([make_row(n) for n in range(3)], container_per="search", automation="0")
    bodies = list(shipment.artifacts)
    bodies[1] = {**bodies[1], "severity": "bogus"}
    outcomes = list(
        sending.ship([replace(shipment, artifacts=tuple(bodies), playbooks=(PlaybookCall("local/splunk_triage"),))])
    )
    assert states(outcomes) == [REJECTED, REJECTED, REJECTED]  # the playbook was asked for and not started
    assert "has 0 of 1 artifacts of this result" in str(outcomes[1].reason)
    assert "not all artifacts are in SOAR" in str(outcomes[0].reason)
    assert outcomes[0].container_id is not None
    assert len(soar.artifacts(outcomes[0].container_id)) == 2
    assert soar.runs(outcomes[0].container_id) == []


@pytest.mark.parametrize("kind", ["failed", "413"])
def test_a_server_that_refuses_lists_gets_singles(sending: Sending, soar: StandIn, kind: str) -> None:
    """A refused list is sent again one by one, and so is all that follows."""
    soar.fault("POST /rest/container", kind)
    outcomes = sending.send([make_row(n) for n in range(3)])
    assert states(outcomes) == [DELIVERED] * 3
    assert sending.traits.singles_only
    assert len(soar.requests("POST")) == 4


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("drop_before_commit", "broke before the answer was complete"),
        ("503", "503"),
        ("429", "send less at a time"),
        ("empty", "empty"),
    ],
)
@pytest.mark.parametrize("keep", [True, False])
def test_a_batch_without_an_answer_queues_its_rows(
    sending: Sending,
    soar: StandIn,
    kind: str,
    words: str,
    *,
    keep: bool,
) -> None:
    """Nothing is called delivered that nobody confirmed: kept, it waits, otherwise it is rejected; both say why."""
    soar.fault("POST /rest/container", kind, times=None)
    sending.keep = keep
    outcomes = sending.send([make_row(n) for n in range(3)])
    assert states(outcomes) == [QUEUED if keep else REJECTED] * 3
    assert {outcome.unreachable for outcome in outcomes} == {True}
    assert [outcome.reason for outcome in outcomes if words not in str(outcome.reason)] == []


def test_a_wrong_token_queues_its_rows(sending: Sending, soar: StandIn) -> None:
    """It is a matter of the account, not of the alert; SOAR did answer."""
    sending.account = soar.account(token=Secret("falsch"))
    (outcome,) = sending.send([make_row()])
    assert (outcome.state, outcome.unreachable) == (QUEUED, False)
    assert "Check the account's token" in str(outcome.reason)


def test_a_container_that_was_made_although_no_answer_came_is_found_the_next_time(
    sending: Sending, soar: StandIn
) -> None:
    """Deterministic keys: the next run joins, nothing is doubled."""
    soar.fault("POST /rest/container", "drop_after_commit")
    rows = [make_row(artifacts="2")]
    assert states(sending.send(rows)) == [QUEUED]
    (outcome,) = sending.send(rows)
    assert (outcome.state, outcome.artifacts) == (UPDATED, 2)
    assert outcome.container_id is not None
    assert len(soar.artifacts(outcome.container_id)) == 2


def test_a_part_that_fails_stops_the_parts_after_it(sending: Sending, soar: StandIn) -> None:
    """The container waits as a whole; given up, rows of earlier parts are delivered, the others say how far it came."""
    soar.fault("POST /rest/artifact", "503", after=1)
    (report,) = sending.reports(sending.plan([make_row(n) for n in range(350)], container_per="search"))
    assert states(report.outcomes(keep=True)) == [QUEUED] * 350
    outcomes = report.outcomes(keep=False)
    assert states(outcomes) == [DELIVERED] * 100 + [REJECTED] * 250
    assert "has 0 of 1 artifacts of this result: SOAR at" in str(outcomes[150].reason)
    assert not outcomes[150].unreachable
    assert triggered(soar, outcomes[0].container_id) == 0
    assert len(soar.requests("POST /rest/artifact")) == 2


def test_a_large_container_that_is_refused_is_refused_as_a_whole(sending: Sending, soar: StandIn) -> None:
    """No part is tried after the container was refused."""
    outcomes = sending.send([make_row(n) for n in range(250)], container_per="search", label="nope")
    assert states(outcomes) == [REJECTED] * 250
    assert soar.requests("POST /rest/artifact") == []


def test_a_large_container_is_joined_where_it_stopped(sending: Sending, soar: StandIn) -> None:
    """Sent again after a failure in the middle, only what is missing is sent; automation runs once."""
    soar.fault("POST /rest/artifact", "503", after=1)
    rows = [make_row(n) for n in range(250)]
    sending.send(rows, container_per="search")
    outcomes = sending.send(rows, container_per="search")
    assert states(outcomes) == [UPDATED] * 250
    container = outcomes[0].container_id
    assert container is not None
    assert len(soar.artifacts(container)) == 250
    assert triggered(soar, container) == 1


def test_equal_artifacts_of_a_row_are_sent_once(sending: Sending, soar: StandIn) -> None:
    """Two artifacts with the same key: one in SOAR, both accounted for."""
    (shipment,) = sending.plan([make_row(artifacts="2")])
    twice = replace(shipment, artifacts=(shipment.artifacts[0],) * 2)
    for expected in (DELIVERED, UPDATED):
        (outcome,) = sending.ship([twice])
        assert (outcome.state, outcome.artifacts) == (expected, 2)
    assert outcome.container_id is not None
    assert len(soar.artifacts(outcome.container_id)) == 1


class TestPlaybook:
    """A playbook is asked for once per container, after its artifacts are in."""

    def test_it_is_started_once(self, sending: Sending, soar: StandIn) -> None:
        """Scope all on a new container, new on a join; the run's id is told."""
        rows = [make_row(n) for n in range(120)]
        asked = {"container_per": "search", "playbook": "local/contain_host", "automation": "0"}
        outcomes = sending.send(rows, **asked)  # type: ignore[arg-type]
        container = outcomes[0].container_id
        assert container is not None
        (run,) = soar.runs(container)
        assert {outcome.runs[0].id for outcome in outcomes} == {str(run["id"])}
        assert states(outcomes) == [DELIVERED] * 120
        again = sending.send(rows, **asked)  # type: ignore[arg-type]
        assert states(again) == [UPDATED] * 120
        assert len(soar.runs(container)) == 2

    def test_its_scope_is_all_on_a_new_container_and_new_on_a_join(self, sending: Sending) -> None:
        """On a join it must not work again on what it has seen."""
        scopes: list[str | Sequence[int]] = []

        class Noting(SoarClient):
            def start_playbook(
                self,
                container_id: int,
                playbook: str,
                scope: str | Sequence[int],
                inputs: Mapping[str, str] | None = None,
            ) -> str:
                scopes.append(scope)
                return super().start_playbook(container_id, playbook, scope, inputs)

        shipments = sending.plan([make_row()], playbook="local/contain_host")
        for _ in range(2):
            carrier = Carrier(Noting(sending.soar.account()), sending.traits, sending.ledger())
            list(send(shipments, lambda: carrier, 1, open_gate(sending.folder)))  # noqa: B023 - used at once
        assert scopes == ["all", "new"]

    def test_an_unknown_one_is_told_and_the_data_stays(self, sending: Sending) -> None:
        """Rejected, with the container's id and how to write a playbook's name."""
        (outcome,) = sending.send([make_row()], playbook="local/nope")
        assert (outcome.state, outcome.runs[0].state, outcome.artifacts) == (REJECTED, "not started", 1)
        assert outcome.container_id is not None
        assert "The data is in SOAR" in str(outcome.reason)
        assert "repository/name" in str(outcome.reason)

    @pytest.mark.parametrize("kind", ["drop_after_commit", "500", "empty"])
    def test_one_without_an_answer_is_unclear(self, sending: Sending, soar: StandIn, kind: str) -> None:
        """Never repeated, never called started."""
        soar.fault("POST /rest/playbook_run", kind)
        (outcome,) = sending.send([make_row()], playbook="local/contain_host")
        assert (outcome.state, outcome.runs[0].state) == (REJECTED, "unclear")
        assert "Look at the container" in str(outcome.reason)
        assert len(soar.requests("POST /rest/playbook_run")) == 1

    def test_one_that_never_left_is_asked_for_again(self, sending: Sending, serve: Serve, certificate: Path) -> None:
        """The server went away between the two requests: the container waits, and nothing is known of a run."""
        (shipment,) = sending.plan([make_row()], playbook="local/contain_host")
        gone = threading.Event()

        def script(connection: Connection) -> None:
            if gone.is_set():
                return
            connection.read_request()
            connection.answer(b'{"success": true, "id": 5, "new_artifact_ids": [1]}', headers="Connection: close\r\n")

        server = serve(script)
        account = replace(sending.soar.account(), url=server.url, ca_certificate=_ca(certificate))
        ledger = sending.ledger()
        carrier = Carrier(_Closing(SoarClient(account), server), ServerTraits(), ledger)
        (report,) = send([shipment], lambda: carrier, 1, open_gate(sending.folder))
        (outcome,) = report.outcomes(keep=True)
        assert (outcome.runs, outcome.state, outcome.container_id) == ((), QUEUED, 5)
        assert ledger.run(shipment.identity, "local/contain_host") is None


def _ca(certificate: Path) -> str:
    return (certificate.parent / "ca.pem").read_text(encoding="ascii")


class _Closing(SoarClient):
    """A client whose server stops listening after the container is in."""

    def __init__(self, client: SoarClient, server: Any) -> None:
        super().__init__(client.account)
        client.close()
        self._server = server

    def start_playbook(
        self, container_id: int, playbook: str, scope: str | Sequence[int], inputs: Mapping[str, str] | None = None
    ) -> str:
        """Ask a server that is gone."""
        self._server.__exit__()
        return super().start_playbook(container_id, playbook, scope, inputs)


class TestListsWithoutArtifacts:
    """A server that makes containers from a list and forgets their embedded artifacts."""

    @pytest.fixture
    def forgetful(  # noqa: C901 - a whole server
        self, serve: Serve
    ) -> tuple[Any, dict[int, list[dict[str, Any]]]]:
        """Return such a server with what it holds."""
        held: dict[int, list[dict[str, Any]]] = {}
        lock = threading.Lock()

        def create(body: dict[str, Any], *, keep: bool) -> dict[str, Any]:
            number = len(held) + 1
            held[number] = list(body.get("artifacts", ())) if keep else []
            return {"success": True, "id": number}

        def handle(line: str, body: bytes) -> Any:
            method, path, _ = line.split(" ")
            if method == "GET" and path.startswith("/rest/container/"):
                return {"count": len(held[int(path.split("/")[3])]), "data": []}
            if method == "GET":
                return {"count": 0, "data": []}
            parsed = json.loads(body)
            if path == "/rest/artifact":
                for artifact in parsed:
                    held[artifact["container_id"]].append(artifact)
                return [{"success": True, "id": 1} for _ in parsed]
            if isinstance(parsed, list):
                return [create(item, keep=False) for item in parsed]
            return create(parsed, keep=True)

        def script(connection: Connection) -> None:
            while True:
                request = connection.read_request()
                if request is None:
                    return
                with lock:
                    connection.answer(json.dumps(handle(request.line, request.body)).encode())

        return serve(script), held

    def test_what_is_missing_is_filled_in_and_singles_follow(
        self, sending: Sending, certificate: Path, forgetful: tuple[Any, dict[int, list[dict[str, Any]]]]
    ) -> None:
        """No artifact is lost, and no second list is tried."""
        server, held = forgetful
        account = replace(sending.soar.account(), url=server.url, ca_certificate=_ca(certificate))
        shipments = sending.plan([make_row(n, artifacts="2") for n in range(150)])
        traits = ServerTraits()
        carrier = Carrier(SoarClient(account), traits, sending.ledger())
        reports = list(send(shipments, lambda: carrier, 1, open_gate(sending.folder)))
        outcomes = [outcome for report in reports for outcome in report.outcomes(keep=True)]
        assert [(outcome.state, outcome.artifacts) for outcome in outcomes] == [(DELIVERED, 2)] * 150
        assert [len(artifacts) for artifacts in held.values()] == [2] * 150
        lists = [r for r in server.requests if r.line.startswith("POST /rest/container ") and r.body.startswith(b"[")]
        assert len(lists) == 1


def test_a_large_body_is_cut_into_requests_of_bounded_size(
    sending: Sending, soar: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Artifacts that join go out in chunks by bytes; automation runs once, at the end."""
    monkeypatch.setattr("soarlink.delivery.carrier.MAX_BYTES", 3_000)
    rows = [make_row(n, blob="b" * 1_000) for n in range(10)]
    outcomes = sending.send(rows, container_per="search", automation="1")
    joined = sending.send([replace(row, fields={**row.fields, "name": "n"}) for row in rows], container_per="search")
    assert states(joined) == [UPDATED] * 10
    assert len(soar.requests("POST /rest/artifact")) == 5
    assert triggered(soar, outcomes[0].container_id) == 2


def test_the_plan_is_read_ahead_by_a_few_batches_only(sending: Sending) -> None:
    """Memory stays flat: outcomes come while most of the plan is still unread."""
    shipments = sending.plan([make_row(n) for n in range(3_000)], max_containers="0")
    taken = 0

    def stream() -> Iterator[Shipment]:
        nonlocal taken
        for shipment in shipments:
            taken += 1
            yield shipment

    reports = sending.reports(stream(), 1)
    next(reports)
    assert taken < 600
    reports.close()  # type: ignore[attr-defined]


def test_an_unexpected_error_in_one_batch_leaves_the_outcomes_of_the_others(sending: Sending) -> None:
    """A defect of ours costs its own batch an attempt, as if no answer had come; every connection is closed."""
    closed: list[Carrier] = []

    class Breaking(Carrier):
        def carry(self, batch: Any) -> list[ContainerReport]:
            if batch.shipments[0].rows[0].position == 100:
                raise ZeroDivisionError
            return super().carry(batch)

        def close(self) -> None:
            super().close()
            closed.append(self)

    reports = sending.reports(sending.plan([make_row(n) for n in range(250)]), 2, Breaking)
    outcomes = [outcome for report in reports for outcome in report.outcomes(keep=True)]
    assert [outcome.account.position for outcome in outcomes] == list(range(250))
    assert states(outcomes) == [DELIVERED] * 100 + [QUEUED] * 100 + [DELIVERED] * 50
    assert "Internal error of the add-on: ZeroDivisionError" in str(outcomes[100].reason)
    assert len(closed) == len(set(closed)) == len(sending.opened) > 0


def test_a_last_artifact_that_is_refused_is_told_to_cost_the_automation(sending: Sending, soar: StandIn) -> None:
    """Active playbooks start after the last artifact: when SOAR refuses that one none does, and every row says so."""
    (first,) = sending.send([make_row(name="old")])
    (shipment,) = sending.plan([make_row(name="new", artifacts="3")])
    bodies = [*shipment.artifacts[:2], {**shipment.artifacts[2], "severity": "bogus"}]
    (outcome,) = sending.ship([replace(shipment, artifacts=tuple(bodies))])
    assert triggered(soar, first.container_id) == 1
    assert any("active playbooks start: none did" in note for note in outcome.account.notes)
