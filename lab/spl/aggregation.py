"""Functions of ``stats`` and its relatives."""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from lab.spl.expression import Reader
from lab.spl.refusal import SearchRefused
from lab.spl.tokens import Kind, Token, Tokens, closing, expression_tokens, term_tokens
from lab.spl.use import FieldUse
from lab.spl.value import Row, Value, joined, number, order, shown, texts

_PERCENTILE = re.compile(r"(?:perc|p|exactperc)(\d{1,2})")
_LONGEST_LIST = 100
Get = Callable[[Row], Value]


@dataclass(frozen=True)
class Aggregate:
    """One figure over many rows.

    Args:
        name: the field that holds it.
        function: the function's name.
        get: gives what it is worked out from; None for a count of rows.
    """

    name: str
    function: str
    get: Get | None

    def over(self, rows: Sequence[Row]) -> Value:
        """Work it out."""
        if self.get is None:
            return len(rows)
        if self.function in _TIMED:
            return _TIMED[self.function](rows, self.get)
        values = [one for row in rows for one in _values(self.get(row))]
        percentile = _PERCENTILE.fullmatch(self.function)
        if percentile:
            return _percentile(_numbers(values), int(percentile[1]))
        return _FUNCTIONS[self.function](values)

    @property
    def starts_at_zero(self) -> bool:
        """Whether it is 0, not nothing, over no rows."""
        return self.function in _COUNTS


@dataclass(frozen=True)
class Aggregation:
    """What follows ``stats``: figures, and the fields by which rows are grouped."""

    aggregates: tuple[Aggregate, ...]
    by: tuple[str, ...]


def aggregation(words: str, position: int, now: float, use: FieldUse) -> Aggregation:
    """Read ``count AS n, dc(x) BY a b``.

    Raises:
        SearchRefused: it can't be read, or a function is not evaluated here.
    """
    reader = _AggregateReader(words, position, now, use)
    found = reader.aggregates("BY")
    by = reader.names() if reader.tokens.accept_word("BY") else []
    reader.tokens.finish()
    return Aggregation(tuple(found), tuple(by))


class _AggregateReader:
    def __init__(self, words: str, position: int, now: float, use: FieldUse) -> None:
        self._words, self._position, self._now, self._use = words, position, now, use
        self.tokens: Tokens = term_tokens(_without_expressions(words, position), position)

    def aggregates(self, *until: str) -> list[Aggregate]:
        found: list[Aggregate] = []
        while not self.tokens.at_end and not self.tokens.head.is_word(*until):
            if found:
                self.tokens.accept(",")
            found.append(self._aggregate())
        if not found:
            raise self.tokens.unexpected("a function")
        return found

    def names(self) -> list[str]:
        found = [self.tokens.name()]
        while not self.tokens.at_end:
            self.tokens.accept(",")
            found.append(self.tokens.name())
        self._use.read.update(found)
        return found

    def _aggregate(self) -> Aggregate:
        token = self.tokens.take()
        name = {"c": "count", "distinct_count": "dc", "mean": "avg"}.get(token.text, token.text)
        if token.kind is not Kind.WORD or not (name in _FUNCTIONS or name in _TIMED or _PERCENTILE.fullmatch(name)):
            raise SearchRefused(f"The function {token.text} is unknown or not evaluated here.", token.position)
        get, label = self._argument(token, name)
        if self.tokens.accept_word("AS"):
            label = self.tokens.name()
        return Aggregate(label, name, get)

    def _argument(self, token: Token, name: str) -> tuple[Get | None, str]:
        if not self.tokens.accept("("):
            if name != "count":
                raise SearchRefused(f"{name} needs a field in brackets.", token.position)
            return None, token.text
        argument = self.tokens.take()
        if argument.is_word("EVAL") and self.tokens.head.is_sign("("):
            return self._expression(argument, name), f"{token.text}(eval)"
        if argument.kind not in (Kind.WORD, Kind.TEXT):
            raise SearchRefused(f"{name} needs a field in brackets.", argument.position)
        self.tokens.expect(")")
        field, use = argument.text, self._use
        if "*" in field:
            raise SearchRefused("Wildcards in functions of stats are not evaluated here.", argument.position)
        use.read.add(field)
        return lambda row: use.get(row, field), f"{token.text}({field})"

    def _expression(self, argument: Token, name: str) -> Get:
        start = self.tokens.head.position - self._position
        end = closing(self._words, start, self._position)
        inner = expression_tokens(self._words[start + 1 : end], self._position + start + 1)
        node = Reader(inner, self._now, self._use).whole()
        inner.finish()
        if node.boolean is not (name == "count"):
            raise SearchRefused(f"The expression in {name}(eval(…)) has the wrong kind of value.", argument.position)
        self.tokens.expect("(")
        self.tokens.expect(")")
        self.tokens.expect(")")
        if not self.tokens.head.is_word("AS"):
            raise SearchRefused(f"{name}(eval(…)) needs a name: AS …", argument.position)
        if not node.boolean:
            return node.run
        return lambda row: "1" if node.run(row) is True else None


def _without_expressions(words: str, position: int) -> str:
    """Blank out what stands in ``eval(…)``: it is read by other rules. Positions stay."""
    index = 0
    pattern = re.compile(r"\beval\s*(?=\()", re.IGNORECASE)
    while match := pattern.search(words, index):
        end = closing(words, match.end(), position)
        words = words[: match.end() + 1] + " " * (end - match.end() - 1) + words[end:]
        index = end
    return words


def grouped(rows: Sequence[Row], by: Sequence[str]) -> dict[tuple[str, ...], list[Row]]:
    """Group rows by fields, in the order of their values; a row without one of them is in no group.

    A row whose field has several values is in the group of each.
    """
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        keys: list[tuple[str, ...]] = [()]
        for name in by:
            keys = [(*key, value) for key in keys for value in texts(row.get(name))]
        for key in keys:
            groups.setdefault(key, []).append(row)
    return dict(sorted(groups.items(), key=lambda group: [order(part) for part in group[0]]))


def _values(value: Value) -> list[str | float]:
    if isinstance(value, list):
        return list(value)
    if value is None or isinstance(value, bool):
        return []
    return [value]


def _numbers(values: Sequence[str | float]) -> list[float]:
    return [size for size in map(number, values) if size is not None]


def _percentile(sizes: Sequence[float], share: int) -> Value:
    # The nearest rank, as limits.conf has it (perc_method); splunkd approximates beyond 1,000 different values.
    if not sizes:
        return None
    return sorted(sizes)[max(0, math.ceil(share / 100 * len(sizes)) - 1)]


def _numeric(work: Callable[[Sequence[float]], Value]) -> Callable[[Sequence[str | float]], Value]:
    def over(values: Sequence[str | float]) -> Value:
        sizes = _numbers(values)
        return work(sizes) if sizes else None

    return over


def _extreme(pick: Callable[..., str | float]) -> Callable[[Sequence[str | float]], Value]:
    return lambda values: pick(values, key=order) if values else None


def _median(sizes: Sequence[float]) -> Value:
    # Of an even number of values the higher of the two in the middle (Search Reference).
    return sorted(sizes)[len(sizes) // 2]


def _shown(values: Sequence[str | float]) -> list[str]:
    return [str(shown(value)) for value in values]


_FUNCTIONS: Mapping[str, Callable[[Sequence[str | float]], Value]] = {
    "avg": _numeric(lambda sizes: sum(sizes) / len(sizes)),
    "count": len,
    "dc": lambda values: len(set(_shown(values))),
    "first": lambda values: values[0] if values else None,
    "last": lambda values: values[-1] if values else None,
    "list": lambda values: joined(_shown(values)[:_LONGEST_LIST]),
    "max": _extreme(max),
    "median": _numeric(_median),
    "min": _extreme(min),
    "range": _numeric(lambda sizes: max(sizes) - min(sizes)),
    "stdev": _numeric(lambda sizes: statistics.stdev(sizes) if len(sizes) > 1 else 0),
    "sum": _numeric(sum),
    "values": lambda values: joined(sorted(set(_shown(values)))),
}
_COUNTS = frozenset({"count", "dc"})


def _by_time(pick: Callable[..., tuple[float, Value]]) -> Callable[[Sequence[Row], Get], Value]:
    def over(rows: Sequence[Row], get: Get) -> Value:
        timed = [(size, get(row)) for row in rows if (size := number(row.get("_time"))) is not None]
        known = [(size, value) for size, value in timed if value is not None]
        return pick(known, key=lambda pair: pair[0])[1] if known else None

    return over


def _time_of(pick: Callable[..., tuple[float, Value]]) -> Callable[[Sequence[Row], Get], Value]:
    latest = _by_time(pick)
    return lambda rows, get: latest(rows, lambda row: row.get("_time") if get(row) is not None else None)


_TIMED: Mapping[str, Callable[[Sequence[Row], Get], Value]] = {
    "earliest": _by_time(min),
    "earliest_time": _time_of(min),
    "latest": _by_time(max),
    "latest_time": _time_of(max),
}
