"""What the mapping makes of a row, and why.

Named tuples: made once per row, and a dataclass costs every alert ten times as much to define.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from soarlink.rows.row import Value


class MappedArtifact(NamedTuple):
    """The CEF side of one artifact: SOAR's ``cef`` and ``cef_types``, keys in a stable order."""

    cef: Mapping[str, Value]
    cef_types: Mapping[str, tuple[str, ...]]


class TraceLine(NamedTuple):
    """Why one value of one field ended where it did: shown by preview and dry run."""

    field: str
    value: str
    rule: str
    """Stanza of the rule that decided; "" when none did."""
    recogniser: str
    """What the value was taken for, such as ``ipv4``; "" when no recogniser was asked."""
    target: str
    """The CEF (or original) name it was delivered under; "" when it was dropped."""
    why: str


class MappedRow(NamedTuple):
    """A row's artifacts and the account of its fields: every input field is mapped, kept or dropped with a reason."""

    artifacts: tuple[MappedArtifact, ...]
    mapped: tuple[str, ...]
    """Fields delivered under a CEF name."""
    kept: tuple[str, ...]
    """Fields delivered under their own name only."""
    dropped: Mapping[str, str]
    """Field → reason."""
    notes: tuple[str, ...] = ()
    """What an analyst should know, such as a zip rule that fell back to lists."""
