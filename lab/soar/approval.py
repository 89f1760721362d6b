"""Approvals: what playbooks ask people, and their answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.soar import action
from lab.soar import body as read
from lab.soar.refusal import Refusal

if TYPE_CHECKING:
    from lab.soar.body import Body
    from lab.soar.call import Call

_ANSWERS = {"approve": "approved", "deny": "denied"}


def answer(call: Call, record_id: int, body: Body) -> Body:
    """`POST /rest/approval/<id>`: the run that waits goes on at once, and ends `running_seconds` later."""
    record = call.existing("approval", record_id)
    given = read.required_text(body, "status")
    if given not in _ANSWERS:
        raise Refusal(400, f'Invalid value for status: "{given}"')
    if record["status"] != "pending":
        raise Refusal(400, f"The approval is {record['status']} already.")
    responses = read.text_list(body, "responses")
    values = {"status": _ANSWERS[given], "close_time": call.now(), "responses": responses}
    call.store.update("approval", record_id, {**values, "message": read.optional_text(body, "message") or ""})
    run = call.existing("playbook_run", record["playbook_run"])
    action.end_prompt(call, run, status="success", message=", ".join(responses) or _ANSWERS[given])
    next_at = call.clock() + call.switches.running_seconds
    call.store.update("playbook_run", run["id"], {"next_at": next_at, "update_time": call.now()})
    return {"success": True, "id": record_id}
