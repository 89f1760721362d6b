"""Comments on containers: written once, never changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.soar import body as read

if TYPE_CHECKING:
    from lab.soar.body import Body
    from lab.soar.call import Call


def create(call: Call, body: Body) -> Body:
    """`POST /rest/container_comment`; the container may be given as `container_id` or `container`."""
    container = call.existing("container", read.required_integer(body, "container_id", "container"))
    values = {
        "container": container["id"],
        "comment": read.required_text(body, "comment"),
        "user": call.user.id,
        "user_name": call.user.username,
        "time": call.now(),
    }
    return {"success": True, "id": call.store.insert("container_comment", values)}
