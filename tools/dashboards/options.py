"""Options that Splunk's schema does not list: it allows any, the renderer ignores them, and nothing says so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tools.dashboards.definition import Dashboard

_SOURCES = frozenset({"query", "queryParameters", "extend"})
_TIMES = frozenset({"earliest", "latest"})
# The schema takes any option of a dropdown; these are what its documentation names.
_UNLISTED = {"input.dropdown": frozenset({"defaultValue", "items", "token"})}


def problems(dashboard: Dashboard, schema: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong, a line for each.

    Args:
        dashboard: the definition.
        schema: the JSON Schema that Splunk's packages give.
    """
    for name in dashboard.content:
        if name not in schema["properties"]:
            yield f"{name}: is no part of a definition"
    for section, parts in (("visualizations", dashboard.visualizations), ("inputs", dashboard.inputs)):
        listed = _listed(schema, section)
        for name, part in parts.items():
            known = listed.get(part["type"]) or {}
            allowed = set(known) | _UNLISTED.get(part["type"], frozenset())
            for option, value in part.get("options", {}).items():
                if option not in allowed:
                    yield f"{section}/{name}: {part['type']} has no option {option}"
                yield from _columns(f"{section}/{name}", option, value, known)
    for name, source in dashboard.sources.items():
        options = source.get("options", {})
        for option in set(options) - _SOURCES:
            yield f"dataSources/{name}: has no option {option}"
        for option in set(options.get("queryParameters", {})) - _TIMES:
            yield f"dataSources/{name}: has no query parameter {option}"


def _columns(place: str, option: str, value: Any, known: Mapping[str, Any]) -> Iterator[str]:
    if option != "columnFormat":
        return
    (column,) = known[option]["patternProperties"].values()
    for field, format_ in value.items():
        for name in set(format_) - set(column["properties"]):
            yield f"{place}: a column ({field}) has no option {name}"


def _listed(schema: Mapping[str, Any], section: str) -> dict[str, Mapping[str, Any]]:
    (pattern,) = schema["properties"][section]["patternProperties"].values()
    found: dict[str, Mapping[str, Any]] = {}
    for rule in pattern["allOf"]:
        kind = rule["if"]["properties"]["type"].get("const")
        found[kind] = rule["then"]["properties"].get("options", {}).get("properties", {})
    return found
