"""Playbook starts: once per alert run and container, after the artifacts, and never repeated on a guess."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from soarlink.delivery.directory import Known
from soarlink.delivery.outcome import PlaybookRun
from soarlink.delivery.verdict import judge
from soarlink.errors import AuthFailed, NotPermitted, Refused, SoarError
from soarlink.journal.ledger import FREE, INTENDED, NOT_STARTED, UNCLEAR, RunNote
from soarlink.soar.answer import caller_of
from soarlink.soar.answer import number as number_of

if TYPE_CHECKING:
    from soarlink.delivery.directory import PlaybookDirectory
    from soarlink.delivery.progress import ContainerProgress
    from soarlink.plan.shipment import PlaybookCall, Shipment
    from soarlink.soar.client import SoarClient

_BY_HAND = "Look at the container before starting it by hand."


class RunBook(Protocol):
    """What is known of playbook runs, from one attempt to the next: they can't be repeated."""

    def run(self, identity: str, playbook: str) -> RunNote | None:
        """What is known of a run; None when it was never asked for."""
        ...

    def note_run(self, identity: str, playbook: str, note: RunNote) -> None:
        """Note what is known now. Safe from any crash when this returns."""
        ...


class _Place(NamedTuple):
    """Where a playbook is to run, and after which run (see :class:`soarlink.journal.ledger.RunNote`)."""

    container: int
    scope: str | list[int]
    after: int | None


class PlaybookStarts:
    """Asks for the playbook runs of containers.

    Args:
        client: the connection.
        runs: what is known of runs.
        directory: what is known of the server's playbooks.
    """

    def __init__(self, client: SoarClient, runs: RunBook, directory: PlaybookDirectory) -> None:
        self._client = client
        self._runs = runs
        self._directory = directory

    def start(self, shipment: Shipment, progress: ContainerProgress) -> None:
        """Ask for the runs that a shipment wants, as far as it is time for them; the progress tells what came of it."""
        number = progress.container_id
        if number is not None:
            found = (self._start(shipment, call, number, progress) for call in shipment.playbooks)
            progress.runs = tuple(run for run in found if run is not None)

    def _start(
        self, shipment: Shipment, call: PlaybookCall, number: int, progress: ContainerProgress
    ) -> PlaybookRun | None:
        """One run; None when it is not time yet: the container is tried again."""
        known = self._runs.run(shipment.identity, call.name)
        if known is not None:
            return self._known(shipment.identity, call.name, number, known)
        if not progress.is_complete:
            if progress.pending is not None:
                return None
            return PlaybookRun(call.name, NOT_STARTED, reason="not all artifacts are in SOAR.")
        if call.scope == "artifacts" and not any(row.artifacts for row in progress.rows):
            return PlaybookRun(call.name, NOT_STARTED, reason="these results brought no artifacts.")
        try:
            found = Known(call.refusal) if call.refusal else self._directory.judge(call, self._client)
            scope = "" if found.problem else self._scope(call, number, progress)
            after = None if found.problem else self._latest(shipment, number, progress)
        except SoarError as error:  # nothing was asked to run
            if judge(error).retry:
                progress.waiting_run = error
                return None
            found = Known(str(error))
        if found.problem:
            return PlaybookRun(call.name, NOT_STARTED, reason=found.problem)
        progress.notes.extend(found.notes)
        note = self._ask(shipment.identity, call, _Place(number, scope, after), progress)
        return None if note.state == FREE else PlaybookRun(call.name, note.state, note.id, note.reason)

    def _ask(self, identity: str, call: PlaybookCall, place: _Place, progress: ContainerProgress) -> RunNote:
        self._runs.note_run(identity, call.name, RunNote(INTENDED, after=place.after))
        try:
            started = self._client.start_playbook(place.container, call.name, place.scope, dict(call.inputs))
            note = RunNote("started", started)
        except SoarError as error:
            note = _failed(error, place.after)
            if note.state == FREE:
                progress.waiting_run = error
        found = self._find(call.name, place.container, note)
        note = note if found is None else RunNote("started", found)
        self._runs.note_run(identity, call.name, note)
        return note

    def _known(self, identity: str, playbook: str, number: int, known: RunNote) -> PlaybookRun:
        """A run that was asked for before; one whose answer is not known is looked for."""
        found = self._find(playbook, number, known)
        if found is not None:
            known = RunNote("started", found)
            self._runs.note_run(identity, playbook, known)
        if known.state == INTENDED:
            reason = f"the add-on was interrupted while it asked for it. {_BY_HAND}"
            return PlaybookRun(playbook, UNCLEAR, reason=reason)
        return PlaybookRun(playbook, known.state, known.id, known.reason)

    def _latest(self, shipment: Shipment, number: int, progress: ContainerProgress) -> int | None:
        """The container's latest run; None where active playbooks start too, and one more tells nothing."""
        if shipment.automation:
            return None
        if not progress.existed:
            return 0
        query = (("_filter_container", str(number)), ("sort", "id"), ("order", "desc"), ("page_size", "1"))
        try:
            found = self._client.records("playbook_run", query)
        except (AuthFailed, Refused):
            return None
        return max((number_of(run.get("id")) or 0 for run in found), default=0)

    def _find(self, playbook: str, number: int, note: RunNote) -> str | None:
        """The run that SOAR has started although its answer did not come; None where no single one can be it."""
        if note.state not in (INTENDED, UNCLEAR) or note.after is None:
            return None
        query = (("_filter_container", str(number)), ("_filter_id__gt", str(note.after)), ("page_size", "0"))
        try:
            meant, later = self._directory.ids(playbook, self._client), self._client.records("playbook_run", query)
        except SoarError:
            return None
        found = [run["id"] for run in later if number_of(run.get("playbook")) in meant and not caller_of(run)]
        return str(found[0]) if len(found) == 1 else None

    def _scope(self, call: PlaybookCall, number: int, progress: ContainerProgress) -> str | list[int]:
        if call.scope == "artifacts":
            if not progress.existed:
                return "all"  # there are no others
            return sorted(self._client.artifact_ids(number, progress.seen))
        return call.scope or ("new" if progress.existed else "all")


def _failed(error: SoarError, after: int | None) -> RunNote:
    verdict = judge(error)
    # The role says no to this run: that is no reason to leave the server alone, with all that is to be sent to it.
    if not verdict.retry or isinstance(error, NotPermitted):
        return RunNote(NOT_STARTED, reason=str(error))
    if verdict.look_first:
        return RunNote(UNCLEAR, reason=f"{error} {_BY_HAND}", after=after)
    return RunNote(FREE)
