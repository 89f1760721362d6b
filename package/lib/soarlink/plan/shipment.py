"""What the plan hands to delivery: immutable, ordered, complete."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from soarlink.body import extended

if TYPE_CHECKING:
    from collections.abc import Mapping

    from soarlink.body import EncodedBody
    from soarlink.plan.attachment import Attachment

EVERY_ROW = -1
"""Owner of an artifact that belongs to all rows of its container."""


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
class PlaybookCall:
    """A playbook to run on a container, once.

    Args:
        name: ``repository/name``, or a playbook's id.
        scope: ``new``, ``all``, or ``artifacts`` for those that this run sends; "" for all of a new container and
            what is new in one that was there.
        inputs: of an input playbook, filled from the container's first row.
        refusal: why it is not to be started; "" when it is.
    """

    name: str
    scope: str = ""
    inputs: tuple[tuple[str, str], ...] = ()
    refusal: str = ""

    def plain(self) -> dict[str, Any]:
        """What a preview says of it: ``playbook``, ``scope``, ``inputs``, and ``refusal`` where there is one."""
        said: dict[str, Any] = {"playbook": self.name, "scope": self.scope or "auto", "inputs": dict(self.inputs)}
        return {**said, "refusal": self.refusal} if self.refusal else said


@dataclass(frozen=True)
class Shipment:
    """A container with its artifacts, or one part of them.

    A container with many artifacts travels as consecutive shipments of the same ``identity``: ``part`` counts from 0,
    ``last`` closes it. ``container`` and ``artifacts`` are bodies of SOAR's REST API without ``container_id`` and
    ``run_automation``: delivery decides how to automate, from ``automation`` and from what SOAR answers.
    ``owners`` names for each artifact the position of its row, or :data:`EVERY_ROW`; ``rows`` are the rows that this
    part completes, ``attachments`` files for the container's vault.

    Policies for what only the server knows: ``other_keys`` are keys under which a container may hold the finding
    already, which then is used; ``on_closed`` says what to do when the container that is there is closed (``add``,
    ``reopen``, ``new``). ``refusal`` is why the container can't be sent as asked, the same in each of its parts;
    ``notes`` go to every row of the container.
    """

    identity: str
    container: Mapping[str, Any]
    artifacts: tuple[Mapping[str, Any], ...]
    owners: tuple[int, ...]
    rows: tuple[RowAccount, ...]
    part: int = 0
    last: bool = True
    automation: bool = True
    playbooks: tuple[PlaybookCall, ...] = ()
    other_keys: tuple[str, ...] = ()
    on_closed: str = "add"
    attachments: tuple[Attachment, ...] = ()
    refusal: str = ""
    notes: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """True when this shipment is all there is of its container."""
        return self.part == 0 and self.last

    def embedded(self) -> EncodedBody:
        """The container's body with these artifacts in it."""
        return extended(self.container, {"artifacts": self.artifacts})
