"""One mapping rule, parsed: what a stanza of ``ta_send_to_soar_mapping.conf`` says.

Named tuples rather than dataclasses: there are a few hundred, and every alert loads them.
"""

from __future__ import annotations

from typing import NamedTuple

OWN_NAME = "{0}"
"""Target that stands for the field's own name."""


class Branch(NamedTuple):
    """``kind: target | target (type + type)``: values of this kind go to the first of the targets that is free."""

    kind: str
    """A key of :data:`soarlink.mapping.recognise.RECOGNISERS`; "" takes every value."""
    targets: tuple[str, ...]
    """CEF names, ``{0}`` for the field's own name; ``{1}``… stand for what the stars of the pattern matched."""
    types: tuple[str, ...]
    """SOAR data types that the values get."""


class Rule(NamedTuple):
    """A rule as the stanza states it. ``when_*`` conditions must all hold; within one, any pattern will do.

    ``when_field`` is the exception: its members must all hold. Each is (field, patterns); no patterns for "is there".
    """

    stanza: str
    order: int
    fields: tuple[str, ...]
    branches: tuple[Branch, ...] = ()
    mode: str = "map"
    reason: str = ""
    values: str = ""
    """``list``, ``first``, ``join:<sep>``, ``each``, ``zip``; "" for the action's default."""
    partners: tuple[str, ...] = ()
    transforms: tuple[str, ...] = ()
    when_data_model: tuple[str, ...] = ()
    when_sourcetype: tuple[str, ...] = ()
    when_search_name: tuple[str, ...] = ()
    when_app: tuple[str, ...] = ()
    when_field: tuple[tuple[str, tuple[str, ...]], ...] = ()
