"""Enterprise Security behind one interface: values, comments and notes by the way that is in force."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from soarlink.writeback.change import Change
from soarlink.writeback.notables import Notables
from soarlink.writeback.notes import Notes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from soarlink.feedback.case import Case
    from soarlink.splunk.splunkd import Splunkd
    from soarlink.writeback.notables import Review
    from soarlink.writeback.path import Path

_BECAME_COMMENT = "the public API of Enterprise Security does not know this finding: the note became a comment"


@dataclass(frozen=True)
class Noted:
    """What became of a notable's notes: those that were refused, and what is to be said of them or of the others."""

    refused: tuple[str, ...] = ()
    reason: str = ""


class EnterpriseSecurity:
    """Enterprise Security on this search head. Every method raises SplunkdError, as those of its parts do.

    Args:
        splunkd: the session.
        path: the way in force.
    """

    def __init__(self, splunkd: Splunkd, path: Path) -> None:
        self._notables = Notables(splunkd)
        self._notes = Notes(splunkd, path.notes) if path.notes else None

    def event_ids(self, origins: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str]:
        """See :meth:`Notables.event_ids`."""
        return self._notables.event_ids(origins)

    def reviews(self, ids: Sequence[str]) -> dict[str, Review]:
        """See :meth:`Notables.reviews`."""
        return self._notables.reviews(ids)

    def update(self, ids: Sequence[str], change: Change) -> str:
        """Write all of a change but its notes; without a way for these they are written as comments.

        Returns:
            "" when all of the notables took it, else what Enterprise Security says.
        """
        review = self.as_review(change)
        return self._notables.update(ids, review) if review else ""

    def annotate(self, case: Case, notes: Sequence[str]) -> Noted:
        """Write a change's notes. On a finding that the notes' API does not know they become a comment, and it is said.

        Args:
            case: the container, with the finding.
            notes: their texts; :meth:`update` has written the rest of the change.
        """
        if self._notes is None:
            return Noted()
        for number, text in enumerate(notes):
            refusal = self._notes.add(case.event_id, _title(case), text)
            left = tuple(notes[number:])
            if refusal is None:
                refusal = self._notables.update([case.event_id], Change(comments=left))
                return Noted(left, refusal) if refusal else Noted(reason=_BECAME_COMMENT)
            if refusal:
                return Noted(left, refusal)
        return Noted()

    def written(self, case: Case, change: Change, review: Review | None) -> Change:
        """What of a change stands there already. Another container's note with the same text is not this one's.

        Args:
            case: the container, with the notable.
            change: the change.
            review: what the notable shows; None where nobody has touched it.
        """
        done = review.part(change) if review is not None else Change()
        if self._notes is None or len(done.notes) == len(change.notes):
            return done
        # A list that shows no titles shows the text alone.
        there = {text for title, text in self._notes.found(case.event_id) if title in ("", _title(case))}
        return replace(done, notes=tuple(text for text in change.notes if text in there or text in done.notes))

    def events_there(self, index: str, ids: Sequence[str]) -> frozenset[str]:
        """Which of these events, by ``soar_event_id``, an index has already."""
        return self._notables.events(index, ids)

    def as_review(self, change: Change) -> Change:
        """What of a change is written as a review: without a way for notes they are comments."""
        if self._notes is None:
            return Change(change.values, (*change.comments, *change.notes))
        return Change(change.values, change.comments)


def _title(case: Case) -> str:
    """The title of a container's notes."""
    return f"Splunk SOAR: container {case.container_id}"
