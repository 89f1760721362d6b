"""One mapping rule, parsed: what a stanza of ``ta_send_to_soar_mapping.conf`` says.

Named tuples rather than dataclasses: there are a few hundred, and every alert loads them.
"""

from __future__ import annotations

from typing import NamedTuple, Tuple

OWN_NAME = "{0}"
"""Target that stands for the field's own name."""


class Branch(NamedTuple):
    """``kind: target | target (type + type)``: values of this kind go to the first of the targets that is free."""

    kind: str
    """A key of :data:`soarlink.mapping.recognise.RECOGNISERS`; "" takes every value."""
    targets: Tuple[str, ...]
    """CEF names, ``{0}`` for the field's own name; ``{1}``… stand for what the stars of the pattern matched."""
    types: Tuple[str, ...]
    """SOAR data types that the values get."""


class Rule(NamedTuple):
    """A rule as the stanza states it. ``when_*`` conditions must all hold; within one, any pattern will do.

    ``when_field`` is the exception: its members must all hold; each is (field, patterns), patterns empty for "is there".
    """

    stanza: str
    order: int
    fields: Tuple[str, ...]
    branches: Tuple[Branch, ...] = ()
    mode: str = "map"
    reason: str = ""
    values: str = ""
    """``list``, ``first``, ``join:<sep>``, ``each``, ``zip``; "" for the action's default."""
    partners: Tuple[str, ...] = ()
    transforms: Tuple[str, ...] = ()
    when_data_model: Tuple[str, ...] = ()
    when_sourcetype: Tuple[str, ...] = ()
    when_search_name: Tuple[str, ...] = ()
    when_app: Tuple[str, ...] = ()
    when_field: Tuple[Tuple[str, Tuple[str, ...]], ...] = ()
