"""Actions that apps run: started over REST, or reported by a playbook run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.soar import body as read
from lab.soar.refusal import Refusal, missing
from lab.soar.timestamp import format_time

if TYPE_CHECKING:
    from lab.soar.body import Body
    from lab.soar.call import Call
    from lab.soar.storage import Record
    from lab.soar.switches import ScriptedAction

_APP_ID_FORMAT = "app_id has invalid format"


def create_run(call: Call, body: Body) -> Body:
    """`POST /rest/action_run`: queues an action. A target without `app_id` is queued too, and its run fails."""
    action = read.required_text(body, "action")
    container = call.existing("container", read.required_integer(body, "container_id"))
    name = read.required_text(body, "name")
    targets = body.get("targets")
    if not targets:
        raise missing("targets")
    if not isinstance(targets, list) or not all(isinstance(target, dict) for target in targets):
        raise Refusal(400, "Invalid value for targets: expected a list of objects")
    for target in targets:
        for key in ("assets", "parameters"):
            if not isinstance(target.get(key), list):
                raise missing(f"targets.{key}")
    now = call.clock()
    values = {
        "name": name,
        "action": action,
        "type": read.optional_text(body, "type") or "",
        "container": container["id"],
        "status": "pending",
        "message": "",
        "targets": targets,
        "owner": call.user.id,
        "cancelled": "",
        "create_time": format_time(now),
        "update_time": format_time(now),
        "version": 1,
        "next_at": now + call.switches.pending_seconds + (read.optional_integer(body, "exec_delay_secs") or 0),
    }
    run_id = call.store.insert("action_run", values)
    return {"success": True, "action_run_id": run_id, "message": "Action queued"}


def update_run(call: Call, record_id: int, body: Body) -> Body:
    """`POST /rest/action_run/<id>` with `{"cancel": true}`."""
    run = call.existing("action_run", record_id)
    if body.get("cancel") is not True:
        raise missing("cancel")
    is_open = run["status"] in {"pending", "running"}
    if is_open:
        now = call.now()
        values = {"status": "cancelled", "cancelled": call.user.username, "next_at": None}
        call.store.update("action_run", record_id, {**values, "update_time": now, "close_time": now})
    return {"cancelled": int(is_open), "message": "Action run cancelled", "action_run_id": record_id}


def settle(call: Call) -> None:
    """Bring actions whose time has come to their next state."""
    now = call.clock()
    if not call.store.execute("SELECT 1 FROM action_run WHERE next_at <= ? LIMIT 1", (now,)):
        return
    with call.store.transaction():
        while runs := call.store.select("action_run", "next_at <= ?", (now,), order="next_at, id"):
            for run in runs:
                _advance(call, run)


def _advance(call: Call, run: Record) -> None:
    due = run["next_at"]
    moment = format_time(due)
    if run["status"] == "pending":
        values: Body = {"status": "running", "update_time": moment, "next_at": due + call.switches.running_seconds}
        call.store.update("action_run", run["id"], values)
        return
    failures = [_run_target(call, run, target, moment) for target in run["targets"]]
    message = next(filter(None, failures), None)
    values = {"status": "failed" if message else "success", "message": message or f"'{run['name']}' succeeded"}
    call.store.update("action_run", run["id"], {**values, "update_time": moment, "close_time": moment, "next_at": None})


def _run_target(call: Call, run: Record, target: Body, moment: str) -> str | None:
    """Record the app run of one target; returns why it failed, or None."""
    app = _find_app(call, target.get("app_id"))
    if app is None:
        return _APP_ID_FORMAT
    start = run["update_time"]
    _insert_app_run(call, run, app, parameters=target["parameters"], start=start, end=moment)
    return None


def _find_app(call: Call, reference: Any) -> Record | None:
    if isinstance(reference, int):
        return call.store.get("app", reference)
    return call.store.find("app", "appid = ?", reference) if isinstance(reference, str) else None


def _insert_app_run(
    call: Call, run: Record, app: Record, *, parameters: list[Any], start: str, end: str, failure: str = ""
) -> None:
    asset = call.store.find("asset", "app = ?", app["id"])
    status, message = ("failed", failure) if failure else ("success", "Action completed")
    results = [
        {"data": [], "message": message, "status": status, "summary": {}, "parameter": parameter}
        for parameter in parameters
    ]
    values = {
        "action": run["action"],
        "action_run": run["id"],
        "app": app["id"],
        "app_name": app["name"],
        "app_version": app["app_version"],
        "asset": asset["id"] if asset else None,
        "container": run["container"],
        "playbook_run": run["playbook_run"],
        "start_time": start,
        "end_time": end,
        "status": status,
        "message": failure or f"'{run['action']}' on {len(parameters)} object(s)",
        "exception_occured": False,
        "extra_data": [],
        "result_data": results,
        "result_summary": {
            "total_objects": len(parameters),
            "total_objects_successful": 0 if failure else len(parameters),
        },
        "version": 1,
    }
    call.store.insert("app_run", values)


def record_scripted(call: Call, playbook_run: Record, scripted: ScriptedAction) -> None:
    """Record an action of a playbook run, on the first value that an artifact of the run has in the wanted fields."""
    value = _first_value(call, playbook_run["artifact_ids"], scripted.cef_fields)
    app = call.store.find("app", "name = ?", scripted.app)
    if value is None or app is None:
        return
    now = call.now()
    parameter = {scripted.parameter: value}
    values = {
        **_playbook_action(playbook_run, scripted.action, now),
        "type": scripted.kind,
        "status": "failed" if scripted.failure else "success",
        "message": scripted.failure or f"'{scripted.action}' succeeded",
        "targets": [{"assets": [], "app_id": app["id"], "parameters": [parameter]}],
        "close_time": now,
    }
    values["id"] = call.store.insert("action_run", values)
    start, failure = playbook_run["update_time"], scripted.failure
    _insert_app_run(call, values, app, parameters=[parameter], start=start, end=now, failure=failure)


def _first_value(call: Call, artifact_ids: list[int], cef_fields: tuple[str, ...]) -> object:
    for artifact_id in artifact_ids:
        cef = call.existing("artifact", artifact_id)["cef"]
        for name in cef_fields:
            if cef.get(name) is not None:
                value: object = cef[name]
                return value
    return None


def _playbook_action(playbook_run: Record, action: str, now: str) -> Body:
    return {
        "name": action,
        "action": action,
        "type": "investigate",
        "container": playbook_run["container"],
        "playbook_run": playbook_run["id"],
        "owner": playbook_run["owner"],
        "cancelled": "",
        "create_time": now,
        "update_time": now,
        "version": 1,
    }


def record_prompt(call: Call, playbook_run: Record) -> int:
    """The action run that stands for a prompt while a playbook waits for its answer; returns its id."""
    values = {**_playbook_action(playbook_run, "prompt", call.now()), "type": "manual", "targets": []}
    return call.store.insert("action_run", {**values, "name": "prompt_1", "status": "running", "message": ""})


def end_prompt(call: Call, playbook_run: Record, *, status: str, message: str) -> None:
    """End the action run of a prompt."""
    now = call.now()
    call.store.execute(
        "UPDATE action_run SET status = ?, message = ?, update_time = ?, close_time = ? "
        "WHERE playbook_run = ? AND action = 'prompt' AND status = 'running'",
        (status, message, now, now, playbook_run["id"]),
    )
