"""The rules we ship, compiled at build time; ``local`` ones are parsed and laid over them at run time."""

from __future__ import annotations

from collections.abc import Mapping as Dictionary

from soarlink.mapping.compiled import Mapping


def load(local: Dictionary[str, Dictionary[str, str]] | None = None) -> Mapping:
    """The shipped mapping, or the shipped one with ``local`` over it.

    Args:
        local: stanza → key → value of the customer's own conf layer. Single keys override ours, ``disabled = 1``
            switches a rule off, new stanzas add rules. Only the stanzas that are in it are parsed.

    Raises:
        MappingError: when a stanza of ``local`` is wrong, or gets the order of another rule.
    """
    from soarlink.mapping.shipped_rules import DIGEST, RULES  # a thousand literals: only for those who map

    if not local:
        return Mapping(RULES, DIGEST)
    from soarlink.mapping.compile import ordered, overlay, parse_rules
    from soarlink.mapping.shipped_rules import STANZAS

    changed = overlay({name: STANZAS[name] for name in local if name in STANZAS}, local)
    untouched = (rule for rule in RULES if rule.stanza not in changed)
    return Mapping(ordered([*untouched, *parse_rules(changed)]))
