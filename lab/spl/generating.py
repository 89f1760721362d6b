"""Commands that a search begins with."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from lab.spl import moment
from lab.spl.aggregation import aggregation
from lab.spl.arguments import options, truth, whole
from lab.spl.datamodel import Dataset, dataset
from lab.spl.figures import stats
from lab.spl.pipeline import Command, expanded
from lab.spl.refusal import SearchRefused
from lab.spl.session import Session, Work
from lab.spl.table import Table
from lab.spl.terms import Terms, naming_indexes
from lab.spl.tokens import Token, Tokens, term_tokens
from lab.spl.value import Row, number

_INDEXED = frozenset({"_time", "index", "sourcetype", "source", "host", "orig_action_name", "orig_sid", "orig_rid"})


def _subsearch(session: Session, token: Token) -> list[Row]:
    return session.run(token.text, token.position, session, None).rows


def events(session: Session, command: Command, _table: Table) -> Table:
    """Events that match terms, newest first."""
    tokens = term_tokens(command.text, command.position)
    terms = Terms(tokens, session.use, lambda token: _subsearch(session, token))
    tokens.finish()
    naming_indexes(terms, command.position)
    return Table(_matching(session, terms, session.sources.events()))


def _matching(session: Session, terms: Terms, rows: Sequence[Row]) -> list[Row]:
    earliest, latest = session.earliest, session.latest
    if "earliest" in terms.times:
        earliest = moment.point(terms.times["earliest"], session.now)
        latest = session.now
    if "latest" in terms.times:
        latest = moment.point(terms.times["latest"], session.now)
    found: list[tuple[float, Row]] = []
    for row in rows:
        time = float(number(row.get("_time")) or 0)
        timely = _within(time, (earliest, latest)) and _within(number(row.get("_indextime")), session.indexed)
        if timely and terms.test(row):
            found.append((time, row))
    return [row for _, row in sorted(found, key=lambda pair: -pair[0])]


def _within(time: float | None, bounds: tuple[float | None, float | None]) -> bool:
    begin, end = bounds
    if begin is None and end is None:
        return True
    return time is not None and (begin is None or time >= begin) and (end is None or time < end)


def makeresults(session: Session, command: Command, _table: Table) -> Table:
    """Rows that hold the time and nothing else."""
    tokens = term_tokens(command.text, command.position)
    given = options(tokens, ("count",))
    tokens.finish()
    rows: list[Row] = [{"_time": math.floor(session.now)} for _ in range(whole(given.get("count", "1")))]
    return Table(rows, ("_time",), transformed=True)


def inputlookup(session: Session, command: Command, table: Table) -> Table:
    """The rows of a lookup, those that match the terms after ``where``."""
    tokens = term_tokens(command.text, command.position)
    given = options(tokens, ("append", "max"))
    name = tokens.name()
    rows = session.sources.lookup(name)
    if tokens.accept_word("WHERE"):
        terms = Terms(tokens, session.use, lambda token: _subsearch(session, token))
        rows = [row for row in rows if terms.test(row)]
    tokens.finish()
    rows = rows[: whole(given["max"])] if "max" in given else rows
    if truth(given.get("append", "f")):
        return table.with_rows([*table.rows, *rows])
    return Table(rows, transformed=True)


def rest(session: Session, command: Command, _table: Table) -> Table:
    """What an endpoint of splunkd answers, a row for each entry."""
    return Table(session.sources.rest(command.text), transformed=True)


def savedsearch(session: Session, command: Command, _table: Table) -> Table:
    """The rows of a saved search."""
    tokens = term_tokens(command.text, command.position)
    name = tokens.name()
    tokens.finish()
    search = expanded(session.sources.saved_search(name), session.sources.macros)
    return session.run(search, 0, session, None)


def tstats(session: Session, command: Command, _table: Table) -> Table:
    """Figures over fields that are in the index, or in the summaries of a data model."""
    tokens = term_tokens(command.text, command.position)
    given = options(tokens, ("summariesonly",))
    truth(given.get("summariesonly", "f"))  # in the lab the summaries hold every event
    start = tokens.head.position - command.position
    while not tokens.at_end and not tokens.head.is_word("WHERE", "FROM"):
        tokens.take()
    head = command.text[start : tokens.head.position - command.position]
    model = _from(tokens) if tokens.accept_word("FROM") else None
    if model is None and "summariesonly" in given:
        raise SearchRefused("summariesonly is of data models only.", command.position)
    if not tokens.accept_word("WHERE"):
        raise SearchRefused("tstats is evaluated here over indexes or a data model, with WHERE.", tokens.head.position)
    terms = Terms(tokens, session.use, lambda token: _subsearch(session, token), until=("BY",))
    if model is None:
        naming_indexes(terms, command.position)
    by = command.text[tokens.head.position - command.position :]
    by, width = _without_span(by)
    asked = aggregation(f"{head} {by}", command.position, session.now, session.use)
    if model is None:
        outside = (session.use.read - _INDEXED) & set(asked.by)
        if outside:
            raise SearchRefused(f"{', '.join(sorted(outside))}: not in the index.", command.position)
        rows = _matching(session, terms, session.sources.events())
    else:
        outside = session.use.read - model.names
        if outside:
            raise SearchRefused(f"{', '.join(sorted(outside))}: not in {model.name}.", command.position)
        rows = _matching(session, terms, [row for one in session.sources.events() if (row := model.row(one))])
    if width:
        rows = [{**row, "_time": math.floor(float(number(row["_time"]) or 0) / width) * width} for row in rows]
    return stats(session, Command("stats", f"{head} {by}", command.position), Table(rows))


def _from(tokens: Tokens) -> Dataset:
    place = tokens.head.position
    name = options(tokens, ("datamodel",)).get("datamodel")
    if name is None:
        raise tokens.unexpected("datamodel=")
    return dataset(name, place)


def _without_span(by: str) -> tuple[str, int]:
    words = by.split()
    spans = [word for word in words if word.startswith("span=")]
    kept = " ".join(word for word in words if not word.startswith("span="))
    return kept, moment.span(spans[0].removeprefix("span=")) if spans else 0


COMMANDS: Mapping[str, Work] = {
    "inputlookup": inputlookup,
    "makeresults": makeresults,
    "rest": rest,
    "savedsearch": savedsearch,
    "tstats": tstats,
}
