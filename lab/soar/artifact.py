"""Artifacts: creation, duplicates by content, update."""

from __future__ import annotations

import hashlib
import uuid
from typing import TYPE_CHECKING, Any

from lab.soar import body as read
from lab.soar.call import Trigger
from lab.soar.refusal import Refusal
from lab.soar.storage import to_json
from lab.soar.vocabulary import cef_types, known_owner, known_severity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.soar.body import Body
    from lab.soar.call import Call
    from lab.soar.storage import Record

_HASHED = ("container", "name", "label", "type", "severity", "cef", "cef_types", "data", "source_data_identifier")


def create(call: Call, body: Body) -> Body:
    """`POST /rest/artifact`. Playbooks run unless the body says `run_automation: false`."""
    container = call.existing("container", read.required_integer(body, "container_id"))
    run_automation = read.boolean(body, "run_automation", default=True)
    artifact_id = add(call, container["id"], body)
    count_artifacts(call, container["id"])
    if run_automation:
        call.triggers.append(Trigger(container["id"], artifact_id))
    return {"success": True, "id": artifact_id}


def add(call: Call, container_id: int, body: Body) -> int:
    """Add one artifact to a container that exists; returns its id. Raises Refusal, also for a duplicate."""
    now = call.now()
    given_identifier = read.optional_text(body, "source_data_identifier")
    values: Body = {
        "version": 1,
        "name": read.optional_text(body, "name") or "artifact",
        "label": read.optional_text(body, "label"),
        "type": read.optional_text(body, "type"),
        "container": container_id,
        "severity": known_severity(call, body.get("severity") or "medium"),
        "cef": read.mapping(body, "cef"),
        "cef_types": _types(body),
        "tags": read.text_list(body, "tags"),
        "description": read.optional_text(body, "description"),
        "kill_chain": read.optional_text(body, "kill_chain"),
        "source_data_identifier": given_identifier,
        "external_id": read.optional_text(body, "external_id"),
        "ingest_app": body.get("ingest_app_id"),
        "owner": _owner(call, body),
        "create_time": now,
        "start_time": read.time(body, "start_time") or now,
        "end_time": read.time(body, "end_time"),
        "update_time": now,
        "in_case": False,
        "has_note": False,
        "data": read.mapping(body, "data"),
    }
    values["hash"] = content_hash(values)
    _refuse_duplicate(call, values)
    values["source_data_identifier"] = given_identifier or str(uuid.uuid4())
    return call.store.insert("artifact", values)


def content_hash(values: Mapping[str, Any]) -> str:
    """The hash by which duplicates are found (which fields: reference, S12)."""
    content = to_json([values.get(key) for key in _HASHED[:5]] + [_sorted(values.get(key)) for key in _HASHED[5:]])
    return hashlib.md5(content.encode(), usedforsecurity=False).hexdigest()


def _sorted(value: object) -> object:
    return {key: _sorted(value[key]) for key in sorted(value)} if isinstance(value, dict) else value


def _types(body: Body) -> Body:
    types = read.mapping(body, "cef_types")
    for name, contains in types.items():
        if not isinstance(contains, list) or not all(isinstance(item, str) for item in contains):
            raise Refusal(400, f"Invalid value for cef_types: {name} takes a list of strings")
    return types


def _owner(call: Call, body: Body) -> int | None:
    return None if body.get("owner_id") is None else int(known_owner(call, body["owner_id"])["id"])


def _refuse_duplicate(call: Call, values: Body) -> None:
    column = {"hash": "hash", "sdi": "source_data_identifier", "off": None}[call.switches.artifact_dedup]
    if column and values[column]:
        condition = f"container = ? AND {column} = ?"
        found = call.store.execute(
            f"SELECT id FROM artifact WHERE {condition} LIMIT 1",  # noqa: S608 - one of two column names
            (values["container"], values[column]),
        )
        if found:
            raise Refusal(400, "artifact already exists", existing_artifact_id=found[0][0])


def count_artifacts(call: Call, container_id: int) -> None:
    """Note in the container that its artifacts changed."""
    count = call.store.count("artifact", "container = ?", (container_id,))
    values = {"artifact_count": count, "artifact_update_time": call.now()}
    call.store.update("container", container_id, values)


def update(call: Call, record_id: int, body: Body) -> Body:
    """`POST /rest/artifact/<id>`: `cef` is replaced as a whole, and a label that is not sent is lost (as on SOAR)."""
    record = call.existing("artifact", record_id)
    values: Body = {**_changes(call, body), "update_time": call.now(), "version": record["version"] + 1}
    values["hash"] = content_hash({**record, **values})
    call.store.update("artifact", record_id, values)
    call.store.update("container", record["container"], {"artifact_update_time": values["update_time"]})
    if read.boolean(body, "run_automation", default=False):
        call.triggers.append(Trigger(record["container"], record_id))
    return {"success": True, "id": record_id}


def _changes(call: Call, body: Body) -> Body:
    values: Body = {"label": read.optional_text(body, "label")}
    for key in ("name", "type", "description", "kill_chain", "source_data_identifier"):
        if key in body:
            values[key] = read.optional_text(body, key)
    readers = {
        "cef": read.mapping,
        "data": read.mapping,
        "tags": read.text_list,
        "start_time": read.time,
        "end_time": read.time,
    }
    values.update({key: reader(body, key) for key, reader in readers.items() if key in body})
    if "cef_types" in body:
        values["cef_types"] = _types(body)
    if body.get("severity"):
        values["severity"] = known_severity(call, body["severity"])
    return values


def delete(call: Call, record_id: int) -> None:
    """`DELETE /rest/artifact/<id>`."""
    record = call.existing("artifact", record_id)
    call.store.delete("artifact", "id = ?", (record_id,))
    count_artifacts(call, record["container"])


def with_registered_types(call: Call, record: Record) -> Record:
    """The artifact with the registry's data types merged in (`include_all_cef_types`)."""
    registered = cef_types(call.store)
    types = {name: registered[name] for name in record["cef"] if registered.get(name)}
    return {**record, "cef_types": {**types, **record["cef_types"]}}
