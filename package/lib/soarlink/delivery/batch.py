"""Shipments put together to requests of a reasonable size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from soarlink.body import encode
from soarlink.soar.client import QUERY_BYTES, query_weight

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from soarlink.plan.shipment import Shipment

MAX_CONTAINERS = 100
"""Most containers in one list."""

MAX_ARTIFACTS = 200
"""Most artifacts in one list, embedded ones included."""

MAX_BYTES = 4 * 1024 * 1024
"""Most bytes in one body; SOAR's front end takes about 32 MB (REST reference, section 11)."""


@dataclass(frozen=True)
class Batch:
    """What travels together: several whole containers, or one part of a large one."""

    shipments: tuple[Shipment, ...]

    @property
    def is_part(self) -> bool:
        """True for one part of a container that needs several requests."""
        return not self.shipments[0].is_whole


def batches(shipments: Iterable[Shipment], most_containers: int = MAX_CONTAINERS) -> Iterator[Batch]:
    """Batches in the order of the shipments. A large container's parts are batches of their own, one after another.

    Args:
        shipments: the plan.
        most_containers: most containers in one batch.
    """
    waiting: list[Shipment] = []
    artifacts = size = keys = 0
    for shipment in shipments:
        if not shipment.is_whole:
            if waiting:
                yield Batch(tuple(waiting))
                waiting, artifacts, size, keys = [], 0, 0, 0
            yield Batch((shipment,))
            continue
        weight = _weight(shipment)
        asked = sum([query_weight(key) for key in shipment.other_keys])
        full = (
            len(waiting) >= most_containers
            or artifacts + len(shipment.artifacts) > MAX_ARTIFACTS
            or keys + asked > QUERY_BYTES  # one look for all of them
        )
        if waiting and (full or size + weight > MAX_BYTES):
            yield Batch(tuple(waiting))
            waiting, artifacts, size, keys = [], 0, 0, 0
        waiting.append(shipment)
        artifacts += len(shipment.artifacts)
        size += weight
        keys += asked
    if waiting:
        yield Batch(tuple(waiting))


def _weight(shipment: Shipment) -> int:
    files = sum([len(attachment.content) for attachment in shipment.attachments])  # held in memory while they wait
    return files + len(encode(shipment.container)) + sum([len(encode(body)) for body in shipment.artifacts])
