"""Commands that bring rows of several sources together."""

from __future__ import annotations

from collections.abc import Mapping

from lab.spl.arguments import options, whole
from lab.spl.pipeline import Command
from lab.spl.refusal import SearchRefused
from lab.spl.session import Session, Work
from lab.spl.table import Table
from lab.spl.tokens import Kind, Token, Tokens, term_tokens
from lab.spl.value import Row, Value, joined, texts


def _subsearch(tokens: Tokens) -> Token:
    if tokens.head.kind is not Kind.SUBSEARCH:
        raise tokens.unexpected("a subsearch in square brackets")
    token = tokens.take()
    tokens.finish()
    return token


def _run(session: Session, token: Token) -> Table:
    return session.run(token.text, token.position, session, None)


def append(session: Session, command: Command, table: Table) -> Table:
    """The rows of a subsearch behind."""
    token = _subsearch(term_tokens(command.text, command.position))
    other = _run(session, token)
    if table.columns is None and not table.rows:
        return other
    return table.having([*table.rows, *other.rows], other.fields())


def appendcols(session: Session, command: Command, table: Table) -> Table:
    """The columns of a subsearch beside, row by row."""
    token = _subsearch(term_tokens(command.text, command.position))
    other = _run(session, token)
    rows: list[Row] = []
    for index in range(max(len(table.rows), len(other.rows))):
        left = table.rows[index] if index < len(table.rows) else {}
        right = other.rows[index] if index < len(other.rows) else {}
        rows.append({**right, **left})
    return table.having(rows, other.fields())


def appendpipe(session: Session, command: Command, table: Table) -> Table:
    """What further commands make of the rows, behind them."""
    token = _subsearch(term_tokens(command.text, command.position))
    other = session.run(f"|{token.text}", token.position - 1, session, table)
    return table.having([*table.rows, *other.rows], other.fields())


def join(session: Session, command: Command, table: Table) -> Table:
    """Rows beside the rows of a subsearch that have the same values."""
    tokens = term_tokens(command.text, command.position)
    given = options(tokens, ("type", "max"))
    listed: list[str] = []
    while tokens.head.kind is not Kind.SUBSEARCH and not tokens.at_end:
        listed.append(tokens.name())
        tokens.accept(",")
    if not listed:
        raise tokens.unexpected("a field")
    kind, most = given.get("type", "inner"), whole(given.get("max", "1"))
    if kind not in ("inner", "left", "outer"):
        raise SearchRefused(f"join with type={kind} is not evaluated here.", command.position)
    other = _run(session, _subsearch(tokens))
    session.use.read.update(listed)
    index: dict[tuple[tuple[str, ...], ...], list[Row]] = {}
    for row in other.rows:
        index.setdefault(tuple(tuple(texts(row.get(name))) for name in listed), []).append(row)
    rows: list[Row] = []
    for row in table.rows:
        key = tuple(tuple(texts(session.use.get(row, name))) for name in listed)
        partners = index.get(key, []) if all(key) else []
        partners = partners[:most] if most else partners
        rows += [{**row, **{name: value for name, value in one.items() if value is not None}} for one in partners]
        rows += [row] if not partners and kind != "inner" else []
    return table.having(rows, other.fields())


def lookup(session: Session, command: Command, table: Table) -> Table:
    """Fields of the rows of a lookup that have the same values; several matches give several values."""
    tokens = term_tokens(command.text, command.position)
    name = tokens.name()
    keys = _pairs(tokens, until=("OUTPUT", "OUTPUTNEW"))
    mode = tokens.take().text.upper() if not tokens.at_end else ""
    outputs = _pairs(tokens)
    if not keys or (mode and not outputs):
        raise tokens.unexpected("a field")
    rows = session.sources.lookup(name)
    if not outputs:
        outputs = {field: field for row in rows for field in row if field not in keys}
    session.use.read.update(keys.values())
    index: dict[tuple[tuple[str, ...], ...], list[Row]] = {}
    for row in rows:
        index.setdefault(tuple(tuple(texts(row.get(field))) for field in keys), []).append(row)
    found: list[Row] = []
    for row in table.rows:
        key = tuple(tuple(texts(session.use.get(row, field))) for field in keys.values())
        matches = index.get(key, []) if all(key) else []
        found.append({**row, **_output(row, matches, outputs, mode)})
    return table.having(found, outputs.values())


def _output(row: Row, matches: list[Row], outputs: Mapping[str, str], mode: str) -> dict[str, Value]:
    made: dict[str, Value] = {}
    for source, target in outputs.items():
        value = joined([text for match in matches for text in texts(match.get(source))])
        if mode == "OUTPUTNEW" and row.get(target) is not None:
            continue
        if value is None and row.get(target) is not None:
            raise SearchRefused(f"lookup would overwrite {target} with nothing: name another field for it.")
        made[target] = value
    return made


def _pairs(tokens: Tokens, until: tuple[str, ...] = ()) -> dict[str, str]:
    """Take ``a AS b, c``; what the lookup calls it before what the events call it."""
    pairs: dict[str, str] = {}
    while not tokens.at_end and not (until and tokens.head.is_word(*until)):
        name = tokens.name()
        pairs[name] = tokens.name() if tokens.accept_word("AS") else name
        tokens.accept(",")
    return pairs


COMMANDS: Mapping[str, Work] = {
    "append": append,
    "appendcols": appendcols,
    "appendpipe": appendpipe,
    "join": join,
    "lookup": lookup,
}
