"""Playbook starts: once per alert run and container, after the artifacts, and never repeated on a guess."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from soarlink.delivery.directory import Known
from soarlink.delivery.outcome import PlaybookRun
from soarlink.delivery.verdict import judge
from soarlink.errors import NotPermitted, SoarError
from soarlink.journal.ledger import FREE, INTENDED, NOT_STARTED, RunNote

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
            found = (self._start(shipment.identity, call, number, progress) for call in shipment.playbooks)
            progress.runs = tuple(run for run in found if run is not None)

    def _start(self, identity: str, call: PlaybookCall, number: int, progress: ContainerProgress) -> PlaybookRun | None:
        """One run; None when it is not time yet: the container is tried again."""
        playbook = call.name
        known = self._runs.run(identity, playbook)
        if known is not None:
            return _known(playbook, known)
        if not progress.is_complete:
            if progress.pending is not None:
                return None
            return PlaybookRun(playbook, NOT_STARTED, reason="not all artifacts are in SOAR.")
        if call.scope == "artifacts" and not any(row.artifacts for row in progress.rows):
            return PlaybookRun(playbook, NOT_STARTED, reason="these results brought no artifacts.")
        try:
            found = Known(call.refusal) if call.refusal else self._directory.judge(call, self._client)
            scope = "" if found.problem else self._scope(call, number, progress)
        except SoarError as error:  # nothing was asked to run
            if judge(error).retry:
                progress.waiting_run = error
                return None
            found = Known(str(error))
        if found.problem:
            return PlaybookRun(playbook, NOT_STARTED, reason=found.problem)
        progress.notes.extend(found.notes)
        return self._ask(identity, call, number, scope, progress)

    def _ask(
        self, identity: str, call: PlaybookCall, number: int, scope: str | list[int], progress: ContainerProgress
    ) -> PlaybookRun | None:
        self._runs.note_run(identity, call.name, RunNote(INTENDED))
        try:
            note = RunNote("started", self._client.start_playbook(number, call.name, scope, dict(call.inputs)))
        except SoarError as error:
            note = _failed(error)
            if note.state == FREE:
                progress.waiting_run = error
        self._runs.note_run(identity, call.name, note)
        return None if note.state == FREE else PlaybookRun(call.name, note.state, note.id, note.reason)

    def _scope(self, call: PlaybookCall, number: int, progress: ContainerProgress) -> str | list[int]:
        if call.scope == "artifacts":
            if not progress.existed:
                return "all"  # there are no others
            return sorted(self._client.artifact_ids(number, progress.seen))
        return call.scope or ("new" if progress.existed else "all")


def _failed(error: SoarError) -> RunNote:
    verdict = judge(error)
    # The role says no to this run: that is no reason to leave the server alone, with all that is to be sent to it.
    if not verdict.retry or isinstance(error, NotPermitted):
        return RunNote(NOT_STARTED, reason=str(error))
    if verdict.look_first:
        return RunNote("unclear", reason=f"{error} {_BY_HAND}")
    return RunNote(FREE)


def _known(playbook: str, note: RunNote) -> PlaybookRun:
    if note.state == INTENDED:
        return PlaybookRun(playbook, "unclear", reason=f"the add-on was interrupted while it asked for it. {_BY_HAND}")
    return PlaybookRun(playbook, note.state, note.id, note.reason)
