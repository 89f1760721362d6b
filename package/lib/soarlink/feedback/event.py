"""Records of SOAR as events: flat, without nulls, with the names of the table in :mod:`soarlink.feedback.stream`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from soarlink.automation import verdict
from soarlink.feedback import cursor, stream
from soarlink.plan import moment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from soarlink.automation.verdict import Verdict
    from soarlink.feedback.case import Case
    from soarlink.feedback.stream import Stream

_TASK_STATES = {0: "incomplete", 1: "complete", 2: "in progress"}
_LONGEST = 100_000
_WHOLE_OBJECTS = ("custom_fields", "cef", "inputs", "outputs", "result_summary")
"""Objects whose members become fields of their own."""

_NOTHING: tuple[object, ...] = (None, "", [], {})


@dataclass(frozen=True)
class Event:
    """One event. ``time`` is in seconds since 1970."""

    sourcetype: str
    time: float
    fields: Mapping[str, Any]

    def text(self) -> str:
        """Its text: JSON, the time first and in full, for props.conf to find."""
        rest = json.dumps(dict(self.fields), ensure_ascii=False, separators=(", ", ": "))
        return f'{{"time": {self.time:.6f}, {rest[1:]}'


@dataclass(frozen=True)
class Judged:
    """A playbook run's playbook, by its full name, and what the run came to."""

    playbook: str
    verdict: Verdict


def of_record(source: Stream, record: Mapping[str, Any], case: Case, host: str, judged: Judged | None = None) -> Event:
    """The event of a record.

    Args:
        source: what kind of record.
        record: as SOAR gives it, with ``pretty``.
        case: its container.
        host: SOAR's host name.
        judged: of a playbook run.
    """
    state, time = state_of(source, record, judged)
    found: dict[str, Any] = {
        "soar_event_id": f"{host}|{source.resource}|{state}",
        "account": case.account,
        "soar_host": host,
        "container_id": case.container_id,
    }
    about = {
        "container_name": case.name,
        "container_url": case.url,
        "label": case.label,
        "search_name": case.search_name,
        "splunk_id": case.event_id,
        "orig_sid": case.orig_sid,
        "orig_rid": case.orig_rid,
    }
    found.update((name, value) for name, value in about.items() if value)
    for column in source.columns:
        for key in column.source.split("|"):
            pairs = list(_flat(column.name, key, record.get(key)))
            if pairs:
                found.update(pairs)
                break
    found.update((name, value) for name, value in _derived(source, record, judged).items() if value not in (None, ""))
    return Event(source.sourcetype, moment.point(time) or 0.0, found)


def state_of(source: Stream, record: Mapping[str, Any], judged: Judged | None = None) -> tuple[str, str]:
    """(state, time) of the event. A prompt that opens or is answered is a state of its run, which SOAR may not date."""
    state, time = cursor.state_of(record, source.times)
    if judged is None or judged.verdict.moved <= time:
        return state, time
    return f"{record.get('id')}@{judged.verdict.moved}", judged.verdict.moved


def _flat(name: str, key: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and key in _WHOLE_OBJECTS:
        for member in sorted(value):
            yield from _flat(f"{name}.{member}", "", value[member])
        return
    if isinstance(value, list):
        said = [one for one in value if one not in _NOTHING]
        plain = not any(isinstance(one, (dict, list)) for one in said)
        value = ", ".join(map(str, said)) if plain else said
    if isinstance(value, (dict, list)) and value:
        value = json.dumps(value, ensure_ascii=False)
    if value not in _NOTHING:
        yield name, _cut(value) if isinstance(value, str) else value


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _derived(source: Stream, record: Mapping[str, Any], judged: Judged | None) -> dict[str, Any]:
    if judged is not None:
        came_to = judged.verdict
        return {
            "playbook": judged.playbook,
            "message": verdict.message_of(record),
            "verdict": came_to.state,
            "reason": came_to.reason,
            "waiting_since": came_to.waiting_since,
            "duration": None if came_to.is_open else _seconds(record, "start_time", "update_time"),
        }
    if source is stream.ACTION_RUNS:
        return {"duration": _seconds(record, "start_time", "end_time")}
    if source is stream.APPROVALS:
        late = _seconds(record, "due_time", "close_time")
        return {
            "prompt": verdict.question(record),
            "waited": _seconds(record, "start_time", "close_time"),
            "overdue": None if late is None else late >= 0,
        }
    if source is stream.TASKS:
        return {"status": _TASK_STATES.get(record.get("status"), record.get("status"))}  # type: ignore[arg-type]
    return {"note_type": "comment"} if source is stream.COMMENTS else {}


def _seconds(record: Mapping[str, Any], start: str, end: str) -> float | None:
    points = [moment.point(str(record.get(name) or "")) for name in (start, end)]
    if points[0] is None or points[1] is None:
        return None
    return round(points[1] - points[0], 6)
