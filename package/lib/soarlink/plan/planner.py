"""Rows + parameters + mapping + vocabulary → a stream of shipments. Pure: the same input gives the same stream."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Protocol

from soarlink.plan import identity
from soarlink.plan.attachment import ResultsFile
from soarlink.plan.container import Bodies, ContainerBody
from soarlink.plan.fitting import weight
from soarlink.plan.parts import PART_ARTIFACTS, Load, PartQueue, PlannedRow
from soarlink.plan.shipment import EVERY_ROW, RowAccount, Shipment
from soarlink.plan.summary import Summary

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from soarlink.mapping.artifact import MappedRow
    from soarlink.plan.attachment import Attachment
    from soarlink.plan.parameters import SendParameters
    from soarlink.plan.run import AlertRun
    from soarlink.plan.vocabulary import Vocabulary
    from soarlink.rows.row import Row

__all__ = ["GROUP_ROWS", "PART_ARTIFACTS", "Planner", "RowMapper", "RowSource"]

GROUP_ROWS = 5_000
"""Most rows held in memory while rows are put together to groups."""

_MOST_INTERNED = 1_000


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
            key = self._content_key(first, ()) or identity.of_search(self._run)
            yield from self._one_container(itertools.chain([first], source), key, ())

    def _per_result(self, rows: Iterable[Row]) -> Iterator[Shipment]:
        limit = self._parameters.max_containers
        source = iter(rows)
        for count, row in enumerate(source):
            if limit and count >= limit:
                yield from self._overflow(itertools.chain([row], source))
                return
            key = identity.of_row(row, self._run)
            yield from self._one_container([row], key, (), identity.others(row, key))

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
        grouped = self._parameters.container_per == "group"
        values = [row.values(name) for name in self._parameters.group_by] if grouped else []
        content = self._content_key(row, values)
        if content:
            return content
        return identity.of_group(values, self._run) if grouped else identity.of_row(row, self._run)

    def _content_key(self, row: Row, group: Sequence[tuple[str, ...]]) -> str:
        """The key over the identity fields; "" where the run's own keys count, or the row has none of the fields."""
        parameters = self._parameters
        if parameters.identity != "fields":
            return ""
        values = [row.values(name) for name in parameters.identity_fields]
        if not any(values):
            return ""
        # ES writes the search's name into the notable: so an ad hoc run on it has the same key.
        search = row.first("search_name") or self._run.search_name
        window = identity.window_of(row, parameters.identity_window)
        return identity.of_content(search, [*values, *group], window or "")

    def _identity_notes(self, row: Row) -> tuple[str, ...]:
        parameters = self._parameters
        if parameters.identity != "fields":
            return ()
        if not any(row.values(name) for name in parameters.identity_fields):
            return (
                f"none of the identity fields {', '.join(parameters.identity_fields)} has a value: the run's own key",
            )
        if identity.window_of(row, parameters.identity_window) is None:
            return ("the result has no _time: identity_window was left out of its key",)
        return ()

    def _overflow(self, rows: Iterable[Row]) -> Iterator[Shipment]:
        note = (
            f"flood guard: this run makes more than {self._parameters.max_containers} containers (max_containers), "
            "so this result is an artifact of the run's summary container"
        )
        return self._one_container(rows, identity.of_overflow(self._run), (note,))

    def _one_container(
        self, rows: Iterable[Row], key: str, notes: tuple[str, ...], other_keys: tuple[str, ...] = ()
    ) -> Iterator[Shipment]:
        container: _Container | None = None
        for row in rows:
            row_notes = notes
            if container is None:
                body = self._bodies.container(row, key, other_keys)
                container = _Container(key, body, other_keys, self._parameters, self._columns)
                row_notes = notes + body.notes + self._identity_notes(row)
            planned = self._row(row, row_notes, container)
            # A part is closed only when more follows: so the last one is known for what it is.
            while container.queue.would_overflow(planned):
                yield container.part()
            container.queue.add(planned)
        if container is None:
            return
        closing = container.close(self._bodies)
        while True:
            shipment = container.part(closing)
            yield shipment
            if shipment.last:
                return

    def _row(self, row: Row, notes: tuple[str, ...], container: _Container) -> PlannedRow:
        mapped = self._mapper.map(row)
        container.take(row, mapped)
        artifacts, size, cut_notes, attachments = (
            ([], 0, (), ())
            if container.summary is not None
            else self._bodies.fitted(row, self._bodies.artifacts(row, mapped), weight(row))
        )
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
            notes=self._intern(notes + mapped.notes + cut_notes),
        )
        return PlannedRow(artifacts, size, account, attachments)

    def _intern(self, texts: tuple[str, ...]) -> tuple[str, ...]:
        """Most rows of a search say the same: one tuple for all of them keeps 100,000 accounts small."""
        if len(self._interned) >= _MOST_INTERNED:
            return texts
        return self._interned.setdefault(texts, texts)


class _Container:
    """One container while its rows are read."""

    def __init__(
        self,
        key: str,
        body: ContainerBody,
        other_keys: tuple[str, ...],
        parameters: SendParameters,
        columns: Sequence[str],
    ) -> None:
        self.queue = PartQueue()
        self.summary = Summary() if parameters.artifacts == "summary" else None
        self._key = key
        self._body = body
        self._other_keys = other_keys
        self._parameters = parameters
        self._number = 0
        self._first: Row | None = None
        self._attaches = parameters.attach_results != "none"
        form = parameters.attach_results if self._attaches else "json"
        # A summary that turns out too short needs all rows beside it, and they are read only once.
        self._file = ResultsFile(form, columns) if self._attaches or self.summary is not None else None

    def take(self, row: Row, mapped: MappedRow) -> None:
        """Put the row where all rows of the container are put together."""
        if self._first is None:
            self._first = row
        if self._file is not None:
            self._file.add(row)
        if self.summary is not None:
            self.summary.add(row, mapped)

    def close(self, bodies: Bodies) -> _Closing:
        """After the last row: the summary artifact into the queue, the file and what there is to say."""
        notes: list[str] = []
        cut: Mapping[str, int] = {}
        if self.summary is not None and self._first is not None:
            cut = self.summary.cut
            body = bodies.summary(self._first, self._key, self.summary)
            self.queue.add_shared(body, self.summary.weight, EVERY_ROW)
        if self._file is None or not (self._attaches or cut):
            return _Closing()
        attachment, file_notes = self._file.finish(f"results-{self._key}")
        if cut:
            notes.append(
                f"the summary does not list every value of {', '.join(cut)}; "
                f"the results are attached as {attachment.name}"
            )
        return _Closing((attachment,), (*notes, *file_notes))

    def part(self, closing: _Closing | None = None) -> Shipment:
        """The next shipment; the last one is told from what is left in the queue."""
        load: Load = self.queue.take()
        last = closing is not None and self.queue.is_empty
        ending = closing if last and closing is not None else _Closing()
        parameters = self._parameters
        shipment = Shipment(
            identity=self._key,
            container=self._body.body,
            artifacts=load.artifacts,
            owners=load.owners,
            rows=load.rows,
            part=self._number,
            last=last,
            automation=parameters.automation,
            playbooks=(parameters.playbook,) if parameters.playbook and last else (),
            other_keys=self._other_keys,
            on_closed=parameters.on_closed,
            attachments=load.attachments + ending.attachments,
            refusal=self._body.refusal,
            notes=ending.notes,
        )
        self._number += 1
        return shipment


class _Closing:
    """What the last part of a container carries beside its artifacts."""

    def __init__(self, attachments: tuple[Attachment, ...] = (), notes: tuple[str, ...] = ()) -> None:
        self.attachments = attachments
        self.notes = notes


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
