"""Filter operators as SQL: one path, one operator and one value become a condition."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lab.soar.refusal import Refusal
from lab.soar.schema import RESOURCES, Field, Kind, Resource
from lab.soar.storage import to_json
from lab.soar.timestamp import normal_time

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

OPERATORS = frozenset(
    "exact iexact contains icontains in gt gte lt lte startswith istartswith endswith iendswith range year month day "
    "week_day hour minute second isnull regex iregex".split()
)
_COMPARISONS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_TIME_PARTS = {
    "year": "CAST(strftime('%Y', {0}) AS INTEGER)",
    "month": "CAST(strftime('%m', {0}) AS INTEGER)",
    "day": "CAST(strftime('%d', {0}) AS INTEGER)",
    "week_day": "CAST(strftime('%w', {0}) AS INTEGER) + 1",  # Django counts from Sunday = 1
    "hour": "CAST(strftime('%H', {0}) AS INTEGER)",
    "minute": "CAST(strftime('%M', {0}) AS INTEGER)",
    "second": "CAST(strftime('%S', {0}) AS INTEGER)",
}
_TEXT_MATCHES = {
    "iexact": "fold({0}) = fold(?)",
    "contains": "instr({0}, ?) > 0",
    "icontains": "instr(fold({0}), fold(?)) > 0",
    "startswith": "substr({0}, 1, length(?)) = ?",
    "istartswith": "substr(fold({0}), 1, length(fold(?))) = fold(?)",
    "endswith": "substr({0}, max(1, length({0}) - length(?) + 1)) = ?",
    "iendswith": "substr(fold({0}), max(1, length({0}) - length(?) + 1)) = fold(?)",
    "regex": "matches(?, {0})",
    "iregex": "matches(?, {0})",
}


@dataclass(frozen=True)
class Condition:
    """A piece of SQL that is true or false of a record, with its parameters."""

    sql: str
    parameters: tuple[object, ...] = ()


@dataclass(frozen=True)
class _Subject:
    """What a condition speaks about: an SQL expression, what kind of values it has, how a value becomes an operand."""

    name: str
    sql: str
    kind: Kind | None
    parameters: tuple[object, ...] = ()
    operand: str = "?"
    adapt: Callable[[object], tuple[str, object]] | None = None


def lookup(resource: Resource, path: str, value: Any, *, status_filter: str) -> Condition:
    """The condition for `_filter_<path>=<value>`; `status_filter` says how a container's status may be given.

    Raises Refusal for unknown fields and for values that the field or the operator doesn't take.
    """
    segments = path.split("__")
    operator = segments.pop() if len(segments) > 1 and segments[-1] in OPERATORS else None
    return _resolve(resource, segments, operator, value, status_filter)


def _resolve(
    resource: Resource, segments: Sequence[str], operator: str | None, value: object, status_filter: str
) -> Condition:
    field = resource.by_name.get(segments[0])
    if field is None:
        raise unknown_field(resource, segments[0])
    column, rest = f'"{field.name}"', segments[1:]
    if not rest:
        if field.kind is Kind.BOOL:
            return _boolean(field, operator, value)
        if field.kind is Kind.LIST and operator == "contains":
            return _list_contains(column, value)
        return _compare(_subject(resource, field, status_filter), operator or "exact", value)
    if field.target:
        inner = _resolve(RESOURCES[field.target], rest, operator, value, status_filter)
        sql = f'{column} IN (SELECT id FROM "{field.target}" WHERE {inner.sql})'  # noqa: S608 - names of the schema
        return Condition(sql, inner.parameters)
    if field.kind is Kind.OBJECT:
        key = "__".join(rest)
        if '"' in key:
            raise unknown_field(resource, key)
        subject = _Subject(key, f"json_extract({column}, ?)", None, (f'$."{key}"',))
        return _compare(subject, operator or "exact", value)
    raise unknown_field(resource, "__".join(segments))


def unknown_field(resource: Resource, name: str) -> Refusal:
    """The refusal of a field that the resource doesn't have; it lists those that it has, as Django does."""
    return Refusal(
        400, f"Cannot resolve keyword '{name}' into field. Choices are: {', '.join(sorted(resource.by_name))}"
    )


def _subject(resource: Resource, field: Field, status_filter: str) -> _Subject:
    column = f'"{field.name}"'
    if resource.name == "container" and field.name == "status":
        return _Subject(field.name, column, None, adapt=lambda value: _status_operand(value, status_filter))
    if resource.name in {"container", "artifact"} and field.name == "severity":
        return _Subject(field.name, column, None, adapt=_severity_operand)
    return _Subject(field.name, column, field.kind)


def _status_operand(value: object, status_filter: str) -> tuple[str, object]:
    is_number = isinstance(value, int) or (isinstance(value, str) and value.isdecimal())
    if is_number and status_filter != "name":
        return "(SELECT name FROM container_status WHERE id = ?)", int(str(value))
    if not is_number and status_filter == "id":
        raise Refusal(400, f"Field 'id' expected a number but got {value!r}.")
    return "?", value


def _severity_operand(value: object) -> tuple[str, object]:
    if isinstance(value, int):
        return "(SELECT lower(name) FROM severity WHERE id = ?)", value
    return "lower(?)", value


def _boolean(field: Field, operator: str | None, value: object) -> Condition:
    """Only `True` and `False` (quoted too, as public playbooks send them), and no explicit `exact` (seen on 8.5)."""
    column = f'"{field.name}"'
    if operator == "isnull":
        return _is_null(_Subject(field.name, column, field.kind), value)
    wanted = {"true": True, "false": False}.get(str(value).lower())
    if operator is not None or wanted is None:
        raise Refusal(400, f"Unsupported lookup of the boolean field '{field.name}'.")
    return Condition(f"{column} = ?", (int(wanted),))


def _list_contains(column: str, value: object) -> Condition:
    """Every one of the values is an element of the list."""
    wanted = list(value) if isinstance(value, (list, tuple)) else [value]
    one = f"EXISTS (SELECT 1 FROM json_each({column}) WHERE json_each.value = ?)"  # noqa: S608 - a column of the schema
    return Condition(" AND ".join([one] * len(wanted)) or "1", tuple(wanted))


def _compare(subject: _Subject, operator: str, value: object) -> Condition:
    if operator == "isnull":
        return _is_null(subject, value)
    if operator in {"in", "range"}:
        return _several(subject, operator, value)
    if operator in _TIME_PARTS:
        number = _adapt(_Subject(subject.name, subject.sql, Kind.INT), value)[1]
        return Condition(f"{_TIME_PARTS[operator].format(subject.sql)} = ?", (*subject.parameters, number))
    if operator in _TEXT_MATCHES:
        return _text_match(subject, operator, value)
    if value is None:
        if operator != "exact":
            raise Refusal(400, f"Cannot use None as a query value of '{operator}'.")
        return Condition(f"{subject.sql} IS NULL", subject.parameters)
    operand, adapted = _adapt(subject, value)
    return Condition(f"{subject.sql} {_COMPARISONS.get(operator, '=')} {operand}", (*subject.parameters, adapted))


def _is_null(subject: _Subject, value: object) -> Condition:
    if not isinstance(value, bool):
        raise Refusal(400, "The isnull lookup takes True or False.")
    return Condition(f"{subject.sql} IS {'' if value else 'NOT '}NULL", subject.parameters)


def _several(subject: _Subject, operator: str, value: object) -> Condition:
    if not isinstance(value, (list, tuple)):
        raise Refusal(400, f"The {operator} lookup takes a list.")
    operands = [_adapt(subject, item) for item in value if item is not None]
    adapted = tuple(item for _, item in operands)
    if operator == "range":
        if len(operands) != 2:  # noqa: PLR2004 - from, to
            raise Refusal(400, "The range lookup takes a list of two values.")
        sql = f"{subject.sql} BETWEEN {operands[0][0]} AND {operands[1][0]}"
        return Condition(sql, (*subject.parameters, *adapted))
    sql = f"{subject.sql} IN ({', '.join(operand for operand, _ in operands)})"
    if None in value:
        return Condition(f"({sql} OR {subject.sql} IS NULL)", (*subject.parameters, *adapted, *subject.parameters))
    return Condition(sql, (*subject.parameters, *adapted))


def _text_match(subject: _Subject, operator: str, value: object) -> Condition:
    text = value if isinstance(value, str) else to_json(value)
    if operator in {"regex", "iregex"}:
        pattern = f"(?i){text}" if operator == "iregex" else text
        try:
            re.compile(pattern)
        except re.error as error:
            raise Refusal(400, f"Invalid regular expression: {error}") from error
        return Condition(_TEXT_MATCHES[operator].format(subject.sql), (pattern, *subject.parameters))
    template = _TEXT_MATCHES[operator]
    parameters: list[object] = []
    for place in re.findall(r"\{0\}|\?", template):
        parameters.extend(subject.parameters if place == "{0}" else (text,))
    return Condition(template.format(subject.sql), tuple(parameters))


def _adapt(subject: _Subject, value: object) -> tuple[str, object]:
    """The SQL operand for a value and the parameter it takes."""
    if subject.adapt:
        return subject.adapt(value)
    if subject.kind is Kind.TIME:
        try:
            return "?", normal_time(str(value))
        except ValueError as error:
            raise Refusal(400, f"'{value}' value has an invalid date format.") from error
    if subject.kind in {Kind.INT, Kind.REAL}:
        try:
            return "?", float(str(value)) if "." in str(value) else int(str(value))
        except ValueError as error:
            raise Refusal(400, f"Field '{subject.name}' expected a number but got {value!r}.") from error
    if subject.kind is Kind.TEXT:
        return "?", str(value)
    return "?", to_json(value) if isinstance(value, (list, tuple, dict)) else value
