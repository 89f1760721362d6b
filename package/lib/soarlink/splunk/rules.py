"""The mapping that an installed add-on has: what we ship, with the customer's own rules over it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from soarlink.errors import MappingError
from soarlink.mapping import shipped
from soarlink.mapping.compile import Stanzas, overlay, parse_rules
from soarlink.splunk import conf

if TYPE_CHECKING:
    from soarlink.mapping.compiled import Mapping as Rules
    from soarlink.mapping.rule import Rule

CONF = "ta_send_to_soar_mapping"


def load(app: Path) -> Rules:
    """The shipped rules with ``local`` over them.

    Args:
        app: the add-on's folder.

    Raises:
        MappingError: with stanza and key, when a rule of ``local`` is wrong.
    """
    path = app / "local" / f"{CONF}.conf"
    return shipped.load(conf.parse(path.read_text(encoding="utf-8-sig")) if path.exists() else None)


def stanzas(app: Path) -> dict[str, dict[str, str]]:
    """All stanzas, shipped ones with ``local`` over them: what :func:`load` compiles."""
    from soarlink.mapping.shipped_rules import STANZAS

    path = app / "local" / f"{CONF}.conf"
    local = conf.parse(path.read_text(encoding="utf-8-sig")) if path.exists() else {}
    return overlay(STANZAS, local)


def check(name: str, stanzas: Stanzas) -> None:
    """Refuse a rule that could not be used beside the others. What is wrong with others is not its business.

    Args:
        name: the rule's stanza.
        stanzas: all stanzas with it.

    Raises:
        MappingError: with stanza and key.
    """
    for rule in parse_rules({name: stanzas[name]}):
        for other in stanzas:
            if other != name and any(one.order == rule.order for one in _usable(other, stanzas[other])):
                raise MappingError(name, "order", f"{rule.order} is that of [{other}].", "Give it another number.")


def _usable(name: str, settings: Mapping[str, str]) -> tuple[Rule, ...]:
    try:
        return parse_rules({name: settings})
    except MappingError:
        return ()
