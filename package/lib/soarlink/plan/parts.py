"""Artifacts on their way into parts of a container that one request can carry."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from soarlink.plan.fitting import MAX_BODY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from soarlink.body import EncodedBody
    from soarlink.plan.attachment import Attachment
    from soarlink.plan.shipment import RowAccount

PART_ARTIFACTS = 100
"""Most artifacts in one shipment: what one request to SOAR reasonably carries (REST reference, section 11)."""


class PlannedRow(NamedTuple):
    """A row's artifacts, its account, and files that go with it."""

    artifacts: Sequence[EncodedBody]
    account: RowAccount
    attachments: tuple[Attachment, ...] = ()

    @property
    def weight(self) -> int:
        """Bytes of the artifacts."""
        return sum([len(body.encoded) for body in self.artifacts])

    @property
    def is_one_part(self) -> bool:
        """Whether one part of a container carries all of the row."""
        return len(self.artifacts) <= PART_ARTIFACTS and self.weight <= MAX_BODY


class Load(NamedTuple):
    """What one shipment carries."""

    artifacts: tuple[EncodedBody, ...]
    owners: tuple[int, ...]
    rows: tuple[RowAccount, ...]
    attachments: tuple[Attachment, ...]


class PartQueue:
    """First in, first out. A row is completed by the part that carries the last of its artifacts."""

    def __init__(self) -> None:
        self._artifacts: list[tuple[int, EncodedBody]] = []  # owner, body
        self._rows: list[tuple[int, PlannedRow]] = []  # with the number of artifacts queued up to the row's last one
        self._taken = 0
        self._added = 0
        self._weight = 0

    @property
    def is_empty(self) -> bool:
        """True when everything was taken."""
        return not self._artifacts and not self._rows

    def would_overflow(self, planned: PlannedRow) -> bool:
        """Whether the row would make more of what waits than one part carries."""
        if not self._artifacts or not planned.artifacts:
            return False
        return (
            len(self._artifacts) + len(planned.artifacts) > PART_ARTIFACTS or self._weight + planned.weight > MAX_BODY
        )

    def add(self, planned: PlannedRow) -> None:
        """Queue a row."""
        owner = planned.account.position
        self._artifacts.extend([(owner, body) for body in planned.artifacts])
        self._weight += planned.weight
        self._added += len(planned.artifacts)
        self._rows.append((self._added, planned))

    def add_shared(self, body: EncodedBody, owner: int) -> None:
        """Queue an artifact that belongs to all rows."""
        self._artifacts.append((owner, body))
        self._weight += len(body.encoded)

    def take(self) -> Load:
        """The next part: at least one artifact if there are any, and the rows that are complete with it."""
        count = weight = 0
        for _, body in self._artifacts[:PART_ARTIFACTS]:
            if count and weight + len(body.encoded) > MAX_BODY:
                break
            count += 1
            weight += len(body.encoded)
        head, self._artifacts = self._artifacts[:count], self._artifacts[count:]
        self._weight -= weight
        self._taken += len(head)
        done = [planned for end, planned in self._rows if end <= self._taken]
        self._rows = [(end, planned) for end, planned in self._rows if end > self._taken]
        return Load(
            tuple([body for _, body in head]),
            tuple([owner for owner, _ in head]),
            tuple([planned.account for planned in done]),
            tuple([attachment for planned in done for attachment in planned.attachments]),
        )
