"""One poll of one SOAR: what is new or changed becomes events, the lookup follows, then the cursors move on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from soarlink.automation import runs as runs_of
from soarlink.errors import AuthFailed, Refused
from soarlink.feedback import event, stream
from soarlink.feedback.changes import changes
from soarlink.feedback.cursor import Cursor, state_of
from soarlink.feedback.event import Judged
from soarlink.feedback.playbooks import Playbooks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from soarlink.feedback.case import Case
    from soarlink.feedback.cases import Cases
    from soarlink.feedback.changes import Record
    from soarlink.feedback.event import Event
    from soarlink.feedback.settings import FeedbackSettings
    from soarlink.feedback.stream import Stream
    from soarlink.soar.client import SoarClient

_PRETTY = ("pretty", "1")
_PROMPTS = "prompts"
"""Under this name the cursor of runs remembers states that come from prompts."""


@dataclass(frozen=True)
class Sinks:
    """Where a poll's results go.

    Args:
        emit: hands events over to Splunk; when it returns they are safe.
        keep: writes the cursor of a stream down; called after its events are out.
        go_on: asked before each request; False ends the poll, the next one goes on from there.
    """

    emit: Callable[[Sequence[Event]], None]
    keep: Callable[[str, Cursor], None]
    go_on: Callable[[], bool]


@dataclass(frozen=True)
class End:
    """How a poll ended.

    Args:
        complete: everything was read that SOAR shows.
        problems: which kind of record SOAR refuses to show, and why.
    """

    complete: bool
    problems: tuple[str, ...] = ()


class Poll:
    """Polls one account. Errors of SOAR, of the KV store and of the sinks pass through; nothing is lost by one.

    Args:
        client: the account's SOAR.
        host: SOAR's name in event ids: the same server under another account name is the same.
        cases: the containers that are known.
        settings: what is wanted.
        sinks: where results go.
    """

    def __init__(self, client: SoarClient, host: str, cases: Cases, settings: FeedbackSettings, sinks: Sinks) -> None:
        self._client = client
        self._host = host
        self._cases = cases
        self._settings = settings
        self._sinks = sinks
        self._playbooks = Playbooks(client)
        self._cursors: dict[str, Cursor] = {}
        self._read: float | None = None
        self._told: set[str] = set()
        """States of runs that this poll has told."""

    def run(self, cursors: Mapping[str, Cursor], first: str, elapsed: float) -> End:
        """Read every stream up to now. One that SOAR refuses does not keep the others from being read.

        Args:
            cursors: by the streams' resources.
            first: ISO time from which a stream is read that never was.
            elapsed: seconds since SOAR was read last.
        """
        streams = (*stream.STREAMS, stream.ARTIFACTS) if self._settings.artifacts else stream.STREAMS
        problems: list[str] = []
        self._cursors = dict(cursors)
        self._read = self._last_read(elapsed)
        for one in streams:
            try:
                if not self._stream(one, first):
                    return End(complete=False, problems=tuple(problems))
            except (AuthFailed, Refused) as error:
                if one is stream.CONTAINERS:
                    raise
                problems.append(f"{one.sourcetype}: {error}")
        return End(complete=True, problems=tuple(problems))

    def _last_read(self, elapsed: float) -> float | None:
        """When SOAR was read last, by its clock as it goes now."""
        try:
            now = self._client.server_time()
        except (AuthFailed, Refused):
            return None  # the streams say so
        return None if now is None else now - elapsed

    def _stream(self, source: Stream, first: str) -> bool:
        def ask(query: Sequence[tuple[str, str]]) -> list[Record]:
            return self._client.records(source.resource, (*query, _PRETTY))

        for name in source.times:
            if not self._sinks.go_on():
                return False
            for page in changes(ask, name, self._cursor(source).since(name, first, self._read)):
                cursor = self._cursor(source)
                self._page(source, [record for record in page if not cursor.knows(state_of(record, source.times)[0])])
                self._move(source, name, [(state_of(one, source.times)[0], str(one[name])) for one in page])
                if not self._sinks.go_on():
                    return False
        return True

    def _cursor(self, source: Stream) -> Cursor:
        return self._cursors.get(source.resource, Cursor())

    def _move(self, source: Stream, name: str, states: Sequence[tuple[str, str]]) -> None:
        """Write down that these states were read, in the order of their times."""
        before = self._cursor(source)
        moved = before.moved(name, states)
        if moved != before:
            self._cursors[source.resource] = moved
            self._sinks.keep(source.resource, moved)

    def _page(self, source: Stream, records: Sequence[Record]) -> None:
        containers = self._containers(source, records)
        known = self._cases.find(containers.values())
        # What SOAR has deleted meanwhile, or what is in no container, is nobody's case.
        there = [record for record in records if containers.get(record["id"]) in known]
        judged = self._judge(there) if source is stream.PLAYBOOK_RUNS else {}
        # Prompts move a run, too: where it is now may have been told before its own time was read.
        there = [one for one in there if self._is_new(one, judged.get(one["id"]))]
        events = [self._event(source, record, containers[record["id"]], judged.get(record["id"])) for record in there]
        if source is stream.APPROVALS:
            prompted = self._prompted(there)
            judged = {run["id"]: came_to for run, came_to in prompted}
            there = [run for run, _ in prompted]
            events += [
                self._event(stream.PLAYBOOK_RUNS, run, int(run["container"]), came_to) for run, came_to in prompted
            ]
        wanted = [one for one in events if one is not None]
        if wanted:
            self._sinks.emit(wanted)
        self._cases.save()
        self._remember(there, judged)

    def _event(self, source: Stream, record: Record, container: int, came_to: Judged | None) -> Event | None:
        """The event of a record; None where it is not wanted. The case follows."""
        case = self._cases.find([container])[container]
        if came_to is not None:
            case = _after_run(case, record, came_to)
        elif source is stream.CONTAINERS:
            case = case.seen(record)
        self._cases.change(case)
        return event.of_record(source, record, case, self._host, came_to) if self._settings.holds(case) else None

    def _prompted(self, approvals: Sequence[Record]) -> list[tuple[Record, Judged]]:
        """Runs that wait, or wait no more, by these prompts, as far as their own times did not tell it."""
        ids = {one["playbook_run"] for one in approvals if one.get("playbook_run")}
        try:
            found = runs_of.with_callers(self._client, ids, (_PRETTY,))
            runs = [run for run in found if run.get("status") == "running" and run.get("container")]
            judged = self._judge(runs)
        except (AuthFailed, Refused):
            return []  # the stream of runs has said so
        there = self._cases.find([int(run["container"]) for run in runs])
        judged_runs = [(run, judged[run["id"]]) for run in runs if int(run["container"]) in there]
        return [(run, came_to) for run, came_to in judged_runs if self._is_new(run, came_to)]

    def _is_new(self, record: Record, came_to: Judged | None) -> bool:
        """Whether what a run came to was not told yet; other records are new when they are read."""
        if came_to is None:
            return True
        state, _ = event.state_of(stream.PLAYBOOK_RUNS, record, came_to)
        return state not in self._told and not self._cursor(stream.PLAYBOOK_RUNS).knows(state)

    def _remember(self, runs: Sequence[Record], judged: Mapping[int, Judged]) -> None:
        """Write down which states of runs were told, of their own times and of their prompts'."""
        source = stream.PLAYBOOK_RUNS
        told = dict(event.state_of(source, run, judged[run["id"]]) for run in runs if run["id"] in judged)
        self._told.update(told)
        told.update(state_of(run, source.times) for run in runs if run["id"] in judged)
        self._move(source, _PROMPTS, sorted(told.items(), key=lambda one: one[1]))

    def _containers(self, source: Stream, records: Sequence[Record]) -> dict[int, int]:
        """Record id → container id. An approval is in the container of the action that waits for it."""
        if source.container:
            found = {record["id"]: record.get(source.container) for record in records}
        else:
            waiting = {record["id"]: record.get("action_run") for record in records if record.get("action_run")}
            actions = runs_of.records_in(self._client, "action_run", "id", waiting.values())
            of_action = {action["id"]: action.get("container") for action in actions}
            found = {number: of_action.get(action) for number, action in waiting.items()}
        return {number: int(container) for number, container in found.items() if container}

    def _judge(self, runs: Sequence[Record]) -> dict[int, Judged]:
        """What runs came to, and whose they are."""
        self._playbooks.learn(runs)
        came_to = runs_of.verdicts(self._client, runs)
        return {run["id"]: Judged(self._playbooks.name(run), came_to[run["id"]]) for run in runs}


def _after_run(case: Case, run: Record, judged: Judged) -> Case:
    moved = max(str(run.get("update_time") or run.get("start_time") or ""), judged.verdict.moved)
    return case.ran(judged.playbook, int(run["id"]), moved, judged.verdict.state, judged.verdict.reason)
