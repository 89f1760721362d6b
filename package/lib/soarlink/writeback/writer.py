"""Writes what is due to Enterprise Security, the index ``risk`` and SOAR, and reads it back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from soarlink.errors import Refused, SoarError, SplunkdError
from soarlink.feedback.case import WRITING
from soarlink.writeback import answer
from soarlink.writeback import risk as risks
from soarlink.writeback.change import Change
from soarlink.writeback.due import Answered, Due, alike
from soarlink.writeback.ledger import DONE, FAILED, REFUSED, UNCONFIRMED, UPDATED

if TYPE_CHECKING:
    from soarlink.writeback.enterprise import EnterpriseSecurity
    from soarlink.writeback.ledger import Ledger
    from soarlink.writeback.turns import Turns

MOST_FAULTS = 3
"""Errors in a row, without any other answer, after which Enterprise Security counts as away."""

_FOR_ALL = (None, *answer.NO_RIGHT, answer.NOT_FOUND, answer.THROTTLED)
"""What ``notable_update`` answers whatever the update: no answer, no right, not there, too many calls."""

_FOR_ALL_NOTES = (None, answer.NO_RIGHT[0], answer.THROTTLED)
"""The same of other calls: a right that is missing for notes concerns only updates with notes."""


@dataclass(frozen=True)
class Sinks:
    """Where a round's results go, beside Enterprise Security.

    Args:
        report: takes reports of updates, each the fields of an event; when it returns they are safe.
        risk: hands events over to the index ``risk``; when it returns they are safe.
        tag: gives a container in SOAR tags that it lacks; raises SoarError.
    """

    report: Callable[[Sequence[dict[str, Any]]], None]
    risk: Callable[[Sequence[str]], None]
    tag: Callable[[int, Sequence[str]], None]


class Writer:
    """Writes. An error that concerns more than one update passes through; what was not written is ``writing`` then.

    Args:
        enterprise: Enterprise Security.
        ledger: takes down what became of it.
        turns: knows which cases met an error.
        sinks: where the rest goes.
        clock: seconds since 1970.
        go_on: asked before each call; False ends it in good order.
    """

    def __init__(
        self,
        enterprise: EnterpriseSecurity,
        ledger: Ledger,
        turns: Turns,
        sinks: Sinks,
        *,
        clock: Callable[[], float],
        go_on: Callable[[], bool],
    ) -> None:
        self._enterprise = enterprise
        self._ledger = ledger
        self._turns = turns
        self._sinks = sinks
        self._clock = clock
        self._go_on = go_on
        self._in_a_row = 0
        self._soar_fault = ""
        self.put_off: list[str] = []
        """Why updates were put off."""

    def write(self, due: Sequence[Due]) -> None:
        """Cases with the same change together; when one of them fails, each by itself."""
        begun = [one.begun() for one in due]
        for one in begun:
            self._ledger.settle(one.case, WRITING, one.case.writeback_note)
        self._ledger.save()
        answered: list[Answered] = []
        try:
            for change, members in alike(self._risks(begun)).items():
                if not self._go_on():
                    break
                self._together(change, members, answered)
        finally:
            self._read_back(answered)
            self._ledger.save()

    def failed(
        self, members: Sequence[Due], error: SplunkdError, for_all: Sequence[int | None] = _FOR_ALL_NOTES
    ) -> None:
        """Put updates off that ended in an error. One that concerns all of them is raised.

        Args:
            members: the updates.
            error: the error.
            for_all: statuses that say nothing of an update.
        """
        if error.status in for_all:
            raise error
        self._in_a_row += 1
        self.put_off += [str(error)] * len(members)
        for one in members:
            self._ledger.settle(one.case, WRITING, str(error))
            if not self._turns.faults(one.case):
                self._ledger.report(one.case, one.change, FAILED, str(error))
            self._turns.put_off(one.case)
        if self._in_a_row >= MOST_FAULTS:
            raise error

    def _risks(self, due: Sequence[Due]) -> list[Due]:
        """Write risk modifiers; what is left. They are out for good, whatever becomes of the rest."""
        texts = [risks.text_of(risk, one.case, self._clock()) for one in due for risk in one.change.risks]
        if not texts:
            return list(due)
        self._sinks.risk(texts)
        left = []
        for one in due:
            written = Change(risks=one.change.risks)
            rest = one.after(written) if written else one
            if written:
                self._ledger.report(one.case, written, UPDATED, "")
                self._ledger.settle(rest.case, WRITING, rest.case.writeback_note)
            left.append(rest)
        self._ledger.save()
        return left

    def _together(self, change: Change, members: Sequence[Due], answered: list[Answered]) -> None:
        by_id: dict[str, list[Due]] = {}
        for one in members:
            by_id.setdefault(one.case.event_id, []).append(one)
        try:
            refusal = self._enterprise.update(list(by_id), change)
        except SplunkdError as error:
            if len(by_id) == 1 or error.status in _FOR_ALL:
                self.failed(members, error, _FOR_ALL)
                return
            refusal = str(error)
        if refusal and len(by_id) > 1:
            self._each(change, by_id, answered)
            return
        for one in members:
            self._finish(one, change, refusal, answered)

    def _each(self, change: Change, by_id: dict[str, list[Due]], answered: list[Answered]) -> None:
        """Each notable by itself, without what it shows: a call that is refused for one has written the others."""
        reviews = self._enterprise.reviews(list(by_id))
        for event_id, members in by_id.items():
            if not self._go_on():
                return
            review = reviews.get(event_id)
            rest = change.but(review.part(change)) if review is not None else change
            try:
                refusal = self._enterprise.update([event_id], rest)
            except SplunkdError as error:
                self.failed(members, error, _FOR_ALL)
                continue
            for one in members:
                self._finish(one, change, refusal, answered)

    def _finish(self, one: Due, change: Change, refusal: str, answered: list[Answered]) -> None:
        """Notes and tags, after the rest was written or refused."""
        notes = () if refusal else change.notes
        if (notes or one.change.tags) and not self._go_on():
            return
        try:
            noted = self._enterprise.annotate(one.case, notes)
        except SplunkdError as error:
            self.failed([one], error)
            return
        tags = Change(tags=one.change.tags)
        untagged = self._tag(one)
        waits = tags if untagged and self._soar_fault else Change()
        self._in_a_row = 0
        if waits:
            self._wait(one, waits)
        else:
            self._turns.done(one.case)
        refused = change if refusal else Change(notes=noted.refused)
        answered.append(
            Answered(
                one,
                replace(refused, tags=tags.but(waits).tags if untagged else (), problems=one.change.problems),
                " ".join(filter(None, (refusal or noted.reason, untagged, *one.change.problems))),
                waits,
            )
        )

    def _tag(self, one: Due) -> str:
        """Set tags in SOAR; why not, where they are not. A SOAR that does not answer is not asked again."""
        if not one.change.tags:
            return ""
        try:
            if not self._soar_fault:
                self._sinks.tag(one.case.container_id, one.change.tags)
        except Refused as error:
            return f"Not tagged: {error}"
        except SoarError as error:
            self._soar_fault = f"Not tagged: {error}"
        return self._soar_fault

    def _wait(self, one: Due, waits: Change) -> None:
        """Put a part of an update off that SOAR did not answer."""
        self.put_off.append(self._soar_fault)
        if not self._turns.faults(one.case):
            self._ledger.report(one.case, waits, FAILED, self._soar_fault)
        self._turns.put_off(one.case)

    def _read_back(self, answered: Sequence[Answered]) -> None:
        """Tell what was written, and whether it is seen: Enterprise Security may take an update of what it lacks."""
        asked = [one.due.case.event_id for one in answered if self._enterprise.as_review(one.written)]
        try:
            reviews = self._enterprise.reviews(asked) if asked else {}
            doubt = "Enterprise Security took it, and the notable does not show it: is there such a notable?"
        except SplunkdError as error:
            reviews, doubt = {}, f"Enterprise Security took it, and it could not be read back: {error}"
        for one in answered:
            case, sought = one.due.after(one.written).case, self._enterprise.as_review(one.written)
            review = reviews.get(case.event_id)
            seen = not sought or (review is not None and review.part(sought) == sought)
            said = "" if one.refused or one.waits else one.reason
            if one.written:
                self._ledger.report(case, one.written, UPDATED if seen else UNCONFIRMED, said if seen else doubt)
            if one.refused:
                self._ledger.report(case, one.refused, REFUSED, one.reason)
                told = one.due.after(replace(one.written, problems=one.refused.problems))
                self._ledger.settle(told.case, REFUSED, one.reason)
            elif one.waits:
                self._ledger.settle(case, WRITING, one.reason)
            elif seen:
                self._ledger.settle(case, DONE, case.writeback_note or said)
            else:
                self._ledger.settle(case, UNCONFIRMED, doubt)
