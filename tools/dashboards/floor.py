"""What Splunk 9.4, the oldest that the add-on runs on, does not show."""

from __future__ import annotations

from collections.abc import Iterator

from tools.dashboards.definition import Dashboard

_VISUALIZATIONS = frozenset(
    f"splunk.{name}" for name in ("bar", "column", "line", "markdown", "pie", "singlevalue", "table")
)
_INPUTS = frozenset({"input.dropdown", "input.text", "input.timerange"})
_SOURCES = frozenset({"ds.chain", "ds.search"})


def problems(dashboard: Dashboard) -> Iterator[str]:
    """What is wrong, a line for each."""
    sections = (
        ("visualizations", dashboard.visualizations, _VISUALIZATIONS),
        ("inputs", dashboard.inputs, _INPUTS),
        ("dataSources", dashboard.sources, _SOURCES),
    )
    for section, parts, known in sections:
        for name, part in parts.items():
            if part["type"] not in known:
                yield f"{section}/{name}: {part['type']} is not among the types known to be in Splunk 9.4"
    for name, panel in dashboard.visualizations.items():
        options = panel.get("options", {})
        if options.get("splitByLayout", "off") != "off" or any(option.startswith("trellis") for option in options):
            yield f"visualizations/{name}: trellis needs Splunk 10.0"
        if "containerOptions" in panel:
            yield f"visualizations/{name}: showing a panel on a condition needs Splunk 10.2"
    for name in ("expressions", "applicationProperties"):
        if dashboard.content.get(name):
            yield f"{name}: needs Splunk 10.2"
