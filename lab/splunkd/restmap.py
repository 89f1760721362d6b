"""An app's own endpoints as its restmap.conf declares them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lab.splunkd.confstore import Stanza

_TRUE = frozenset({"true", "1"})
_ACTIONS = frozenset({"list", "create", "edit", "remove"})


@dataclass(frozen=True)
class AdminEndpoint:
    """`[admin_external:<name>]`: entities behind a handler of `splunk.admin`.

    Args:
        name: last part of the path.
        match: the `match` of the `[admin:…]` group, a path prefix.
        script: the handler file.
        actions: what it may be asked: list, create, edit, remove.
        capabilities: {HTTP method or "": capability} that the caller needs.
        app: the app that declares it.
    """

    name: str
    match: tuple[str, ...]
    script: Path
    actions: frozenset[str]
    capabilities: Mapping[str, str]
    app: str


@dataclass(frozen=True)
class ScriptEndpoint:
    """`[script:<name>]` with `scripttype = persist`: a path behind a persistent handler.

    Args:
        name: the stanza's name.
        match: path segments; longer paths belong to it too.
        script: the file whose folder holds the module.
        handler: `module.Class`.
        options: the other settings, such as `passSystemAuth`.
        capabilities: {HTTP method or "": capability} that the caller needs.
        app: the app that declares it.
    """

    name: str
    match: tuple[str, ...]
    script: Path
    handler: str
    options: Mapping[str, str]
    capabilities: Mapping[str, str]
    app: str

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return a boolean option."""
        value = self.options.get(name)
        return default if value is None else value.lower() in _TRUE


def admin_endpoints(apps: Path, stanzas: Iterable[Stanza]) -> list[AdminEndpoint]:
    """Return the endpoints of `[admin_external:…]` stanzas that an `[admin:…]` stanza makes members.

    Args:
        apps: `$SPLUNK_HOME/etc/apps`.
        stanzas: restmap.conf.
    """
    stanzas = list(stanzas)
    matches: dict[str, tuple[str, ...]] = {}
    for stanza in stanzas:
        if stanza.name.startswith("admin:"):
            members = stanza.values.get("members", "").split(",")
            matches |= {member.strip(): _segments(stanza.values.get("match", "/")) for member in members}
    found = []
    for stanza in stanzas:
        kind, _, name = stanza.name.partition(":")
        if kind != "admin_external" or name not in matches or stanza.values.get("handlertype") != "python":
            continue
        actions = frozenset(action.strip() for action in stanza.values.get("handleractions", "").split(","))
        script = apps / stanza.app / "bin" / stanza.values["handlerfile"]
        found.append(
            AdminEndpoint(name, matches[name], script, actions & _ACTIONS, _capabilities(stanza.values), stanza.app)
        )
    return found


def script_endpoints(apps: Path, stanzas: Iterable[Stanza]) -> list[ScriptEndpoint]:
    """Return the endpoints of persistent `[script:…]` stanzas; arguments as for `admin_endpoints`."""
    found = []
    for stanza in stanzas:
        kind, _, name = stanza.name.partition(":")
        if kind != "script" or stanza.values.get("scripttype") != "persist":
            continue
        values = stanza.values
        script = apps / stanza.app / "bin" / values["script"]
        match = _segments(values["match"])
        found.append(ScriptEndpoint(name, match, script, values["handler"], values, _capabilities(values), stanza.app))
    return found


def _segments(match: str) -> tuple[str, ...]:
    return tuple(part for part in match.split("/") if part)


def _capabilities(values: Mapping[str, str]) -> dict[str, str]:
    return {
        key.partition(".")[2].upper(): value
        for key, value in values.items()
        if key == "capability" or key.startswith("capability.")
    }
