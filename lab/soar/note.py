"""Notes in containers, on tasks and on artifacts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.soar import body as read
from lab.soar.refusal import Refusal, missing, not_found

if TYPE_CHECKING:
    from lab.soar.body import Body
    from lab.soar.call import Call

_TYPES = ("general", "task", "artifact")
_FORMATS = ("markdown", "html")


def create(call: Call, body: Body) -> Body:
    """`POST /rest/note`."""
    container = call.existing("container", read.required_integer(body, "container_id", "container"))
    texts = {key: read.required_text(body, key) for key in ("title", "note_type", "content")}
    values = {**texts, **_references(call, body), "container": container["id"]}
    values["note_format"] = _checked(read.optional_text(body, "note_format") or "markdown", "note_format", _FORMATS)
    _checked(values["note_type"], "note_type", _TYPES)
    if values["note_type"] != "general" and values[values["note_type"]] is None:
        raise missing(f"{values['note_type']}_id")
    if values["artifact"] is not None:
        call.store.update("artifact", values["artifact"], {"has_note": True})
    now = call.now()
    author = {"author": call.user.id, "author_name": call.user.username}
    values = {**values, **author, "create_time": now, "modified_time": now, "container_attachments": []}
    return {"success": True, "id": call.store.insert("note", values)}


def _checked(value: str, key: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise Refusal(400, f'Invalid value for {key}: "{value}" is not one of {", ".join(allowed)}')
    return value


def _references(call: Call, body: Body) -> Body:
    found: Body = {"artifact_name": None}
    for key, resource in (("artifact", "artifact"), ("task", "workbook_task"), ("phase", "workbook_phase")):
        number = read.optional_integer(body, f"{key}_id")
        number = read.optional_integer(body, key) if number is None else number
        record = None if number is None else call.existing(resource, number)
        found[key] = number
        if record and key == "artifact":
            found["artifact_name"] = record["name"]
    return found


def update(call: Call, record_id: int, body: Body) -> Body:
    """`POST /rest/note/<id>`: title, content and format."""
    call.existing("note", record_id)
    values: Body = {key: read.required_text(body, key) for key in ("title", "content") if key in body}
    if "note_format" in body:
        values["note_format"] = _checked(read.required_text(body, "note_format"), "note_format", _FORMATS)
    call.store.update("note", record_id, {**values, "modified_time": call.now()})
    return {"success": True, "id": record_id}


def delete(call: Call, record_id: int) -> None:
    """`DELETE /rest/note/<id>`."""
    if not call.store.delete("note", "id = ?", (record_id,)):
        raise not_found()
