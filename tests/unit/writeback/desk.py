"""Enterprise Security as analysts have it, the lookup of containers, and rounds of the write-back between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from soarlink.errors import SoarError
from soarlink.feedback.case import OPEN, Case, of_document
from soarlink.feedback.cases import COLLECTION, Cases
from soarlink.plan import moment
from soarlink.secret import Secret
from soarlink.soar.account import Account
from soarlink.soar.client import SoarClient
from soarlink.splunk.kvstore import KvStore
from soarlink.splunk.splunkd import Splunkd
from soarlink.wire.exchange import Reply
from soarlink.writeback import path as paths
from soarlink.writeback.enterprise import EnterpriseSecurity
from soarlink.writeback.round import Round
from soarlink.writeback.rule import rules_of
from soarlink.writeback.turns import Turns
from soarlink.writeback.writer import Sinks
from tests.unit.inputs.memory import Process
from tests.unit.outbox.splunkd import SplunkdProcess

NOW = 1_800_000_000.0
"""When rounds take place; reviews have the time of the real clock, which is earlier."""

LINK = {"order": "10", "field": "created", "set": "comment", "to": "container {{container_id}}"}
CLOSED = {"order": "20", "field": "status", "values": "closed", "set": "status", "to": "5"}
ACCOUNT = Account("lab", "https://soar.example", Secret("t"))


class Desk:
    """Everything is real but SOAR, which no round asks.

    Args:
        splunkd: a stand-in with Enterprise Security.
    """

    def __init__(self, splunkd: SplunkdProcess) -> None:
        self.process = splunkd
        self.account = ACCOUNT
        """Whose turn it is."""
        self.steps = Process()
        """Each call to splunkd is a step before and after it: a round can end at any of them."""
        self.ends_after = ""
        """Where a process ends: after a call whose address holds this; "" for nowhere."""
        self.session: Splunkd = splunkd.session()
        self.kv = KvStore(self.session)
        self.now = NOW
        self.changes = 0
        self.reports: list[dict[str, Any]] = []
        self.risks: list[str] = []
        """Events in the index ``risk``."""
        self.is_searchable = True
        """Whether searches find these."""
        self.tags: list[tuple[int, str]] = []
        """Tags that were set: container and tag."""
        self.is_kept = True
        """Whether the account's scope still takes the containers."""
        self.problem = ""
        """What the last round says that it put off."""
        self.soar: SoarError | None = None
        """What SOAR says when it is to set a tag."""
        self.asked = 0
        """How often SOAR was to set tags."""
        self.seconds = 0.0
        self.turns = Turns(lambda: self.seconds)
        """The process's; an own one is a new process."""
        self.goes_on: Callable[[], bool] = lambda: True

    def case(self, number: int, *, event_id: str | None = None, changed: float = NOW, **facts: Any) -> Case:
        """A container of ours that changed in SOAR at that time, of the notable ``ev<number>`` unless it is said."""
        known = f"ev{number}" if event_id is None else event_id
        time = moment.written(changed)
        case = Case(self.account.name, number, ours=True, event_id=known, created=time, updated=time, changed=time)
        return self.keep(replace(case, writeback=OPEN, url=f"https://soar.example/mission/{number}", **facts))

    def keep(self, case: Case) -> Case:
        """Put a case into the lookup as it is."""
        self.kv.save_batch(COLLECTION, [case.document()])
        return case

    def change(self, number: int, changed: float = 0.0, **facts: str) -> Case:
        """SOAR changes a container, at that time or just now, and a poll sees it."""
        self.changes += 1
        before = self.row(number)
        record = {name: facts.get(name, getattr(before, name)) for name in ("name", "label", "status", "severity")}
        record["owner_name"] = facts.get("owner", before.owner)
        record["create_time"] = before.created
        record["container_update_time"] = moment.written(changed or NOW + self.changes)
        return self.keep(before.seen(record))

    def row(self, number: int) -> Case:
        """A case as the lookup has it."""
        return of_document(self.kv.get(COLLECTION, f"{self.account.name}:{number}") or {})

    def round(self, *stanzas: dict[str, str], preview: bool = False) -> list[dict[str, Any]]:
        """One round by these rules; its reports."""
        rules = rules_of({f"rule_{number}": stanza for number, stanza in enumerate(stanzas or (LINK, CLOSED))})
        session = _Stepping(self.session, self.steps, self.ends_after)
        cases = Cases(KvStore(session), SoarClient(self.account), lambda _: self.is_kept)
        self.reports = []
        way = paths.choose(session)
        assert way is not None
        enterprise = EnterpriseSecurity(session, way)
        found = self.risk_ids() if self.is_searchable else []
        self.process.canned("index=risk", [{"soar_event_id": number} for number in found])
        self.problem = Round(
            cases,
            enterprise,
            rules,
            self.turns,
            clock=lambda: self.now,
            go_on=self.goes_on,
            sinks=Sinks(*(self.steps.wrap(one) for one in (self.reports.extend, self.risks.extend, self._tag))),
            preview=preview,
        ).run()
        return self.reports

    def risk_ids(self) -> list[str]:
        """The ids of the risk modifiers."""
        return [text.split('soar_event_id="')[1].split('"')[0] for text in self.risks]

    def _tag(self, container: int, tags: Sequence[str]) -> None:
        self.asked += 1
        if self.soar is not None:
            raise self.soar
        self.tags += [(container, tag) for tag in tags if (container, tag) not in self.tags]

    def notes(self, event_id: str = "") -> list[tuple[str, str]]:
        """Title and content of notes, oldest first: of one finding, or all."""
        found: list[dict[str, str]] = self.process.notables("notes")
        return [(one["title"], one["content"]) for one in found if event_id in ("", one["finding"])]

    def reviews(self, event_id: str = "") -> list[dict[str, str]]:
        """Reviews, oldest first: of one notable, or all."""
        found: list[dict[str, str]] = self.process.notables("reviews")
        return [one for one in found if event_id in ("", one["rule_id"])]

    def clear(self) -> None:
        """Nothing is left for the next test."""
        self.risks.clear()
        self.tags.clear()
        self.process.clear()
        self.process.notables("clear")
        for row in self.kv.query(COLLECTION):
            self.kv.delete(COLLECTION, str(row["_key"]))


class Scripted(Splunkd):
    """A splunkd that gives these answers in turn: status and body."""

    def __init__(self, *answers: tuple[int, bytes]) -> None:
        self._answers = list(answers)
        self.calls: list[str] = []

    def request(self, method: str, path: str, body: bytes | None = None, content_type: str = "") -> Reply:
        """The next answer."""
        del body, content_type
        self.calls.append(f"{method} {path}")
        status, said = self._answers.pop(0)
        return Reply(status, {}, said)


class _Stepping(Splunkd):
    """The session of a process that can end."""

    def __init__(self, session: Splunkd, steps: Process, ends_after: str) -> None:
        self._session = session
        self._steps = steps
        self._ends_after = ends_after

    def request(self, method: str, path: str, body: bytes | None = None, content_type: str = "") -> Reply:
        self._steps.step()
        reply = self._session.request(method, path, body, content_type)
        if self._ends_after and self._ends_after in path:
            self._steps.start(0)
        self._steps.step()
        return reply
