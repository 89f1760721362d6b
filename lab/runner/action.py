"""An alert action as the built add-on declares it."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.runner import conf
from lab.runner.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lab.runner.home import SplunkHome

_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(\d+)\s*([smhd]?)")


@dataclass(frozen=True)
class Action:
    """What alert_actions.conf says of one action.

    Args:
        name: stanza name.
        app: the app that declares it.
        script: the file that splunkd starts.
        parameters: every declared parameter and its default, without the ``param.`` prefix.
        maxtime: how long it may run, seconds.
    """

    name: str
    app: str
    script: Path
    parameters: Mapping[str, str]
    maxtime: float


def load_action(home: SplunkHome, app: str, name: str) -> Action:
    """Read an action's declaration from ``default`` and ``local`` of the installed add-on.

    Raises:
        LabError: the add-on has no such action, or no script for it.
    """
    stanzas = home.conf(app, "alert_actions")
    known = [stanza for stanza, settings in stanzas.items() if conf.is_true(settings, "is_custom", default=False)]
    if name not in stanzas:
        raise LabError(f"{app} has no action {name}.", f"It has: {', '.join(known) or 'none'}.")
    settings = stanzas[name]
    script = home.apps / app / "bin" / f"{name}.py"
    if not script.is_file():
        raise LabError(f"The built add-on has no bin/{name}.py.", "Run `make build`.")
    parameters = {key.removeprefix("param."): value for key, value in settings.items() if key.startswith("param.")}
    return Action(name, app, script, parameters, _seconds(settings.get("maxtime", "5m")))


def check_parameters(action: Action, given: Mapping[str, str]) -> None:
    """Refuse parameters that the action does not declare.

    Raises:
        LabError: names each of them and what was meant.
    """
    declared = [name for name in action.parameters if not name.startswith("_")]
    unknown = [name for name in given if name not in action.parameters]
    if not unknown:
        return
    close = [match for name in unknown for match in difflib.get_close_matches(name, declared, n=1)]
    meant = f" Did you mean {', '.join(close)}?" if close else ""
    raise LabError(
        f"{action.name} has no parameter {', '.join(unknown)}.{meant}", f"It has: {', '.join(sorted(declared))}."
    )


def _seconds(duration: str) -> float:
    match = _DURATION.fullmatch(duration.strip())
    if match is None:
        raise LabError(f"alert_actions.conf: maxtime = {duration} is no duration.", "Example: 5m.")
    return float(match[1]) * _SECONDS[match[2]]
