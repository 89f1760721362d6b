"""A command's text in pieces. Expressions (``eval``, ``where``) and terms (everything else) are read differently."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from lab.spl.refusal import SearchRefused


class Kind(Enum):
    """What a piece is."""

    TEXT = "text"
    FIELD = "field"
    NUMBER = "number"
    WORD = "word"
    SIGN = "sign"
    SUBSEARCH = "subsearch"
    END = "end"


@dataclass(frozen=True)
class Token:
    """One piece.

    Args:
        kind: what it is.
        text: what it says, without quotes or brackets.
        position: where it begins in the search.
    """

    kind: Kind
    text: str
    position: int

    def is_word(self, *words: str) -> bool:
        """Tell whether it is one of these words, in any case."""
        return self.kind is Kind.WORD and self.text.upper() in words

    def is_sign(self, *signs: str) -> bool:
        """Tell whether it is one of these signs."""
        return self.kind is Kind.SIGN and self.text in signs


_EXPRESSION = re.compile(
    r'"(?P<text>(?:\\.|[^"\\])*)"'
    r"|'(?P<field>[^']*)'"
    r"|(?P<word>[A-Za-z_@][\w@]*|\d+[A-Za-z]\w*)"
    r"|(?P<number>\d+\.\d+|\d+|\.\d+)"
    r"|(?P<sign><=|>=|!=|==|[=<>(),+\-*/%.])",
    re.DOTALL,
)
_TERM = re.compile(
    r'"(?P<text>(?:\\.|[^"\\])*)"'
    r"|(?P<sign><=|>=|!=|==|[=<>(),])"
    r"|(?P<word>[^\s()=!<>,\"'\[\]|]+)",
    re.DOTALL,
)
_ESCAPE = re.compile(r'\\(["\\])')


class Tokens:
    """The pieces of one command, taken one after the other.

    Args:
        pieces: all of them.
        end: position behind the last one.
    """

    def __init__(self, pieces: list[Token], end: int) -> None:
        self._pieces = pieces
        self._end = Token(Kind.END, "", end)
        self._next = 0

    @property
    def head(self) -> Token:
        """The next piece; one of kind END behind the last."""
        return self.ahead(0)

    def ahead(self, count: int) -> Token:
        """Look further ahead."""
        index = self._next + count
        return self._pieces[index] if index < len(self._pieces) else self._end

    @property
    def at_end(self) -> bool:
        """Whether everything was taken."""
        return self.head.kind is Kind.END

    def take(self) -> Token:
        """Take the next piece.

        Raises:
            SearchRefused: there is none.
        """
        token = self.head
        if token.kind is Kind.END:
            raise SearchRefused("The command ends too early.", token.position)
        self._next += 1
        return token

    def accept(self, *signs: str) -> bool:
        """Take the next piece when it is one of these signs."""
        if self.head.is_sign(*signs):
            self._next += 1
            return True
        return False

    def accept_word(self, *words: str) -> bool:
        """Take the next piece when it is one of these words."""
        if self.head.is_word(*words):
            self._next += 1
            return True
        return False

    def expect(self, sign: str) -> None:
        """Take a sign.

        Raises:
            SearchRefused: something else is there.
        """
        if not self.accept(sign):
            raise self.unexpected(f"{sign!r}")

    def name(self) -> str:
        """Take the name of a field.

        Raises:
            SearchRefused: something else is there.
        """
        token = self.head
        if token.kind not in (Kind.WORD, Kind.TEXT, Kind.FIELD, Kind.NUMBER):
            raise self.unexpected("a name")
        return self.take().text

    def unexpected(self, wanted: str) -> SearchRefused:
        """Make the refusal that something else was expected here."""
        found = "the end" if self.at_end else repr(self.head.text)
        return SearchRefused(f"Expected {wanted}, found {found}.", self.head.position)

    def finish(self) -> None:
        """Make sure that nothing is left.

        Raises:
            SearchRefused: something is.
        """
        if not self.at_end:
            raise SearchRefused(f"Unexpected {self.head.text!r}.", self.head.position)


def expression_tokens(words: str, position: int) -> Tokens:
    """Read the text of an expression that begins at ``position``."""
    return _read(_EXPRESSION, words, position)


def term_tokens(words: str, position: int) -> Tokens:
    """Read the text of a command without expressions that begins at ``position``."""
    return _read(_TERM, words, position)


def _read(pattern: re.Pattern[str], words: str, position: int) -> Tokens:
    pieces: list[Token] = []
    index = 0
    while index < len(words):
        if words[index].isspace():
            index += 1
            continue
        if pattern is _TERM and words[index] == "[":
            end = closing(words, index, position)
            pieces.append(Token(Kind.SUBSEARCH, words[index + 1 : end], position + index + 1))
            index = end + 1
            continue
        match = pattern.match(words, index)
        if match is None:
            raise SearchRefused(f"Can't read {words[index : index + 20]!r}.", position + index)
        kind = Kind(match.lastgroup)
        found = match[kind.value]
        pieces.append(Token(kind, _ESCAPE.sub(r"\1", found) if kind is Kind.TEXT else found, position + index))
        index = match.end()
    return Tokens(pieces, position + len(words))


def closing(words: str, start: int, position: int) -> int:
    """Give the index of the bracket that closes the one at ``start``; brackets in texts don't count.

    Raises:
        SearchRefused: there is none.
    """
    opened, quoted, index = words[start], False, start
    closed = {"[": "]", "(": ")"}[opened]
    depth = 0
    while index < len(words):
        character = words[index]
        if quoted and character == "\\":
            index += 1
        elif character == '"':
            quoted = not quoted
        elif not quoted and character in (opened, closed):
            depth += 1 if character == opened else -1
            if depth == 0:
                return index
        index += 1
    raise SearchRefused(f"Unbalanced {opened!r}.", position + start)
