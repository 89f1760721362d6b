"""Rows + parameters + mapping → a stream of shipments. Pure: the same input gives the same stream, on every run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from soarlink.plan import identity
from soarlink.plan.container import Bodies
from soarlink.plan.shipment import RowAccount, Shipment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from soarlink.mapping.artifact import MappedRow
    from soarlink.plan.parameters import SendParameters
    from soarlink.plan.run import AlertRun
    from soarlink.rows.row import Row

PART_ARTIFACTS = 100
"""Most artifacts in one shipment: what one request to SOAR reasonably carries (REST reference, section 11)."""

GROUP_ROWS = 5_000
"""Most rows held in memory while rows are put together to groups."""


class RowSource(Protocol):
    """Rows that can be read several times, each time the same."""

    def __iter__(self) -> Iterator[Row]: ...


class RowMapper(Protocol):
    """A mapping bound to the fields of one results file."""

    def map(self, row: Row) -> MappedRow:
        """The row's artifacts and the account of its fields."""
        ...


@dataclass(frozen=True)
class _PlannedRow:
    """A row's artifacts and its account."""

    artifacts: list[dict[str, Any]]
    account: RowAccount


@dataclass(frozen=True)
class _Load:
    """What one shipment carries."""

    artifacts: tuple[Mapping[str, Any], ...]
    owners: tuple[int, ...]
    rows: tuple[RowAccount, ...]


class Planner:
    """Plans one run.

    Args:
        run: the alert run.
        parameters: the validated parameters.
        mapper: the mapping, bound to the results' fields.
        default_label: the account's container label.
    """

    def __init__(self, run: AlertRun, parameters: SendParameters, mapper: RowMapper, default_label: str) -> None:
        self._run = run
        self._parameters = parameters
        self._mapper = mapper
        self._bodies = Bodies(run, parameters, default_label)

    def plan(self, rows: RowSource) -> Iterator[Shipment]:
        """The shipments of a run, in file order of each container's first row; parts of a container are consecutive."""
        if self._parameters.container_per == "search":
            return self._one_container(rows, identity.of_search(self._run), ())
        if self._parameters.container_per == "group":
            return self._per_group(rows)
        return self._per_result(rows)

    def _per_result(self, rows: Iterable[Row]) -> Iterator[Shipment]:
        limit = self._parameters.max_containers
        source = iter(rows)
        for count, row in enumerate(source):
            if limit and count >= limit:
                yield from self._overflow(_chain(row, source))
                return
            yield from self._one_container([row], identity.of_row(row, self._run), ())

    def _per_group(self, rows: RowSource) -> Iterator[Shipment]:
        """Two kinds of passes over the file: one to see the groups, then as many as bounded memory asks for."""
        sizes: dict[str, int] = {}
        for row in rows:
            key = self._group_key(row)
            sizes[key] = sizes.get(key, 0) + 1
        limit = self._parameters.max_containers
        keys = list(sizes)
        own = keys[:limit] if limit else keys
        for batch in _batches(own, sizes):
            if len(batch) == 1:
                wanted = batch[0]
                yield from self._one_container((row for row in rows if self._group_key(row) == wanted), wanted, ())
                continue
            groups: dict[str, list[Row]] = {key: [] for key in batch}
            for row in rows:
                group = groups.get(self._group_key(row))
                if group is not None:
                    group.append(row)
            for key, members in groups.items():
                yield from self._one_container(members, key, ())
        if len(own) < len(keys):
            beyond = set(keys[len(own) :])
            yield from self._overflow(row for row in rows if self._group_key(row) in beyond)

    def _group_key(self, row: Row) -> str:
        return identity.of_group([row.values(name) for name in self._parameters.group_by], self._run)

    def _overflow(self, rows: Iterable[Row]) -> Iterator[Shipment]:
        note = (
            f"flood guard: this run makes more than {self._parameters.max_containers} containers (max_containers), "
            "so this result is an artifact of the run's summary container"
        )
        return self._one_container(rows, identity.of_overflow(self._run), (note,))

    def _one_container(self, rows: Iterable[Row], key: str, notes: tuple[str, ...]) -> Iterator[Shipment]:
        container: Mapping[str, Any] = {}
        queue = _Queue()
        part = 0
        for row in rows:
            row_notes = notes
            if not container:
                container, fitted = self._bodies.container(row, key)
                row_notes = notes + fitted
            planned = self._row(row, row_notes)
            # A part is closed only when more follows: so the last one is known for what it is.
            while queue.would_overflow(planned):
                yield self._shipment(key, container, queue.take(), part, last=False)
                part += 1
            queue.add(planned)
        while container:
            load = queue.take()
            yield self._shipment(key, container, load, part, last=queue.is_empty)
            if queue.is_empty:
                return
            part += 1

    def _row(self, row: Row, notes: tuple[str, ...]) -> _PlannedRow:
        mapped = self._mapper.map(row)
        artifacts = self._bodies.artifacts(row, mapped)
        account = RowAccount(
            position=row.position,
            rid=row.rid,
            orig_sid=row.first("orig_sid"),
            orig_rid=row.first("orig_rid"),
            artifacts=len(artifacts),
            mapped=len(mapped.mapped),
            kept=len(mapped.kept),
            dropped=tuple(mapped.dropped),
            notes=notes + mapped.notes,
        )
        return _PlannedRow(artifacts, account)

    def _shipment(self, key: str, container: Mapping[str, Any], load: _Load, part: int, *, last: bool) -> Shipment:
        return Shipment(
            identity=key,
            container=container,
            artifacts=load.artifacts,
            owners=load.owners,
            rows=load.rows,
            part=part,
            last=last,
            automation=self._parameters.automation,
            playbooks=(self._parameters.playbook,) if self._parameters.playbook and last else (),
        )


class _Queue:
    """Artifacts on their way into parts. A row is completed by the part that carries the last of its artifacts."""

    def __init__(self) -> None:
        self._artifacts: list[tuple[int, Mapping[str, Any]]] = []
        self._rows: list[tuple[int, RowAccount]] = []  # with the number of artifacts queued up to the row's last one
        self._taken = 0
        self._added = 0

    @property
    def is_empty(self) -> bool:
        return not self._artifacts and not self._rows

    def would_overflow(self, planned: _PlannedRow) -> bool:
        return bool(self._artifacts) and len(self._artifacts) + len(planned.artifacts) > PART_ARTIFACTS

    def add(self, planned: _PlannedRow) -> None:
        self._artifacts.extend((planned.account.position, body) for body in planned.artifacts)
        self._added += len(planned.artifacts)
        self._rows.append((self._added, planned.account))

    def take(self) -> _Load:
        head, self._artifacts = self._artifacts[:PART_ARTIFACTS], self._artifacts[PART_ARTIFACTS:]
        self._taken += len(head)
        done = [account for end, account in self._rows if end <= self._taken]
        self._rows = [(end, account) for end, account in self._rows if end > self._taken]
        return _Load(tuple(body for _, body in head), tuple(owner for owner, _ in head), tuple(done))


def _chain(first: Row, rest: Iterator[Row]) -> Iterator[Row]:
    yield first
    yield from rest


def _batches(keys: Sequence[str], sizes: Mapping[str, int]) -> Iterator[list[str]]:
    """Groups that fit into memory together, in their order."""
    batch: list[str] = []
    held = 0
    for key in keys:
        if batch and held + sizes[key] > GROUP_ROWS:
            yield batch
            batch, held = [], 0
        batch.append(key)
        held += sizes[key]
    if batch:
        yield batch
