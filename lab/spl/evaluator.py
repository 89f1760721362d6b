"""Runs a search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from lab.spl import combining, figures, generating, moment, shaping, trimming
from lab.spl.pipeline import Command, commands, expanded
from lab.spl.refusal import SearchRefused
from lab.spl.session import Session, Sources, Work
from lab.spl.table import Table
from lab.spl.use import FieldUse
from lab.spl.value import Row, shown

_COMMANDS: Mapping[str, Work] = {
    **trimming.COMMANDS,
    **shaping.COMMANDS,
    **figures.COMMANDS,
    **combining.COMMANDS,
}
_GENERATING: Mapping[str, Work] = generating.COMMANDS


@dataclass(frozen=True)
class Answer:
    """What a search gives.

    Args:
        fields: the columns, in order.
        rows: the rows; numbers are numbers still.
        closed: whether a later command can rely on the fields: they are figures, or a command has named them.
        missing: fields that the search reads and no row had.
    """

    fields: tuple[str, ...]
    rows: tuple[Row, ...]
    closed: bool
    missing: frozenset[str]

    def texts(self) -> list[dict[str, str | list[str]]]:
        """Give the rows as a search returns them: texts, empty fields left out."""
        return [{name: text for name in self.fields if (text := shown(row.get(name))) is not None} for row in self.rows]


def evaluate(
    search: str,
    sources: Sources,
    *,
    now: float,
    earliest: str = "",
    latest: str = "",
    indexed: tuple[str, str] = ("", ""),
) -> Answer:
    """Run a search.

    Args:
        search: the search, as a user types it.
        sources: where rows come from.
        now: the time, epoch seconds.
        earliest: begin of its range, a time modifier; "" for all.
        latest: its end; "" for all.
        indexed: begin and end of the time in which events were indexed, time modifiers; "" for all.

    Raises:
        SearchRefused: it is wrong, or outside of what is evaluated here.
    """
    begin, end = (moment.point(one, now) for one in indexed)
    session = replace(_session(sources, now, earliest, latest), indexed=(begin, end))
    return _answer(_run(expanded(search, sources.macros), 0, session, None), session.use)


def refine(
    answer: Answer, search: str, sources: Sources, *, now: float, earliest: str = "", latest: str = ""
) -> Answer:
    """Run further commands on what a search gave, as a chain search of a dashboard does.

    Args:
        answer: what the base search gave.
        search: the commands; a pipe before the first may be left out.
        sources: where rows of subsearches and lookups come from.
        now: the time, epoch seconds.
        earliest: begin of the base search's range.
        latest: its end.

    Raises:
        SearchRefused: they can't be run, or the base search keeps its fields open.
    """
    session = _session(sources, now, earliest, latest)
    words = expanded(search, sources.macros).strip()
    if not words:
        return answer
    if not answer.closed:
        raise SearchRefused("A base search must end in figures, or in fields or table: splunkd keeps no other fields.")
    table = Table(list(answer.rows), answer.fields, transformed=True)
    return _answer(_run(words if words.startswith("|") else f"| {words}", 0, session, table), session.use)


def _session(sources: Sources, now: float, earliest: str, latest: str) -> Session:
    return Session(sources, now, moment.point(earliest, now), moment.point(latest, now), _run)


def _answer(table: Table, use: FieldUse) -> Answer:
    return Answer(table.fields(), tuple(table.rows), table.transformed or table.columns is not None, use.missing)


def _run(search: str, position: int, session: Session, table: Table | None) -> Table:
    found = commands(search, position)
    if table is None:
        first, *found = found
        opening = not search.lstrip().startswith("|") and first.name == "search"
        table = generating.events(session, first, Table([])) if opening else _generated(session, first)
    for command in found:
        table = _applied(session, command, table)
    return table


def _generated(session: Session, command: Command) -> Table:
    work = _GENERATING.get(command.name)
    if work is not None:
        return _worked(work, session, command, Table([]))
    rows: list[Row] | None = None
    if command.name not in _COMMANDS:
        rows = session.sources.command(command.name, command.text)
    if rows is None:
        raise SearchRefused(f"A search can't begin with {command.name!r} here.", command.position)
    return Table(rows, transformed=True)


def _applied(session: Session, command: Command, table: Table) -> Table:
    work = _COMMANDS.get(command.name)
    if work is None and command.name == "inputlookup":
        work = generating.inputlookup
    if work is None:
        raise SearchRefused(f"The command {command.name!r} is unknown or not evaluated here.", command.position)
    return _worked(work, session, command, table)


def _worked(work: Work, session: Session, command: Command, table: Table) -> Table:
    try:
        return work(session, command, table)
    except SearchRefused as refused:
        if refused.text.startswith("Error in "):
            raise
        place = command.position if refused.position is None else refused.position
        raise SearchRefused(f"Error in '{command.name}' command: {refused.text}", place) from refused
