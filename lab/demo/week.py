"""A busy week of a security team: what dashboards and searches are looked at and tested with.

Everything in it comes from the built add-on, but for what :mod:`lab.demo.sources` adds at its end: its actions and
inputs run in the lab, on a clock that is moved from event to event, against three stand-in SOARs and Enterprise
Security, in which analysts work. What the scenario itself did is told as its ledger, so that figures can be compared
with something that no search has worked out.
"""

from __future__ import annotations

import csv
import heapq
import itertools
import json
import time
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

from lab.demo import review
from lab.demo.detections import MALWARE, NEW_ACCOUNT, PHISHING, Detection
from lab.demo.ledger import Case, Ledger
from lab.demo.review import IncidentReview
from lab.demo.schedule import (
    ANSWERS,
    APAC,
    APAC_GONE,
    DRAINS,
    EMEA,
    FATES,
    FOLLOWED,
    HOUR,
    LENGTH,
    LOCKED,
    LOOKED_INTO,
    MINUTE,
    POLLS,
    PROMPT_SECONDS,
    SENT,
    THROTTLED,
)
from lab.demo.soars import SWITCHES, Soars
from lab.demo.sources import indexed_before
from lab.runner.clock import MovedClock
from lab.runner.errors import LabError
from lab.runner.lab import ACCOUNT, APP, Lab
from lab.runner.request import SendRequest
from lab.runner.search import Mode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from lab.runner.report import Report

LEDGER = "week.json"
"""Where the ledger is kept in the state folder."""

_WAIT_SECONDS = 60.0
_Rows = list[dict[str, str]]


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
            state, switches=SWITCHES, python=python, environ=self._clock.environ, clock=self._clock, es=review.VERSION
        )
        self._soars: Soars
        self._notables: IncidentReview
        self._agenda: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers = itertools.count()
        self._cases: dict[tuple[str, int], Case] = {}
        self._fates = itertools.cycle(FATES)
        self._answers = itertools.cycle(ANSWERS)
        self._sent: dict[str, tuple[Detection, _Rows]] = {}
        self._notable: dict[str, str] = {}
        self.ledger = Ledger(end)

    def live(self) -> Ledger:
        """Live through it.

        Raises:
            LabError: the add-on is not built.
            RuntimeError: something did not go as the scenario has it.
        """
        with self._lab, Soars(self._lab, self._clock) as self._soars:
            self._lab.splunkd.add_user("analyst", ["user", "send_to_soar_user"])
            self._notables = IncidentReview(self._lab)
            self._plan()
            while self._agenda:
                moment, _, work = heapq.heappop(self._agenda)
                self._clock.move_to(moment)
                work()
            self._clock.move_to(self.ledger.end)
            self._lab.collect()
            self._lab.indexes.append(indexed_before(self.ledger.end))
        _rest(self._state)
        self.ledger.cases = sorted(self._cases.values(), key=lambda case: (case.created, case.container_id))
        text = json.dumps(self.ledger.document(), indent=1)
        (self._state / LEDGER).write_text(text, encoding="utf-8")
        return self.ledger

    def _plan(self) -> None:
        for seed, (hours, detection, count, account) in enumerate(SENT):
            self._at(self._before(hours), partial(self._send, detection, count, account, seed))
        self._at(self._before(FOLLOWED), self._look_into)
        for hours in POLLS:
            self._at(self._before(hours), self._poll)
        for hours in DRAINS:
            self._at(self._before(hours), self._drain)
        begun, over = THROTTLED
        self._at(self._before(begun) - 1, partial(self._soars.throttle, EMEA))
        self._at(self._before(over), partial(self._soars.relieve, EMEA))
        self._at(self._before(APAC_GONE), partial(self._soars.lose, APAC))

    def _before(self, hours: float) -> float:
        return self.ledger.end - hours * HOUR

    def _at(self, moment: float, work: Callable[[], object]) -> None:
        if moment <= self.ledger.end:
            heapq.heappush(self._agenda, (moment, next(self._numbers), work))

    def _send(self, detection: Detection, count: int, account: str, seed: int) -> None:
        rows = detection.rows(count, self._clock(), seed)
        parameters = {"account": account, "label": detection.label, "severity": "{{severity}}", **detection.parameters}
        report = self._lab.send(SendRequest(self._file(rows), search_name=detection.name, parameters=parameters))
        self._notables.add(rows)
        if self._clock() == self._before(LOCKED):
            self.ledger.locked = rows[0]["event_id"]
            self._notables.lock(self.ledger.locked)
        self._tell(report, detection, rows, account)
        if self._clock() == self._before(LOOKED_INTO):
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
            self._tell(report, NEW_ACCOUNT, [self._notable], ACCOUNT)

    def _file(self, rows: _Rows) -> Path:
        path = self._state / "results.csv"
        with path.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        return path

    def _tell(self, report: Report, detection: Detection, rows: _Rows, account: str) -> None:
        self._sent[report.sid] = detection, rows
        for result in report.results:
            self.ledger.results[result.status] += 1
            if result.container_id is not None and result.status == "delivered":
                self._made(detection, rows[int(result.rid)]["event_id"], account, result.container_id)

    def _made(self, detection: Detection, event_id: str, account: str, container: int) -> None:
        made = self._clock()
        key = (account, container)
        self._cases[key] = Case(account, container, detection.name, detection.severity, detection.label, made, event_id)
        if "playbook" in detection.parameters and detection is MALWARE:
            self._ask(account, container)
        if detection is PHISHING and account != ACCOUNT:
            self.ledger.failed_runs += 1
        fate = next(self._fates)
        if fate.person:
            self._at(made + fate.taken, lambda: self._take(key, fate.person))
            if "workbook" in detection.parameters:
                self._at(made + fate.taken + MINUTE, lambda: self._begin_task(key, fate.person))
                self._at(made + fate.taken + 9 * MINUTE, lambda: self._finish_task(key, fate.person))
        if fate.closed:
            self._at(made + fate.closed, lambda: self._close(key, fate.person, fate.status))
        if fate.reviewed:
            self._at(made + fate.reviewed, lambda: self._resolve(event_id, "carol"))

    def _ask(self, account: str, container: int) -> None:
        person, after, reply = next(self._answers)
        due = self._clock() + PROMPT_SECONDS
        if not person or self._clock() + after > self.ledger.end:
            self.ledger.answers["" if due < self.ledger.end else "waiting"] += 1
            return
        self.ledger.answers[reply] += 1
        self._at(self._clock() + after, lambda: self._soars.person(account, person).answer(container, reply))

    def _take(self, key: tuple[str, int], name: str) -> None:
        self._soars.person(key[0], name).take(key[1])
        self._change(key, opened=self._clock(), status="open", owner=name)

    def _begin_task(self, key: tuple[str, int], name: str) -> None:
        self._soars.person(key[0], name).begin_task(key[1])

    def _finish_task(self, key: tuple[str, int], name: str) -> None:
        self._soars.person(key[0], name).finish_task(key[1])
        self.ledger.tasks_done += 1

    def _close(self, key: tuple[str, int], name: str, status: str) -> None:
        person = self._soars.person(key[0], name)
        if status == "closed":
            person.note(key[1], "What was done", "The system was cleaned and the account's password changed.")
        else:
            person.comment(key[1], "Known behaviour of the backup job, no incident.")
        person.close(key[1], status)
        self.ledger.notes += 1
        self._change(key, closed=self._clock(), status=status)

    def _resolve(self, event_id: str, name: str) -> None:
        if event_id == self.ledger.locked or self._notables.is_closed(event_id):
            return
        self._notables.resolve(event_id, name)
        self.ledger.kept.append(event_id)

    def _change(self, key: tuple[str, int], **values: Any) -> None:
        self._cases[key] = Case(**{**asdict(self._cases[key]), **values})

    def _poll(self) -> None:
        self._lab.poll()  # the account whose SOAR has gone is told as a problem, as it should be

    def _drain(self) -> None:
        """Run the delivery input until it has nothing to do."""
        marks = self._lab.indexes.marks()
        deadline = time.monotonic() + _WAIT_SECONDS
        with self._lab.delivery():
            while self._is_due() or not self._has_choices():
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
                    detection, rows = self._sent[fields["sid"]]
                    event_id = rows[int(fields["rid"])]["event_id"]
                    self._made(detection, event_id, fields["account"], int(fields["container_id"]))

    def _has_choices(self) -> bool:
        """Whether the input has told which accounts and playbooks there are: views offer them."""
        rows = self._lab.management.documents(APP, "soar_choices", {})
        return {"account", "playbook"} <= {row["kind"] for row in rows}

    def _is_due(self) -> bool:
        """Whether an alert is in the journal, or, later than that, something in the outbox whose time has come."""
        folder = self._lab.home.root / "var" / "lib" / "splunk" / "modinputs" / "soar_delivery" / "journal"
        if any(folder.iterdir()):
            return True
        pending = self._lab.management.documents(APP, "soar_outbox", {"state": "pending"})
        tried = self._clock() > self._before(DRAINS[-1]) - 1
        return tried and any(float(one["next_attempt"]) <= self._clock() for one in pending)


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
