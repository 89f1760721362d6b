"""One round of the write-back: what changed in SOAR goes to the notables, each update once.

How far a case has come stands in its row of ``soar_containers`` (see :mod:`soarlink.writeback.ledger`); an update that
is under way is looked for after a crash before it is written again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from soarlink.errors import SplunkdError
from soarlink.feedback.case import OPEN, WRITING
from soarlink.plan import moment
from soarlink.writeback import change as changes
from soarlink.writeback import risk as risks
from soarlink.writeback.change import Change
from soarlink.writeback.due import Due, alike
from soarlink.writeback.ledger import DONE, KEPT, NONE, PREVIEWED, UPDATED, Ledger
from soarlink.writeback.notables import AT_ONCE
from soarlink.writeback.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from soarlink.feedback.case import Case
    from soarlink.feedback.cases import Cases
    from soarlink.writeback.enterprise import EnterpriseSecurity
    from soarlink.writeback.notables import Review
    from soarlink.writeback.rule import Rule
    from soarlink.writeback.turns import Turns
    from soarlink.writeback.writer import Sinks

LONGEST = 60.0
"""Seconds after which a round begins with no further cases: other accounts wait."""

SEARCHED_FOR = 24 * 3600.0
"""Seconds after which a container whose notable was not found is taken for one without."""


class Round:
    """One round. Errors that concern more than one update pass through: what was not written is open still.

    Args:
        cases: the containers of one account.
        enterprise: Enterprise Security.
        rules: what means what.
        turns: whose turn it is.
        clock: seconds since 1970.
        go_on: asked before each call that writes; False ends the round in good order.
        sinks: where results go.
        preview: nothing is written; the reports say what would have been.
    """

    def __init__(
        self,
        cases: Cases,
        enterprise: EnterpriseSecurity,
        rules: Sequence[Rule],
        turns: Turns,
        *,
        clock: Callable[[], float],
        go_on: Callable[[], bool],
        sinks: Sinks,
        preview: bool,
    ) -> None:
        self._cases = cases
        self._enterprise = enterprise
        self._rules = rules
        self._turns = turns
        self._clock = clock
        self._go_on = go_on
        self._preview = preview
        self._ledger = Ledger(cases, sinks.report)
        self._writer = Writer(enterprise, self._ledger, turns, sinks, clock=clock, go_on=go_on)

    def run(self) -> str:
        """Write what is due; why some of it was put off, "" where none was."""
        until = self._turns.now() + LONGEST
        try:
            while self._is_more() and self._turns.now() < until:
                pass
            self._work(self._found(self._next(named=False)))
        finally:
            self._ledger.save()
        put_off = self._writer.put_off
        return f"Updates of notables that are tried again: {len(put_off)}. {put_off[-1]}" if put_off else ""

    def _is_more(self) -> bool:
        """Write a number of cases whose notable is known; whether others wait behind them."""
        before = self._turns.place(named=True)
        found = self._next(named=True)
        self._work(found)
        return len(found) == self._cases.at_once and found[-1].key > before

    def _next(self, *, named: bool) -> list[Case]:
        """The cases whose turn it is. A preview leaves an update that was cut short alone: it is no new one."""
        if not self._go_on():
            return []
        states = (OPEN,) if self._preview else (OPEN, WRITING)
        found = self._cases.awaiting(states, named=named, after=self._turns.place(named=named))
        if found:
            self._turns.had(found[-1], named=named)
        return found

    def _found(self, nameless: Sequence[Case]) -> list[Case]:
        """Those whose notable is there; what can't be found, or is looked for too long, has none."""
        sought = [case for case in nameless if case.orig_sid and case.orig_rid]
        for case in nameless:
            if not (case.orig_sid and case.orig_rid):
                self._ledger.settle(case, NONE, "the container names neither a notable nor the run of one")
        found = self._enterprise.event_ids([(case.orig_sid, case.orig_rid) for case in sought]) if sought else {}
        named = []
        for case in sought:
            event_id = found.get((case.orig_sid, case.orig_rid), "")
            if event_id:
                named.append(replace(case, event_id=event_id))
            elif self._clock() - (moment.point(case.created) or 0.0) > SEARCHED_FOR:
                self._ledger.settle(case, NONE, "no notable was found for the run that made this container")
        return named

    def _work(self, cases: Sequence[Case]) -> None:
        """A portion at a time: the notables are looked at right before they are written. Faulty ones come last."""
        due = []
        for case in sorted(filter(self._turns.is_due, cases), key=self._turns.faults):
            one = Due(replace(case, writeback_note=""), self._outstanding(case))
            if one.change or self._sought(one):
                due.append(one)
            else:
                self._ledger.settle(one.case, DONE, "")
        # What was cut short last: each of these is looked for by itself, and that may fail.
        for state in (OPEN, WRITING):
            members = alike(one for one in due if one.case.writeback == state).values()
            ordered = [one for some in members for one in some]
            for start in range(0, len(ordered), AT_ONCE):
                if not self._go_on():
                    return
                self._portion(ordered[start : start + AT_ONCE])

    def _outstanding(self, case: Case) -> Change:
        return changes.outstanding(changes.wanted(case, self._rules), changes.pushed_of(case.pushed))

    def _portion(self, due: Sequence[Due]) -> None:
        left = self._guarded(due)
        if not self._preview:
            self._writer.write(left)
            return
        for one in left:
            self._ledger.report(one.case, one.change, PREVIEWED, "")
            self._ledger.settle(one.case, DONE, "preview")
        self._ledger.save()

    def _guarded(self, due: Sequence[Due]) -> list[Due]:
        """What is to be written in view of what the notables show.

        Values that an analyst has changed after SOAR did are left alone; what is there already is not written again.
        """
        sought = {one.case.key: self._sought(one) for one in due}
        asked = [one.case.event_id for one in due if one.change.values or sought[one.case.key]]
        reviews = self._enterprise.reviews(list(dict.fromkeys(asked))) if asked else {}
        ids = [risks.id_of(risk, one.case) for one in due for risk in sought[one.case.key].risks]
        there = self._enterprise.events_there(risks.INDEX, ids) if ids else frozenset()
        left = []
        for one in due:
            review = reviews.get(one.case.event_id)
            if (one.case.writeback == WRITING or sought[one.case.key].notes) and not self._go_on():
                break
            try:
                rest = self._resumed(one, sought[one.case.key], review, there)
            except SplunkdError as error:
                self._writer.failed([one], error)
                continue
            if rest.change and review is not None:
                rest = self._beside(rest, review)
            if rest.change:
                left.append(rest)
        return left

    def _sought(self, one: Due) -> Change:
        """What may stand there already: texts and risk, and of an update during which the process ended all of it.

        A row may stand in the place of one that was lost, and two accounts may lead to one SOAR.
        """
        if one.case.writeback == WRITING:
            return one.change.along(changes.pushed_of(one.case.pushed).under_way)
        return Change() if self._preview else replace(one.change, values=(), tags=(), problems=())

    def _resumed(self, one: Due, sought: Change, review: Review | None, there: frozenset[str]) -> Due:
        """What is left of an update beside what stands there. A tag that is there is not set again by itself.

        Args:
            one: the update.
            sought: what to look for.
            review: what the notable shows.
            there: risk modifiers that the index has, by id.
        """
        written = self._enterprise.written(one.case, sought, review) if sought else Change()
        written = replace(written, risks=tuple(risk for risk in sought.risks if risks.id_of(risk, one.case) in there))
        if written and one.case.writeback == WRITING:
            self._ledger.report(one.case, written, UPDATED, "")
        case = one.after(written).case if written else one.case
        rest = Due(case, self._outstanding(case))
        if not rest.change:
            self._turns.done(case)
            self._ledger.settle(case, DONE, "")
        return rest

    def _beside(self, one: Due, review: Review) -> Due:
        there = [pair for pair in one.change.values if getattr(review, pair[0]) == pair[1]]
        newer = review.time > _changed(one.case)
        kept = [pair for pair in one.change.values if newer and pair not in there]
        rest = one.after(Change((*there, *kept)))
        if self._preview:  # which remembers nothing as written
            rest = Due(one.case, rest.change)
        if kept:
            names = ", ".join(name for name, _ in kept)
            note = f"{names}: {review.reviewer or 'somebody'} changed the notable later than SOAR did"
            self._ledger.report(one.case, Change(tuple(kept)), KEPT, note)
            rest = replace(rest, case=replace(rest.case, writeback_note=note))
        if not rest.change:
            self._ledger.settle(rest.case, KEPT if kept else DONE, rest.case.writeback_note if kept else "")
        return rest


def _changed(case: Case) -> float:
    """When SOAR last changed what the rules look at, as far as polls could see."""
    return moment.point(case.changed or case.updated) or 0.0
