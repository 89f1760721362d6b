"""One round of the write-back: what changed in SOAR goes to the notables, each update once.

How far a case has come stands in its row of ``soar_containers``: ``open`` (changed since), ``writing`` (an update
is under way: after a crash it is looked for before it is written again), ``done``, ``refused``, ``unconfirmed`` (taken,
but not seen when it was read back), ``kept`` (an analyst's newer change stays), ``none`` (there is no notable).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from soarlink.errors import SoarError, SplunkdError
from soarlink.feedback.case import OPEN, WRITING
from soarlink.plan import moment
from soarlink.writeback import change as changes
from soarlink.writeback import risk as risks
from soarlink.writeback.change import Change, Pushed
from soarlink.writeback.notables import AT_ONCE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from soarlink.feedback.case import Case
    from soarlink.feedback.cases import Cases
    from soarlink.writeback.enterprise import EnterpriseSecurity
    from soarlink.writeback.notables import Review
    from soarlink.writeback.rule import Rule

DONE, REFUSED, UNCONFIRMED, KEPT, NONE = "done", "refused", "unconfirmed", "kept", "none"
UPDATED, PREVIEWED = "updated", "would have updated"

SEARCHED_FOR = 24 * 3600.0
"""Seconds after which a container whose notable was not found is taken for one without."""

SOURCETYPE = "soar:notable_update"


@dataclass(frozen=True)
class Sinks:
    """Where a round's results go, beside Enterprise Security.

    Args:
        report: takes a report of each update: fields of an event.
        risk: hands events over to the index ``risk``; when it returns they are safe.
        tag: gives a container in SOAR tags that it lacks; raises SoarError.
    """

    report: Callable[[dict[str, Any]], None]
    risk: Callable[[Sequence[str]], None]
    tag: Callable[[int, Sequence[str]], None]


@dataclass(frozen=True)
class _Due:
    """A case with what is to be written."""

    case: Case
    change: Change

    @property
    def pushed(self) -> Pushed:
        return changes.pushed_of(self.case.pushed)

    def after(self, written: Change) -> _Due:
        """The same once a part of it is written."""
        return _Due(replace(self.case, pushed=self.pushed.after(written).text()), self.change.but(written))


@dataclass(frozen=True)
class _Answered:
    """What Enterprise Security said of an update: which part of it is refused, and why, or what else is to be told."""

    due: _Due
    refused: Change
    reason: str

    @property
    def written(self) -> Change:
        return self.due.change.but(self.refused)


class Round:
    """One round. Errors of splunkd and of the KV store pass through: what was not written is open still.

    Args:
        cases: the containers of one account.
        enterprise: Enterprise Security.
        rules: what means what.
        clock: seconds since 1970.
        sinks: where results go.
        preview: nothing is written; the reports say what would have been.
    """

    def __init__(
        self,
        cases: Cases,
        enterprise: EnterpriseSecurity,
        rules: Sequence[Rule],
        *,
        clock: Callable[[], float],
        sinks: Sinks,
        preview: bool,
    ) -> None:
        self._cases = cases
        self._enterprise = enterprise
        self._rules = rules
        self._clock = clock
        self._sinks = sinks
        self._preview = preview

    def run(self) -> None:
        """Write what is due."""
        due = [_Due(case, self._outstanding(case)) for case in self._named(self._cases.awaiting((OPEN, WRITING)))]
        for one in due:
            if not one.change:
                self._settle(one.case, DONE, "")
        left = self._guarded([one for one in due if one.change])
        if self._preview:
            for one in left:
                self._report(one.case, one.change, PREVIEWED, "")
                self._settle(one.case, DONE, "preview")
        else:
            self._write(left)
        self._cases.save()

    def _outstanding(self, case: Case) -> Change:
        return changes.outstanding(changes.wanted(case, self._rules), changes.pushed_of(case.pushed))

    def _named(self, cases: Sequence[Case]) -> list[Case]:
        """Those whose notable is known; what is looked for too long has none."""
        nameless = [case for case in cases if not case.event_id]
        origins = [(case.orig_sid, case.orig_rid) for case in nameless if case.orig_sid and case.orig_rid]
        found = self._enterprise.event_ids(origins) if origins else {}
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
        reviews = self._enterprise.reviews(asked) if asked else {}
        left = []
        for one in due:
            review = reviews.get(one.case.event_id)
            rest = self._resumed(one, review) if one.case.writeback == WRITING else one
            if rest.change and review is not None:
                rest = self._beside(rest, review)
            if rest.change:
                left.append(rest)
        return left

    def _resumed(self, one: _Due, review: Review | None) -> _Due:
        """What is left of an update during which the process ended. A tag that is there is not set again by itself."""
        written = self._enterprise.written(one.case.event_id, one.change, review)
        ids = {risks.id_of(risk, one.case): risk for risk in one.change.risks}
        there = self._enterprise.events_there(risks.INDEX, list(ids)) if ids else frozenset()
        written = replace(written, risks=tuple(risk for number, risk in ids.items() if number in there))
        if not written:
            return one
        self._report(one.case, written, UPDATED, "")
        rest = one.after(written)
        if not rest.change:
            self._settle(rest.case, DONE, rest.case.writeback_note)
        return rest

    def _beside(self, one: _Due, review: Review) -> _Due:
        there = [pair for pair in one.change.values if getattr(review, pair[0]) == pair[1]]
        newer = review.time > _changed(one.case)
        kept = [pair for pair in one.change.values if newer and pair not in there]
        rest = one.after(Change((*there, *kept)))
        if kept:
            names = ", ".join(name for name, _ in kept)
            note = f"{names}: {review.reviewer or 'somebody'} changed the notable later than SOAR did"
            self._report(one.case, Change(tuple(kept)), KEPT, note)
            rest = replace(rest, case=replace(rest.case, writeback_note=note))
        if not rest.change:
            self._settle(rest.case, KEPT if kept else DONE, rest.case.writeback_note if kept else "")
        return rest

    def _write(self, due: Sequence[_Due]) -> None:
        """Cases with the same change together; when one of them fails, each by itself."""
        for one in due:
            self._cases.change(replace(one.case, writeback=WRITING))
        self._cases.save()
        texts = [risks.text_of(risk, one.case, self._clock()) for one in due for risk in one.change.risks]
        if texts:
            self._sinks.risk(texts)
        groups: dict[Change, list[_Due]] = {}
        for one in due:
            groups.setdefault(one.change.notable, []).append(one)
        answered: list[_Answered] = []
        try:
            for change, members in groups.items():
                for start in range(0, len(members), AT_ONCE):
                    for found in self._write_group(change, members[start : start + AT_ONCE]):
                        answered.append(found)  # noqa: PERF402 - what was answered before an error counts
        finally:
            self._read_back(answered)
            self._cases.save()

    def _write_group(self, change: Change, members: Sequence[_Due]) -> Iterator[_Answered]:
        refusal = self._enterprise.update([one.case.event_id for one in members], change)
        # A call that is refused for one notable has written the others.
        is_partial = bool(refusal) and len(members) > 1
        reviews = self._enterprise.reviews([one.case.event_id for one in members]) if is_partial else {}
        for one in members:
            alone = self._by_itself(one, change, reviews.get(one.case.event_id)) if is_partial else refusal
            title = f"Splunk SOAR: container {one.case.container_id}"
            noted = self._enterprise.annotate(one.case.event_id, title, () if alone else change.notes)
            refused = change if alone else Change(notes=noted.refused)
            untagged = self._tag(one)
            yield _Answered(
                one,
                replace(refused, tags=one.change.tags if untagged else (), problems=one.change.problems),
                " ".join(filter(None, (alone or noted.reason, untagged, *one.change.problems))),
            )

    def _by_itself(self, one: _Due, change: Change, review: Review | None) -> str:
        """Write what the notable does not show yet; why not, where it is refused."""
        rest = change.but(review.part(change)) if review is not None else change
        return self._enterprise.update([one.case.event_id], rest)

    def _tag(self, one: _Due) -> str:
        """Set tags in SOAR; why not, where they are not."""
        if not one.change.tags:
            return ""
        try:
            self._sinks.tag(one.case.container_id, one.change.tags)
        except SoarError as error:
            return f"Not tagged: {error}"
        return ""

    def _read_back(self, answered: Sequence[_Answered]) -> None:
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
            said = "" if one.refused else one.reason
            if one.written:
                self._report(case, one.written, UPDATED if seen else UNCONFIRMED, said if seen else doubt)
            if one.refused:
                self._report(case, one.refused, REFUSED, one.reason)
                told = one.due.after(replace(one.written, problems=one.refused.problems))
                self._settle(told.case, REFUSED, one.reason)
            elif seen:
                self._settle(case, DONE, case.writeback_note or said)
            else:
                self._settle(case, UNCONFIRMED, doubt)

    def _settle(self, case: Case, state: str, note: str) -> None:
        self._cases.change(replace(case, writeback=state, writeback_note=note))

    def _report(self, case: Case, change: Change, outcome: str, reason: str) -> None:
        fields: Iterable[tuple[str, Any]] = (
            ("account", case.account),
            ("container_id", case.container_id),
            ("container_url", case.url),
            ("event_id", case.event_id),
            ("orig_sid", case.orig_sid),
            ("orig_rid", case.orig_rid),
            ("outcome", outcome),
            ("reason", reason),
            *change.values,
            ("comment", "\n".join(change.comments)),
            ("note", "\n".join(change.notes)),
            ("risk", "\n".join(map(str, change.risks))),
            ("tag", ", ".join(change.tags)),
        )
        self._sinks.report({name: value for name, value in fields if value})


def _changed(case: Case) -> float:
    """When SOAR last changed what the rules look at."""
    points = [moment.point(text) or 0.0 for text in (case.updated, case.last_run_time)]
    return max(points)
