"""Rows + parameters + mapping + vocabulary → a stream of shipments. Pure: the same input gives the same stream."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Protocol

from soarlink.plan import identity
from soarlink.plan.choice import ChosenFields
from soarlink.plan.container import Bodies, FittedArtifacts
from soarlink.plan.gathering import Gathering
from soarlink.plan.keys import Keys
from soarlink.plan.parts import PART_ARTIFACTS, PlannedRow
from soarlink.plan.shipment import RowAccount, Shipment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from soarlink.mapping.artifact import MappedRow
    from soarlink.plan.inputs import OtherInputs
    from soarlink.plan.parameters import SendParameters
    from soarlink.plan.run import AlertRun
    from soarlink.plan.vocabulary import Vocabulary
    from soarlink.rows.row import Row

__all__ = ["GROUP_ROWS", "PART_ARTIFACTS", "Planner", "RowMapper", "RowSource"]

GROUP_ROWS = 5_000
"""Most rows held in memory while rows are put together to groups."""

_ASKED_ONCE = "another result of this container has the same values in the chosen fields: they are asked about once"

_MOST_INTERNED = 1_000
_MOST_AHEAD = 64


class RowSource(Protocol):
    """Rows that can be read several times, each time the same."""

    def __iter__(self) -> Iterator[Row]: ...


class RowMapper(Protocol):
    """A mapping bound to the fields of one results file."""

    def map(self, row: Row) -> MappedRow:
        """The row's artifacts and the account of its fields."""
        ...


class Planner:
    """Plans one run.

    Args:
        run: the alert run.
        parameters: the validated parameters.
        mapper: the mapping, bound to the results' fields.
        default_label: the account's container label.
        vocabulary: the server's names, as far as they are known.
        columns: the fields of the results file, for attachments.
        most_results: how many results Splunk hands over at most; 0 when that is not known.
    """

    def __init__(
        self,
        run: AlertRun,
        parameters: SendParameters,
        mapper: RowMapper,
        default_label: str,
        *,
        vocabulary: Vocabulary | None = None,
        columns: Sequence[str] = (),
        most_results: int = 0,
    ) -> None:
        self._run = run
        self._parameters = parameters
        self._mapper = mapper
        self._bodies = Bodies(run, parameters, default_label, vocabulary)
        self._keys = Keys(run, parameters)
        self._chosen = ChosenFields(parameters.fields)
        self._columns = tuple(columns)
        self._most_results = most_results
        self._interned: dict[tuple[str, ...], tuple[str, ...]] = {}

    def plan(self, rows: RowSource) -> Iterator[Shipment]:
        """The shipments of a run, in file order of each container's first row; parts of a container are consecutive."""
        if self._parameters.container_per == "search":
            return self._per_search(rows)
        if self._parameters.container_per == "group" or self._parameters.identity == "fields":
            return self._per_group(rows)
        return self._per_result(rows)

    def _per_search(self, rows: Iterable[Row]) -> Iterator[Shipment]:
        source = iter(rows)
        first = next(source, None)
        if first is not None:
            # The rows are read only once: the header says what none of them has.
            notes = self._keys.absent(self._columns).notes() if self._columns else ()
            yield from self._one_container(itertools.chain([first], source), self._keys.of_search(first), notes)

    def _per_result(self, rows: RowSource) -> Iterator[Shipment]:
        limit = self._parameters.max_containers
        source = iter(rows)
        for row, mapped in self._mapped(itertools.islice(source, limit or None)):
            key = self._bodies.key(row)
            yield from self._one_row(row, mapped, key, identity.others(row, key))
        beyond = next(source, None)
        if beyond is not None:
            more = sum(1 for _ in rows) - limit
            yield from self._overflow(itertools.chain([beyond], source), more, ())

    def _per_group(self, rows: RowSource) -> Iterator[Shipment]:
        """Two kinds of passes over the file: one to see the groups, then as many as bounded memory asks for."""
        sizes: dict[str, int] = {}
        absent = self._keys.absent()
        for row in rows:
            key = self._keys.of_group(row)
            sizes[key] = sizes.get(key, 0) + 1
            absent.look(row)
        notes = absent.notes()
        limit = self._parameters.max_containers
        keys = list(sizes)
        own = keys[:limit] if limit else keys
        for batch in _batches(own, sizes):
            if len(batch) == 1:
                wanted = batch[0]
                members = (row for row in rows if self._keys.of_group(row) == wanted)
                yield from self._one_container(members, wanted, notes)
                continue
            groups: dict[str, list[Row]] = {key: [] for key in batch}
            for row in rows:
                group = groups.get(self._keys.of_group(row))
                if group is not None:
                    group.append(row)
            for key, found in groups.items():
                yield from self._one_container(found, key, notes)
        if len(own) < len(keys):
            beyond = set(keys[len(own) :])
            left = (row for row in rows if self._keys.of_group(row) in beyond)
            yield from self._overflow(left, sum(map(sizes.__getitem__, beyond)), notes)

    def _overflow(self, rows: Iterable[Row], more: int, notes: tuple[str, ...]) -> Iterator[Shipment]:
        note = (
            f"flood guard: this run makes more than {self._parameters.max_containers} containers (max_containers), "
            "so this result is an artifact of the run's summary container"
        )
        return self._one_container(rows, identity.of_overflow(self._run), (*notes, note), more)

    def _one_row(self, row: Row, mapped: MappedRow, key: str, other_keys: tuple[str, ...]) -> Iterator[Shipment]:
        body = self._bodies.container(row, key, other_keys)
        if self._chosen.are_missing(row) and not body.refusal:
            body = body._replace(refusal=self._chosen.refusal)
        container = Gathering(key, body, other_keys, self._parameters, self._columns)
        planned = self._row(row, mapped, body.notes, container)
        if container.holds_no_more(planned):
            yield container.whole(planned)
            return
        container.queue.add(planned)
        yield from self._rest(container)

    def _one_container(
        self, rows: Iterable[Row], key: str, notes: tuple[str, ...], more: int = 0
    ) -> Iterator[Shipment]:
        """A container of several rows; ``more`` is their number when the flood guard has put them together."""
        container: Gathering | None = None
        others: OtherInputs | None = None
        for row, mapped in self._mapped(rows):
            row_notes = notes
            if others is not None:
                others.look(row)
            if container is None:
                others = self._bodies.other_inputs(row)
                body = self._bodies.container(row, key, more=more)
                container = Gathering(key, body, (), self._parameters, self._columns)
                said = self._keys.notes(row)
                row_notes = notes + body.notes + said
                if not more:  # the container's key is that of its first row: what is said of it holds for all
                    notes += said
            planned = self._row(row, mapped, row_notes, container)
            # A part is closed only when more follows: so the last one is known for what it is.
            while container.queue.would_overflow(planned):
                yield container.part()
            container.queue.add(planned)
        if container is not None:
            yield from self._rest(container, others.notes() if others is not None else ())

    def _rest(self, container: Gathering, said: Sequence[str] = ()) -> Iterator[Shipment]:
        """The last parts of a container whose rows have all been read; ``said``: what they are told."""
        closing = container.close(self._bodies, said)
        while True:
            shipment = container.part(closing)
            yield shipment
            if shipment.last:
                return

    def _mapped(self, rows: Iterable[Row]) -> Iterator[tuple[Row, MappedRow]]:
        """Each row with what the mapping makes of it.

        The first row comes at once, later ones a few at a time: reading, mapping and planning by turns for each row
        costs a tenth more, because the processor keeps losing the code of one over that of the other.
        """
        source = iter(rows)
        ahead = 1
        while True:
            block: list[Row] = []
            broken: Exception | None = None
            try:
                block.extend(itertools.islice(source, ahead))
            except Exception as error:  # noqa: BLE001 - it is raised again, after the rows that came before it
                broken = error
            yield from zip(block, [self._mapper.map(self._chosen.of(row)) for row in block])
            if broken is not None:
                raise broken
            if len(block) < ahead:
                return
            ahead = min(2 * ahead, _MOST_AHEAD)

    def _row(self, row: Row, mapped: MappedRow, notes: tuple[str, ...], container: Gathering) -> PlannedRow:
        container.take(row, mapped)
        artifacts, cut_notes, attachments = (
            FittedArtifacts([])
            if container.summary is not None or self._chosen.are_missing(row)
            else self._bodies.fitted(row, self._bodies.artifacts(row, mapped))
        )
        if self._parameters.fields:
            every, artifacts = len(artifacts), container.unasked(artifacts)
            cut_notes = (*cut_notes, *(_ASKED_ONCE,) * (len(artifacts) < every))
        if self._most_results and row.position + 1 == self._most_results:
            cut_notes = (*cut_notes, cut_results_note(self._most_results))
        account = RowAccount(
            position=row.position,
            rid=row.rid,
            orig_sid=row.first("orig_sid"),
            orig_rid=row.first("orig_rid"),
            artifacts=len(artifacts) if container.summary is None else 1,
            mapped=len(mapped.mapped),
            kept=len(mapped.kept),
            dropped=self._intern(tuple(mapped.dropped)),
            notes=self._intern(notes + self._chosen.notes(row) + mapped.notes + cut_notes + self._keys.unused),
        )
        return PlannedRow(artifacts, account, attachments)

    def _intern(self, texts: tuple[str, ...]) -> tuple[str, ...]:
        """Most rows of a search say the same: one tuple for all of them keeps 100,000 accounts small."""
        if len(self._interned) >= _MOST_INTERNED:
            return texts
        return self._interned.setdefault(texts, texts)


def cut_results_note(most: int) -> str:
    """What there is to say when the results file holds as many results as Splunk hands over at most."""
    return (
        f"the results file holds {most} results, which is the action's maxresults: Splunk may have cut it. "
        "Raise maxresults or make the search find less"
    )


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
