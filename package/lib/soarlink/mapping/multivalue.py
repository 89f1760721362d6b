"""How a field with several values is delivered: the grammar of the treatments."""

from __future__ import annotations

from typing import NamedTuple

TREATMENTS = ("list", "first", "join", "each")
_DEFAULT_SEPARATOR = ", "
_ALLOWED = "Allowed are list, first, join, join:<separator> and each."


class Treatment(NamedTuple):
    """``kind`` is one of ``list``, ``first``, ``join``, ``each``, ``zip``; ``separator`` belongs to ``join``."""

    kind: str
    separator: str = _DEFAULT_SEPARATOR


LIST = Treatment("list")


def parse_multivalue(text: str) -> Treatment:
    r"""Read ``list``, ``first``, ``join``, ``join:<separator>`` or ``each``.

    The separator is taken as it stands; ``\\n`` and ``\\t`` mean newline and tab.

    Raises:
        ValueError: in plain words, when the text is anything else.
    """
    kind, colon, separator = text.partition(":")
    kind = kind.strip()
    if kind not in TREATMENTS:
        raise ValueError(f"{text!r} is no way to deliver several values. {_ALLOWED}")
    if not colon:
        return Treatment(kind)
    if kind != "join":
        raise ValueError(f"{text!r}: only join takes a separator. {_ALLOWED}")
    if not separator:
        raise ValueError(f"{text!r}: the separator after the colon is missing. {_ALLOWED}")
    return Treatment(kind, separator.replace("\\n", "\n").replace("\\t", "\t"))
