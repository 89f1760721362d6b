"""Values of the plan as JSON and back, exactly: tuples stay tuples, dataclasses stay dataclasses.

JSON alone can't tell a tuple from a list. What it can't hold is an object with one ``$…`` key; a mapping that has such
keys, or keys that are no text, is written as pairs. Only dataclasses and enums of ``soarlink`` are read back. A body
that is encoded already stays as it is: it is neither taken apart nor encoded again.
"""

from __future__ import annotations

import base64
import dataclasses
import enum
import functools
import importlib
import json
from collections.abc import Mapping
from typing import Any

from soarlink.body import EncodedBody
from soarlink.errors import OutboxError

_PACKAGE = "soarlink."
_PLAIN = (str, int, float, bool, type(None))
_TUPLE, _PAIRS, _OBJECT, _ENUM, _BYTES, _BODY = "$tuple", "$pairs", "$object", "$enum", "$bytes", "$body"


def encode(value: Any) -> Any:
    """The JSON form of a value.

    Raises:
        TypeError: it holds something that must not be stored, such as a secret, or can't be.
    """
    if isinstance(value, enum.Enum):
        return {_ENUM: [_name(type(value)), value.name]}
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, list):
        return [encode(item) for item in value]
    if isinstance(value, tuple):
        return {_TUPLE: [encode(item) for item in value]}
    if isinstance(value, EncodedBody):
        return {_BODY: value.encoded.decode("utf-8")}
    if isinstance(value, Mapping):
        return _encode_mapping(value)
    if isinstance(value, bytes):
        return {_BYTES: base64.b64encode(value).decode("ascii")}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: encode(getattr(value, field.name)) for field in dataclasses.fields(value) if field.init}
        return {_OBJECT: _name(type(value)), **fields}
    raise TypeError(f"a {type(value).__name__} has no place in a stored payload")


def loads(text: str | bytes) -> Any:
    """The value of a JSON form that was written as text.

    Raises:
        OutboxError: it names something that this version of the add-on does not have.
        ValueError: it is no JSON.
    """
    return json.loads(text, object_hook=_decode)


def _decode(value: dict[str, Any]) -> Any:
    """The value of one object; what is in it is decoded already: the JSON parser works from the inside out."""
    if _OBJECT in value:
        return _decode_object(value)
    if len(value) == 1:
        ((tag, content),) = value.items()
        if tag == _TUPLE:
            return tuple(content)
        if tag == _PAIRS:
            return dict(content)
        if tag == _BODY:
            return EncodedBody(content.encode("utf-8"), {})
        if tag == _BYTES:
            return base64.b64decode(content)
        if tag == _ENUM:
            return _decode_enum(*content)
    return value


def _encode_mapping(value: Mapping[Any, Any]) -> Any:
    if all(isinstance(key, str) and not key.startswith("$") for key in value):
        return {key: encode(item) for key, item in value.items()}
    return {_PAIRS: [[encode(key), encode(item)] for key, item in value.items()]}


def _decode_object(value: Mapping[str, Any]) -> Any:
    kind = _class(str(value[_OBJECT]))
    if not dataclasses.is_dataclass(kind):
        raise _unknown(value[_OBJECT])
    fields = {name: item for name, item in value.items() if name != _OBJECT}
    try:
        return kind(**fields)
    except TypeError:
        raise _unknown(f"{value[_OBJECT]} with the fields {', '.join(sorted(fields))}") from None


def _decode_enum(name: str, member: str) -> Any:
    kind = _class(name)
    if not issubclass(kind, enum.Enum) or member not in kind.__members__:
        raise _unknown(f"{name}.{member}")
    return kind[member]


def _name(kind: type) -> str:
    if not kind.__module__.startswith(_PACKAGE):
        raise TypeError(f"a {kind.__name__} has no place in a stored payload")
    return f"{kind.__module__}:{kind.__qualname__}"


@functools.cache
def _class(name: str) -> type:
    module, _, kind = name.partition(":")
    if not module.startswith(_PACKAGE):
        raise _unknown(name)
    try:
        found = getattr(importlib.import_module(module), kind)
    except (ImportError, AttributeError):
        raise _unknown(name) from None
    if not isinstance(found, type):
        raise _unknown(name)
    return found


def _unknown(what: str) -> OutboxError:
    return OutboxError(
        f"The stored payload holds {what}, which this version of the add-on does not know.",
        "Run the version of the add-on that wrote it on every search head.",
    )
