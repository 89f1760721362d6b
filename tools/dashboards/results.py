"""Fields that panels read and that their searches do not return: such a column, colour or link is silently nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping

from tools.dashboards.definition import Dashboard, Part
from tools.dashboards.tokens import row_fields

_SERIES = re.compile(r"seriesByName\(\\*[\"']([^\"'\\]+)")


def problems(dashboard: Dashboard, fields: Mapping[str, Collection[str]]) -> Iterator[str]:
    """What is wrong, a line for each.

    Args:
        dashboard: the definition.
        fields: what the data sources returned on data that fills every panel, by their ids.
    """
    for name, panel in dashboard.visualizations.items():
        yield from _missing(dashboard, f"visualizations/{name}", panel, fields, row_fields(dashboard, name))
    for name, part in dashboard.inputs.items():
        yield from _missing(dashboard, f"inputs/{name}", part, fields, set())


def _missing(
    dashboard: Dashboard, place: str, part: Part, fields: Mapping[str, Collection[str]], clicked: set[str]
) -> Iterator[str]:
    read = clicked | set(_SERIES.findall(json.dumps([part.get("options", {}), part.get("context", {})])))
    read |= set(part.get("options", {}).get("columnFormat", {}))
    for source in dashboard.sources_of(part):
        for field in sorted(read - set(fields[source])):
            yield f"{place}: {source} returns no field {field}, but {', '.join(sorted(fields[source]))}"
