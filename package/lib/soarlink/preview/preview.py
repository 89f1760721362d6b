"""Rows, parameters and rules → the containers as SOAR would get them, and why each value goes where it goes. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from soarlink.mapping.search import SearchContext
from soarlink.plan.planner import Planner
from soarlink.plan.shipment import EVERY_ROW

if TYPE_CHECKING:
    from soarlink.mapping.artifact import MappedRow, TraceLine
    from soarlink.mapping.compiled import Mapping as Rules
    from soarlink.mapping.rowmapper import RowMapper
    from soarlink.plan.parameters import SendParameters
    from soarlink.plan.planner import RowSource
    from soarlink.plan.run import AlertRun
    from soarlink.plan.shipment import PlaybookCall, RowAccount, Shipment
    from soarlink.plan.vocabulary import Vocabulary
    from soarlink.rows.row import Row

DEFAULT_LIMIT = 1_000
"""Results that a preview looks at when nobody says how many."""

MAX_TRACE = 200_000
"""Most trace lines of one preview."""


@dataclass(frozen=True)
class Traced:
    """One line of the trace, and the result that it is about."""

    rid: str
    line: TraceLine


@dataclass(frozen=True)
class PreviewedResult:
    """What becomes of one result's fields; ``container`` counts from 0."""

    rid: str
    container: int
    artifacts: int
    mapped: int
    kept: int
    dropped: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class PreviewedContainer:
    """One container with all its artifacts.

    ``body`` and ``artifacts`` are what SOAR's REST API would get; ``artifact_rids`` names the result of each artifact,
    "" for one that belongs to all of them. ``attachments`` are (name, bytes) of files for the vault. ``refusal`` is why
    the container would not be sent.
    """

    identity: str
    body: Mapping[str, Any]
    artifacts: tuple[Mapping[str, Any], ...]
    artifact_rids: tuple[str, ...]
    rids: tuple[str, ...]
    automation: bool
    playbooks: tuple[PlaybookCall, ...]
    on_closed: str
    attachments: tuple[tuple[str, int], ...]
    refusal: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Preview:
    """What one run would send. ``looked_at`` results were planned; ``limit`` is the most, 0 for no limit."""

    containers: tuple[PreviewedContainer, ...]
    results: tuple[PreviewedResult, ...]
    trace: tuple[Traced, ...]
    looked_at: int
    limit: int
    notes: tuple[str, ...]


class FirstRows:
    """The first rows of a source, each time anew.

    Args:
        rows: the source.
        limit: how many; 0 for all.
    """

    def __init__(self, rows: RowSource, limit: int) -> None:
        self._rows = rows
        self._limit = limit

    def __iter__(self) -> Iterator[Row]:
        return itertools.islice(iter(self._rows), self._limit or None)


class TracingMapper:
    """A mapper that keeps why each value went where it went, up to a number of lines."""

    def __init__(self, mapper: RowMapper, most: int) -> None:
        self._mapper = mapper
        self._most = most
        self.lines: list[Traced] = []
        self.left_out = 0

    def map(self, row: Row) -> MappedRow:
        """The same artifacts as without tracing."""
        mapped, trace = self._mapper.explain(row)
        room = max(0, self._most - len(self.lines))
        self.lines.extend(Traced(row.rid, line) for line in trace[:room])
        self.left_out += max(0, len(trace) - room)
        return mapped


def preview(
    run: AlertRun,
    parameters: SendParameters,
    rules: Rules,
    default_label: str,
    *,
    rows: RowSource,
    columns: Sequence[str],
    limit: int = DEFAULT_LIMIT,
    vocabulary: Vocabulary | None = None,
    search: SearchContext | None = None,
    most_trace: int = MAX_TRACE,
) -> Preview:
    """Plan a run with the planner that delivery uses, and keep everything it says.

    Args:
        run: the alert run.
        parameters: the validated parameters.
        rules: the compiled mapping.
        default_label: the account's container label.
        rows: the results; read more than once.
        columns: the results' fields.
        limit: how many results are looked at, 0 for all.
        vocabulary: the server's names, as far as they are known.
        search: what conditions of rules are asked about; the run's own search when absent.
        most_trace: most lines of the trace.
    """
    context = search or SearchContext(run.search_name, app=run.app)
    mapper = TracingMapper(rules.bind(columns, context, parameters.mapping), most_trace)
    planner = Planner(run, parameters, mapper, default_label, vocabulary=vocabulary, columns=columns)
    containers: list[PreviewedContainer] = []
    results: dict[int, PreviewedResult] = {}
    for parts in _by_container(planner.plan(FirstRows(rows, limit))):
        accounts = [account for part in parts for account in part.rows]
        results.update((account.position, _result(account, len(containers))) for account in accounts)
        containers.append(_container(parts, accounts))
    notes = []
    if mapper.left_out:
        notes.append(f"the trace is cut: {mapper.left_out} of {mapper.left_out + most_trace} lines are left out")
    in_order = tuple(results[position] for position in sorted(results))
    return Preview(tuple(containers), in_order, tuple(mapper.lines), len(results), limit, tuple(notes))


def limit_note(looked_at: int, limit: int, total: int | None) -> str:
    """What there is to say when not every result was looked at; "" when all were.

    Args:
        looked_at: how many were.
        limit: the most, 0 for no limit.
        total: how many there are, None when that is not known.
    """
    if not limit or looked_at < limit or total == looked_at:
        return ""
    known = "" if total is None else f" of {total}"
    return f"only the first {looked_at}{known} results were looked at: the limit is {limit}"


def _by_container(shipments: Iterable[Shipment]) -> Iterator[list[Shipment]]:
    parts: list[Shipment] = []
    for shipment in shipments:
        parts.append(shipment)
        if shipment.last:
            yield parts
            parts = []


def _container(parts: Sequence[Shipment], accounts: Sequence[RowAccount]) -> PreviewedContainer:
    first, last = parts[0], parts[-1]
    rid_of = {account.position: account.rid for account in accounts}
    return PreviewedContainer(
        identity=first.identity,
        body=first.container,
        artifacts=tuple(body for part in parts for body in part.artifacts),
        artifact_rids=tuple(
            "" if owner == EVERY_ROW else rid_of.get(owner, "") for part in parts for owner in part.owners
        ),
        rids=tuple(account.rid for account in accounts),
        automation=first.automation,
        playbooks=last.playbooks,
        on_closed=first.on_closed,
        attachments=tuple((file.name, len(file.content)) for part in parts for file in part.attachments),
        refusal=first.refusal,
        notes=tuple(dict.fromkeys(note for part in parts for note in part.notes)),
    )


def _result(account: RowAccount, container: int) -> PreviewedResult:
    return PreviewedResult(
        rid=account.rid,
        container=container,
        artifacts=account.artifacts,
        mapped=account.mapped,
        kept=account.kept,
        dropped=account.dropped,
        notes=account.notes,
    )
