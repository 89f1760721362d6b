"""One journal in delivery: taken up again, as often as it needs."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from soarlink.actions import request as requests_of
from soarlink.actions.alert import Alert
from soarlink.actions.clerk import Clerk
from soarlink.delivery.batch import Batch
from soarlink.delivery.carrier import Carrier
from soarlink.delivery.progress import ContainerReport
from soarlink.errors import AccessRefused, NotSent, SendToSoarError, SettingsError, SplunkdError
from soarlink.journal.journal import Journal, JournalStore
from soarlink.rows.row import Value
from soarlink.soar.account import Account
from soarlink.splunk import payload
from soarlink.splunk.cam import CommonAction
from tests.unit.actions.installed import ROWS, Installed
from tests.unit.samples import open_gate
from tests.unit.standin import StandIn


@dataclass
class Case:
    """A journal and the processes that take it up, each with a clerk that knows what the ledger does."""

    installed: Installed
    account: Account
    folder: Path
    offset: float = 0.0
    attempts: int = 0
    ledger: Any = None
    told: dict[str, list[str]] = field(default_factory=dict)

    def clock(self) -> float:
        """Seconds since 1970, as far as the test has moved on."""
        return time.time() + self.offset

    def write_down(self, rows: list[dict[str, Value]] | Path, **parameters: str) -> None:
        """Write an alert down."""
        path = rows if isinstance(rows, Path) else self.installed.results(rows)
        document = {"sid": self.installed.sid, "results_file": str(path), "configuration": parameters}
        JournalStore(self.folder).create("k", document, path, {}).release()

    def deliver(self, error: SendToSoarError | None = None, seconds: float | None = None) -> Alert:
        """Take the journal up and deliver; the error is met instead of an account."""
        journal = JournalStore(self.folder).resume("k")
        assert journal is not None
        try:
            return self._deliver(journal, error, seconds)
        finally:
            journal.release()

    def _deliver(self, journal: Journal, error: SendToSoarError | None, seconds: float | None) -> Alert:
        invocation = payload.parse(journal.payload(), "send_to_soar")
        action = CommonAction(invocation, self.installed.home)
        request = requests_of.read(self.installed.app, invocation, journal.results, action)
        self.clerk = Clerk(action, journal.ledger)
        alert = Alert(
            request,
            journal,
            action,
            self.clerk,
            app=self.installed.app,
            home=self.installed.home,
            clock=self.clock,
            monotonic=self.clock,
        )

        def account() -> Account:
            if error is not None:
                raise error
            return self.account

        self.attempts += 1
        alert.deliver(account, lambda _: open_gate(self.folder / f"gate{self.attempts}", seconds))
        action.close()
        return alert

    def states(self) -> list[str]:
        """What the rows were told, event by event."""
        return [event["status"] for event in self.installed.events()]


@pytest.fixture
def case(home: Path, tmp_path: Path, soar: StandIn, sid: str) -> Case:
    """Return a case with the account `lab`."""
    installed = Installed(home, tmp_path / "app", "", sid)
    installed.account(soar.url, soar.ca)
    return Case(installed, soar.account(), tmp_path / "delivery")


def test_what_is_over_is_told_and_not_sent_again(case: Case, soar: StandIn) -> None:
    """A crash before the end was told: the next process sends nothing and tells the rows, with runs and container."""
    case.write_down(ROWS, playbook="local/contain_host", automation="0")
    case.deliver()
    assert case.states() == ["delivered"] * 3
    first = case.installed.events()
    lines = (case.folder / "journal/k/ledger").read_text("ascii").splitlines(keepends=True)
    (case.folder / "journal/k/ledger").write_text("".join(line for line in lines if '"told"' not in line), "ascii")
    soar.reset()
    alert = case.deliver()
    assert soar.requests() == []
    assert (alert.waiting, alert.rejected) == ({}, {})
    again = case.installed.events()[3:]
    names = ("rid", "status", "container_id", "container_url", "artifacts", "runs")
    assert [[event[name] for name in names] for event in again] == [[event[name] for name in names] for event in first]


def test_joined_and_refused_rows_are_told_as_they_were(case: Case, soar: StandIn) -> None:
    """Updated stays updated, and the refused row's reason is kept."""
    case.write_down(ROWS[:2], container_per="search", severity="{{sev}}")
    soar.post("/rest/container", {"name": "there", "label": "events", "source_data_identifier": case.installed.sid})
    case.deliver()
    ledger = case.folder / "journal/k/ledger"
    first = case.installed.events()
    ledger.write_text(
        "".join(x for x in ledger.read_text("ascii").splitlines(keepends=True) if '"told"' not in x), "ascii"
    )
    case.deliver()
    again = case.installed.events()[len(first) :]
    assert [(event["rid"], event["status"]) for event in again] == [(e["rid"], e["status"]) for e in first]


def test_a_container_is_left_alone_until_its_time(case: Case, soar: StandIn) -> None:
    """After an unclear attempt it must settle: not asked for, not told again, and then looked up first."""
    soar.fault("POST /rest/container", "drop_after_commit")
    case.write_down(ROWS[:1])
    assert list(case.deliver().waiting.values()) != [None]
    soar.reset()
    alert = case.deliver()
    assert list(alert.waiting.values()) == [None]
    assert soar.requests() == []
    assert case.states() == ["queued"]
    case.offset = case.account.read_timeout + 1
    assert case.deliver().waiting == {}
    first = soar.requests()[0]
    assert (first["method"], first["path"]) == ("GET", "/rest/container")
    assert soar.requests("POST /rest/container") == []
    assert case.states() == ["queued", "updated"]


@pytest.mark.parametrize(
    ("fault", "wait"), [("503", 20.0), ("429", 5.0), ("drop_before_commit", 20.0), ("truncated_json", 20.0)]
)
def test_how_long_it_waits(case: Case, soar: StandIn, fault: str, wait: float) -> None:
    """The read timeout where the request may still be under way in SOAR, five seconds elsewhere."""
    soar.fault("POST /rest/container", fault)
    case.write_down(ROWS[:1])
    case.deliver()
    soar.reset()
    case.offset = wait - 1
    assert case.deliver().waiting
    case.offset = wait + 1
    assert case.deliver().waiting == {}


def test_what_soar_asks_for_is_waited(case: Case, soar: StandIn) -> None:
    """`Retry-After`."""
    soar.fault("POST /rest/container", "429", retry_after="60")
    case.write_down(ROWS[:1])
    case.deliver()
    soar.reset()
    case.offset = 59
    assert case.deliver().waiting
    case.offset = 61
    assert case.deliver().waiting == {}


def test_what_was_not_tried_is_not_held_back(case: Case, soar: StandIn) -> None:
    """The time was over: the next process sends it at once."""
    case.write_down(ROWS)
    alert = case.deliver(seconds=0.0)
    assert len(alert.waiting) == 3
    assert soar.requests("POST") == []
    assert case.deliver().waiting == {}
    assert case.states() == ["queued"] * 3 + ["delivered"] * 3


def test_a_refused_container_is_kept_for_a_person(case: Case, soar: StandIn) -> None:
    """Told once, never sent again by itself, and known as rejected to whoever takes the journal up."""
    case.write_down([{"kind": "events"}, {"kind": "nope"}], label="{{kind}}")
    first = case.deliver()
    assert len(first.rejected) == 1
    soar.reset()
    again = case.deliver()
    assert again.rejected == first.rejected
    assert soar.requests("POST") == []
    assert case.states() == ["delivered", "rejected"]
    assert case.clerk.exit_code() == 4


def test_one_refused_container_leaves_the_others_waiting(case: Case, soar: StandIn) -> None:
    """Each container goes its own way."""
    case.write_down([{"kind": "events"}, {"kind": "nope"}], label="{{kind}}")
    soar.fault("POST /rest/container", "503", after=0, times=1)
    alert = case.deliver()
    assert (len(alert.waiting), len(alert.rejected)) == (1, 1)
    case.offset = 30
    alert = case.deliver()
    assert (len(alert.waiting), len(alert.rejected)) == (0, 1)
    assert case.states() == ["queued", "rejected", "delivered"]


@pytest.mark.parametrize(
    "error",
    [
        SplunkdError("splunkd is busy.", status=503),
        SplunkdError("The input's session has ended.", status=401),
        SplunkdError("No answer."),
        NotSent("away."),
    ],
)
def test_what_may_pass_holds_every_row(case: Case, soar: StandIn, error: SendToSoarError) -> None:
    """Queued, told once however often it is tried, and nothing of it is unusable."""
    case.write_down(ROWS)
    for _ in range(2):
        alert = case.deliver(error)
        assert "" in alert.waiting
        assert alert.unusable is None
    assert case.states() == ["queued"] * 3
    assert list(alert.plan()) == []
    assert case.deliver().waiting == {}
    assert case.states() == ["queued"] * 3 + ["delivered"] * 3


@pytest.mark.parametrize("error", [AccessRefused("You may not."), SettingsError("No token.")])
def test_what_never_passes_refuses_every_row(case: Case, soar: StandIn, error: SendToSoarError) -> None:
    """Rejected with the reason; SOAR was not asked."""
    case.write_down(ROWS)
    alert = case.deliver(error)
    assert alert.unusable is error
    assert (alert.waiting, alert.rejected) == ({}, {})
    assert case.states() == ["rejected"] * 3
    assert {event["reason"] for event in case.installed.events()} == {str(error)}
    assert soar.requests() == []


def test_names_that_the_server_does_not_know_refuse_every_row(case: Case, soar: StandIn) -> None:
    """A custom status: the vocabulary is asked for, and says that there is none."""
    case.write_down(ROWS, status="nonsense")
    alert = case.deliver()
    assert alert.unusable is not None
    assert "nonsense" in str(alert.unusable)
    assert case.states() == ["rejected"] * 3


def test_a_vocabulary_that_can_t_be_had_now_holds_every_row(case: Case, soar: StandIn) -> None:
    """The server is asked again by the next process."""
    soar.fault("GET /rest/*", "503", times=None)
    case.write_down(ROWS, owner="soar_local_admin")
    assert "" in case.deliver().waiting
    assert all("needs SOAR's list of names (user)" in event["reason"] for event in case.installed.events())
    soar.reset()
    assert case.deliver().waiting == {}
    assert case.states() == ["queued"] * 3 + ["delivered"] * 3


def test_an_unknown_label_is_refused_without_asking_for_a_container(case: Case, soar: StandIn) -> None:
    """One list is read; every container is kept for a person; its row says what there is."""
    case.write_down(ROWS, label="evnts", severity="sev-1")
    alert = case.deliver()
    assert (len(alert.rejected), alert.waiting, alert.unusable) == (3, {}, None)
    assert [(record["method"], record["path"]) for record in soar.requests()] == [("GET", "/rest/container_options")]
    for event in case.installed.events():
        assert 'SOAR has no label "evnts" (parameter label). Closest: "events".' in event["reason"]
        assert 'SOAR has no severity "sev-1" (parameter severity). There are: High, Medium, Low.' in event["reason"]


def test_soar_judges_a_label_where_its_list_can_t_be_had(case: Case, soar: StandIn) -> None:
    """The rows arrive all the same, or are refused in SOAR's words."""
    soar.fault("GET /rest/container_options", "503", times=None)
    case.write_down([{"kind": "events"}, {"kind": "nope"}], label="{{kind}}")
    case.deliver()
    assert case.states() == ["delivered", "rejected"]
    assert 'Label "nope" is not a known label' in case.installed.events()[1]["reason"]


def test_a_server_that_is_away_is_asked_once(case: Case, soar: StandIn) -> None:
    """The list closes the gate: no container waits for the same failure again."""
    soar.fault("GET /rest/*", "429", times=None)
    case.write_down(ROWS, label="events")
    alert = case.deliver()
    assert len(alert.waiting) == 3
    assert len(soar.requests()) == 1
    assert all("left alone for a while" in event["reason"] for event in case.installed.events())


def test_what_is_in_the_outbox_is_passed_over(case: Case, soar: StandIn) -> None:
    """It is on its own from there on: neither sent nor told here."""
    case.write_down(ROWS)
    alert = case.deliver(seconds=0.0)
    journal = JournalStore(case.folder).resume("k")
    assert journal is not None
    for identity in alert.waiting:
        journal.ledger.note_moved(identity)
    journal.release()
    again = case.deliver()
    assert (again.waiting, again.rejected, soar.requests("POST")) == ({}, {}, [])
    assert case.states() == ["queued"] * 3


def test_a_playbook_that_could_not_be_asked_for_is_started_once(case: Case, soar: StandIn) -> None:
    """The container is in SOAR and waits for its run; the next attempt starts it."""
    soar.fault("POST /rest/playbook_run", "429")
    case.write_down(ROWS[:1], playbook="local/contain_host", automation="0")
    assert case.deliver().waiting
    soar.reset()
    case.offset = 30
    for _ in range(2):
        assert case.deliver().waiting == {}
    (event,) = [event for event in case.installed.events() if event["status"] != "queued"]
    assert len(soar.runs(event["container_id"])) == 1
    assert event["runs"][0]["state"] == "started"


def test_the_pace_of_the_account_is_kept(case: Case, soar: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """`rate_limit` containers per minute."""
    waited: list[float] = []
    monkeypatch.setattr("soarlink.delivery.pace.Pace.wait", lambda _, count: waited.append(count))
    case.account = soar.account(rate_limit=600)
    case.write_down(ROWS)
    case.deliver()
    assert waited == [3]
    assert json.dumps(case.states()) == json.dumps(["delivered"] * 3)


def test_invocations_are_in_the_log_before_a_small_batch_is_sent(
    case: Case, soar: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch that is full by its bytes waits for no hundredth row."""
    logged: list[bool] = []
    carry = Carrier.carry

    def watched(carrier: Carrier, batch: Batch) -> list[ContainerReport]:
        sent = {row.rid for shipment in batch.shipments for row in shipment.rows}
        logged.append(sent <= {line["rid"] for line in case.installed.lines("Invoking modular action")})
        return carry(carrier, batch)

    monkeypatch.setattr(Carrier, "carry", watched)
    monkeypatch.setattr("soarlink.delivery.batch.MAX_BYTES", 1)
    case.write_down([{**ROWS[0], "n": str(number)} for number in range(60)])
    case.deliver()
    assert logged == [True] * 60
