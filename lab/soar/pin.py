"""Pins: cards that a playbook or a person puts on top of a container."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.soar import body as read
from lab.soar.refusal import Refusal, not_found

if TYPE_CHECKING:
    from lab.soar.body import Body
    from lab.soar.call import Call

_TYPES = ("data", "card_small", "card_medium", "card_large")
_STYLES = ("white", "purple", "red", "grey", "blue")


def create(call: Call, body: Body) -> Body:
    """`POST /rest/container_pin`."""
    container = call.existing("container", read.required_integer(body, "container_id"))
    values = {
        "container": container["id"],
        "message": read.required_text(body, "message"),
        "data": read.optional_text(body, "data"),
        **_look(body),
        "author": call.user.id,
        "create_time": call.now(),
    }
    return {"success": True, "id": call.store.insert("container_pin", values)}


def _look(body: Body) -> Body:
    pin_type = read.optional_text(body, "pin_type") or "data"
    pin_style = read.optional_text(body, "pin_style") or "white"
    if pin_type not in _TYPES or pin_style not in _STYLES:
        raise Refusal(400, f'Invalid pin: type "{pin_type}", style "{pin_style}"')
    return {"pin_type": pin_type, "pin_style": pin_style}


def update(call: Call, record_id: int, body: Body) -> Body:
    """`POST /rest/container_pin/<id>`."""
    record = call.existing("container_pin", record_id)
    values: Body = {key: read.optional_text(body, key) for key in ("message", "data") if key in body}
    call.store.update("container_pin", record_id, {**values, **_look({**record, **body})})
    return {"success": True, "id": record_id}


def delete(call: Call, record_id: int) -> None:
    """`DELETE /rest/container_pin/<id>`."""
    if not call.store.delete("container_pin", "id = ?", (record_id,)):
        raise not_found()
