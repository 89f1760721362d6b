"""The life of playbook runs: pending, running, ended, by the stand-in's clock and computed when somebody looks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lab.soar import action
from lab.soar.container import status_change, touch
from lab.soar.playbook import PENDING, RUNNING, find_playbook, full_name, start_run
from lab.soar.seed import SEEDED_OUTCOMES
from lab.soar.storage import to_json
from lab.soar.switches import Outcome
from lab.soar.timestamp import format_time

if TYPE_CHECKING:
    from lab.soar.body import Body
    from lab.soar.call import Call
    from lab.soar.storage import Record

ERROR, DEBUG = 0, 1
_YES, _NO = "Yes", "No"
_BATCH = 500


def settle(call: Call) -> None:
    """Bring every run and action whose time has come to the state that it has by now.

    What a run writes carries the time at which it was due, so the result does not depend on when somebody looks.
    """
    now = call.clock()
    if not call.store.execute("SELECT 1 FROM playbook_run WHERE next_at <= ? LIMIT 1", (now,)):
        action.settle(call)
        return
    with call.store.transaction():
        while runs := call.store.select("playbook_run", "next_at <= ?", (now,), order="next_at, id", limit=_BATCH):
            for run in runs:
                _advance(call, run)
        action.settle(call)


def _advance(call: Call, run: Record) -> None:
    due = run["next_at"]
    at_due = replace(call, clock=lambda: due)
    playbook = call.existing("playbook", run["playbook"])
    name = full_name(call.store, playbook)
    outcome = call.switches.outcomes.get(name) or SEEDED_OUTCOMES.get(name) or Outcome()
    if run["status"] == PENDING:
        _begin(at_due, run, name, outcome)
    elif _waits_for_called(call, run):
        call.store.update("playbook_run", run["id"], {"next_at": due + call.switches.running_seconds})
    elif _expire_prompt(at_due, run):
        _end(at_due, run, name, replace(outcome, status="failed", message="The prompt was not answered in time"))
    else:
        _end(at_due, run, name, outcome)


def _begin(call: Call, run: Record, name: str, outcome: Outcome) -> None:
    wait = call.switches.prompt_seconds if outcome.status == "prompt" else call.switches.running_seconds
    values = {"status": RUNNING, "update_time": call.now(), "next_at": call.clock() + wait}
    call.store.update("playbook_run", run["id"], values)
    _log(call, run, DEBUG, f"Starting playbook '{name}' on {len(run['artifact_ids'])} artifact(s)")
    if outcome.status == "prompt":
        _ask(call, run, outcome)
    for called in outcome.calls:
        playbook = find_playbook(call.store, called)
        if playbook is not None:
            parent = {"parent_playbook_name": name, "parent_playbook_run_id": run["id"]}
            started = start_run(call, playbook, run["container"], scope=["all"], inputs={})
            call.store.update("playbook_run", started, {"misc": {"parent_playbook_run": parent}})


def _waits_for_called(call: Call, run: Record) -> bool:
    later = call.store.select(
        "playbook_run", "container = ? AND id > ? AND next_at IS NOT NULL", (run["container"], run["id"])
    )
    return any(one["misc"].get("parent_playbook_run", {}).get("parent_playbook_run_id") == run["id"] for one in later)


def _ask(call: Call, run: Record, outcome: Outcome) -> None:
    """Open the approval that a prompt block waits for."""
    now = call.now()
    action_run = action.record_prompt(call, run)
    values = {
        "name": "prompt_1",
        "type": "manual",
        "status": "pending",
        "message": "pending-manual-action",
        "action_run": action_run,
        "playbook_run": run["id"],
        "owner": run["owner"],
        "owner_type": "User",
        "start_time": now,
        "due_time": format_time(call.clock() + call.switches.prompt_seconds),
        "responses": [],
        "jitc": {"message": outcome.message or "Go ahead?", "choices": [_YES, _NO]},
        "display": True,
        "version": 1,
    }
    call.store.insert("approval", values)


def _expire_prompt(call: Call, run: Record) -> bool:
    pending = call.store.find("approval", "playbook_run = ? AND status = 'pending'", run["id"])
    if pending is None:
        return False
    call.store.update("approval", pending["id"], {"status": "expired", "close_time": call.now()})
    action.end_prompt(call, run, status="failed", message="Prompt expired")
    return True


def _end(call: Call, run: Record, name: str, outcome: Outcome) -> None:
    status = "failed" if outcome.status == "failed" else "success"
    text = f"Playbook '{name}' ended with {status}"
    if outcome.message and outcome.status != "prompt":
        text = outcome.message
    message = {"message": text, "playbook": name, "result": run["artifact_ids"], "status": status}
    values = {"status": status, "update_time": call.now(), "next_at": None, "message": to_json(message)}
    outputs = dict(outcome.outputs) if status == "success" else {}
    call.store.update("playbook_run", run["id"], {**values, "outputs": outputs})
    if _may_act(call, run):
        for scripted in outcome.actions:
            action.record_scripted(call, run, scripted)
    _log(call, run, ERROR if status == "failed" else DEBUG, text)
    _leave_traces(call, run, outcome)


def _may_act(call: Call, run: Record) -> bool:
    """Whether nothing was asked, or somebody has agreed."""
    asked = call.store.find("approval", "playbook_run = ?", run["id"])
    return asked is None or (asked["status"] == "approved" and asked["responses"] != [_NO])


def _log(call: Call, run: Record, kind: int, message: str) -> None:
    values = {"playbook_run": run["id"], "message": message, "message_type": kind, "time": call.now()}
    call.store.insert("playbook_run_log", values)


def _leave_traces(call: Call, run: Record, outcome: Outcome) -> None:
    """Comment, note, status, severity and tags that the outcome leaves in the container."""
    container_id, now = run["container"], call.now()
    person = {"user": call.user.id, "user_name": call.user.username}
    if outcome.comment:
        values = {"container": container_id, "comment": outcome.comment, "time": now, **person}
        call.store.insert("container_comment", values)
    if outcome.note:
        title, content = outcome.note
        values = {"container": container_id, "title": title, "content": content, "note_type": "general"}
        author = {"author": call.user.id, "author_name": call.user.username, "note_format": "markdown"}
        call.store.insert("note", {**values, **author, "create_time": now, "modified_time": now})
    changes: Body = {}
    if outcome.container_status:
        changes.update(status_change(call, outcome.container_status))
    if outcome.severity:
        changes["severity"] = outcome.severity
    if outcome.tags:
        tags = call.existing("container", container_id)["tags"]
        changes["tags"] = list(dict.fromkeys([*tags, *outcome.tags]))
    if changes:
        touch(call, container_id, changes)
