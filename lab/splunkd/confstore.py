"""The conf files below `$SPLUNK_HOME/etc`, layered and written as splunkd does."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.splunkd.atomicfile import write_atomically
from lab.splunkd.python.splunk.clilib import conffile
from lab.splunkd.refusal import Refused, unknown_entity
from lab.splunkd.request import NOBODY, WILDCARD, Namespace

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lab.splunkd.permissions import Permissions

Stanzas = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Stanza:
    """A stanza over all its layers.

    Args:
        name: what stands in the brackets.
        values: merged values, the conf's `[default]` values included.
        app: the app of the strongest layer that holds it.
        local: whether a local layer of that app holds it, so that it can be deleted.
    """

    name: str
    values: Mapping[str, str]
    app: str
    local: bool


@dataclass(frozen=True)
class _Layer:
    app: str
    path: Path
    local: bool


class ConfStore:
    """Reads every layer of a conf file and writes the local one.

    Args:
        home: `$SPLUNK_HOME`.
        permissions: tells what an app exports to others.
    """

    def __init__(self, home: Path, permissions: Permissions) -> None:
        self.home = home
        self._permissions = permissions
        self._lock = threading.RLock()
        self._cache: dict[Path, tuple[tuple[int, int], Stanzas]] = {}

    def known(self, conf: str) -> bool:
        """Return whether any layer holds the file, or any app a `.conf.spec` for it."""
        etc = self.home / "etc"
        if any(layer.path.exists() for layer in self._global_layers(conf)):
            return True
        return any(etc.glob(f"apps/*/README/{conf}.conf.spec"))

    def files(self, context: Namespace) -> list[str]:
        """Return the names of the conf files visible in `context`."""
        roots = [self.home / "etc" / "system", *self._app_dirs()]
        names = {file.stem for root in roots for file in root.glob("*/*.conf")}
        return sorted(name for name in names if self.stanzas(name, context))

    def stanzas(self, conf: str, context: Namespace) -> dict[str, Stanza]:
        """Return the stanzas of `conf` in `context`, each with its merged values."""
        merged: Stanzas = {}
        origin: dict[str, tuple[str, bool]] = {}
        for layer in self._layers(conf, context):
            for name, values in self._read(layer.path).items():
                if self._hidden(conf, name, layer.app, context):
                    continue
                merged.setdefault(name, {}).update(values)
                origin[name] = (layer.app, layer.local)
        inherited = merged.pop(conffile.DEFAULT_STANZA, {})
        return {name: Stanza(name, {**inherited, **values}, *origin[name]) for name, values in merged.items()}

    def value(self, conf: str, stanza: str, key: str, default: str = "") -> str:
        """Return one value in the global context."""
        found = self.stanzas(conf, Namespace(NOBODY, WILDCARD)).get(stanza)
        return found.values.get(key, default) if found else default

    def write(self, conf: str, context: Namespace, stanza: str, values: Mapping[str, str]) -> None:
        """Set `values` in the local layer of `context`; the stanza is made when it is not there."""
        with self._lock:
            path = self._local(conf, context)
            stanzas = {name: dict(pairs) for name, pairs in self._read(path).items()}
            stanzas.setdefault(stanza, {}).update(values)
            self._store(path, stanzas)

    def create(self, conf: str, context: Namespace) -> None:
        """Make an empty local file."""
        with self._lock:
            path = self._local(conf, context)
            self._store(path, self._read(path))

    def delete(self, conf: str, context: Namespace, stanza: str) -> None:
        """Take a stanza out of the local layer.

        Raises:
            Refused: 404 when there is none, 400 when a default layer holds it.
        """
        with self._lock:
            found = self.stanzas(conf, context).get(stanza)
            if found is None:
                raise unknown_entity(stanza)
            path = self._local(conf, context)
            stanzas = {name: values for name, values in self._read(path).items() if name != stanza}
            in_default = any(stanza in self._read(la.path) for la in self._layers(conf, context) if not la.local)
            if in_default or not found.local:
                raise Refused(400, f"Object id={stanza} cannot be deleted in config={conf}")
            self._store(path, stanzas)

    def _hidden(self, conf: str, stanza: str, app: str, context: Namespace) -> bool:
        if context.app in {WILDCARD, app}:
            return False
        return not self._permissions.exported(app, conf, stanza)

    def _layers(self, conf: str, context: Namespace) -> list[_Layer]:
        """Weakest first. Inside an app its own files are stronger than all others (the app/user context)."""
        layers = self._global_layers(conf)
        if context.app in {WILDCARD, "system"}:
            return layers
        system = [layer for layer in layers if layer.app == "system"]
        others = [layer for layer in layers if layer.app not in {"system", context.app}]
        own = [layer for layer in layers if layer.app == context.app]
        users = []
        if context.owner not in {WILDCARD, NOBODY}:
            users = [_Layer(context.app, self._local(conf, context), local=True)]
        return system + others + own + users

    def _global_layers(self, conf: str) -> list[_Layer]:
        paths = conffile.global_layers(str(self.home), conf)
        system = self.home / "etc" / "system" / "local" / f"{conf}.conf"
        layers = [(app, self.home / path) for app, path in paths]
        return [_Layer(app, path, path.parent.name == "local" or path == system) for app, path in layers]

    def _local(self, conf: str, context: Namespace) -> Path:
        etc = self.home / "etc"
        if context.app == WILDCARD:
            raise Refused(400, "Cannot write to a wildcard namespace.")
        if context.app == "system":
            return etc / "system" / "local" / f"{conf}.conf"
        if context.owner in {WILDCARD, NOBODY}:
            return etc / "apps" / context.app / "local" / f"{conf}.conf"
        return etc / "users" / context.owner / context.app / "local" / f"{conf}.conf"

    def _app_dirs(self) -> list[Path]:
        apps = self.home / "etc" / "apps"
        return sorted(path for path in apps.iterdir() if path.is_dir()) if apps.is_dir() else []

    def _read(self, path: Path) -> Stanzas:
        try:
            status = path.stat()
        except FileNotFoundError:
            return {}
        stamp = (status.st_mtime_ns, status.st_size)
        cached = self._cache.get(path)
        if cached is None or cached[0] != stamp:
            cached = (stamp, conffile.read(str(path)))
            self._cache[path] = cached
        return cached[1]

    def _store(self, path: Path, stanzas: Stanzas) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, conffile.dump(stanzas))
        self._cache.pop(path, None)
