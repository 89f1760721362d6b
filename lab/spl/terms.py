"""Terms of ``search`` and of ``where`` behind ``inputlookup`` and ``tstats``.

Other rules than in expressions: values match without regard to capitals, ``*`` is a wildcard, and terms side by side
must all match.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias

from lab.spl.expression import compare
from lab.spl.refusal import SearchRefused
from lab.spl.tokens import Kind, Token, Tokens
from lab.spl.use import FieldUse
from lab.spl.value import Row, number, shown, texts

Test: TypeAlias = "Callable[[Row], bool]"
_TIMES = frozenset({"earliest", "latest"})
_OPERATORS = ("=", "!=", "<", ">", "<=", ">=")


class Terms:
    """A search expression.

    Args:
        tokens: its pieces; all are taken, or as far as ``until``.
        use: notes the fields that are read.
        subsearch: runs a subsearch and gives its rows.
        until: words, in capitals, before which the expression ends.

    Raises:
        SearchRefused: it can't be read.
    """

    def __init__(
        self,
        tokens: Tokens,
        use: FieldUse,
        subsearch: Callable[[Token], list[Row]],
        until: tuple[str, ...] = (),
    ) -> None:
        self._tokens = tokens
        self._use = use
        self._subsearch = subsearch
        self._until = until
        self.times: dict[str, str] = {}
        """Values of ``earliest`` and ``latest`` within the terms."""
        self.indexes: list[str] = []
        """Patterns of the indexes that are named."""
        self.test: Test = self._all()

    def _at_end(self) -> bool:
        head = self._tokens.head
        return head.kind is Kind.END or head.is_sign(")") or (bool(self._until) and head.is_word(*self._until))

    def _all(self) -> Test:
        start = self._tokens.head.position
        tests: list[Test] = []
        choices = 0
        while not self._at_end():
            if tests and self._tokens.accept_word("AND"):
                continue
            alternatives = self._any()
            choices += len(alternatives) > 1
            tests.append(_either(alternatives))
        if choices and len(tests) > 1:
            # search binds OR stronger than AND, where the other way round: no reader should have to know.
            raise SearchRefused("OR beside other terms needs brackets.", start)
        return lambda row: all(test(row) for test in tests)

    def _any(self) -> list[Test]:
        tests = [self._one()]
        while self._tokens.accept_word("OR"):
            tests.append(self._one())
        return tests

    def _one(self) -> Test:
        if self._tokens.head.kind is Kind.WORD and self._tokens.head.text == "NOT":
            self._tokens.take()
            test = self._one()
            return lambda row: not test(row)
        if self._tokens.accept("("):
            test = self._all()
            self._tokens.expect(")")
            return test
        token = self._tokens.take()
        if token.kind is Kind.SUBSEARCH:
            return self._found_by(token)
        if token.kind is Kind.SIGN:
            raise SearchRefused(f"Unexpected {token.text!r} in a search.", token.position)
        operator = self._tokens.head
        if operator.is_sign("=="):
            raise SearchRefused("'==' compares in eval and where only.", operator.position)
        if operator.is_sign(*_OPERATORS):
            self._tokens.take()
            return self._comparison(token.text, operator.text)
        if token.kind is Kind.WORD and operator.is_word("IN") and self._tokens.ahead(1).is_sign("("):
            self._tokens.take()
            return self._listed(token.text)
        return self._phrase(token)

    def _comparison(self, name: str, operator: str) -> Test:
        value = self._value()
        if name in _TIMES:
            self.times[name] = value
            return lambda _row: True
        if name == "index" and operator == "=":
            self.indexes.append(value)
        self._use.read.add(name)
        use = self._use
        return lambda row: _met(operator, texts(use.get(row, name)), value)

    def _listed(self, name: str) -> Test:
        self._tokens.expect("(")
        values = [self._value()]
        while self._tokens.accept(","):
            values.append(self._value())
        self._tokens.expect(")")
        if name == "index":
            self.indexes += values
        self._use.read.add(name)
        use = self._use
        return lambda row: any(_met("=", texts(use.get(row, name)), value) for value in values)

    def _value(self) -> str:
        token = self._tokens.head
        if token.kind not in (Kind.TEXT, Kind.WORD):
            raise self._tokens.unexpected("a value")
        return self._tokens.take().text

    def _phrase(self, token: Token) -> Test:
        if token.text == "*":
            return lambda _row: True
        if token.kind is Kind.WORD and "*" in token.text:
            raise SearchRefused("Words with a wildcard are not evaluated here: name the field.", token.position)
        pattern = re.compile(rf"(?<!\w){re.escape(token.text)}(?!\w)", re.IGNORECASE)
        return lambda row: pattern.search(str(row.get("_raw") or "")) is not None

    def _found_by(self, token: Token) -> Test:
        rows = [
            {name: value for name, value in row.items() if value is not None and not name.startswith("_")}
            for row in self._subsearch(token)
        ]
        use = self._use
        return lambda row: any(
            all(_met("=", texts(use.get(row, name)), str(shown(value))) for name, value in one.items()) for one in rows
        )


def _either(tests: list[Test]) -> Test:
    return tests[0] if len(tests) == 1 else lambda row: any(test(row) for test in tests)


def _met(operator: str, values: list[str], wanted: str) -> bool:
    if operator == "=":
        return any(_equal(one, wanted) for one in values)
    if operator == "!=":
        return bool(values) and not any(_equal(one, wanted) for one in values)
    return any(compare(operator, one, wanted) is True for one in values)


def _equal(value: str, wanted: str) -> bool:
    if _pattern(wanted).fullmatch(value):
        return True
    sizes = number(value), number(wanted)
    return sizes[0] is not None and sizes[0] == sizes[1]


@lru_cache(maxsize=512)
def _pattern(wanted: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in wanted.split("*")), re.IGNORECASE | re.DOTALL)


def naming_indexes(terms: Terms, position: int) -> None:
    """Make sure that a search of events says in which index.

    Raises:
        SearchRefused: it does not.
    """
    if not terms.indexes:
        raise SearchRefused("A search of events must name its index.", position)
