"""The add-on's own conf files, read from disk.

An action runs as splunkd's user on the same machine, so it needs no REST call for what is no secret; a slow or busy
splunkd then can't lose an alert. Grammar: "Configuration file syntax" of the Splunk Admin Manual.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ACCOUNTS = "ta_send_to_soar_account"
SETTINGS = "ta_send_to_soar_settings"
"""The conf files that the configuration page writes."""

Stanzas = dict[str, dict[str, str]]


def read(app: Path, name: str) -> Stanzas:
    """``default/<name>.conf`` of an app with ``local/<name>.conf`` over it, key by key; missing files are empty."""
    merged: Stanzas = {}
    for layer in ("default", "local"):
        path = app / layer / f"{name}.conf"
        if path.exists():
            for stanza, settings in parse(path.read_text(encoding="utf-8-sig")).items():
                merged.setdefault(stanza, {}).update(settings)
    return merged


def parse(text: str) -> Stanzas:
    """Stanzas of one conf file. Settings before the first stanza belong to ``default``."""
    stanzas: Stanzas = {}
    current = stanzas.setdefault("default", {})
    lines = iter(text.replace("\r\n", "\n").split("\n"))  # splitlines() would also split at U+2028 and the like
    for line in lines:
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        if stripped.startswith("[") and stripped.endswith("]"):
            current = stanzas.setdefault(stripped[1:-1], {})
            continue
        name, equals, value = line.partition("=")
        if not equals:
            continue
        parts = [value.strip()]
        # A backslash at the end of a line continues the value on the next one.
        while parts[-1].endswith("\\"):
            parts[-1] = parts[-1][:-1]
            parts.append(next(lines, "").rstrip())
        current[name.strip()] = "\n".join(parts)
    if not stanzas["default"]:
        del stanzas["default"]
    return stanzas


def switch(settings: Mapping[str, str], name: str) -> bool:
    """A boolean setting as Splunk reads it."""
    return settings.get(name, "").strip().lower() in ("1", "true", "t", "yes", "y", "on")
