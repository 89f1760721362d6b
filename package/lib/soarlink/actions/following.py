"""Rows that are told only when their playbook runs have come to something."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Callable, Optional

from soarlink.automation import runs as runs_of
from soarlink.automation import verdict
from soarlink.automation.verdict import STARTED, Verdict
from soarlink.delivery.outcome import QUEUED, REJECTED, PlaybookRun, RowOutcome
from soarlink.delivery.verdict import judge
from soarlink.errors import SoarError
from soarlink.journal.ledger import RunNote

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from soarlink.actions.clerk import Clerk
    from soarlink.automation.answers import Asked
    from soarlink.journal.ledger import Ledger
    from soarlink.soar.client import SoarClient

ReadAnswers = Optional[Callable[["SoarClient", "Sequence[Asked]"], "Sequence[Mapping[str, str]]"]]


class Following:
    """The rows of one run that wait for their playbook runs.

    Args:
        ledger: where verdicts are written down.
        clerk: tells the rows.
        reads: reads what the runs of several containers answered, in the order of the containers; None where nobody
            wants to know.
    """

    def __init__(self, ledger: Ledger, clerk: Clerk, reads: ReadAnswers = None) -> None:
        self._ledger = ledger
        self._clerk = clerk
        self._reads = reads
        self._held: dict[str, list[RowOutcome]] = {}
        self._answers: dict[str, Mapping[str, str]] = {}
        self._unread: dict[str, str] = {}

    def tell(self, identity: str, outcomes: Iterable[RowOutcome]) -> None:
        """Tell rows at once what they have, or keep those of whose container playbooks run.

        Also when another playbook could not be started: the row has its end when those that run have theirs.
        """
        for outcome in outcomes:
            if outcome.state != QUEUED and any(run.id for run in outcome.runs):
                self._held.setdefault(identity, []).append(outcome)
            else:
                self._clerk.tell(outcome)

    def settle(
        self, connect: Callable[[], SoarClient], goes_on: Callable[[float], bool], pause: Callable[[float], None]
    ) -> set[str]:
        """Follow the runs and tell the rows.

        Args:
            connect: opens a connection; called when there is something to ask.
            goes_on: whether to wait for so many seconds more.
            pause: waits.

        Returns:
            Identities of containers whose runs have no verdict yet, or whose answers could not be read; their rows are
            queued.
        """
        open_runs = {(identity, run.playbook): run for identity in self._held for run in self._open(identity)}
        found, problem = self._look(open_runs.values(), connect, goes_on, pause)
        for (identity, playbook), run in open_runs.items():
            came_to = found.get(int(run.id or 0), Verdict(STARTED, problem))
            self._note(identity, replace(run, state=came_to.state, reason=_reason(came_to)))
            if not came_to.is_open:
                self._ledger.note_run(identity, playbook, RunNote(came_to.state, run.id, came_to.reason or None))
        self._read(connect)
        return {identity for identity in self._held if self._conclude(identity, "")}

    @property
    def asks_people(self) -> bool:
        """Whether what is left waits for people's answers only."""
        left = [run.state for identity in self._held for run in self._open(identity)]
        return bool(left) and all(state == verdict.WAITING for state in left)

    def end(self, reason: str) -> None:
        """Nobody waits any longer: rows whose runs have no verdict are rejected."""
        for identity in self._held:
            self._conclude(identity, reason)

    def _open(self, identity: str) -> list[PlaybookRun]:
        runs = self._held[identity][0].runs
        return [run for run in runs if run.id and run.id.isdecimal() and run.state in verdict.OPEN]

    @staticmethod
    def _look(
        runs: Iterable[PlaybookRun],
        connect: Callable[[], SoarClient],
        goes_on: Callable[[float], bool],
        pause: Callable[[float], None],
    ) -> tuple[dict[int, Verdict], str]:
        ids = [int(run.id or 0) for run in runs]
        if not ids:
            return {}, ""
        client = connect()
        try:
            return runs_of.follow(client, ids, goes_on, pause), ""
        except SoarError as error:
            return {}, f"but it could not be looked at: {error}"
        finally:
            client.close()

    def _note(self, identity: str, known: PlaybookRun) -> None:
        self._held[identity] = [
            replace(outcome, runs=tuple(known if run.id == known.id else run for run in outcome.runs))
            for outcome in self._held[identity]
        ]

    def _read(self, connect: Callable[[], SoarClient]) -> None:
        """Read the answers for those containers whose rows can be told their end now, and were not."""
        self._unread = {}
        ended = [identity for identity in self._held if not self._open(identity) and not self._is_told(identity)]
        if self._reads is None or not ended:
            return
        client = connect()
        try:
            found = self._reads(client, [self._asked(identity) for identity in ended])
            self._answers.update(zip(ended, found))
        except SoarError as error:
            why = f"The playbooks have ended; what they answered could not be read: {error}"
            if judge(error).retry:
                self._unread = dict.fromkeys(ended, why)
            else:
                self._answers.update((identity, {"enrichment_problem": why}) for identity in ended)
        finally:
            client.close()

    def _asked(self, identity: str) -> Asked:
        first = self._held[identity][0]
        return first.container_id or 0, [int(run.id) for run in first.runs if run.id and run.id.isdecimal()]

    def _is_told(self, identity: str) -> bool:
        return all(
            self._ledger.is_told(outcome.account.position, _judged(outcome, "").state)
            for outcome in self._held[identity]
        )

    def _conclude(self, identity: str, give_up: str) -> bool:
        """Tell the rows of a container; whether it is still open."""
        still, unread = bool(self._open(identity)), self._unread.get(identity, "")
        answers = self._answers.get(identity) or ({"enrichment_problem": unread} if unread else None)
        for outcome in self._held[identity]:
            judged = _judged(outcome, give_up if still else "")
            if unread and not give_up:
                judged = replace(judged, state=QUEUED, reason=unread)
            self._clerk.tell(replace(judged, answers=answers))
        return (still or bool(unread)) and not give_up


def _judged(outcome: RowOutcome, give_up: str) -> RowOutcome:
    """The row as its runs make it; ``give_up`` is why nobody waits for those that are open, "" while somebody does."""
    unfinished = [run for run in outcome.runs if run.state in verdict.OPEN]
    bad = [run for run in outcome.runs if not run.goes_well]
    if outcome.state == REJECTED:  # its reason names what could not be started
        bad = [run for run in bad if run.id]
    said = " ".join(run.sentence() for run in (*bad, *unfinished))
    if unfinished and not give_up:
        return replace(outcome, state=QUEUED, reason=f"{outcome.reason or ''} {said}".lstrip())
    if outcome.state == REJECTED:
        return replace(outcome, reason=f"{outcome.reason} {said} {give_up}".rstrip())
    if unfinished or bad:
        return replace(outcome, state=REJECTED, reason=f"The data is in SOAR, but {said} {give_up}".rstrip())
    return outcome


def _reason(found: Verdict) -> str | None:
    since = f" (since {found.waiting_since})" if found.waiting_since else ""
    return f"{found.reason}{since}" or None
