"""Stanzas → the immutable mapping; and how ``local`` lies over what we ship."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as Dictionary

from soarlink.errors import MappingError
from soarlink.mapping.compiled import Mapping
from soarlink.mapping.rule import Rule
from soarlink.mapping.stanza import Stanza

Stanzas = Dictionary[str, Dictionary[str, str]]
"""Stanza name → key → value, as conf files and splunkd's REST answers hold them."""

_TRUE = frozenset(("1", "true", "t", "yes", "y"))
_FALSE = frozenset(("0", "false", "f", "no", "n", ""))


def overlay(shipped: Stanzas, local: Stanzas) -> dict[str, dict[str, str]]:
    """``local`` over ``shipped``, key by key, as Splunk layers conf files; stanzas of ``local`` alone are added."""
    merged = {name: dict(settings) for name, settings in shipped.items()}
    for name, settings in local.items():
        merged.setdefault(name, {}).update(settings)
    return merged


def parse_rules(stanzas: Stanzas) -> tuple[Rule, ...]:
    """Every stanza that is not disabled, as a rule, in no particular order.

    Raises:
        MappingError: for the first wrong stanza by name.
    """
    return tuple(
        Stanza(name, settings).rule()
        for name, settings in sorted((name, _own(settings)) for name, settings in stanzas.items())
        if not _disabled(name, stanzas[name].get("disabled", ""))
    )


def ordered(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """The rules in ascending order.

    Raises:
        MappingError: when two rules have the same order: which one came first would be chance.
    """
    in_order = sorted(rules, key=lambda rule: (rule.order, rule.stanza))
    for before, after in zip(in_order, in_order[1:]):
        if before.order == after.order:
            raise MappingError(
                after.stanza, "order", f"{after.order} is that of [{before.stanza}] too.", "Give it another number."
            )
    return tuple(in_order)


def compile_rules(stanzas: Stanzas) -> Mapping:
    """The stanzas as one immutable mapping. The order of the dictionaries does not matter.

    Raises:
        MappingError: with stanza and key, when any rule is wrong: nothing is ever mapped by half of the rules.
    """
    return Mapping(ordered(parse_rules(stanzas)))


def _own(settings: Dictionary[str, str]) -> dict[str, str]:
    """The stanza's settings without what splunkd's REST adds to them (``eai:acl``, ``eai:appName``, …)."""
    return {key: value for key, value in settings.items() if not key.startswith("eai:")}


def _disabled(stanza: str, text: str) -> bool:
    value = str(text).strip().lower()
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise MappingError(stanza, "disabled", f"{text!r} is neither true nor false.", "Write 0 or 1.")
