"""Arguments that many commands have: options, lists of fields, booleans."""

from __future__ import annotations

import re
from collections.abc import Collection

from lab.spl.refusal import SearchRefused
from lab.spl.tokens import Kind, Tokens

_TRUE, _FALSE = frozenset({"t", "true", "1"}), frozenset({"f", "false", "0"})


def options(tokens: Tokens, allowed: Collection[str]) -> dict[str, str]:
    """Take ``name=value`` options, as many as come.

    Raises:
        SearchRefused: one is not known, or not evaluated here.
    """
    found: dict[str, str] = {}
    while tokens.head.kind is Kind.WORD and tokens.ahead(1).is_sign("="):
        token = tokens.take()
        if token.text.lower() not in allowed:
            raise SearchRefused(f"The option {token.text} is unknown or not evaluated here.", token.position)
        tokens.take()
        found[token.text.lower()] = tokens.name()
    return found


def leading_options(words: str, position: int, allowed: Collection[str]) -> tuple[dict[str, str], str, int]:
    """Split off the options before an aggregation; gives them, the rest and where the rest begins.

    Raises:
        SearchRefused: one is not known, or not evaluated here.
    """
    found: dict[str, str] = {}
    index = 0
    while match := re.compile(r'\s*(\w+)\s*=\s*("[^"]*"|[^\s,()]+)').match(words, index):
        if match[1].lower() not in allowed:
            raise SearchRefused(f"The option {match[1]} is unknown or not evaluated here.", position + match.start(1))
        found[match[1].lower()] = match[2].strip('"')
        index = match.end()
    return found, words[index:], position + index


def names(tokens: Tokens) -> list[str]:
    """Take names of fields to the end, commas between them or not."""
    found: list[str] = []
    while not tokens.at_end:
        found.append(tokens.name())
        tokens.accept(",")
    return found


def truth(value: str) -> bool:
    """Read a boolean option.

    Raises:
        SearchRefused: it is none.
    """
    if value.lower() not in _TRUE | _FALSE:
        raise SearchRefused(f"{value!r} is no boolean.")
    return value.lower() in _TRUE


def whole(value: str) -> int:
    """Read a whole number.

    Raises:
        SearchRefused: it is none.
    """
    if not value.isdigit():
        raise SearchRefused(f"{value!r} is no whole number.")
    return int(value)


def selected(patterns: Collection[str], present: Collection[str]) -> list[str]:
    """Give the names that patterns mean; a name without wildcard means itself, whether it is present or not."""
    found: dict[str, None] = {}
    for pattern in patterns:
        if "*" not in pattern:
            found[pattern] = None
            continue
        wanted = re.compile(".*".join(re.escape(part) for part in pattern.split("*")))
        found.update(dict.fromkeys(name for name in present if wanted.fullmatch(name)))
    return list(found)
