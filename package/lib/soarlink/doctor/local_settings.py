"""Settings in ``local`` that change nothing: misspelt, no value that can be used, as shipped, or where nobody looks.

The action reads the add-on's own ``default`` and ``local`` from disk (see :mod:`soarlink.splunk.conf`): what another
app or ``etc/system/local`` sets for it is not read.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path

from soarlink.doctor.facts import Override
from soarlink.splunk import conf, rules
from soarlink.splunk.settings import INDEX_MACRO, Settings

_OWN = "ta_send_to_soar_"
_MAPPING = rules.CONF
_ACTIONS = "alert_actions"
_PARAMETER = "param."
_CLOSE = 0.85
_SWITCHED_OFF = "the rule is switched off"


def idle(app: Path, home: Path) -> Iterator[Override]:
    """Every setting without effect, file by file.

    Args:
        app: the add-on's folder.
        home: ``$SPLUNK_HOME``.
    """
    known = {path.stem for path in (app / "default").glob("*.conf")}
    known |= {path.name.partition(".")[0] for path in (app / "README").glob("*.conf.spec")}
    for path in sorted((app / "local").glob("*.conf")):
        if path.stem not in known and (
            path.stem.startswith(_OWN) or difflib.get_close_matches(path.stem, known, 1, _CLOSE)
        ):
            meant = difflib.get_close_matches(path.stem, known, 1)
            hint = f"; {meant[0]}.conf is meant?" if meant else ""
            yield Override(_shown(path, app), "", "", f"the add-on has no such file{hint}")
    yield from _actions(layer(app, "default", _ACTIONS), layer(app, "local", _ACTIONS))
    yield from _mapping(layer(app, "default", _MAPPING), layer(app, "local", _MAPPING))
    yield from _unknown_keys(app)
    # In the words in which the actions' log says it, with what holds in their place.
    yield from (Override("local", "", "", problem) for problem in Settings.load(app).problems)
    yield from _elsewhere(app, home)


def layer(app: Path, name: str, conf_file: str) -> conf.Stanzas:
    """One layer of a conf file of the add-on; a file that is not there has no stanzas."""
    path = app / name / f"{conf_file}.conf"
    return conf.parse(path.read_text(encoding="utf-8-sig")) if path.exists() else {}


def _actions(shipped: conf.Stanzas, local: conf.Stanzas) -> Iterator[Override]:
    file = f"local/{_ACTIONS}.conf"
    for stanza, settings in local.items():
        if stanza not in shipped:
            yield Override(file, stanza, "", "the add-on has no such action")
            continue
        for key, value in settings.items():
            if key.startswith(_PARAMETER) and key not in shipped[stanza]:
                yield Override(file, stanza, key, "the action has no such parameter")
            elif shipped[stanza].get(key) == value:
                yield Override(file, stanza, key, "it is shipped so")


def _mapping(shipped: conf.Stanzas, local: conf.Stanzas) -> Iterator[Override]:
    file = f"local/{_MAPPING}.conf"
    for stanza, settings in local.items():
        there: Mapping[str, str] = shipped.get(stanza, {})
        if not settings:
            yield Override(file, stanza, "", "it sets nothing")
        off = conf.switch({**there, **settings}, "disabled")
        for key, value in settings.items():
            if off and key != "disabled":
                yield Override(file, stanza, key, _SWITCHED_OFF)
            elif there.get(key) == value:
                yield Override(file, stanza, key, "it is shipped so")


def _unknown_keys(app: Path) -> Iterator[Override]:
    """Keys of accounts and settings that no page writes and nobody reads."""
    for name in (f"{_OWN}account", f"{_OWN}settings"):
        spec = app / "README" / f"{name}.conf.spec"
        if not spec.exists():
            continue
        keys = {key for settings in conf.parse(spec.read_text(encoding="utf-8")).values() for key in settings}
        for stanza, settings in layer(app, "local", name).items():
            for key in settings:
                if key not in keys | {"disabled"}:
                    yield Override(f"local/{name}.conf", stanza, key, "there is no such setting")


def _elsewhere(app: Path, home: Path) -> Iterator[Override]:
    """What stands in other apps and in ``etc/system/local``, where the action does not look."""
    etc = home / "etc"
    folders = [
        etc / "system" / "local",
        *sorted((etc / "apps").glob("*/local")),
        *sorted((etc / "apps").glob("*/default")),
    ]
    why = "only the add-on's own local is read"
    for folder in folders:
        if folder.parent == app:
            continue
        for path in sorted(folder.glob(f"{_OWN}*.conf")):
            yield Override(_shown(path, home), "", "", why)
        macros = folder / "macros.conf"
        if macros.exists() and INDEX_MACRO in conf.parse(macros.read_text(encoding="utf-8-sig", errors="replace")):
            yield Override(_shown(macros, home), INDEX_MACRO, "", f"{why}: searches follow it, the action does not")


def _shown(path: Path, base: Path) -> str:
    return path.relative_to(base).as_posix()
