"""Commands that turn rows into figures: stats, chart, timechart and their relatives."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from lab.spl.aggregation import Aggregate, Aggregation, aggregation, grouped
from lab.spl.arguments import leading_options, names, options, truth, whole
from lab.spl.moment import span
from lab.spl.pipeline import Command
from lab.spl.refusal import SearchRefused
from lab.spl.session import Session, Work
from lab.spl.table import Table, figures
from lab.spl.tokens import term_tokens
from lab.spl.value import Row, Value, number, order, texts

_SPLIT_OPTIONS = ("limit", "useother", "usenull", "otherstr", "nullstr")
_DEFAULT_LIMIT = 10


def _read(session: Session, words: str, position: int) -> Aggregation:
    return aggregation(words, position, session.now, session.use)


def _figures(aggregates: Sequence[Aggregate], rows: Sequence[Row]) -> Row:
    return {one.name: one.over(rows) for one in aggregates}


def _note(session: Session, rows: Sequence[Row], by: Sequence[str]) -> None:
    session.use.found.update(name for name in by if any(row.get(name) is not None for row in rows))


def stats(session: Session, command: Command, table: Table) -> Table:
    """Figures over all rows, or over groups of them."""
    asked = _read(session, command.text, command.position)
    _note(session, table.rows, asked.by)
    columns = (*asked.by, *(one.name for one in asked.aggregates))
    if not asked.by:
        row = _figures(asked.aggregates, table.rows)
        return figures([row] if any(value is not None for value in row.values()) else [], columns)
    rows: list[Row] = []
    for key, members in grouped(table.rows, asked.by).items():
        rows.append({**dict(zip(asked.by, key, strict=True)), **_figures(asked.aggregates, members)})
    return figures(rows, columns)


def eventstats(session: Session, command: Command, table: Table) -> Table:
    """The same figures, written into every row that they are over."""
    asked = _read(session, command.text, command.position)
    _note(session, table.rows, asked.by)
    added: dict[int, Row] = {}
    groups = grouped(table.rows, asked.by).values() if asked.by else [table.rows]
    for members in groups:
        figure = _figures(asked.aggregates, members)
        added.update({id(row): figure for row in members})
    return table.having(
        [{**row, **added.get(id(row), {})} for row in table.rows], [one.name for one in asked.aggregates]
    )


def streamstats(session: Session, command: Command, table: Table) -> Table:
    """Figures over the rows so far."""
    given, words, position = leading_options(command.text, command.position, ("current", "window"))
    asked = _read(session, words, position)
    _note(session, table.rows, asked.by)
    window, current = whole(given.get("window", "0")), truth(given.get("current", "t"))
    before: dict[tuple[str, ...], list[Row]] = {}
    rows: list[Row] = []
    for row in table.rows:
        key = tuple(",".join(texts(row.get(name))) for name in asked.by)
        seen = before.setdefault(key, [])
        looked_at = [*seen, row] if current else list(seen)
        rows.append({**row, **_figures(asked.aggregates, looked_at[-window:] if window else looked_at)})
        seen.append(row)
    return table.having(rows, [one.name for one in asked.aggregates])


def chart(session: Session, command: Command, table: Table) -> Table:
    """Figures by one field, or by two: the second's values as columns."""
    given, words, position = leading_options(command.text, command.position, _SPLIT_OPTIONS)
    head, over, by = _over(words)
    asked = _read(session, head, position)
    rows_by = [over] if over else list(asked.by[:1])
    columns_by = by if over else list(asked.by[1:])
    if len(rows_by) != 1 or len(columns_by) > 1:
        raise SearchRefused("chart is evaluated here over one field, or two.", command.position)
    session.use.read.update((*rows_by, *columns_by))
    _note(session, table.rows, (*rows_by, *columns_by))
    groups = {key[0]: members for key, members in grouped(table.rows, rows_by).items()}
    if not columns_by:
        rows = [{rows_by[0]: key, **_figures(asked.aggregates, members)} for key, members in groups.items()]
        return figures(rows, (*rows_by, *(one.name for one in asked.aggregates)))
    return _split(rows_by[0], groups, _only(asked, command), columns_by[0], given)


def timechart(session: Session, command: Command, table: Table) -> Table:
    """Figures by time, over the whole range of the search."""
    given, words, position = leading_options(command.text, command.position, ("span", *_SPLIT_OPTIONS))
    if "span" not in given:
        raise SearchRefused("timechart is evaluated here with a span only.", command.position)
    width = span(given["span"])
    asked = _read(session, words, position)
    if len(asked.by) > 1:
        raise SearchRefused("timechart takes one field after BY.", command.position)
    _note(session, table.rows, asked.by)
    groups: dict[str, list[Row]] = {str(start): [] for start in _bins(session, table.rows, width)}
    for row in table.rows:
        moment = number(row.get("_time"))
        if moment is not None:
            groups.setdefault(str(math.floor(moment / width) * width), []).append(row)
    if asked.by:
        made = _split("_time", groups, _only(asked, command), asked.by[0], given)
    else:
        rows: list[Row] = [{"_time": start, **_figures(asked.aggregates, members)} for start, members in groups.items()]
        made = figures(rows, ("_time", *(one.name for one in asked.aggregates)))
    return figures(
        [{**row, "_time": number(row["_time"]), "_span": width} for row in made.rows], (*made.fields(), "_span")
    )


def _bins(session: Session, rows: Sequence[Row], width: int) -> range:
    moments = [moment for row in rows if (moment := number(row.get("_time"))) is not None]
    if not moments:
        return range(0)
    first = min(moments) if session.earliest is None else session.earliest
    last = max(moments) if session.latest is None else max(session.latest - 1, *moments)
    return range(math.floor(first / width) * width, math.floor(last / width) * width + 1, width)


def _over(words: str) -> tuple[str, str, list[str]]:
    """Split ``count OVER a BY b``; without OVER the words stay whole."""
    lowered = words.lower()
    place = lowered.rfind(" over ")
    if place < 0:
        return words, "", []
    parts = words[place + 6 :].split()
    by = parts[2:3] if len(parts) > 1 and parts[1].lower() == "by" else []
    if len(parts) != 1 + 2 * len(by):
        raise SearchRefused(f"Can't read {words[place:]!r}.")
    return words[:place], parts[0].strip('"'), [name.strip('"') for name in by]


def _only(asked: Aggregation, command: Command) -> Aggregate:
    if len(asked.aggregates) != 1:
        raise SearchRefused("One function only is evaluated here when values become columns.", command.position)
    return asked.aggregates[0]


def _split(
    row_name: str, groups: Mapping[str, list[Row]], figure: Aggregate, by: str, given: Mapping[str, str]
) -> Table:
    whole_table = [row for members in groups.values() for row in members]
    kinds = sorted({value for row in whole_table for value in texts(row.get(by))}, key=order)
    limit = whole(given.get("limit", str(_DEFAULT_LIMIT)))
    kept, other = _kept(kinds, figure, by, whole_table, limit)
    columns = list(kept)
    if other and truth(given.get("useother", "t")):
        columns.append(given.get("otherstr", "OTHER"))
    with_null = truth(given.get("usenull", "t")) and any(row.get(by) is None for row in whole_table)
    if with_null:
        columns.append(given.get("nullstr", "NULL"))
    rows: list[Row] = []
    for key, members in groups.items():
        row: Row = {row_name: key}
        for column in columns:
            chosen = [one for one in members if _belongs(one, by, column, kept, given)]
            value = figure.over(chosen)
            row[column] = 0 if value is None and figure.starts_at_zero else value
        rows.append(row)
    return figures(rows, (row_name, *columns))


def _belongs(row: Row, by: str, column: str, kept: Sequence[str], given: Mapping[str, str]) -> bool:
    values = texts(row.get(by))
    if column in kept:
        return column in values
    if column == given.get("nullstr", "NULL") and not values:
        return True
    return column == given.get("otherstr", "OTHER") and any(value not in kept for value in values)


def _kept(
    kinds: Sequence[str], figure: Aggregate, by: str, rows: Sequence[Row], limit: int
) -> tuple[list[str], list[str]]:
    if not limit or len(kinds) <= limit:
        return list(kinds), []
    sizes = {kind: number(figure.over([row for row in rows if kind in texts(row.get(by))])) or 0 for kind in kinds}
    best = sorted(kinds, key=lambda kind: -sizes[kind])[:limit]
    return [kind for kind in kinds if kind in best], [kind for kind in kinds if kind not in best]


def _ranking(session: Session, command: Command, table: Table, *, most: bool) -> Table:
    tokens = term_tokens(command.text, command.position)
    given = options(tokens, ("limit", "showperc", "showcount", "countfield", "percentfield"))
    limit = whole(tokens.take().text) if tokens.head.text.isdigit() else whole(given.get("limit", "10"))
    listed = names(tokens)
    if not listed:
        raise tokens.unexpected("a field")
    session.use.read.update(listed)
    _note(session, table.rows, listed)
    groups = grouped(table.rows, listed)
    total = sum(len(members) for members in groups.values())
    ranked = sorted(groups.items(), key=lambda group: len(group[1]) * (-1 if most else 1))
    count, percent = given.get("countfield", "count"), given.get("percentfield", "percent")
    rows: list[Row] = []
    for key, members in ranked[: limit or None]:
        row: Row = dict(zip(listed, key, strict=True))
        shares: dict[str, Value] = {count: len(members), percent: round(100 * len(members) / total, 6)}
        rows.append({**row, **shares})
    columns = [*listed]
    columns += [count] if truth(given.get("showcount", "t")) else []
    columns += [percent] if truth(given.get("showperc", "t")) else []
    return figures([{name: row[name] for name in columns} for row in rows], columns)


def top(session: Session, command: Command, table: Table) -> Table:
    """The most frequent values."""
    return _ranking(session, command, table, most=True)


def rare(session: Session, command: Command, table: Table) -> Table:
    """The least frequent values."""
    return _ranking(session, command, table, most=False)


COMMANDS: Mapping[str, Work] = {
    "chart": chart,
    "eventstats": eventstats,
    "rare": rare,
    "stats": stats,
    "streamstats": streamstats,
    "timechart": timechart,
    "top": top,
}
