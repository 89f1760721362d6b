"""Text with ``{{field}}`` placeholders, filled per row.

``$…$`` belongs to Splunk, which has replaced it from the *first* row before the action starts; ``{{…}}`` is ours and
sees every row. A placeholder is a field name and filters, applied from left to right::

    {{rule_title|or:search_name|default:Splunk finding}}
    {{recipient|join:; }}
    {{urgency|map:critical=high,informational=low,*=medium|default:medium}}

In ``map`` the key ``*`` stands for every other value; without it other values stay as they are.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Callable, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from soarlink.rows.row import Row

_PLACEHOLDER = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_Values = tuple[str, ...]
_Lookup = Callable[[str], _Values]
_Filter = Callable[[_Values, _Lookup], _Values]


class TemplateError(ValueError):
    """The template can't be understood; the text says which part and what is allowed."""


class _Placeholder(NamedTuple):
    field: str
    filters: tuple[_Filter, ...]
    others: tuple[str, ...]
    leaves_one: bool
    """No filter changes a field that has one value."""
    has_default: bool


class Template:
    """A compiled template.

    Args:
        text: the template as a user wrote it.

    Raises:
        TemplateError: an empty placeholder, one that is not closed, or an unknown filter.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        pieces: list[str | _Placeholder] = []
        end = 0
        for match in _PLACEHOLDER.finditer(text):
            pieces.append(text[end : match.start()])
            pieces.append(_placeholder(match.group(1)))
            end = match.end()
        pieces.append(text[end:])
        if any(isinstance(piece, str) and "{{" in piece for piece in pieces):
            raise TemplateError("a {{ is not closed; write for example {{dest}}.")
        self._pieces: tuple[str | _Placeholder, ...] = tuple(piece for piece in pieces if piece != "")
        self._fixed = text.strip() if all(isinstance(piece, str) for piece in self._pieces) else None

    @property
    def is_fixed(self) -> bool:
        """True when the text has no placeholder: the same for every row."""
        return self._fixed is not None

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that the placeholders name first."""
        return tuple(piece.field for piece in self._pieces if isinstance(piece, _Placeholder))

    @property
    def needs(self) -> tuple[str, ...]:
        """Every field that can make a difference, those of ``or`` included."""
        found = [
            name for piece in self._pieces if isinstance(piece, _Placeholder) for name in (piece.field, *piece.others)
        ]
        return tuple(dict.fromkeys(found))

    @property
    def may_be_empty(self) -> bool:
        """Whether somebody has said what stands for nothing: a fixed text, or a ``default``, if only an empty one."""
        return self.is_fixed or any(isinstance(piece, _Placeholder) and piece.has_default for piece in self._pieces)

    def render(self, row: Row, facts: Mapping[str, str]) -> str:
        """The text for one row. A field that the row lacks is looked up in ``facts`` (the run), else it is empty."""
        if self._fixed is not None:
            return self._fixed
        return "".join(
            [piece if isinstance(piece, str) else _render(piece, row, facts) for piece in self._pieces]
        ).strip()


def _render(placeholder: _Placeholder, row: Row, facts: Mapping[str, str]) -> str:
    value = row.fields.get(placeholder.field)
    if value and placeholder.leaves_one and isinstance(value, str):
        return value

    def lookup(name: str) -> _Values:
        values = row.values(name)
        if not values and name in facts:
            return (facts[name],)
        return values

    values = lookup(placeholder.field)
    for apply in placeholder.filters:
        values = apply(values, lookup)
    return ", ".join(value for value in values if value)


def _placeholder(inner: str) -> _Placeholder:
    field, *texts = inner.split("|")
    if not field.strip():
        raise TemplateError(f"{{{{{inner}}}}} names no field; write for example {{{{dest}}}}.")
    filters = tuple(_filter(text) for text in texts)
    named = [(name.strip(), argument.strip()) for name, _, argument in (text.partition(":") for text in texts)]
    return _Placeholder(
        field=field.strip(),
        filters=filters,
        others=tuple(argument for name, argument in named if name == "or"),
        leaves_one=all(name in _LEAVE_ONE for name, _ in named),
        has_default=any(name == "default" for name, _ in named),
    )


def _filter(text: str) -> _Filter:
    name, colon, argument = text.partition(":")
    make = _FILTERS.get(name.strip())
    if make is None:
        raise TemplateError(f"{{{{…|{text.strip()}}}}} is no known filter; known are {', '.join(sorted(_FILTERS))}.")
    return make(argument if colon else None)


def _first(_: str | None) -> _Filter:
    return lambda values, _lookup: values[:1]


def _join(separator: str | None) -> _Filter:
    text = ", " if separator is None else separator
    return lambda values, _lookup: (text.join(values),) if values else ()


def _default(argument: str | None) -> _Filter:
    text = (argument or "").strip()
    return lambda values, _lookup: values if any(values) else (text,)


def _or(argument: str | None) -> _Filter:
    field = (argument or "").strip()
    if not field:
        raise TemplateError("{{…|or:}} names no field; write for example {{severity|or:urgency}}.")
    return lambda values, lookup: values if any(values) else lookup(field)


def _lower(_: str | None) -> _Filter:
    return lambda values, _lookup: tuple(value.lower() for value in values)


def _upper(_: str | None) -> _Filter:
    return lambda values, _lookup: tuple(value.upper() for value in values)


def _map(argument: str | None) -> _Filter:
    table: dict[str, str] = {}
    for pair in (argument or "").split(","):
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise TemplateError(f"{{{{…|map:{argument or ''}}}}}: write pairs such as map:critical=high,info=low.")
        table[key.strip().lower()] = value.strip()
    rest = table.pop("*", None)
    return lambda values, _lookup: tuple(
        table.get(value.strip().lower(), value if rest is None else rest) for value in values
    )


_FILTERS: Mapping[str, Callable[[str | None], _Filter]] = {
    "default": _default,
    "first": _first,
    "join": _join,
    "lower": _lower,
    "map": _map,
    "or": _or,
    "upper": _upper,
}
_LEAVE_ONE = frozenset({"default", "first", "join", "or"})
