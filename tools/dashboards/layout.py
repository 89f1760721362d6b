"""Positions: rows fill the grid, or Splunk says that panels are configured wrongly; and tables fill their panels."""

from __future__ import annotations

from collections.abc import Iterator

from tools.dashboards.definition import Dashboard, Part

_SIDES = ("x", "y", "w", "h")


def problems(dashboard: Dashboard) -> Iterator[str]:
    """What is wrong, a line for each."""
    yield from _tables(dashboard)
    broken = [block for block in dashboard.positions if not _whole(block)]
    for block in broken:
        yield f"layout: {block['item']} needs x, y, w and h as whole numbers, w and h above 0"
    if broken:
        return
    rows: dict[int, list[Part]] = {}
    for block in dashboard.positions:
        rows.setdefault(block["position"]["y"], []).append(block)
    below = 0
    for y, blocks in sorted(rows.items()):
        if y != below:
            yield f"layout: a row begins at {y}, the one above ends at {below}"
        if len({block["position"]["h"] for block in blocks}) > 1:
            yield f"layout: the panels of the row at {y} are not of one height"
        right = 0
        for block in sorted(blocks, key=lambda block: int(block["position"]["x"])):
            if block["position"]["x"] != right:
                yield f"layout: {block['item']} begins at {block['position']['x']}, its neighbour ends at {right}"
            right = block["position"]["x"] + block["position"]["w"]
        if right != dashboard.width:
            yield f"layout: the row at {y} is {right} wide, the canvas {dashboard.width}"
        below = y + max(block["position"]["h"] for block in blocks)


def _tables(dashboard: Dashboard) -> Iterator[str]:
    """Tables that are as wide in a big window as in a small one: a column without a width makes widths proportions."""
    for name, panel in dashboard.visualizations.items():
        columns = panel.get("options", {}).get("columnFormat", {}).values()
        if columns and all("width" in column for column in columns):
            yield f"{name}: every column has a width, so the table does not fill its panel: leave one out"


def _whole(block: Part) -> bool:
    position = block.get("position", {})
    values = [position.get(side) for side in _SIDES]
    return all(type(value) is int and value >= 0 for value in values) and position["w"] > 0 and position["h"] > 0
