"""A search as commands, and macros put in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from lab.spl.refusal import SearchRefused
from lab.spl.tokens import closing

_DEEPEST = 20
_MACRO = re.compile(r"`([^`]*)`")
_CALL = re.compile(r"\s*([\w. -]+?)\s*(?:\((.*)\))?\s*", re.DOTALL)
_COMMENT = "```"


@dataclass(frozen=True)
class Macro:
    """One stanza of macros.conf.

    Args:
        arguments: their names.
        definition: what is put in its place.
    """

    arguments: tuple[str, ...]
    definition: str


@dataclass(frozen=True)
class Command:
    """One command of a search.

    Args:
        name: its name, small letters; ``search`` where the search begins with terms.
        text: what follows the name.
        position: where that begins in the search.
    """

    name: str
    text: str
    position: int


def expanded(search: str, macros: Mapping[str, Macro], depth: int = 0) -> str:
    """Put macros in, and leave comments out.

    Args:
        search: the search.
        macros: by the name of their stanza, such as ``soar_index`` or ``overdue(1)``.
        depth: how many macros this one is in.

    Raises:
        SearchRefused: a macro is not defined, or one is in itself.
    """
    if depth > _DEEPEST:
        raise SearchRefused("A macro contains itself.")
    if depth == 0:
        search = _without_comments(search)

    def definition(match: re.Match[str]) -> str:
        call = _CALL.fullmatch(match[1])
        if call is None:
            raise SearchRefused(f"Can't read the macro `{match[1]}`.", match.start())
        given = [part.strip().strip('"') for part in call[2].split(",")] if call[2] is not None else []
        name = f"{call[1]}({len(given)})" if given else call[1]
        if name not in macros:
            raise SearchRefused(f"The search specifies a macro '{name}' that cannot be found.", match.start())
        macro = macros[name]
        filled = macro.definition
        for argument, value in zip(macro.arguments, given, strict=True):
            filled = filled.replace(f"${argument}$", value)
        return expanded(filled, macros, depth + 1)

    return _MACRO.sub(definition, search)


def commands(search: str, position: int = 0) -> list[Command]:
    """Split a search, macros put in, at its pipes.

    Args:
        search: the search.
        position: where it begins in the whole search.

    Raises:
        SearchRefused: quotes or brackets don't close, or a command is empty.
    """
    parts = list(_parts(search, position))
    first, start = parts[0]
    found: list[Command] = []
    if first.strip():
        found.append(_first(first, start))
    elif len(parts) == 1:
        raise SearchRefused("The search is empty.", position)
    found.extend(_named(part, start) for part, start in parts[1:])
    return found


def _first(part: str, start: int) -> Command:
    stripped = part.lstrip()
    start += len(part) - len(stripped)
    match = re.match(r"search\s+", stripped, re.IGNORECASE)
    skipped = match.end() if match else 0
    return Command("search", stripped[skipped:].rstrip(), start + skipped)


def _named(part: str, start: int) -> Command:
    match = re.match(r"\s*([A-Za-z]\w*)\b\s*", part)
    if match is None:
        raise SearchRefused("A command is missing.", start)
    return Command(match[1].lower(), part[match.end() :].rstrip(), start + match.end())


def _parts(search: str, position: int) -> list[tuple[str, int]]:
    parts: list[tuple[str, int]] = []
    start = index = 0
    while index < len(search):
        character = search[index]
        if character == '"':
            index = _quote_end(search, index, position)
        elif character == "[":
            index = closing(search, index, position)
        elif character == "]":
            raise SearchRefused("Unbalanced ']'.", position + index)
        elif character == "|":
            parts.append((search[start:index], position + start))
            start = index + 1
        index += 1
    return [*parts, (search[start:], position + start)]


def _quote_end(search: str, start: int, position: int) -> int:
    index = start + 1
    while index < len(search):
        if search[index] == "\\":
            index += 1
        elif search[index] == '"':
            return index
        index += 1
    raise SearchRefused("Unbalanced quotes.", position + start)


def _without_comments(search: str) -> str:
    pieces = search.split(_COMMENT)
    if len(pieces) % 2 == 0:
        raise SearchRefused("A comment does not end.", search.rfind(_COMMENT))
    return "".join(pieces[::2])
