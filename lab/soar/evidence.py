"""Evidence: objects of a container that somebody marked as such."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.soar import body as read
from lab.soar.refusal import Refusal, not_found

if TYPE_CHECKING:
    from lab.soar.body import Body
    from lab.soar.call import Call

_CONTENT_TYPES = {
    "containerattachment": "container_attachment",
    "artifact": "artifact",
    "actionrun": "action_run",
    "container": "container",
    "note": "note",
}


def create(call: Call, body: Body) -> Body:
    """`POST /rest/evidence`."""
    container = call.existing("container", read.required_integer(body, "container_id"))
    object_id = read.required_integer(body, "object_id")
    content_type = read.required_text(body, "content_type")
    if content_type not in _CONTENT_TYPES:
        raise Refusal(400, f'Invalid value for content_type: "{content_type}"')
    call.existing(_CONTENT_TYPES[content_type], object_id)
    condition = "container = ? AND object_id = ? AND content_type = ?"
    if call.store.find("evidence", condition, container["id"], object_id, content_type):
        raise Refusal(400, "Already added to Evidence.")
    values = {"container": container["id"], "object_id": object_id, "content_type": content_type}
    added = {"added_by": call.user.id, "added_on": call.now()}
    return {"id": call.store.insert("evidence", {**values, **added}), "success": True}


def delete(call: Call, record_id: int) -> None:
    """`DELETE /rest/evidence/<id>`."""
    if not call.store.delete("evidence", "id = ?", (record_id,)):
        raise not_found()
