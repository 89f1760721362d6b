"""One round of the write-back: what changed in SOAR goes to the notables, each update once.

How far a case has come stands in its row of ``soar_containers``: ``open`` (changed since), ``writing`` (an update
is under way: after a crash it is looked for before it is written again), ``done``, ``refused``, ``kept`` (an analyst's
newer change stays), ``none`` (there is no notable).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from soarlink.feedback.case import OPEN
from soarlink.plan import moment
from soarlink.writeback import change as changes
from soarlink.writeback.change import Change, Pushed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from soarlink.feedback.case import Case
    from soarlink.feedback.cases import Cases
    from soarlink.writeback.notables import Notables, Review
    from soarlink.writeback.rule import Rule

WRITING, DONE, REFUSED, KEPT, NONE = "writing", "done", "refused", "kept", "none"

SEARCHED_FOR = 24 * 3600.0
"""Seconds after which a container whose notable was not found is taken for one without."""

SOURCETYPE = "soar:notable_update"


@dataclass(frozen=True)
class _Due:
    """A case with what is to be written."""

    case: Case
    change: Change

    @property
    def pushed(self) -> Pushed:
        return changes.pushed_of(self.case.pushed)


class Round:
    """One round. Errors of splunkd and of the KV store pass through: what was not written is open still.

    Args:
        cases: the containers of one account.
        notables: Enterprise Security.
        rules: what means what.
        clock: seconds since 1970.
        emit: takes a report of each update: fields of an event.
        preview: nothing is written; the reports say what would have been.
    """

    def __init__(
        self,
        cases: Cases,
        notables: Notables,
        rules: Sequence[Rule],
        *,
        clock: Callable[[], float],
        emit: Callable[[dict[str, Any]], None],
        preview: bool,
    ) -> None:
        self._cases = cases
        self._notables = notables
        self._rules = rules
        self._clock = clock
        self._emit = emit
        self._preview = preview

    def run(self) -> None:
        """Write what is due."""
        due = [_Due(case, self._outstanding(case)) for case in self._named(self._cases.awaiting((OPEN, WRITING)))]
        for one in due:
            if not one.change:
                self._settle(one.case, DONE, "")
        self._write(self._guarded([one for one in due if one.change]))
        self._cases.save()

    def _outstanding(self, case: Case) -> Change:
        return changes.outstanding(changes.wanted(case, self._rules), changes.pushed_of(case.pushed))

    def _named(self, cases: Sequence[Case]) -> list[Case]:
        """Those whose notable is known; what is looked for too long has none."""
        nameless = [case for case in cases if not case.event_id]
        origins = [(case.orig_sid, case.orig_rid) for case in nameless if case.orig_sid and case.orig_rid]
        found = self._notables.event_ids(origins) if origins else {}
        named = [case for case in cases if case.event_id]
        for case in nameless:
            event_id = found.get((case.orig_sid, case.orig_rid), "")
            if event_id:
                named.append(replace(case, event_id=event_id))
            elif self._clock() - (moment.point(case.created) or 0.0) > SEARCHED_FOR:
                self._settle(case, NONE, "no notable was found for the run that made this container")
        return named

    def _guarded(self, due: Sequence[_Due]) -> list[_Due]:
        """What is to be written in view of what the notables show.

        Values that an analyst has changed after SOAR did are left alone; what is there already is not written again.
        """
        asked = [one.case.event_id for one in due if one.change.values or one.case.writeback == WRITING]
        reviews = self._notables.reviews(asked) if asked else {}
        left = []
        for one in due:
            review = reviews.get(one.case.event_id)
            if review is None:
                left.append(one)
                continue
            if one.case.writeback == WRITING and review.shows(one.change):
                self._written(one, "")
                continue
            found = self._beside(one, review)
            if found is not None:
                left.append(found)
        return left

    def _beside(self, one: _Due, review: Review) -> _Due | None:
        there = [name for name, value in one.change.values if getattr(review, name) == value]
        newer = review.time > _changed(one.case)
        kept = [name for name, _ in one.change.values if newer and name not in there]
        known = one.pushed.after(Change(tuple(pair for pair in one.change.values if pair[0] in (*there, *kept))))
        case = replace(one.case, pushed=known.text())
        change = one.change.without_values((*there, *kept))
        if kept:
            note = f"{', '.join(kept)}: {review.reviewer or 'somebody'} changed the notable later than SOAR did"
            self._report(one.case, Change(tuple(p for p in one.change.values if p[0] in kept)), KEPT, note)
            case = replace(case, writeback_note=note)
        if change:
            return _Due(case, change)
        self._settle(case, KEPT if kept else DONE, case.writeback_note if kept else "")
        return None

    def _write(self, due: Sequence[_Due]) -> None:
        """Cases with the same change together; when one of them fails, each by itself."""
        if self._preview:
            for one in due:
                self._report(one.case, one.change, "would have updated", "")
                self._settle(one.case, DONE, "preview")
            return
        for one in due:
            self._cases.change(replace(one.case, writeback=WRITING))
        self._cases.save()
        groups: dict[Change, list[_Due]] = {}
        for one in due:
            groups.setdefault(one.change, []).append(one)
        for change, members in groups.items():
            for start in range(0, len(members), 100):
                self._write_group(change, members[start : start + 100])

    def _write_group(self, change: Change, members: Sequence[_Due]) -> None:
        refusal = self._notables.update([one.case.event_id for one in members], change)
        if refusal and len(members) > 1:
            for one in members:
                self._written(one, self._notables.update([one.case.event_id], change))
            return
        for one in members:
            self._written(one, refusal)

    def _written(self, one: _Due, refusal: str) -> None:
        if refusal:
            self._report(one.case, one.change, REFUSED, refusal)
            self._settle(one.case, REFUSED, refusal)
            return
        self._report(one.case, one.change, "updated", "")
        self._settle(replace(one.case, pushed=one.pushed.after(one.change).text()), DONE, one.case.writeback_note)

    def _settle(self, case: Case, state: str, note: str) -> None:
        self._cases.change(replace(case, writeback=state, writeback_note=note))

    def _report(self, case: Case, change: Change, outcome: str, reason: str) -> None:
        fields: Iterable[tuple[str, Any]] = (
            ("account", case.account),
            ("container_id", case.container_id),
            ("container_url", case.url),
            ("event_id", case.event_id),
            ("outcome", outcome),
            ("reason", reason),
            *change.values,
            ("comment", "\n".join(change.comments)),
        )
        self._emit({name: value for name, value in fields if value})


def _changed(case: Case) -> float:
    """When SOAR last changed what the rules look at."""
    points = [moment.point(text) or 0.0 for text in (case.updated, case.last_run_time)]
    return max(points)
