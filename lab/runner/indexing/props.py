"""props.conf: what holds for a source and a sourcetype."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lab.runner.indexing.patterns import path_pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SYSTEM: Mapping[str, str] = {
    "LINE_BREAKER": r"([\r\n]+)",
    "TRUNCATE": "10000",
    "KV_MODE": "auto",
    "MAX_TIMESTAMP_LOOKAHEAD": "128",
}
"""Splunk's own defaults, as far as they matter here."""

_SOURCE = "source::"


@dataclass(frozen=True)
class Props:
    """The stanzas of all apps.

    Args:
        stanzas: stanza name → settings.
    """

    stanzas: Mapping[str, Mapping[str, str]]
    _known: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict, repr=False, compare=False)

    def sourcetype(self, source: str) -> str | None:
        """Give the sourcetype that a ``[source::…]`` stanza assigns."""
        for name in self._source_stanzas(source):
            if "sourcetype" in self.stanzas[name]:
                return self.stanzas[name]["sourcetype"]
        return None

    def settings(self, source: str, sourcetype: str) -> Mapping[str, str]:
        """Give what holds for an event: its source's stanzas before its sourcetype's before Splunk's defaults."""
        key = (source, sourcetype)
        if key not in self._known:
            self._known[key] = self._merged(source, sourcetype)
        return self._known[key]

    def _merged(self, source: str, sourcetype: str) -> dict[str, str]:
        merged = {**SYSTEM, **self.stanzas.get(sourcetype, {})}
        for name in reversed(self._source_stanzas(source)):
            merged.update(self.stanzas[name])
        return merged

    def _source_stanzas(self, source: str) -> list[str]:
        # Of several patterns that fit, the first in ASCII order wins.
        names = sorted(name for name in self.stanzas if name.startswith(_SOURCE))
        return [name for name in names if path_pattern(name.removeprefix(_SOURCE)).fullmatch(source)]


def merge(layers: Iterable[Mapping[str, Mapping[str, str]]]) -> dict[str, dict[str, str]]:
    """Merge one conf file of several apps; a later app overrides single keys of an earlier one."""
    merged: dict[str, dict[str, str]] = {}
    for layer in layers:
        for name, settings in layer.items():
            merged.setdefault(name, {}).update(settings)
    return merged
