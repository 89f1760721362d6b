"""A busy week of a security team: what dashboards and searches are looked at and tested with.

Everything in it comes from the built add-on: its actions and inputs run in the lab, on a clock that is moved from event
to event, against three stand-in SOARs in which analysts work. What the scenario itself did is told as its ledger, so
that figures can be compared with something that no search has worked out.
"""

from __future__ import annotations

import csv
import heapq
import itertools
import json
import secrets
import time
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from lab.demo.detections import (
    BRUTE_FORCE,
    MALWARE,
    MISTAKEN,
    NEW_ACCOUNT,
    PHISHING,
    RARE_DESTINATION,
    Detection,
)
from lab.demo.ledger import Case, Ledger
from lab.demo.people import Person
from lab.runner.accounts import Account, Accounts
from lab.runner.clock import MovedClock
from lab.runner.errors import LabError
from lab.runner.lab import ACCOUNT, APP, Lab
from lab.runner.request import SendRequest
from lab.runner.search import Mode
from lab.soar import Outcome, StandInSoar, Switches
from lab.soar.seed import SEEDED_OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from lab.runner.report import Report

MINUTE, HOUR = 60.0, 3600.0
LENGTH = 126 * HOUR
"""From the first result to the end."""

EMEA, APAC = "soc_emea", "soc_apac"
LEDGER = "week.json"
"""Where the ledger is kept in the state folder."""

_PEOPLE = ("alice", "bob")
_PROMPT_SECONDS = 4 * HOUR
_WAIT_SECONDS = 60.0
# Containers are opened by people alone, so that the ledger knows when.
_OUTCOMES = {
    name: replace(SEEDED_OUTCOMES[name], container_status=None)
    for name in ("local/contain_host", "local/phishing_triage")
}
_FAILING = {**_OUTCOMES, "local/phishing_triage": Outcome(status="failed", message="The mail gateway did not answer.")}


@dataclass(frozen=True)
class _Fate:
    """What people do to a container: when they take it and close it, after it was made."""

    person: str = ""
    taken: float = 0.0
    closed: float = 0.0
    status: str = "closed"


_FATES = (
    _Fate("alice", 12 * MINUTE, 95 * MINUTE),
    _Fate("bob", 40 * MINUTE, 7 * HOUR, "false_positive"),
    _Fate(),
    _Fate("alice", 25 * MINUTE, 3 * HOUR),
    _Fate("bob", 5 * HOUR, 26 * HOUR),
    _Fate("alice", 1 * HOUR),
    _Fate("bob", 30 * MINUTE, 50 * MINUTE, "false_positive"),
)
_ANSWERS = (("alice", 20 * MINUTE, "Yes"), ("bob", 170 * MINUTE, "No"), ("", 0.0, ""), ("alice", 45 * MINUTE, "Yes"))
_SENT = (
    # hours before the end, detection, results, account
    (124.0, BRUTE_FORCE, 7, ACCOUNT),
    (118.0, PHISHING, 3, ACCOUNT),
    (112.0, RARE_DESTINATION, 3, EMEA),
    (102.0, MALWARE, 2, ACCOUNT),
    (96.0, NEW_ACCOUNT, 8, ACCOUNT),
    (90.0, PHISHING, 2, EMEA),
    (78.0, BRUTE_FORCE, 9, EMEA),
    (72.0, MISTAKEN, 3, ACCOUNT),
    (70.0, RARE_DESTINATION, 7, ACCOUNT),
    (54.0, MALWARE, 2, ACCOUNT),
    (50.0, BRUTE_FORCE, 2, APAC),
    (46.0, NEW_ACCOUNT, 3, ACCOUNT),
    (30.0, PHISHING, 6, ACCOUNT),
    (26.0, RARE_DESTINATION, 4, EMEA),
    (22.0, BRUTE_FORCE, 8, ACCOUNT),
    (8.0, NEW_ACCOUNT, 2, EMEA),
    (5.0, BRUTE_FORCE, 3, APAC),
    (2.0, MALWARE, 3, ACCOUNT),
    (1.5, MISTAKEN, 1, EMEA),
)
_APAC_GONE = 12.0
_POLLS = (116.0, 100.0, 88.0, 76.0, 52.0, 48.0, 28.0, 20.0, 6.0, 0.0)
_THROTTLED = (78.0, 77.0)
"""Hours before the end between which the SOAR of one account takes no more."""

_DRAINS = (76.9, 43.9, 4.5, 4.4)
_LOOKED_INTO = 46.0
_FOLLOWED = 44.0
"""Hours before the end: results of the run at the first are looked into by an analyst at the second."""


class Week:
    """The scenario.

    Args:
        state: an empty folder, which becomes the lab's state folder.
        end: its last moment, epoch seconds.
        python: the interpreter that runs the add-on; None for the lab's own.
    """

    def __init__(self, state: Path, end: float, python: Path | None = None) -> None:
        self._state = state
        self._clock = MovedClock(state / "clock", end - LENGTH)
        self._lab = Lab(
            state,
            switches=Switches(prompt_seconds=_PROMPT_SECONDS, outcomes=_OUTCOMES),
            python=python,
            environ=self._clock.environ,
            clock=self._clock,
        )
        self._open = ExitStack()
        self._apac = ExitStack()
        self._soars: dict[str, StandInSoar] = {}
        self._people: dict[tuple[str, str], Person] = {}
        self._agenda: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers = itertools.count()
        self._cases: dict[tuple[str, int], Case] = {}
        self._fates = itertools.cycle(_FATES)
        self._answers = itertools.cycle(_ANSWERS)
        self._sent: dict[str, Detection] = {}
        self._notable: dict[str, str] = {}
        self.ledger = Ledger(end)

    def live(self) -> Ledger:
        """Live through it.

        Raises:
            LabError: the add-on is not built.
            RuntimeError: something did not go as the scenario has it.
        """
        with self._apac, self._open, self._lab:
            self._set_up()
            self._plan()
            while self._agenda:
                moment, _, work = heapq.heappop(self._agenda)
                self._clock.move_to(moment)
                work()
            self._clock.move_to(self.ledger.end)
            self._lab.collect()
        _rest(self._state)
        self.ledger.cases = sorted(self._cases.values(), key=lambda case: (case.created, case.container_id))
        text = json.dumps(self.ledger.document(), indent=1)
        (self._state / LEDGER).write_text(text, encoding="utf-8")
        return self.ledger

    def _set_up(self) -> None:
        self._lab.splunkd.add_user("analyst", ["user", "send_to_soar_user"])
        accounts = Accounts(self._lab.management, APP)
        for name in (ACCOUNT, EMEA, APAC):
            soar = self._lab.soar.stand_in
            if name != ACCOUNT:
                switches = Switches(prompt_seconds=_PROMPT_SECONDS, outcomes=_FAILING)
                soar = StandInSoar(self._state / f"soar-{name}", switches=switches, clock=self._clock)
                (self._apac if name == APAC else self._open).enter_context(soar)
                token = secrets.token_urlsafe(32)
                soar.add_automation_user("splunk", token)
                accounts.save(Account(name, soar.url, token, soar.ca_file.read_text(encoding="ascii")), exists=False)
            if soar is None:
                raise RuntimeError(f"{self._state} is in use.")
            soar.admin.add_status("false_positive", "resolved")
            self._soars[name] = soar
            for person in _PEOPLE:
                password = secrets.token_urlsafe(12)
                soar.add_user(person, password)
                self._people[name, person] = Person(soar.url, soar.ca_file, person, password)

    def _plan(self) -> None:
        for seed, (hours, detection, count, account) in enumerate(_SENT):
            self._at(self._before(hours), partial(self._send, detection, count, account, seed))
        self._at(self._before(_FOLLOWED), self._look_into)
        for hours in _POLLS:
            self._at(self._before(hours), self._poll)
        for hours in _DRAINS:
            self._at(self._before(hours), self._drain)
        begun, over = _THROTTLED
        emea = self._soars[EMEA].admin
        self._at(self._before(begun) - 1, partial(emea.fault, "* /rest/*", "429", times=None, retry_after=60))
        self._at(self._before(over), emea.clear)
        self._at(self._before(_APAC_GONE), self._apac.close)

    def _before(self, hours: float) -> float:
        return self.ledger.end - hours * HOUR

    def _at(self, moment: float, work: Callable[[], object]) -> None:
        if moment <= self.ledger.end:
            heapq.heappush(self._agenda, (moment, next(self._numbers), work))

    def _send(self, detection: Detection, count: int, account: str, seed: int) -> None:
        rows = detection.rows(count, self._clock(), seed)
        parameters = {"account": account, "label": detection.label, "severity": "{{severity}}", **detection.parameters}
        report = self._lab.send(SendRequest(self._file(rows), search_name=detection.name, parameters=parameters))
        self._tell(report, detection, account)
        if self._clock() == self._before(_LOOKED_INTO):
            self._notable = {**rows[0], "orig_sid": report.sid, "orig_rid": "0"}

    def _look_into(self) -> None:
        """An analyst runs both other actions on a notable; their answers come while nobody waits."""
        ask = {"fields": "src,url", "playbooks": "local/enrich_indicators", "inputs": "indicators={{src}}"}
        run = {"playbooks": "local/splunk_triage"}
        for action, parameters in (("request_soar_enrichment", ask), ("run_soar_playbook", run)):
            report = self._lab.send(
                SendRequest(
                    self._file([self._notable]),
                    action=action,
                    mode=Mode.ADHOC,
                    search_name="",
                    owner="analyst",
                    parameters={"follow": "0", "account": ACCOUNT, **parameters},
                )
            )
            self._tell(report, NEW_ACCOUNT, ACCOUNT)

    def _file(self, rows: list[dict[str, str]]) -> Path:
        path = self._state / "results.csv"
        with path.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        return path

    def _tell(self, report: Report, detection: Detection, account: str) -> None:
        self._sent[report.sid] = detection
        for result in report.results:
            self.ledger.results[result.status] += 1
            if result.container_id is not None and result.status == "delivered":
                self._made(detection, account, result.container_id)

    def _made(self, detection: Detection, account: str, container: int) -> None:
        made = self._clock()
        key = (account, container)
        self._cases[key] = Case(account, container, detection.name, detection.severity, detection.label, made)
        if "playbook" in detection.parameters and detection is MALWARE:
            self._ask(account, container)
        if detection is PHISHING and account != ACCOUNT:
            self.ledger.failed_runs += 1
        fate = next(self._fates)
        if fate.person:
            self._at(made + fate.taken, lambda: self._take(key, fate.person))
            if "workbook" in detection.parameters:
                self._at(made + fate.taken + MINUTE, lambda: self._people[account, fate.person].begin_task(container))
                self._at(made + fate.taken + 9 * MINUTE, lambda: self._finish_task(key, fate.person))
        if fate.closed:
            self._at(made + fate.closed, lambda: self._close(key, fate.person, fate.status))

    def _ask(self, account: str, container: int) -> None:
        person, after, reply = next(self._answers)
        due = self._clock() + _PROMPT_SECONDS
        if not person or self._clock() + after > self.ledger.end:
            self.ledger.answers["" if due < self.ledger.end else "waiting"] += 1
            return
        self.ledger.answers[reply] += 1
        self._at(self._clock() + after, lambda: self._people[account, person].answer(container, reply))

    def _take(self, key: tuple[str, int], name: str) -> None:
        self._people[key[0], name].take(key[1])
        self._change(key, opened=self._clock(), status="open", owner=name)

    def _finish_task(self, key: tuple[str, int], name: str) -> None:
        self._people[key[0], name].finish_task(key[1])
        self.ledger.tasks_done += 1

    def _close(self, key: tuple[str, int], name: str, status: str) -> None:
        person = self._people[key[0], name]
        if status == "closed":
            person.note(key[1], "What was done", "The system was cleaned and the account's password changed.")
        else:
            person.comment(key[1], "Known behaviour of the backup job, no incident.")
        person.close(key[1], status)
        self.ledger.notes += 1
        self._change(key, closed=self._clock(), status=status)

    def _change(self, key: tuple[str, int], **values: Any) -> None:
        self._cases[key] = Case(**{**asdict(self._cases[key]), **values})

    def _poll(self) -> None:
        self._lab.poll()  # the account whose SOAR has gone is told as a problem, as it should be

    def _drain(self) -> None:
        """Run the delivery input until it has nothing to do."""
        marks = self._lab.indexes.marks()
        deadline = time.monotonic() + _WAIT_SECONDS
        with self._lab.delivery():
            while self._is_due():
                if time.monotonic() > deadline:
                    raise RuntimeError("The delivery input was not done.")
                time.sleep(0.1)
        self._lab.collect()
        for event in self._lab.indexes.since(marks):
            fields: Mapping[str, Any] = event["fields"]
            if event["sourcetype"] == "soar:action:result" and fields["status"] != "queued":
                self.ledger.results["queued"] -= 1
                self.ledger.results[fields["status"]] += 1
                if fields["status"] == "delivered":
                    self._made(self._sent[fields["sid"]], fields["account"], int(fields["container_id"]))

    def _is_due(self) -> bool:
        """Whether an alert is in the journal, or, later than that, something in the outbox whose time has come."""
        folder = self._lab.home.root / "var" / "lib" / "splunk" / "modinputs" / "soar_delivery" / "journal"
        if any(folder.iterdir()):
            return True
        pending = self._lab.management.documents(APP, "soar_outbox", {"state": "pending"})
        tried = self._clock() > self._before(_DRAINS[-1]) - 1
        return tried and any(float(one["next_attempt"]) <= self._clock() for one in pending)


@contextmanager
def further_soars(state: Path) -> Iterator[None]:
    """Run what a busy week has beside the lab's own SOAR, and has not lost; nothing in any other state folder."""
    folder = state / f"soar-{EMEA}"
    with StandInSoar(folder) if folder.is_dir() else nullcontext():
        yield


def lived_through(state: Path) -> None:
    """Have a busy week that ends now in a state folder, unless it has one.

    Raises:
        LabError: there is something else in the folder, or the add-on is not built.
    """
    if (state / LEDGER).is_file():
        return
    if state.is_dir() and any(state.iterdir()):
        raise LabError(f"{state} holds another lab.", "Name an empty folder with --state.")
    Week(state, time.time()).live()


def _rest(state: Path) -> None:
    """Take away what a copy of the state folder would index again: the logs, which are in the index."""
    for log in (state / "splunk" / "var" / "log" / "splunk").iterdir():
        log.unlink()
    (state / "index" / ".cursors.json").unlink()
