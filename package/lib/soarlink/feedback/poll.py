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
        complete: everything was read.
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

    def run(self, cursors: Mapping[str, Cursor], first: str) -> End:
        """Read every stream up to now. One that SOAR refuses does not keep the others from being read.

        Args:
            cursors: by the streams' resources.
            first: ISO time from which a stream is read that never was.
        """
        streams = (*stream.STREAMS, stream.ARTIFACTS) if self._settings.artifacts else stream.STREAMS
        problems: list[str] = []
        for one in streams:
            try:
                if not self._stream(one, cursors.get(one.resource, Cursor()), first):
                    return End(complete=False, problems=tuple(problems))
            except (AuthFailed, Refused) as error:
                if one is stream.CONTAINERS:
                    raise
                problems.append(f"{one.sourcetype}: {error}")
        return End(complete=not problems, problems=tuple(problems))

    def _stream(self, source: Stream, cursor: Cursor, first: str) -> bool:
        def ask(query: Sequence[tuple[str, str]]) -> list[Record]:
            return self._client.records(source.resource, (*query, _PRETTY))

        for name in source.times:
            if not self._sinks.go_on():
                return False
            for page in changes(ask, name, cursor.since(name, first)):
                self._page(source, [record for record in page if not cursor.knows(state_of(record, source.times)[0])])
                moved = cursor.moved(name, [(state_of(one, source.times)[0], str(one[name])) for one in page])
                if moved != cursor:
                    cursor = moved
                    self._sinks.keep(source.resource, cursor)
                if not self._sinks.go_on():
                    return False
        return True

    def _page(self, source: Stream, records: Sequence[Record]) -> None:
        containers = self._containers(source, records)
        known = self._cases.find(containers.values())
        # What SOAR has deleted meanwhile, or what is in no container, is nobody's case.
        there = [record for record in records if containers.get(record["id"]) in known]
        judged = self._judge(there) if source is stream.PLAYBOOK_RUNS else {}
        events = []
        for record in there:
            case = self._cases.find([containers[record["id"]]])[containers[record["id"]]]
            came_to = judged.get(record["id"])
            if came_to is not None:
                case = _after_run(case, record, came_to)
            elif source is stream.CONTAINERS:
                case = case.seen(record)
            self._cases.change(case)
            if self._settings.holds(case):
                events.append(event.of_record(source, record, case, self._host, came_to))
        if events:
            self._sinks.emit(events)
        self._cases.save()

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
    moved = str(run.get("update_time") or run.get("start_time") or "")
    return case.ran(judged.playbook, int(run["id"]), moved, judged.verdict.state, judged.verdict.reason)
