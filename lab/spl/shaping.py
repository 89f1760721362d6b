"""Commands that give rows new values."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from lab.spl.arguments import names, options, truth, whole
from lab.spl.expression import Reader
from lab.spl.functions import regex
from lab.spl.moment import span
from lab.spl.pipeline import Command
from lab.spl.refusal import SearchRefused
from lab.spl.session import Session, Work
from lab.spl.table import Table, figures
from lab.spl.tokens import Kind, expression_tokens, term_tokens
from lab.spl.value import Row, Value, joined, number, texts


def evaluate(session: Session, command: Command, table: Table) -> Table:
    """New fields from expressions, one after the other."""
    tokens = expression_tokens(command.text, command.position)
    assignments: list[tuple[str, Callable[[Row], Value]]] = []
    while True:
        name = tokens.head
        if name.kind not in (Kind.WORD, Kind.FIELD, Kind.TEXT):
            raise tokens.unexpected("a field")
        tokens.take()
        tokens.expect("=")
        node = Reader(tokens, session.now, session.use).whole()
        if node.boolean:
            raise SearchRefused("Fields cannot be assigned a boolean result: use if(…).", name.position)
        assignments.append((name.text, node.run))
        if not tokens.accept(","):
            break
    tokens.finish()
    rows: list[Row] = []
    for given in table.rows:
        row = dict(given)
        for name_, run in assignments:
            row[name_] = run(row)
        rows.append(row)
    return table.having(rows, [name_ for name_, _ in assignments])


def fillnull(_session: Session, command: Command, table: Table) -> Table:
    """A value where there is none."""
    tokens = term_tokens(command.text, command.position)
    given = options(tokens, ("value",))
    listed = names(tokens) or list(table.fields())
    value = given.get("value", "0")
    rows = [{**row, **{name: value for name in listed if row.get(name) is None}} for row in table.rows]
    return table.having(rows, listed)


def binned(session: Session, command: Command, table: Table) -> Table:
    """A number rounded down to a multiple of the span."""
    tokens = term_tokens(command.text, command.position)
    given: dict[str, str] = options(tokens, ("span",))
    name = tokens.name()
    given |= options(tokens, ("span",))
    target = tokens.name() if tokens.accept_word("AS") else name
    given |= options(tokens, ("span",))
    tokens.finish()
    if "span" not in given:
        raise SearchRefused("bin is evaluated here with a span only.", command.position)
    width = int(given["span"]) if given["span"].isdigit() else span(given["span"])
    if given["span"].isdigit() and name != "_time":
        raise SearchRefused("bin with a number as span gives ranges, which are not evaluated here.", command.position)
    session.use.read.add(name)
    rows: list[Row] = []
    for row in table.rows:
        size = number(session.use.get(row, name))
        rows.append(row if size is None else {**row, target: math.floor(size / width) * width})
    return table.having(rows, [target])


def rex(session: Session, command: Command, table: Table) -> Table:
    """Fields from the named groups of a regular expression."""
    tokens = term_tokens(command.text, command.position)
    given = options(tokens, ("field", "max_match"))
    token = tokens.take()
    tokens.finish()
    raw = command.text[token.position - command.position + 1 :].rsplit('"', 1)[0] if token.kind is Kind.TEXT else ""
    if not raw:
        raise SearchRefused("rex needs a regular expression in quotes.", token.position)
    pattern = re.compile(regex(raw.replace('\\"', '"')))
    if not pattern.groupindex:
        raise SearchRefused("rex needs a named group.", token.position)
    name, most = given.get("field", "_raw"), whole(given.get("max_match", "1"))
    session.use.read.add(name)
    rows: list[Row] = []
    for row in table.rows:
        found = [match for value in texts(session.use.get(row, name)) for match in pattern.finditer(value)]
        found = found[:most] if most else found
        groups = {group: joined([one[group] for one in found if one[group]]) for group in pattern.groupindex}
        rows.append({**row, **{group: value for group, value in groups.items() if value is not None}})
    return table.having(rows, list(pattern.groupindex))


def spath(session: Session, command: Command, table: Table) -> Table:
    """A field from a place in JSON."""
    tokens = term_tokens(command.text, command.position)
    given = options(tokens, ("input", "path", "output"))
    tokens.finish()
    if "path" not in given:
        raise SearchRefused("spath is evaluated here with a path only.", command.position)
    source, path = given.get("input", "_raw"), given["path"]
    target = given.get("output", path)
    session.use.read.add(source)
    rows: list[Row] = []
    for row in table.rows:
        found = [value for text in texts(session.use.get(row, source)) for value in _at(text, path)]
        rows.append({**row, target: joined(found)} if found else row)
    return table.having(rows, [target])


def _at(text: str, path: str) -> list[str]:
    try:
        places: list[Any] = [json.loads(text)]
    except ValueError:
        return []
    for part in path.split("."):
        key = part.removesuffix("{}")
        places = [place[key] for place in places if isinstance(place, dict) and key in place]
        if part.endswith("{}"):
            places = [item for place in places if isinstance(place, list) for item in place]
    return [place if isinstance(place, str) else json.dumps(place) for place in places if place is not None]


def makemv(session: Session, command: Command, table: Table) -> Table:
    """Several values from one text."""
    tokens = term_tokens(command.text, command.position)
    given = options(tokens, ("delim", "allowempty"))
    name = tokens.name()
    tokens.finish()
    delimiter, empty = given.get("delim", " "), truth(given.get("allowempty", "f"))
    session.use.read.add(name)
    rows: list[Row] = []
    for row in table.rows:
        parts = [part for text in texts(session.use.get(row, name)) for part in text.split(delimiter) if part or empty]
        rows.append({**row, name: joined(parts)} if parts else row)
    return table.with_rows(rows)


def addinfo(session: Session, command: Command, table: Table) -> Table:
    """The range of the search in every row."""
    term_tokens(command.text, command.position).finish()
    latest: Value = "+Infinity" if session.latest is None else session.latest
    facts: Row = {
        "info_min_time": session.earliest or 0,
        "info_max_time": latest,
        "info_search_time": session.now,
    }
    return table.having([{**row, **facts} for row in table.rows], list(facts))


def xyseries(session: Session, command: Command, table: Table) -> Table:
    """The values of one field as columns."""
    tokens = term_tokens(command.text, command.position)
    listed = names(tokens)
    if len(listed) != 3:  # noqa: PLR2004 - row, column, value
        raise SearchRefused("xyseries is evaluated here with three fields.", command.position)
    session.use.read.update(listed)
    made: dict[str, Row] = {}
    columns: dict[str, None] = {}
    for row in table.rows:
        line, column, value = (session.use.get(row, name) for name in listed)
        if line is None or column is None:
            continue
        key = texts(line)[0]
        columns[texts(column)[0]] = None
        made.setdefault(key, {listed[0]: line})[texts(column)[0]] = value
    return figures(list(made.values()), (listed[0], *sorted(columns)))


def untable(session: Session, command: Command, table: Table) -> Table:
    """A row for each value of each column but one."""
    listed = names(term_tokens(command.text, command.position))
    if len(listed) != 3:  # noqa: PLR2004 - row, column, value
        raise SearchRefused("untable takes three fields.", command.position)
    line, column, value = listed
    rows: list[Row] = []
    for row in table.rows:
        others = [name for name in table.fields() if name != line and not name.startswith("_")]
        rows += [{line: row.get(line), column: name, value: row[name]} for name in others if row.get(name) is not None]
    session.use.read.add(line)
    session.use.found.update([line] if rows else [])
    return figures(rows, listed)


COMMANDS: Mapping[str, Work] = {
    "addinfo": addinfo,
    "bin": binned,
    "bucket": binned,
    "eval": evaluate,
    "fillnull": fillnull,
    "makemv": makemv,
    "rex": rex,
    "spath": spath,
    "untable": untable,
    "xyseries": xyseries,
}
