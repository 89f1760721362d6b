"""Resending with other parameters: what changes in the stored bodies."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from soarlink.outbox.payload import Payload
    from soarlink.plan.shipment import Shipment


@dataclass(frozen=True)
class Changes:
    """What is to be sent otherwise; an empty text leaves what is stored. ``account`` is where it is sent."""

    label: str = ""
    severity: str = ""
    sensitivity: str = ""
    status: str = ""
    container_name: str = ""
    account: str = ""

    def container(self) -> Mapping[str, str]:
        """Keys of the container's body."""
        named = {
            "label": self.label,
            "severity": self.severity,
            "sensitivity": self.sensitivity,
            "status": self.status,
            "name": self.container_name,
        }
        return {name: value for name, value in named.items() if value}

    def artifact(self) -> Mapping[str, str]:
        """Keys of each artifact's body. An artifact's label is its kind, not the container's label."""
        return {"severity": self.severity} if self.severity else {}


def apply(payload: Payload, changes: Changes) -> Payload:
    """The payload with changed bodies. Identities stay, so SOAR knows container and artifacts again.

    A refusal of the plan's own does not count any more: SOAR judges what is asked for now.
    """
    return replace(payload, shipments=tuple(_changed(shipment, changes) for shipment in payload.shipments))


def _changed(shipment: Shipment, changes: Changes) -> Shipment:
    container: dict[str, Any] = {**shipment.container, **changes.container()}
    artifacts = tuple({**artifact, **changes.artifact()} for artifact in shipment.artifacts)
    return replace(shipment, container=container, artifacts=artifacts, refusal="")
