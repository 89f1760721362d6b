"""What the plan hands to delivery: immutable, ordered, complete."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class RowAccount:
    """One result row, as the outcome tells of it: who it is and what became of its fields."""

    position: int
    rid: str
    orig_sid: str
    orig_rid: str
    artifacts: int
    mapped: int
    kept: int
    dropped: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Shipment:
    """A container with its artifacts, or one part of them.

    A container with many artifacts travels as consecutive shipments of the same ``identity``: ``part`` counts from 0,
    ``last`` closes it. ``container`` and ``artifacts`` are bodies of SOAR's REST API without ``container_id`` and
    ``run_automation``: delivery decides how to automate, from ``automation`` and from what SOAR answers.
    ``owners`` names for each artifact the position of its row; ``rows`` are the rows that this part completes.
    """

    identity: str
    container: Mapping[str, Any]
    artifacts: tuple[Mapping[str, Any], ...]
    owners: tuple[int, ...]
    rows: tuple[RowAccount, ...]
    part: int = 0
    last: bool = True
    automation: bool = True
    playbooks: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """True when this shipment is all there is of its container."""
        return self.part == 0 and self.last
