"""Playbooks: finding one, switching it on, starting and cancelling its runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.soar import body as read
from lab.soar.refusal import Refusal, missing
from lab.soar.timestamp import format_time

if TYPE_CHECKING:
    from lab.soar.body import Body
    from lab.soar.call import Call
    from lab.soar.storage import Record, Store

PENDING, RUNNING = "pending", "running"
_OPEN_STATES = (PENDING, RUNNING)
_SCOPES = ("new", "all")


def find_playbook(store: Store, reference: object) -> Record | None:
    """The playbook with that id, `repo/name` or bare name."""
    if isinstance(reference, int) or (isinstance(reference, str) and reference.isdecimal()):
        return store.get("playbook", int(reference))
    if not isinstance(reference, str):
        return None
    repository, slash, name = reference.rpartition("/")
    if slash:
        return store.find("playbook", "name = ? AND scm = (SELECT id FROM scm WHERE name = ?)", name, repository)
    return store.find("playbook", "name = ?", name)


def full_name(store: Store, playbook: Record) -> str:
    """`repo/name` of a playbook."""
    scm = store.get("scm", playbook["scm"])
    return f"{scm['name'] if scm else ''}/{playbook['name']}"


def update(call: Call, record_id: int, body: Body) -> Body:
    """`POST /rest/playbook/<id>`: active, trigger, labels; `{"delete": true}` succeeds and does nothing, as on 8.5."""
    record = call.existing("playbook", record_id)
    values: Body = {}
    if "active" in body:
        values["active"] = read.boolean(body, "active", default=False)
        if values["active"] and (record["draft_mode"] or record["playbook_type"] != "automation"):
            raise Refusal(400, "This playbook cannot be activated.")
    if "labels" in body:
        values["labels"] = read.text_list(body, "labels")
    if "playbook_trigger" in body:
        values["playbook_trigger"] = read.optional_text(body, "playbook_trigger")
    if read.boolean(body, "cancel_runs", default=False):
        for run in call.store.select("playbook_run", "playbook = ? AND status IN (?, ?)", (record_id, *_OPEN_STATES)):
            _cancel(call, run)
    call.store.update("playbook", record_id, {**values, "update_time": call.now()} if values else {})
    return {"message": "Operation successful", "success": True}


def create_run(call: Call, body: Body) -> Body:
    """`POST /rest/playbook_run`: queues a run. The playbook is looked up before anything else is checked."""
    reference = body.get("playbook_id")
    if reference is None:
        raise missing("playbook_id")
    playbook = find_playbook(call.store, reference)
    if playbook is None:
        raise Refusal(404, f'Playbook "{reference}" not found')
    container = call.existing("container", read.required_integer(body, "container_id"))
    if body.get("run") is not True:
        raise missing("run")
    scope = _scope(call, container["id"], body.get("scope", "new"))
    run_id = start_run(call, playbook, container["id"], scope=scope, inputs=read.mapping_or_text(body, "inputs"))
    return {"playbook_run_id": str(run_id), "received": True}


def _scope(call: Call, container_id: int, value: Any) -> list[Any]:
    """The scope as a list: one of the words, or ids of artifacts of the container."""
    if value in _SCOPES:
        return [value]
    if not isinstance(value, list) or not value or not all(isinstance(item, int) for item in value):
        raise Refusal(400, 'Invalid value for scope: expected "new", "all" or a list of artifact ids')
    for artifact_id in value:
        if not call.store.find("artifact", "id = ? AND container = ?", artifact_id, container_id):
            raise Refusal(400, f"Artifact {artifact_id} is not in container {container_id}")
    return value


def start_run(call: Call, playbook: Record, container_id: int, *, scope: list[Any], inputs: Body) -> int:
    """Queue a run on a container and return its id. What its clock time brings is in `playbook_run`."""
    now = call.clock()
    artifact_ids = _artifacts_in_scope(call.store, playbook["id"], container_id, scope)
    last = call.store.execute("SELECT max(id) FROM artifact WHERE container = ?", (container_id,))[0][0]
    values = {
        "container": container_id,
        "playbook": playbook["id"],
        "status": PENDING,
        "owner": call.user.id,
        "effective_user": call.user.id,
        "action_exec": [],
        "cancelled": "",
        "ip_address": "",
        "last_artifact": last,
        "log_level": 1,
        "message": "",
        "misc": {},
        "run_data": {},
        "inputs": inputs,
        "outputs": {},
        "start_time": format_time(now),
        "update_time": format_time(now),
        "test_mode": False,
        "version": 1,
        "scope": scope,
        "artifact_ids": artifact_ids,
        "next_at": now + call.switches.pending_seconds,
    }
    return call.store.insert("playbook_run", values)


def _artifacts_in_scope(store: Store, playbook_id: int, container_id: int, scope: list[Any]) -> list[int]:
    if scope == ["new"]:
        statement = "SELECT max(last_artifact) FROM playbook_run WHERE container = ? AND playbook = ?"
        seen = store.execute(statement, (container_id, playbook_id))[0][0] or 0
    elif scope == ["all"]:
        seen = 0
    else:
        return scope
    found = store.execute("SELECT id FROM artifact WHERE container = ? AND id > ? ORDER BY id", (container_id, seen))
    return [artifact_id for (artifact_id,) in found]


def update_run(call: Call, record_id: int, body: Body) -> Body:
    """`POST /rest/playbook_run/<id>` with `{"cancel": true}`; without effect on a run that has ended."""
    run = call.existing("playbook_run", record_id)
    if body.get("cancel") is not True:
        raise missing("cancel")
    cancelled = _cancel(call, run)
    message = "Playbook run cancelled" if cancelled else "Playbook run is not active"
    return {"cancelled": cancelled, "message": message, "playbook_run_id": record_id}


def _cancel(call: Call, run: Record) -> int:
    if run["status"] not in _OPEN_STATES:
        return 0
    now = call.now()
    values = {"status": "cancelled", "cancelled": call.user.username, "next_at": None, "update_time": now}
    call.store.update("playbook_run", run["id"], {**values, "message": "Cancelled by user"})
    call.store.execute(
        "UPDATE approval SET status = 'cancelled', close_time = ? WHERE playbook_run = ? AND status = 'pending'",
        (now, run["id"]),
    )
    return 1
