"""What the handling of one request works with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lab.soar.refusal import not_found
from lab.soar.timestamp import format_time

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.soar.storage import Record, Store
    from lab.soar.switches import Switches
    from lab.soar.user import User


@dataclass(frozen=True)
class Trigger:
    """A reason for active playbooks to run: something came into a container. `artifact_id` is None for the whole."""

    container_id: int
    artifact_id: int | None = None


@dataclass(frozen=True)
class Call:
    """One request: who, when, on which records. `triggers` collects what automation does after the commit."""

    store: Store
    switches: Switches
    clock: Callable[[], float]
    user: User
    triggers: list[Trigger] = field(default_factory=list)

    def now(self) -> str:
        """The time of the stand-in's clock as SOAR writes it."""
        return format_time(self.clock())

    def existing(self, resource: str, record_id: int) -> Record:
        """A record that must exist. Raises Refusal (404)."""
        record = self.store.get(resource, record_id)
        if record is None:
            raise not_found()
        return record
