"""Splunk's .conf files: stanzas, continued lines, layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

Stanzas: TypeAlias = "dict[str, dict[str, str]]"
"""Stanza name → key → value, in file order."""

DEFAULT = "default"
"""The stanza whose keys hold for every other one; keys above the first stanza belong to it."""


def parse(text: str) -> Stanzas:
    """Read one conf file's text.

    A line that ends in a backslash goes on in the next one, with a line break between (Splunk's rule).
    Lines that are neither stanza, setting, comment nor blank are ignored, as splunkd does.
    """
    stanzas: Stanzas = {}
    name = DEFAULT
    for line in _joined(text):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        if stripped.startswith("[") and stripped.endswith("]"):
            name = stripped[1:-1]
            stanzas.setdefault(name, {})
            continue
        key, equals, value = line.partition("=")
        if equals:
            stanzas.setdefault(name, {})[key.strip()] = value.strip()
    return stanzas


def _joined(text: str) -> Iterator[str]:
    parts: list[str] = []
    for line in text.splitlines():
        if line.endswith("\\") and (parts or not line.lstrip().startswith("#")):
            parts.append(line[:-1])
            continue
        parts.append(line)
        yield "\n".join(parts)
        parts = []
    if parts:
        yield "\n".join(parts)


def layered(paths: Iterable[Path]) -> Stanzas:
    """Read the files that exist; a later file overrides single keys of an earlier one. ``[default]`` is merged in."""
    merged: Stanzas = {}
    for path in paths:
        if path.is_file():
            for name, settings in parse(path.read_text(encoding="utf-8-sig")).items():
                merged.setdefault(name, {}).update(settings)
    defaults = merged.pop(DEFAULT, {})
    return {name: {**defaults, **settings} for name, settings in merged.items()}


def is_true(settings: Mapping[str, str], key: str, *, default: bool) -> bool:
    """Read a Splunk boolean: 1, true, t, yes, y and on, in any case, are true."""
    value = settings.get(key)
    return default if value is None else value.strip().lower() in {"1", "true", "t", "yes", "y", "on"}
