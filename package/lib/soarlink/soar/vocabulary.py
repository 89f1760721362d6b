"""The names that a SOAR server has, part by part, as plain tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Union

if TYPE_CHECKING:
    from collections.abc import Mapping

    from soarlink.soar.client import SoarClient

Names = dict[str, Union[int, str]]
Tables = dict[str, Names]

STATUS_TYPES: Mapping[str, str] = {"new": "new", "open": "open", "closed": "resolved"}
"""Statuses that every server has (REST reference, 8.8)."""

CLOSED = "resolved"
"""The status type of a closed container."""


def fetch(client: SoarClient, part: str, most: int = 0) -> Tables:
    """One part of the vocabulary, and what comes with it for nothing: one request.

    Args:
        client: the connection.
        part: its name; ``playbook`` beside those of the plan.
        most: how many records are asked for at most; 0 for all.

    Raises:
        SoarError: SOAR did not answer, or the automation user may not read it.
    """
    return _FETCH[part](client, most)


def _options(client: SoarClient, _most: int) -> Tables:
    options = client.options()
    found: Tables = {
        part: {name: name for name in map(_name, options.get(part) or ()) if name} for part in ("label", "severity")
    }
    # No server is without labels and severities: an empty list is one that this user may not read.
    return {part: names for part, names in found.items() if names}


def _statuses(client: SoarClient, most: int) -> Tables:
    rows = client.listing("/rest/container_status", most=most)
    return {"status": {_name(row): str(row.get("status_type") or "") for row in rows if not row.get("disabled")}}


def _ids(part: str, path: str, key: str = "name") -> Callable[[SoarClient, int], Tables]:
    def read(client: SoarClient, most: int) -> Tables:
        rows = client.listing(path, most=most)
        return {part: {str(row[key]): row["id"] for row in rows if row.get(key) and isinstance(row.get("id"), int)}}

    return read


def _custom_fields(client: SoarClient, most: int) -> Tables:
    rows = client.listing("/rest/custom_field", most=most)
    return {"custom_field": {_name(row): str(row.get("data_type") or "text") for row in rows if _name(row)}}


def _playbooks(client: SoarClient, most: int) -> Tables:
    """Those that can run on a container, as ``repository/name``; input playbooks are for other playbooks to call."""
    rows = client.listing("/rest/playbook", (("pretty", "1"),), most=most)
    return {
        "playbook": {
            f"{row['_pretty_scm']}/{_name(row)}": row["id"]
            for row in rows
            if _name(row) and row.get("_pretty_scm") and isinstance(row.get("id"), int)
            if row.get("playbook_type") != "data" and not row.get("draft_mode") and not row.get("disabled")
        }
    }


def _name(entry: Any) -> str:
    return str((entry.get("name") if isinstance(entry, dict) else entry) or "")


_FETCH: Mapping[str, Callable[[SoarClient, int], Tables]] = {
    "severity": _options,
    "label": _options,
    "status": _statuses,
    "user": _ids("user", "/rest/ph_user", "username"),
    "role": _ids("role", "/rest/role"),
    "workbook": _ids("workbook", "/rest/workbook_template"),
    "tenant": _ids("tenant", "/rest/tenant"),
    "custom_field": _custom_fields,
    "playbook": _playbooks,
}
