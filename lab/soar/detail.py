"""Reading: single records, what hangs below them, and what is added to records on demand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.soar import artifact, workbook
from lab.soar.lookup import Condition
from lab.soar.query import EVERYTHING, Query, parse_query, run_query
from lab.soar.refusal import Refusal, not_found
from lab.soar.schema import RESOURCES, Kind
from lab.soar.timestamp import epoch_of, normal_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lab.soar.call import Call
    from lab.soar.storage import Record, Store

_DAY = 86400
_NESTED: dict[tuple[str, str], tuple[str, str]] = {
    ("container", "artifacts"): ("artifact", "container = ?"),
    ("container", "comments"): ("container_comment", "container = ?"),
    ("container", "notes"): ("note", "container = ? AND note_type <> 'task'"),
    ("container", "actions"): ("action_run", "container = ?"),
    ("container", "playbook_runs"): ("playbook_run", "container = ?"),
    ("container", "attachments"): ("container_attachment", "container = ?"),
    ("container", "approvals"): ("approval", "playbook_run IN (SELECT id FROM playbook_run WHERE container = ?)"),
    ("container", "phases"): ("workbook_phase", "container = ?"),
    ("container", "pins"): ("container_pin", "container = ?"),
    ("playbook_run", "log"): ("playbook_run_log", "playbook_run = ?"),
    ("playbook_run", "actions"): ("action_run", "playbook_run = ?"),
    ("action_run", "app_runs"): ("app_run", "action_run = ?"),
}
_NAMES = {
    "ph_user": "username",
    "container": "name",
    "playbook": "name",
    "scm": "name",
    "asset": "name",
    "role": "name",
}


def one(call: Call, name: str, record_id: int, parameters: Mapping[str, str]) -> Record:
    """`GET /rest/<type>/<id>`: with the expensive fields."""
    fields = RESOURCES[name].shown(expensive=True)
    found = call.store.select(name, "id = ?", (record_id,), fields=fields)
    if not found:
        raise not_found()
    annotations = frozenset(key.removeprefix("_annotation_") for key in parameters if key.startswith("_annotation_"))
    record = decorated(call, name, found[0], Query(pretty="pretty" in parameters, annotations=annotations))
    if name == "artifact" and "include_all_cef_types" in parameters:
        return artifact.with_registered_types(call, record)
    return record


def nested(call: Call, name: str, record_id: int, part: str, parameters: Iterable[tuple[str, str]]) -> object:
    """`GET /rest/<type>/<id>/<part>`: a list of what belongs to the record, or one of its fields."""
    given = list(parameters)
    if (name, part) in _NESTED:
        target, condition = _NESTED[name, part]
        switches = call.switches
        resource = RESOURCES[target]
        query = parse_query(resource, given, lenient=switches.lenient, status_filter=switches.status_filter)
        page = run_query(call.store, resource, query, Condition(f"({condition})", (record_id,)))
        envelope = page.envelope()
        envelope["data"] = [decorated(call, target, record, query) for record in page.data]
        if part == "phases":
            envelope["data"] = [workbook.with_tasks(call.store, phase) for phase in envelope["data"]]
        return envelope
    if (name, part) == ("container", "permitted_users"):
        return {"users": _permitted_users(call, record_id)}
    if part == "audit":
        return audit(call.store, dict(given), object_type=name, object_id=record_id)
    if (name, part) in {("action_run", "log"), ("app_run", "log")}:
        raise Refusal(400, "Invalid detail: log")
    if part in {field.name for field in RESOURCES[name].shown(expensive=True)}:
        return {part: one(call, name, record_id, {})[part]}
    raise not_found()


def _permitted_users(call: Call, container_id: int) -> list[Record]:
    authorized = call.existing("container", container_id)["authorized_users"] or []
    people = call.store.select("ph_user", "is_active AND type = 'normal'")
    return [
        {"id": person["id"], "username": person["username"]}
        for person in people
        if not authorized or person["id"] in authorized
    ]


def visible(name: str, parameters: Mapping[str, str]) -> Condition:
    """What a list shows before its own filters: automation users only on demand."""
    asked = "include_automation" in parameters or any(key.startswith("_filter_type") for key in parameters)
    return Condition("type = 'normal'") if name == "ph_user" and not asked else EVERYTHING


def decorated(call: Call, name: str, record: Record, query: Query) -> Record:
    """A record with the `_pretty_` fields and annotations that the query asks for."""
    if query.annotations:
        record = {**record, **_annotations(call, name, record["id"], query.annotations)}
    if query.pretty:
        record = {**record, **_pretty(call, name, record)}
    return record


def _annotations(call: Call, name: str, record_id: int, wanted: frozenset[str]) -> Record:
    found: dict[str, Any] = {}
    hidden = call.existing(name, record_id)
    if name == "container":
        found = dict.fromkeys(("authorized_users", "whitelist_users"), hidden["authorized_users"])
    elif name == "note":
        found = {"container_attachments": hidden["container_attachments"] or []}
    elif name == "action_run":
        run = call.store.get("playbook_run", hidden["playbook_run"]) if hidden["playbook_run"] else None
        found = {"playbook_run_effective_user": run["effective_user"] if run else None}
    return {f"_annotation_{key}": value for key, value in found.items() if key in wanted}


def _pretty(call: Call, name: str, record: Record) -> Record:
    found: Record = {}
    for field in RESOURCES[name].shown(expensive=False):
        value = record.get(field.name)
        if value is None:
            continue
        if field.kind is Kind.TIME:
            found[f"_pretty_{field.name}"] = relative_time(call.clock() - epoch_of(value))
        elif field.target in _NAMES:
            target = call.store.get(field.target, value)
            found[f"_pretty_{field.name}"] = target[_NAMES[field.target]] if target else None
    return found


def relative_time(seconds: float) -> str:
    """`seconds` ago in words, such as "5 minutes ago"."""
    if seconds < 0:
        return "in " + relative_time(-seconds).removesuffix(" ago").replace("just now", "a moment")
    for unit, size in (("day", _DAY), ("hour", 3600), ("minute", 60), ("second", 1)):
        count = int(seconds // size)
        if count:
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "just now"


def audit(
    store: Store, parameters: Mapping[str, str], *, object_type: str | None = None, object_id: int | None = None
) -> list[Record]:
    """`GET /rest/audit`, a bare list: writes between `start` and `end`, newest last."""
    conditions, values = [], []
    for key, comparison in (("start", ">="), ("end", "<=")):
        if parameters.get(key):
            conditions.append(f"time {comparison} ?")
            values.append(_bound(parameters[key]))
    if object_type is not None and object_id is not None:
        conditions.append("object_type = ? AND object_id = ?")
        values.extend([object_type, str(object_id)])
    return store.select("audit", " AND ".join(conditions) or "1", values)


def _bound(text: str) -> str:
    try:
        return normal_time(text.strip("\"'"))
    except ValueError as error:
        raise Refusal(400, f"Invalid time: {text}") from error
