"""Syntax of Splunk's conf files, and the order of their layers.

One parser for the stand-in splunkd and for the `splunk` package inside actions. No imports but `os`: see the package.
"""
# ruff: noqa: PTH112, PTH118, PTH123, PTH208 - os.path keep start-up small

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_STANZA = "default"


def parse(text: str) -> dict[str, dict[str, str]]:
    """Return the stanzas of a conf file as {stanza: {key: value}}.

    Keys before the first header belong to `default`; a backslash at the end of a line continues the value on the next
    one, with a line break in it; a line that starts with `#` or `;` is a comment; a later value wins.
    """
    stanzas: dict[str, dict[str, str]] = {}
    stanza = DEFAULT_STANZA
    key: str | None = None
    continued = False
    # Not splitlines: values may hold other line separators of Unicode.
    for raw in text.lstrip("\ufeff").split("\n"):
        line = raw.rstrip("\r")
        if continued and key is not None:
            continued = line.endswith("\\")
            stanzas[stanza][key] += "\n" + (line[:-1] if continued else line.rstrip())
            continue
        stripped = line.strip()
        if not stripped or stripped[0] in "#;":
            continue
        if stripped[0] == "[" and stripped[-1] == "]":
            stanza = stripped[1:-1]
            stanzas.setdefault(stanza, {})
            key = None
            continue
        name, separator, value = stripped.partition("=")
        if not separator:
            continue
        key = name.strip()
        continued = value.endswith("\\")
        value = value[:-1] if continued else value
        stanzas.setdefault(stanza, {})[key] = value.strip() if not continued else value.lstrip()
    return stanzas


def dump(stanzas: Mapping[str, Mapping[str, str]]) -> str:
    """Return the text of a conf file for {stanza: {key: value}}."""
    blocks = []
    for stanza, values in stanzas.items():
        lines = [f"[{stanza}]"]
        lines += ["{} = {}".format(key, value.replace("\n", "\\\n")) for key, value in values.items()]
        blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks)


def read(path: str) -> dict[str, dict[str, str]]:
    """Return the stanzas of the file at `path`; an absent file has none."""
    try:
        with open(path, encoding="utf-8") as file:
            return parse(file.read())
    except FileNotFoundError:
        return {}


def global_layers(home: str, conf: str) -> list[tuple[str, str]]:
    """Return (app, path) of every layer of `conf`, weakest first, in the order of Splunk's global context.

    system/default, apps' default, apps' local, system/local; among apps the first in ASCII order is the strongest.
    """
    etc = os.path.join(home, "etc")
    apps_dir = os.path.join(etc, "apps")
    apps = sorted(os.listdir(apps_dir), reverse=True) if os.path.isdir(apps_dir) else []
    name = conf + ".conf"
    layers = [("system", os.path.join(etc, "system", "default", name))]
    for folder in ("default", "local"):
        layers += [(app, os.path.join(apps_dir, app, folder, name)) for app in apps]
    layers.append(("system", os.path.join(etc, "system", "local", name)))
    return layers


def merged(home: str, conf: str) -> dict[str, dict[str, str]]:
    """Return the stanzas of `conf` over all layers; each stanza inherits from `default`."""
    result: dict[str, dict[str, str]] = {}
    for _, path in global_layers(home, conf):
        for stanza, values in read(path).items():
            result.setdefault(stanza, {}).update(values)
    inherited = result.get(DEFAULT_STANZA, {})
    return {stanza: dict(inherited, **values) for stanza, values in result.items()}
