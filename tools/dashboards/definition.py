"""Dashboard Studio definitions: ``dashboards/<view>.json``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.process import ROOT

FOLDER = ROOT / "dashboards"
Part = Mapping[str, Any]


@dataclass(frozen=True)
class Dashboard:
    """One view.

    Args:
        name: the view's name, the last part of its address.
        content: the definition.
    """

    name: str
    content: Part

    @property
    def visualizations(self) -> Mapping[str, Part]:
        """The panels by their ids."""
        return self._named("visualizations")

    @property
    def inputs(self) -> Mapping[str, Part]:
        """The filters by their ids."""
        return self._named("inputs")

    @property
    def sources(self) -> Mapping[str, Part]:
        """The data sources by their ids."""
        return self._named("dataSources")

    @property
    def positions(self) -> list[Part]:
        """The blocks of all layouts."""
        layouts = self.content["layout"]["layoutDefinitions"].values()
        return [block for layout in layouts for block in layout["structure"]]

    @property
    def width(self) -> int:
        """The width of the canvas, pixels."""
        (layout,) = self.content["layout"]["layoutDefinitions"].values()
        return int(layout["options"]["width"])

    @property
    def height(self) -> int:
        """Where the lowest block ends, pixels."""
        return max(int(block["position"]["y"] + block["position"]["h"]) for block in self.positions)

    def sources_of(self, part: Part) -> list[str]:
        """The data sources that a panel or a filter names."""
        return list((part.get("dataSources") or {}).values())

    def handlers(self) -> Iterator[tuple[str, Part]]:
        """Each panel's id with each of its event handlers."""
        for name, panel in self.visualizations.items():
            for handler in panel.get("eventHandlers", ()):
                yield name, handler

    def query(self, source: str) -> str:
        """The whole search of a data source, what it extends in front."""
        options = self.sources[source]["options"]
        own = str(options["query"])
        return f"{self.query(options['extend'])}\n{own}" if "extend" in options else own

    def _named(self, section: str) -> Mapping[str, Part]:
        found: Mapping[str, Part] = self.content.get(section) or {}
        return found


def texts(part: object, place: str = "") -> Iterator[tuple[str, str]]:
    """Every text in a part of a definition, with its place."""
    if isinstance(part, str):
        yield place, part
    elif isinstance(part, Mapping):
        for name, value in part.items():
            yield from texts(value, f"{place}/{name}")
    elif isinstance(part, list):
        for number, value in enumerate(part):
            yield from texts(value, f"{place}/{number}")


def load(path: Path) -> Dashboard:
    """Read one definition."""
    return Dashboard(path.stem, json.loads(path.read_text(encoding="utf-8")))


def load_all(folder: Path = FOLDER) -> list[Dashboard]:
    """Read every definition, by name."""
    return [load(path) for path in sorted(folder.glob("*.json"))]
