"""The write-back as the feedback input runs it: whether notables are updated, and rounds of updates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from soarlink.feedback.event import Event
from soarlink.splunk import conf, spool
from soarlink.writeback import path, rule
from soarlink.writeback import risk as risks
from soarlink.writeback.enterprise import EnterpriseSecurity
from soarlink.writeback.ledger import SOURCETYPE
from soarlink.writeback.round import Round
from soarlink.writeback.turns import Turns
from soarlink.writeback.writer import Sinks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from soarlink.feedback.cases import Cases
    from soarlink.inputs.session import Session
    from soarlink.soar.client import SoarClient
    from soarlink.splunk.settings import Settings
    from soarlink.writeback.path import Path
    from soarlink.writeback.rule import Rule

SOURCE = "soar_feedback"


@dataclass(frozen=True)
class Course:
    """How notables are updated.

    Args:
        rules: what means what.
        way: the way to Enterprise Security.
        preview: nothing is written.
    """

    rules: tuple[Rule, ...]
    way: Path
    preview: bool


class Updates:
    """Updates of notables, account by account.

    Args:
        session: splunkd and clocks.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._turns: dict[str, Turns] = {}

    def course(self, known: Settings) -> Course | None:
        """How notables are updated now; None where they are not: switched off, no rule, no Enterprise Security.

        Raises:
            SettingsError: a rule can't be used.
            SplunkdError: whether Enterprise Security is there can't be asked.
        """
        mode = known.writeback_mode
        rules = rule.rules_of(conf.read(self._session.app, rule.CONF)) if mode != "off" else ()
        if not rules:
            return None
        splunkd = self._session.splunkd()
        try:
            way = path.choose(splunkd)
        finally:
            splunkd.close()
        return None if way is None else Course(rules, way, preview=mode == "preview")

    def run(self, course: Course, index: str, cases: Cases, client: SoarClient, go_on: Callable[[], bool]) -> str:
        """One round for one account; why some updates were put off, "" where none was.

        Raises:
            SplunkdError: Enterprise Security or the KV store is away or refuses; what was not written is open still.
            OSError: events can't be handed over to splunkd.
        """
        turns = self._turns.setdefault(client.account.name, Turns(self._session.monotonic))

        def report(reports: Sequence[dict[str, Any]]) -> None:
            now = self._session.clock()
            texts = [spool.stamped(Event(SOURCETYPE, now, one).text(), SOURCETYPE) for one in reports]
            spool.put(self._session.home, index=index, source=SOURCE, events=texts, now=now)

        splunkd = self._session.splunkd()
        try:
            return Round(
                cases,
                EnterpriseSecurity(splunkd, course.way),
                course.rules,
                turns,
                clock=self._session.clock,
                go_on=go_on,
                sinks=Sinks(report, self._risk, client.add_tags),
                preview=course.preview,
            ).run()
        finally:
            splunkd.close()

    def _risk(self, texts: Sequence[str]) -> None:
        """Hand risk modifiers over to Enterprise Security's index."""
        now = self._session.clock()
        events = [spool.stamped(text, risks.SOURCETYPE, time=f"{now:.6f}") for text in texts]
        spool.put(self._session.home, index=risks.INDEX, source=risks.SOURCE, events=events, now=now)
