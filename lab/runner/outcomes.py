"""Result events, read into outcomes and held against the action's log."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from lab.runner.cam import TERMINAL, CamLog, same_sid
from lab.runner.report import STATUSES, Outcome, Run

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

RESULT_SOURCETYPE = "soar:action:result"
RESULT_TAG = "modaction_result"

_CAM_STATUS = {
    "delivered": "success",
    "updated": "success",
    "simulated": "success",
    "queued": "pending",
    "rejected": "failure",
}
_SHOWN = 5


def read_outcomes(events: Iterable[Mapping[str, Any]]) -> list[Outcome]:
    """Read the outcomes of all runs from result events, in the order in which they were indexed."""
    bodies = (_body(event) for event in events if event["sourcetype"] == RESULT_SOURCETYPE)
    return [_outcome(body) for body in bodies if body.get("status") in STATUSES]


def read_notes(events: Iterable[Mapping[str, Any]], *, sid: str) -> list[str]:
    """Read what the outcomes of a run say beside their states, each sentence once with the number of its results."""
    found: Counter[str] = Counter()
    for event in events:
        if event["sourcetype"] == RESULT_SOURCETYPE:
            body = _body(event)
            if same_sid(sid, str(body.get("sid", ""))):
                found.update(str(note) for note in body.get("notes", ()))
    return [f"{count} {'result' if count == 1 else 'results'}: {note}" for note, count in found.items()]


def read_run(
    events: Iterable[Mapping[str, Any]], *, action: str, sid: str, before: Iterable[Mapping[str, Any]] = ()
) -> tuple[CamLog, list[Outcome], list[str]]:
    """Read what one run of an action left in the indexes.

    Args:
        events: indexed events, from the time of the run.
        action: the action's name.
        sid: the search's id.
        before: the events before them; read when the action was called for the same search before, which shows in
            results that it does not announce again.

    Returns:
        Its log, the outcomes in the order of the results, and what is wrong with the result events.
    """
    log = CamLog(action, sid)
    outcomes: list[Outcome] = []
    problems: list[str] = []
    for event in events:
        if log.add(event) or event["sourcetype"] != RESULT_SOURCETYPE:
            continue
        body = _body(event)
        if not _belongs(event["fields"], body, action=action, sid=sid):
            continue
        if RESULT_TAG not in event["tag"]:
            problems.append(f"A result event in index {event['index']} has no tag {RESULT_TAG}.")
        if body.get("status") in STATUSES:
            outcomes.append(_outcome(body))
        else:
            problems.append(f"A result event has status {body.get('status')!r}; known are {', '.join(STATUSES)}.")
    if any(outcome.rid not in log.rids or not log.rids[outcome.rid].invocations for outcome in outcomes):
        earlier = CamLog(action, sid)
        for event in before:
            earlier.add(event)
        log.precede(earlier.rids)
    # Outcomes come as SOAR answers; the log announces results in the order of the file.
    order = {rid: number for number, rid in enumerate(log.rids)}
    outcomes.sort(key=lambda outcome: order.get(outcome.rid, len(order)))
    return log, outcomes, problems[:_SHOWN]


def contradictions(log: CamLog, outcomes: Iterable[Outcome], *, rows: int) -> list[str]:
    """Hold outcomes, log and number of results against each other; empty when all agree.

    Args:
        log: the action's log of the run.
        outcomes: what the result events say.
        rows: how many results the action was given.
    """
    problems: list[str] = []
    by_rid: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        by_rid.setdefault(outcome.rid, []).append(outcome)
    reported = sum(len(group) for group in by_rid.values())
    # An earlier call may have announced other results of the same search.
    invoked = sum(entry.invocations for rid, entry in log.rids.items() if rid in by_rid)
    if reported != rows:
        problems.append(f"{rows} results went in, {reported} have an outcome.")
    if invoked != rows:
        problems.append(f"{rows} results went in, the log has {invoked} invocations.")
    for rid, group in by_rid.items():
        problems.extend(_contradictions_of(rid, group, log))
    if len(problems) > _SHOWN:
        return [*problems[:_SHOWN], f"And {len(problems) - _SHOWN} more."]
    return problems


def _contradictions_of(rid: str, group: list[Outcome], log: CamLog) -> list[str]:
    entry = log.rids.get(rid)
    if entry is None:
        return [f"Result {rid} has an outcome but no line in the log."]
    problems: list[str] = []
    terminal = [status for status in entry.statuses if status in TERMINAL]
    if len(terminal) > 1:
        problems.append(f"Result {rid} has {len(terminal)} final statuses in the log: {', '.join(terminal)}.")
    expected = _CAM_STATUS[group[-1].status]
    if entry.status != expected and not entry.had_ended:
        problems.append(
            f"Result {rid} is {group[-1].status}; the log should say {expected} and says {entry.status or 'nothing'}."
        )
    return problems


def _body(event: Mapping[str, Any]) -> dict[str, Any]:
    try:
        body = json.loads(event["raw"])
    except ValueError:
        body = None
    return body if isinstance(body, dict) else dict(event["fields"])


def _belongs(fields: Mapping[str, Any], body: Mapping[str, Any], *, action: str, sid: str) -> bool:
    name = fields.get("orig_action_name") or body.get("action_name")
    own = body.get("sid") or fields.get("sid") or fields.get("orig_sid") or ""
    return name == action and same_sid(sid, str(own))


def _outcome(body: Mapping[str, Any]) -> Outcome:
    container = body.get("container_id")
    return Outcome(
        rid=str(body.get("rid", "")),
        status=str(body["status"]),
        container_id=None if container is None or container == "" else int(container),
        container_url=body.get("container_url") or None,
        artifacts=int(body.get("artifacts") or 0),
        runs=tuple(_run(run) for run in body.get("runs") or ()),
        reason=body.get("reason") or None,
    )


def _run(run: Mapping[str, Any]) -> Run:
    identity = run.get("id")
    return Run(
        id=None if identity in {None, ""} else str(identity),
        playbook=str(run.get("playbook", "")),
        state=str(run.get("state", "")),
        reason=run.get("reason") or None,
    )
