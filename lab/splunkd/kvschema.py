"""A collection's declaration in collections.conf: field types and how values are brought to them."""

from __future__ import annotations

import ipaddress
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lab.splunkd.kvindex import accelerated
from lab.splunkd.refusal import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_TRUE = frozenset({"true", "t", "1", "yes"})
_FALSE = frozenset({"false", "f", "0", "no"})


@dataclass(frozen=True)
class Schema:
    """Field types of a collection.

    Args:
        types: {field: `number`, `bool`, `string`, `time`, `cidr` or `array`}.
        enforced: `enforceTypes`: a value that can't be brought to its type refuses the document.
        indexes: the fields of each `accelerated_fields` that can be looked up without a look at all documents.
    """

    types: Mapping[str, str]
    enforced: bool
    indexes: tuple[tuple[str, ...], ...] = ()

    @classmethod
    def of(cls, values: Mapping[str, str]) -> Schema:
        """Read the schema from a collections.conf stanza."""
        types = {key.removeprefix("field."): kind for key, kind in values.items() if key.startswith("field.")}
        enforced = values.get("enforceTypes", "false").lower() in _TRUE
        declared = {key: _document(text) for key, text in values.items() if key.startswith("accelerated_fields.")}
        return cls(types, enforced, accelerated(declared, types if enforced else {}))

    def coerce(self, document: dict[str, Any]) -> dict[str, Any]:
        """Return the document with its values in their declared types.

        Raises:
            Refused: 400 when types are enforced and a value does not fit.
        """
        result = dict(document)
        for field, kind in self.types.items():
            if field not in document or document[field] is None:
                continue
            try:
                result[field] = _CONVERSIONS[kind](document[field])
            except (KeyError, TypeError, ValueError) as error:
                if self.enforced:
                    text = f"Value of field '{field}' does not match its declared type '{kind}'."
                    raise Refused(400, text) from error
        return result


def _document(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _number(value: Any) -> int | float:
    if isinstance(value, (bool, list, dict)):
        raise TypeError(value)
    if isinstance(value, (int, float)):
        return value
    number = float(value)
    return int(number) if number.is_integer() and "." not in value and "e" not in value.lower() else number


def _boolean(value: Any) -> bool:
    text = str(value).lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise ValueError(value)


def _string(value: Any) -> str:
    if isinstance(value, (list, dict)):
        raise TypeError(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _cidr(value: Any) -> str:
    ipaddress.ip_network(value, strict=False)
    return str(value)


def _array(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(value)
    return value


_CONVERSIONS: dict[str, Callable[[Any], Any]] = {
    "number": _number,
    "time": _number,
    "bool": _boolean,
    "string": _string,
    "cidr": _cidr,
    "array": _array,
}
