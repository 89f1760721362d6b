"""Names within a definition: what names something that is not there, and what nothing names.

The renderer shows such a panel empty, or not at all, and says nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from tools.dashboards.definition import Dashboard

_HANDLERS = {"drilldown.customUrl": "url", "drilldown.setToken": "tokens"}
"""What panels may do when they are clicked, and what each needs. Links of other kinds are Splunk Web's own."""


def problems(dashboard: Dashboard) -> Iterator[str]:
    """What is wrong, a line for each."""
    yield from _layout(dashboard)
    yield from _sources(dashboard)
    yield from _handlers(dashboard)


def _layout(dashboard: Dashboard) -> Iterator[str]:
    placed = [str(block["item"]) for block in dashboard.positions]
    for name in placed:
        if name not in dashboard.visualizations:
            yield f"layout: there is no visualization {name}"
        if placed.count(name) > 1:
            yield f"layout: {name} is placed more than once"
    for name in dashboard.visualizations:
        if name not in placed:
            yield f"visualizations/{name}: is not placed"
    shown = dashboard.content["layout"].get("globalInputs", [])
    for name in shown:
        if name not in dashboard.inputs:
            yield f"layout: there is no input {name}"
    for name in dashboard.inputs:
        if name not in shown:
            yield f"inputs/{name}: is not shown"


def _sources(dashboard: Dashboard) -> Iterator[str]:
    used = {str(source["options"]["extend"]) for source in dashboard.sources.values() if "extend" in source["options"]}
    for section, parts in (("visualizations", dashboard.visualizations), ("inputs", dashboard.inputs)):
        for name, part in parts.items():
            for wanted in dashboard.sources_of(part):
                used.add(wanted)
                if wanted not in dashboard.sources:
                    yield f"{section}/{name}: there is no data source {wanted}"
    for name, source in dashboard.sources.items():
        if name not in used:
            yield f"dataSources/{name}: nothing uses it"
        if not source["options"].get("query"):
            yield f"dataSources/{name}: has no query"
        yield from _chain(dashboard, name)


def _chain(dashboard: Dashboard, name: str) -> Iterator[str]:
    source = dashboard.sources[name]
    parent = source["options"].get("extend")
    if (source["type"] == "ds.chain") != (parent is not None):
        yield f"dataSources/{name}: a chain, and nothing else, extends a search"
    if parent is not None and parent not in dashboard.sources:
        yield f"dataSources/{name}: extends {parent}, which is not there"
    elif parent is not None and dashboard.sources[parent]["type"] != "ds.search":
        yield f"dataSources/{name}: extends {parent}, which is no search of its own"


def _handlers(dashboard: Dashboard) -> Iterator[str]:
    for name, handler in dashboard.handlers():
        needed = _HANDLERS.get(handler["type"])
        if needed is None:
            yield f"visualizations/{name}: {handler['type']} is none of {', '.join(_HANDLERS)}"
        elif not handler.get("options", {}).get(needed):
            yield f"visualizations/{name}: {handler['type']} has no {needed}"
        for other in set(handler.get("options", {})) - {"url", "newTab", "tokens"}:
            yield f"visualizations/{name}: {handler['type']} has {other}, which 9.4 may not know"
