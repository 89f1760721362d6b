"""Names that the server knows: labels, severities, statuses, sensitivities, users, CEF fields."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from lab.soar.body import Body, optional_text, required_text, text_list
from lab.soar.refusal import Refusal, not_found

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.soar.call import Call
    from lab.soar.storage import Record, Store

SENSITIVITIES = ("white", "green", "amber", "red")
CONTAINER_TYPES = ("default", "case")
_SEVERITY_NAME = re.compile(r"[A-Za-z0-9_-]{1,20}")
_MOST_SEVERITIES = 10


def labels(store: Store) -> list[str]:
    """Every label, in the order in which they were made."""
    return [name for (name,) in store.execute("SELECT name FROM label ORDER BY position")]


def add_label(store: Store, name: str) -> None:
    """Make a label (in SOAR this is done in the user interface only)."""
    statement = "INSERT OR IGNORE INTO label (name, position) SELECT ?, count(*) FROM label"
    store.execute(statement, (name,))


def known_label(call: Call, name: str) -> str:
    """`name` itself, or Refusal."""
    if not call.store.execute("SELECT 1 FROM label WHERE name = ?", (name,)):
        raise Refusal(400, f'Label "{name}" is not a known label.')
    return name


def known_severity(call: Call, value: object) -> str:
    """The severity in its stored form; names are compared without case. Raises Refusal."""
    if isinstance(value, str):
        found = call.store.execute("SELECT name FROM severity WHERE fold(name) = fold(?) AND NOT disabled", (value,))
        if found:
            return str(found[0][0]).lower()
    raise Refusal(400, f'Severity "{value}" is not a known severity.')


def known_status(call: Call, value: object) -> tuple[str, str]:
    """Name and type of the status of that name. A number is answered as a live 8.5 does. Raises Refusal."""
    if isinstance(value, int):
        raise Refusal(400, "'int' object has no attribute 'lower'")
    statement = "SELECT name, status_type FROM container_status WHERE name = ? AND NOT disabled"
    found = call.store.execute(statement, (str(value).lower(),))
    if not found:
        raise Refusal(400, "ContainerStatus matching query does not exist.")
    return found[0][0], found[0][1]


def known_sensitivity(value: object) -> str:
    """The sensitivity in lower case. Raises Refusal."""
    if not isinstance(value, str) or value.lower() not in SENSITIVITIES:
        raise Refusal(400, f'Sensitivity "{value}" is not one of {", ".join(SENSITIVITIES)}.')
    return value.lower()


def known_owner(call: Call, value: object) -> Record:
    """The user record for an id or, if the switch allows it, a user name. Raises Refusal."""
    found = None
    if isinstance(value, int) or (isinstance(value, str) and value.isdecimal()):
        found = call.store.get("ph_user", int(value))
    elif call.switches.owner_by_name:
        found = call.store.find("ph_user", "username = ?", str(value))
    if not found:
        raise Refusal(400, '"owner_id" Not found')
    return found


def owner_fields(call: Call, body: Mapping[str, Any]) -> Body:
    """`owner`, `owner_name` and `role` from a body's `owner_id` or `role_id`; one clears the other. Raises Refusal."""
    owner, role = body.get("owner_id"), body.get("role_id")
    if owner is not None and role is not None:
        raise Refusal(400, "Container cannot be assigned both an owner and a role")
    if owner is not None:
        record = known_owner(call, owner)
        return {"owner": record["id"], "owner_name": record["username"], "role": None}
    if role is not None:
        found = call.store.get("role", role) if isinstance(role, int) else call.store.find("role", "name = ?", role)
        if not found:
            raise Refusal(400, '"role_id" Not found')
        return {"owner": None, "owner_name": None, "role": found["id"]}
    return {}


def container_options(store: Store) -> Record:
    """The body of `/rest/container_options`."""
    tags = store.execute("SELECT DISTINCT value FROM container, json_each(container.tags) ORDER BY value")
    severities = store.select("severity", "NOT disabled", order='"order"')
    statuses = store.select("container_status", "NOT disabled", order='"order", id')
    return {
        "label": labels(store),
        "tags": [tag for (tag,) in tags],
        "severity": [{"name": record["name"]} for record in severities],
        "status": [{"id": record["id"], "name": record["name"]} for record in statuses],
        "sensitivity": list(SENSITIVITIES),
    }


def create_severity(call: Call, body: Body) -> Body:
    """`POST /rest/severity`."""
    name = required_text(body, "name")
    if not _SEVERITY_NAME.fullmatch(name):
        raise Refusal(400, "Severity names have up to 20 characters of A-Z a-z 0-9 - _")
    if call.store.find("severity", "fold(name) = fold(?)", name):
        raise Refusal(400, f'Severity "{name}" already exists.')
    count = call.store.count("severity", "NOT disabled")
    if count >= _MOST_SEVERITIES:
        raise Refusal(400, "There are 10 active severities already.")
    values = {"name": name, "color": optional_text(body, "color") or "grey", "is_default": False, "disabled": False}
    return {"success": True, "id": call.store.insert("severity", {**values, "order": count})}


def create_cef(call: Call, body: Body) -> Body:
    """`POST /rest/cef`: a custom CEF field."""
    name = required_text(body, "name")
    if call.store.find("cef", "name = ?", name):
        raise Refusal(400, f'CEF field "{name}" already exists.')
    values = {"type": "custom", "name": name, "data_type": text_list(body, "data_type")}
    return {"id": call.store.insert("cef", values), "success": True}


def update_cef(call: Call, record_id: int, body: Body) -> Body:
    """`POST /rest/cef/<id>`: only custom fields can be changed."""
    if call.existing("cef", record_id)["type"] != "custom":
        raise Refusal(400, "Only custom CEF fields can be changed.")
    values: Body = {"data_type": text_list(body, "data_type")} if "data_type" in body else {}
    if "name" in body:
        values["name"] = required_text(body, "name")
    call.store.update("cef", record_id, values)
    return {"id": record_id, "success": True}


def cef_types(store: Store) -> dict[str, list[str]]:
    """Data types by CEF field, as registered."""
    return {record["name"]: record["data_type"] for record in store.select("cef")}


def delete_cef(call: Call, record_id: int) -> None:
    """`DELETE /rest/cef/<id>`: only custom fields."""
    if not call.store.delete("cef", "id = ? AND type = 'custom'", (record_id,)):
        raise not_found()
