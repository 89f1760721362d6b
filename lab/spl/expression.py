"""Expressions of ``eval`` and ``where``: bare words are fields, ``"…"`` is text, ``'…'`` a field of any name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lab.spl.functions import FUNCTIONS, Function, like
from lab.spl.refusal import SearchRefused
from lab.spl.tokens import Kind, Token, Tokens, expression_tokens
from lab.spl.use import FieldUse
from lab.spl.value import Row, Value, number, text, texts

_COMPARISONS = frozenset({"=", "==", "!=", "<", ">", "<=", ">="})
_STRENGTH = {
    "OR": 1,
    "XOR": 1,
    "AND": 2,
    **dict.fromkeys((*_COMPARISONS, "LIKE", "IN"), 4),
    ".": 5,
    "+": 6,
    "-": 6,
    "*": 7,
    "/": 7,
    "%": 7,
}
_NOT, _SIGN = 3, 8
_JOINING = frozenset({"AND", "OR", "XOR"})


@dataclass(frozen=True)
class Node:
    """A piece of an expression.

    Args:
        run: works it out for a row.
        boolean: whether it gives a truth value.
    """

    run: Callable[[Row], Value]
    boolean: bool = False


def condition(words: str, position: int, now: float, use: FieldUse) -> Callable[[Row], bool]:
    """Read an expression that rows must meet.

    Raises:
        SearchRefused: it can't be read, or gives no truth value.
    """
    tokens = expression_tokens(words, position)
    node = Reader(tokens, now, use).whole()
    tokens.finish()
    if not node.boolean:
        raise SearchRefused("The expression must give true or false.", position)
    return lambda row: node.run(row) is True


class Reader:
    """Reads expressions from tokens.

    Args:
        tokens: where from.
        now: the time of the search, epoch seconds.
        use: notes the fields that are read.
    """

    def __init__(self, tokens: Tokens, now: float, use: FieldUse) -> None:
        self._tokens = tokens
        self._now = now
        self._use = use

    def whole(self, strength: int = 0) -> Node:
        """Read an expression as far as operators bind stronger than ``strength``.

        Raises:
            SearchRefused: it can't be read.
        """
        left = self._operand()
        while True:
            token = self._tokens.head
            operator = token.text.upper() if token.kind in (Kind.WORD, Kind.SIGN) else ""
            if _STRENGTH.get(operator, 0) <= strength:
                return left
            self._tokens.take()
            if operator == "IN":
                left = self._listed(left)
                continue
            left = _operation(operator, left, self.whole(_STRENGTH[operator]), token)

    def _operand(self) -> Node:
        token = self._tokens.take()
        if token.kind is Kind.NUMBER:
            found = number(token.text)
            return Node(lambda _row: found)
        if token.kind is Kind.TEXT:
            said = token.text
            return Node(lambda _row: said)
        if token.is_word("NOT"):
            return _negated(_truth(self.whole(_NOT), token))
        if token.is_sign("("):
            node = self.whole()
            self._tokens.expect(")")
            return node
        if token.is_sign("-"):
            return _opposite(self.whole(_SIGN))
        if token.kind is Kind.WORD and self._tokens.head.is_sign("("):
            return self._call(token)
        if token.kind is Kind.FIELD or (token.kind is Kind.WORD and not token.text[0].isdigit()):
            return self._field(token.text)
        raise SearchRefused(f"Unexpected {token.text!r} in an expression.", token.position)

    def _field(self, name: str) -> Node:
        self._use.read.add(name)
        use = self._use
        return Node(lambda row: use.get(row, name))

    def _call(self, token: Token) -> Node:
        arguments = self._arguments()
        if token.text == "if":
            return _choice(_pairs(arguments, token, exactly=3), token)
        if token.text == "case":
            return _choice(_pairs(arguments, token), token)
        if token.text == "in":
            return _in(arguments[0], arguments[1:])
        function = FUNCTIONS.get(token.text)
        if function is None:
            raise SearchRefused(f"The function {token.text}() is unknown or not evaluated here.", token.position)
        if not function.fewest <= len(arguments) <= function.most:
            count = f"{function.fewest} to {function.most}" if function.most > function.fewest else function.most
            raise SearchRefused(f"{token.text}() takes {count} arguments, got {len(arguments)}.", token.position)
        return _applied(function, arguments, self._now)

    def _arguments(self) -> list[Node]:
        self._tokens.expect("(")
        arguments: list[Node] = []
        while not self._tokens.accept(")"):
            if arguments:
                self._tokens.expect(",")
            arguments.append(self.whole())
        return arguments

    def _listed(self, left: Node) -> Node:
        return _in(left, self._arguments())


def compare(operator: str, left: Value, right: Value) -> bool | None:
    """Compare two values: as numbers where both are, as text otherwise; nothing compares to nothing."""
    if left is None or right is None:
        return None
    if isinstance(left, list):
        return any(compare(operator, one, right) for one in left)
    if isinstance(right, list):
        return any(compare(operator, left, one) for one in right)
    sizes = number(left), number(right)
    if sizes[0] is not None and sizes[1] is not None:
        return _ordered(operator, sizes[0], sizes[1])
    return _ordered(operator, text(left), text(right))


def _ordered(operator: str, left: str | float, right: str | float) -> bool:
    smaller, equal = left < right, left == right  # type: ignore[operator]
    return {
        "=": equal,
        "==": equal,
        "!=": not equal,
        "<": smaller,
        "<=": smaller or equal,
        ">": not smaller and not equal,
        ">=": not smaller,
    }[operator]


def _truth(node: Node, token: Token) -> Node:
    if not node.boolean:
        raise SearchRefused(f"{token.text} needs an expression that gives true or false.", token.position)
    return node


def _negated(node: Node) -> Node:
    def run(row: Row) -> Value:
        value = node.run(row)
        return None if value is None else not value

    return Node(run, boolean=True)


def _opposite(node: Node) -> Node:
    def run(row: Row) -> Value:
        value = number(node.run(row))
        return None if value is None else -value

    return Node(run)


def _applied(function: Function, arguments: Sequence[Node], now: float) -> Node:
    return Node(lambda row: function.call([one.run(row) for one in arguments], now), function.boolean)


def _pairs(arguments: list[Node], token: Token, exactly: int = 0) -> list[tuple[Node, Node]]:
    if exactly and len(arguments) != exactly:
        raise SearchRefused(f"{token.text}() takes {exactly} arguments, got {len(arguments)}.", token.position)
    if exactly:
        always = Node(lambda _row: True, boolean=True)
        arguments = [*arguments[:2], always, arguments[2]]
    if len(arguments) % 2 or not arguments:
        raise SearchRefused(f"{token.text}() takes pairs of condition and value.", token.position)
    return [(_truth(test, token), value) for test, value in zip(arguments[::2], arguments[1::2], strict=True)]


def _choice(pairs: Sequence[tuple[Node, Node]], token: Token) -> Node:
    if any(value.boolean for _, value in pairs):
        raise SearchRefused(f"{token.text}() with true or false as value is not evaluated here.", token.position)

    def run(row: Row) -> Value:
        return next((value.run(row) for test, value in pairs if test.run(row) is True), None)

    return Node(run)


def _in(left: Node, choices: Sequence[Node]) -> Node:
    def run(row: Row) -> Value:
        value = left.run(row)
        return None if value is None else any(compare("=", value, one.run(row)) for one in choices)

    return Node(run, boolean=True)


def _operation(operator: str, left: Node, right: Node, token: Token) -> Node:
    if operator in _JOINING:
        return _joined(operator, _truth(left, token), _truth(right, token))
    if operator in _COMPARISONS:
        if left.boolean or right.boolean:
            raise SearchRefused(f"{operator!r} can't compare true and false.", token.position)
        return Node(lambda row: compare(operator, left.run(row), right.run(row)), boolean=True)
    if operator == "LIKE":
        return Node(lambda row: like([left.run(row), right.run(row)], 0.0), boolean=True)
    if operator == ".":
        return Node(lambda row: _concatenated(left.run(row), right.run(row)))
    return Node(lambda row: _calculated(operator, left.run(row), right.run(row)))


def _joined(operator: str, left: Node, right: Node) -> Node:
    if operator == "AND":
        return Node(lambda row: left.run(row) is True and right.run(row) is True, boolean=True)
    if operator == "OR":
        return Node(lambda row: left.run(row) is True or right.run(row) is True, boolean=True)
    return Node(lambda row: (left.run(row) is True) is not (right.run(row) is True), boolean=True)


def _concatenated(left: Value, right: Value) -> Value:
    if left is None or right is None or isinstance(left, list) or isinstance(right, list):
        return None
    return "".join(texts(left) + texts(right))


def _calculated(operator: str, left: Value, right: Value) -> Value:
    sizes = number(left), number(right)
    if sizes[0] is None or sizes[1] is None:
        both = isinstance(left, str) and isinstance(right, str)
        return _concatenated(left, right) if operator == "+" and both else None
    one, other = sizes[0], sizes[1]
    if operator in "/%" and other == 0:
        return None
    if operator == "+":
        return one + other
    if operator == "-":
        return one - other
    if operator == "*":
        return one * other
    return one / other if operator == "/" else one % other
