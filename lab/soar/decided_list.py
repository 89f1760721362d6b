"""Custom lists: small tables that playbooks read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.soar import body as read
from lab.soar.refusal import Refusal, not_found

if TYPE_CHECKING:
    from lab.soar.body import Body
    from lab.soar.call import Call


def create(call: Call, body: Body) -> Body:
    """`POST /rest/decided_list`. A missing `content` is a server error, as seen on 8.5."""
    name = read.required_text(body, "name")
    if call.store.find("decided_list", "name = ?", name):
        raise Refusal(400, f'List "{name}" already exists.')
    if "content" not in body:
        raise Refusal(500, "Server error")
    now = call.now()
    values = {"name": name, "content": _rows(body["content"]), "create_time": now, "update_time": now, "version": 1}
    return {"id": call.store.insert("decided_list", values), "success": True}


def _rows(value: Any) -> list[list[Any]]:
    if not isinstance(value, list) or not all(isinstance(row, list) for row in value):
        raise Refusal(400, "Invalid value for content: expected a list of rows")
    return value


def update(call: Call, record_id: int, body: Body) -> Body:
    """`POST /rest/decided_list/<id>`: replace all, append rows, change rows."""
    record = call.existing("decided_list", record_id)
    content = _rows(body.get("content", record["content"]))
    content = [*content, *_rows(body.get("append_rows", []))]
    for key, row in read.mapping(body, "update_rows").items():
        if not key.isdecimal() or int(key) >= len(content):
            raise Refusal(400, f"Row {key} does not exist.")
        content[int(key)] = row
    values = {"content": content, "update_time": call.now(), "version": record["version"] + 1}
    call.store.update("decided_list", record_id, values)
    return {"id": record_id, "success": True}


def delete(call: Call, record_id: int) -> None:
    """`DELETE /rest/decided_list/<id>`."""
    if not call.store.delete("decided_list", "id = ?", (record_id,)):
        raise not_found()
