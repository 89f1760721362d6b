"""Containers: creation with embedded artifacts, duplicates, update, cases, deletion."""

from __future__ import annotations

import hashlib
import json
import uuid
from typing import TYPE_CHECKING, Any

from lab.soar import artifact, workbook
from lab.soar import body as read
from lab.soar.call import Trigger
from lab.soar.refusal import Refusal, missing
from lab.soar.timestamp import format_time
from lab.soar.vocabulary import (
    CONTAINER_TYPES,
    known_label,
    known_sensitivity,
    known_severity,
    known_status,
    owner_fields,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.soar.body import Body
    from lab.soar.call import Call

_HOUR = 3600.0
_SLA_SECONDS = {"high": _HOUR, "medium": 12 * _HOUR, "low": 24 * _HOUR}
_CONTENTS = (
    "artifact",
    "container_comment",
    "note",
    "container_attachment",
    "playbook_run",
    "action_run",
    "app_run",
    "workbook_phase",
    "workbook_task",
    "evidence",
    "container_pin",
)


def create(call: Call, body: Body) -> Body:
    """`POST /rest/container`. Embedded artifacts that are refused do not undo the container."""
    embedded = _embedded(body)
    values = _validated(call, body)
    _refuse_unknown_origin(call, body)
    identifier = read.optional_text(body, "source_data_identifier")
    values["source_data_identifier"] = identifier or str(uuid.uuid4())
    _refuse_duplicate(call, identifier, values["asset"])
    canonical = json.dumps(body, sort_keys=True)
    values["hash"] = hashlib.md5(canonical.encode(), usedforsecurity=False).hexdigest()
    container_id = call.store.insert("container", values)
    if values["container_type"] == "case" or body.get("template_id") is not None:
        workbook.apply_template(call, container_id, read.optional_integer(body, "template_id"))
    answers = [_add_embedded(call, container_id, element) for element in embedded]
    new_ids = [answer["id"] for answer in answers if "id" in answer]
    if new_ids:
        artifact.count_artifacts(call, container_id)
    if new_ids or (not embedded and read.boolean(body, "run_automation", default=False)):
        call.triggers.append(Trigger(container_id))
    answer: Body = {"success": True, "id": container_id, call.switches.id_key: new_ids}
    return {**answer, "artifacts": answers} if embedded else answer


def _embedded(body: Body) -> list[Any]:
    embedded = body.get("artifacts") or []
    if not isinstance(embedded, list):
        raise Refusal(400, "Invalid value for artifacts: expected a list")
    return embedded


def _add_embedded(call: Call, container_id: int, element: object) -> Body:
    if not isinstance(element, dict):
        return Refusal(400, "An artifact must be an object").body()
    try:
        return {"id": artifact.add(call, container_id, element)}
    except Refusal as refusal:
        return refusal.body()


def _validated(call: Call, body: Body) -> Body:
    """Everything of a new container that needs no other record; checked in the order of S6."""
    name = read.required_text(body, "name")
    label = read.optional_text(body, "label") or call.user.default_label
    if not label:
        raise missing("label")
    label = known_label(call, label)
    severity = known_severity(call, body.get("severity") or "medium")
    status, status_type = known_status(call, body.get("status", "new"))
    sensitivity = known_sensitivity(body.get("sensitivity") or "amber")
    now = call.now()
    due = format_time(call.clock() + _SLA_SECONDS.get(severity, _SLA_SECONDS["medium"]))
    is_closed = status_type == "resolved"
    return {
        **owner_fields(call, body),
        **{key: read.optional_text(body, key) for key in ("description", "kill_chain", "external_id")},
        **{key: read.time(body, key) for key in ("open_time", "end_time")},
        "version": 1,
        "name": name,
        "label": label,
        "severity": severity,
        "status": status,
        "sensitivity": sensitivity,
        "container_type": _container_type(body),
        "tenant": read.optional_integer(body, "tenant_id") or 0,
        "asset": read.optional_integer(body, "asset_id"),
        "ingest_app": body.get("ingest_app_id"),
        "tags": read.text_list(body, "tags"),
        "custom_fields": _custom_fields(call, body),
        "data": read.mapping(body, "data"),
        "authorized_users": body.get("authorized_users") or [],
        "artifact_count": 0,
        "create_time": now,
        "start_time": read.time(body, "start_time") or now,
        "due_time": read.time(body, "due_time") or due,
        "close_time": read.time(body, "close_time") or (now if is_closed else None),
        "closing_owner": call.user.id if is_closed else None,
        "workflow_name": "",
        "in_case": False,
    }


def _container_type(body: Body) -> str:
    value = body.get("container_type") or "default"
    if value not in CONTAINER_TYPES:
        raise Refusal(400, f'Container type "{value}" is not one of {", ".join(CONTAINER_TYPES)}.')
    return str(value)


def _custom_fields(call: Call, body: Body) -> Body:
    given = read.mapping(body, "custom_fields")
    for record in call.store.select("custom_field", "required"):
        if given.get(record["name"]) in (None, ""):
            raise missing(f"custom_fields.{record['name']}")
    return given


def _refuse_unknown_origin(call: Call, body: Body) -> None:
    asset, tenant = read.optional_integer(body, "asset_id"), read.optional_integer(body, "tenant_id")
    if asset is not None and call.store.get("asset", asset) is None:
        raise Refusal(400, f"Unknown ingesting asset_id {asset}")
    if tenant and call.store.get("tenant", tenant) is None:
        raise Refusal(400, f"Tenant {tenant} does not match the ingesting asset_id")


def _refuse_duplicate(call: Call, identifier: str | None, asset: int | None) -> None:
    if identifier is None:
        return
    statement = "SELECT id FROM container WHERE source_data_identifier = ? AND asset IS ? ORDER BY id LIMIT 1"
    found = call.store.execute(statement, (identifier, asset))
    if found:
        message = f"duplicate with source_data_identifier {identifier}"
        raise Refusal(call.switches.duplicate_status, message, existing_container_id=found[0][0])


def update(call: Call, record_id: int, body: Body) -> Body:
    """`POST /rest/container/<id>`: only the keys that are sent change; `comment` is ignored, as on SOAR."""
    record = call.existing("container", record_id)
    if body.get("add_to_case"):
        return _add_to_case(call, record_id, body)
    values = {**owner_fields(call, body), **_vocabulary_changes(call, body), **_plain_changes(body)}
    if body.get("container_type") is not None:
        values["container_type"] = _container_type(body)
        if values["container_type"] == "case" and record["container_type"] != "case":
            workbook.apply_template(call, record_id, read.optional_integer(body, "template"))
    for key in ("current_phase", "current_phase_id"):
        if body.get(key) is not None:
            phase = call.existing("workbook_phase", read.required_integer(body, key))
            values["current_phase"] = phase["id"]
    touch(call, record_id, values)
    return {"success": True, "id": record_id}


def _vocabulary_changes(call: Call, body: Body) -> Body:
    """Changes to what must be a name that the server knows."""
    values: Body = {}
    if body.get("label") is not None:
        values["label"] = known_label(call, read.required_text(body, "label"))
    if body.get("severity") is not None:
        values["severity"] = known_severity(call, body["severity"])
    if body.get("sensitivity") is not None:
        values["sensitivity"] = known_sensitivity(body["sensitivity"])
    if body.get("status") is not None:
        values.update(status_change(call, body["status"]))
    return values


def _plain_changes(body: Body) -> Body:
    readers: dict[str, Callable[[Body, str], object]] = {
        "name": read.required_text,
        **dict.fromkeys(("description", "kill_chain", "external_id", "source_data_identifier"), read.optional_text),
        **dict.fromkeys(("start_time", "open_time", "end_time", "due_time", "close_time"), read.time),
        "tags": read.text_list,
        "custom_fields": read.mapping,
        "data": read.mapping,
    }
    return {key: reader(body, key) for key, reader in readers.items() if key in body}


def status_change(call: Call, status: object) -> Body:
    """What a new status sets in a container: also close time and closing owner, or takes them back."""
    name, status_type = known_status(call, status)
    if status_type == "resolved":
        return {"status": name, "close_time": call.now(), "closing_owner": call.user.id}
    opened = {"open_time": call.now()} if status_type == "open" else {}
    return {"status": name, "close_time": None, "closing_owner": None, **opened}


def touch(call: Call, record_id: int, values: Body) -> None:
    """Write `values` into a container and note that it was updated."""
    call.store.update("container", record_id, {**values, "container_update_time": call.now()})
    call.store.execute("UPDATE container SET version = version + 1 WHERE id = ?", (record_id,))


def _add_to_case(call: Call, case_id: int, body: Body) -> Body:
    """Merge a container into a case; its artifacts and comments are copied where asked."""
    child = call.existing("container", read.required_integer(body, "container_id"))
    touch(call, child["id"], {"in_case": True, "parent_container": case_id})
    if body.get("copy_artifacts"):
        for record in call.store.select("artifact", "container = ?", (child["id"],)):
            copied = {"container": case_id, "parent_artifact": record["id"], "parent_container": child["id"]}
            call.store.insert("artifact", {**record, **copied, "in_case": True})
        artifact.count_artifacts(call, case_id)
    if body.get("copy_comments"):
        for record in call.store.select("container_comment", "container = ?", (child["id"],)):
            call.store.insert("container_comment", {**record, "container": case_id})
    touch(call, case_id, {})
    return {"success": True, "id": case_id}


def delete(call: Call, record_id: int) -> None:
    """`DELETE /rest/container/<id>`: with everything in it."""
    call.existing("container", record_id)
    approvals = "playbook_run IN (SELECT id FROM playbook_run WHERE container = ?)"
    for resource in ("approval", "playbook_run_log"):
        call.store.delete(resource, approvals, (record_id,))
    for resource in _CONTENTS:
        call.store.delete(resource, "container = ?", (record_id,))
    call.store.delete("container", "id = ?", (record_id,))
