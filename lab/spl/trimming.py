"""Commands that choose and order rows and columns, and change no value."""

from __future__ import annotations

from collections.abc import Mapping

from lab.spl.arguments import names, options, selected, truth
from lab.spl.expression import condition
from lab.spl.pipeline import Command
from lab.spl.refusal import SearchRefused
from lab.spl.session import Session, Work
from lab.spl.table import Table
from lab.spl.terms import Terms
from lab.spl.tokens import Tokens, term_tokens
from lab.spl.value import Row, number, order, texts

_SORT_LIMIT = 10_000
_INTERNAL = ("_time", "_raw", "_span")


def where(session: Session, command: Command, table: Table) -> Table:
    """Rows that meet an expression."""
    test = condition(command.text, command.position, session.now, session.use)
    return table.with_rows([row for row in table.rows if test(row)])


def search(session: Session, command: Command, table: Table) -> Table:
    """Rows that match terms."""
    tokens = term_tokens(command.text, command.position)
    terms = Terms(tokens, session.use, lambda token: session.run(token.text, token.position, session, None).rows)
    tokens.finish()
    if terms.times:
        raise SearchRefused("earliest and latest belong to the first search.", command.position)
    return table.with_rows([row for row in table.rows if terms.test(row)])


def head(_session: Session, command: Command, table: Table) -> Table:
    """The first rows."""
    return table.with_rows(table.rows[: _count(command)])


def tail(_session: Session, command: Command, table: Table) -> Table:
    """The last rows, in reverse order."""
    return table.with_rows(table.rows[::-1][: _count(command)])


def reverse(_session: Session, command: Command, table: Table) -> Table:
    """All rows in reverse order."""
    term_tokens(command.text, command.position).finish()
    return table.with_rows(table.rows[::-1])


def _count(command: Command) -> int:
    words = command.text.strip() or "10"
    if not words.isdigit():
        raise SearchRefused(f"{words!r} is no number of rows.", command.position)
    return int(words)


def sort(session: Session, command: Command, table: Table) -> Table:
    """Rows by fields; a minus before a field's name turns its order round."""
    tokens = term_tokens(command.text, command.position)
    limit = _SORT_LIMIT
    if tokens.head.text.isdigit():
        limit = int(tokens.take().text)
    keys = _keys(tokens)
    tokens.finish()
    if not keys:
        raise tokens.unexpected("a field")
    rows = _ordered(session, table.rows, keys)
    return table.with_rows(rows[:limit] if limit else rows)


def _keys(tokens: Tokens) -> list[tuple[str, bool]]:
    keys: list[tuple[str, bool]] = []
    while not tokens.at_end:
        name = tokens.name()
        down = name.startswith("-")
        name = name.lstrip("+-") or tokens.name()
        if tokens.head.is_sign("("):
            raise SearchRefused(f"{name}(…) is not evaluated here.", tokens.head.position)
        keys.append((name, down))
        tokens.accept(",")
    return keys


def _ordered(session: Session, rows: list[Row], keys: list[tuple[str, bool]]) -> list[Row]:
    session.use.read.update(name for name, _ in keys)
    for name, down in reversed(keys):
        known = [row for row in rows if session.use.get(row, name) is not None]
        unknown = [row for row in rows if row.get(name) is None]
        # Rows without the field come last, whatever the order.
        rows = [*sorted(known, key=lambda row: order(row[name]), reverse=down), *unknown]
    return rows


def dedup(session: Session, command: Command, table: Table) -> Table:
    """The first row, or the first few, of each combination of values."""
    tokens = term_tokens(command.text, command.position)
    most = int(tokens.take().text) if tokens.head.text.isdigit() else 1
    listed: list[str] = []
    keys: list[tuple[str, bool]] = []
    given: dict[str, str] = {}
    while not tokens.at_end:
        if tokens.accept_word("SORTBY"):
            keys = _keys(tokens)
        elif tokens.ahead(1).is_sign("="):
            given |= options(tokens, ("keepempty",))
        else:
            listed.append(tokens.name())
            tokens.accept(",")
    if not listed:
        raise tokens.unexpected("a field")
    session.use.read.update(listed)
    keep_empty = truth(given.get("keepempty", "f"))
    seen: dict[tuple[tuple[str, ...], ...], int] = {}
    rows: list[Row] = []
    for row in table.rows:
        key = tuple(tuple(texts(session.use.get(row, name))) for name in listed)
        if not all(key):
            rows += [row] if keep_empty else []
            continue
        seen[key] = seen.get(key, 0) + 1
        if seen[key] <= most:
            rows.append(row)
    return table.with_rows(_ordered(session, rows, keys))


def fields(session: Session, command: Command, table: Table) -> Table:
    """Only these columns, or all but these; internal ones stay unless they are named."""
    tokens = term_tokens(command.text, command.position)
    away = tokens.accept_word("-")
    tokens.accept_word("+")
    listed = names(tokens)
    if not listed:
        raise tokens.unexpected("a field")
    present = table.fields()
    chosen = selected(listed, present)
    if away:
        columns = [name for name in present if name not in chosen]
    else:
        session.use.read.update(chosen)
        session.use.found.update(name for name in chosen if any(row.get(name) is not None for row in table.rows))
        columns = [*(name for name in _INTERNAL if name in present and name not in chosen), *chosen]
    rows: list[Row] = [{name: row[name] for name in columns if name in row} for row in table.rows]
    return Table(rows, tuple(columns), table.transformed)


def table_of(session: Session, command: Command, table: Table) -> Table:
    """Only these columns, in this order."""
    listed = names(term_tokens(command.text, command.position))
    if not listed:
        raise SearchRefused("table needs fields.", command.position)
    chosen = selected(listed, table.fields())
    session.use.read.update(chosen)
    session.use.found.update(name for name in chosen if any(row.get(name) is not None for row in table.rows))
    rows: list[Row] = [{name: row[name] for name in chosen if name in row} for row in table.rows]
    return Table(rows, tuple(chosen), transformed=True)


def rename(session: Session, command: Command, table: Table) -> Table:
    """Other names for columns."""
    tokens = term_tokens(command.text, command.position)
    renamed: dict[str, str] = {}
    while not tokens.at_end:
        old = tokens.name()
        if not tokens.accept_word("AS"):
            raise tokens.unexpected("AS")
        renamed[old] = tokens.name()
        tokens.accept(",")
    if not renamed or any("*" in name for pair in renamed.items() for name in pair):
        raise SearchRefused("rename is evaluated here for whole names.", command.position)
    session.use.read.update(renamed)
    session.use.found.update(name for name in renamed if any(row.get(name) is not None for row in table.rows))
    taken = set(renamed.values())
    rows: list[Row] = []
    for row in table.rows:
        kept = {name: value for name, value in row.items() if name not in renamed and name not in taken}
        rows.append({**kept, **{new: row[old] for old, new in renamed.items() if old in row}})
    if table.columns is None:
        return table.with_rows(rows)
    columns = [renamed.get(name, name) for name in table.columns if name in renamed or name not in taken]
    return Table(rows, tuple(dict.fromkeys(columns)), table.transformed)


def mvexpand(session: Session, command: Command, table: Table) -> Table:
    """A row for each value of a field."""
    tokens = term_tokens(command.text, command.position)
    name = tokens.name()
    given = options(tokens, ("limit",))
    tokens.finish()
    session.use.read.add(name)
    limit = int(number(given.get("limit", "0")) or 0)
    rows: list[Row] = []
    for row in table.rows:
        values = texts(session.use.get(row, name))
        rows += [{**row, name: value} for value in (values[:limit] if limit else values)] or [row]
    return table.with_rows(rows)


COMMANDS: Mapping[str, Work] = {
    "dedup": dedup,
    "fields": fields,
    "head": head,
    "mvexpand": mvexpand,
    "rename": rename,
    "reverse": reverse,
    "search": search,
    "sort": sort,
    "table": table_of,
    "tail": tail,
    "where": where,
}
