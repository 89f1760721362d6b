"""Workbooks: phases and tasks of cases, and the templates they are made from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.soar import body as read
from lab.soar.refusal import Refusal
from lab.soar.vocabulary import owner_fields

if TYPE_CHECKING:
    from lab.soar.body import Body
    from lab.soar.call import Call
    from lab.soar.storage import Record, Store

INCOMPLETE, COMPLETE, IN_PROGRESS = 0, 1, 2
_ALLOWED = {(INCOMPLETE, IN_PROGRESS), (IN_PROGRESS, COMPLETE)}


def apply_template(call: Call, container_id: int, template_id: int | None) -> None:
    """Make the phases and tasks of a template (default: the default one) in a container. Raises Refusal."""
    if template_id is None:
        template = call.store.find("workbook_template", "is_default")
    else:
        template = call.existing("workbook_template", template_id)
    if template is None:
        return
    now = call.now()
    first = None
    for phase in call.store.select("workbook_phase_template", "template = ?", (template["id"],), order='"order"'):
        values = {"container": container_id, "name": phase["name"], "order": phase["order"], "create_time": now}
        phase_id = call.store.insert("workbook_phase", values)
        first = first or phase_id
        for task in call.store.select("workbook_task_template", "phase = ?", (phase["id"],), order='"order"'):
            _add_task(call, container_id, phase_id, {**task, "owner_id": None})
    call.store.update("container", container_id, {"workflow_name": template["name"], "current_phase": first})


def _add_task(call: Call, container_id: int, phase_id: int, body: Body) -> int:
    now = call.now()
    values = {
        "name": read.required_text(body, "name"),
        "order": read.optional_integer(body, "order") or 0,
        "container": container_id,
        "phase": phase_id,
        "description": read.optional_text(body, "description"),
        "suggestions": {"playbooks": []},
        "status": INCOMPLETE,
        "create_time": now,
        "modified_time": now,
        "notified": False,
        "is_note_required": read.boolean(body, "is_note_required", default=False),
        **owner_fields(call, body),
    }
    return call.store.insert("workbook_task", values)


def create_phase(call: Call, body: Body) -> Body:
    """`POST /rest/workbook_phase`."""
    container = call.existing("container", read.required_integer(body, "container_id", "container"))
    name = read.required_text(body, "name")
    order = read.optional_integer(body, "order")
    if order is None:
        order = call.store.count("workbook_phase", "container = ?", (container["id"],)) + 1
    values = {"container": container["id"], "name": name, "order": order, "create_time": call.now()}
    return {"success": True, "id": call.store.insert("workbook_phase", values)}


def create_task(call: Call, body: Body) -> Body:
    """`POST /rest/workbook_task`."""
    phase = call.existing("workbook_phase", read.required_integer(body, "phase_id", "phase"))
    return {"success": True, "id": _add_task(call, phase["container"], phase["id"], body)}


def update_task(call: Call, record_id: int, body: Body) -> Body:
    """`POST /rest/workbook_task/<id>`: owner, texts, and the status 0 -> 2 -> 1; back to 0 from anywhere."""
    record = call.existing("workbook_task", record_id)
    values: Body = {**owner_fields(call, body), "modified_time": call.now()}
    for key in ("name", "description"):
        if key in body:
            values[key] = read.optional_text(body, key)
    if body.get("status") is not None:
        values.update(_move(call, record, body))
    call.store.update("workbook_task", record_id, values)
    return {"success": True, "id": record_id}


def _move(call: Call, record: Record, body: Body) -> Body:
    wanted = read.required_integer(body, "status")
    if wanted == record["status"]:
        return {}
    if wanted == INCOMPLETE:
        return {"status": INCOMPLETE, "start_time": None, "end_time": None}
    if (record["status"], wanted) not in _ALLOWED:
        raise Refusal(400, f"Task status cannot change from {record['status']} to {wanted}")
    if wanted == IN_PROGRESS:
        return {"status": IN_PROGRESS, "start_time": call.now()}
    note = read.optional_text(body, "note")
    if record["is_note_required"] and not note:
        raise Refusal(400, "Closing note content is required")
    if note:
        call.store.insert("note", _closing_note(call, record, body, note))
    return {"status": COMPLETE, "end_time": call.now()}


def _closing_note(call: Call, record: Record, body: Body, note: str) -> Body:
    now = call.now()
    return {
        "container": record["container"],
        "title": read.optional_text(body, "title") or record["name"],
        "content": note,
        "note_format": read.optional_text(body, "note_format") or "markdown",
        "note_type": "task",
        "author": call.user.id,
        "author_name": call.user.username,
        "task": record["id"],
        "phase": record["phase"],
        "create_time": now,
        "modified_time": now,
    }


def with_tasks(store: Store, phase: Record) -> Record:
    """A phase with its tasks nested, as under `/rest/container/<id>/phases`."""
    return {**phase, "tasks": store.select("workbook_task", "phase = ?", (phase["id"],), order='"order", id')}
