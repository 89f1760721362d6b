"""JSON bodies as they are sent: each part is encoded once, where it is made, and joined from then on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from json.encoder import encode_basestring as quoted
from typing import Any, Union

__all__ = ["EncodedBody", "Gaps", "encode", "encoded", "extended", "quoted", "to_bytes", "to_text"]

# What is encoded here was made here: there are no circles in it.
_TEXT = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":"))

_Value = Union[str, tuple[str, ...]]


class EncodedBody(Mapping[str, Any]):
    """A JSON object that is held as its bytes. Never changed once made: :func:`extended` makes another one.

    Args:
        encoded: the object as JSON.
        known: members that are at hand; the others are read from the bytes when someone asks for one.
    """

    __slots__ = ("_known", "_members", "encoded")

    def __init__(self, encoded: bytes, known: Mapping[str, Any]) -> None:
        self.encoded = encoded
        self._known = known
        self._members: dict[str, Any] | None = None

    def __getitem__(self, name: str) -> Any:
        return self._known[name] if name in self._known else self._all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def __repr__(self) -> str:
        return f"EncodedBody({len(self.encoded)} bytes)"

    def with_known(self, encoded: bytes, members: Mapping[str, Any]) -> EncodedBody:
        """A body of these bytes that knows further members."""
        return EncodedBody(encoded, {**self._known, **members})

    def _all(self) -> dict[str, Any]:
        if self._members is None:
            self._members = json.loads(self.encoded)
        return self._members


class Gaps:
    """JSON of objects that have the same names: only their values are encoded.

    Args:
        names: the names, in the order in which they are written.
    """

    __slots__ = ("_format",)

    def __init__(self, names: Iterable[str]) -> None:
        self._format = f"{{{','.join([quoted(name).replace('%', '%%') + ':%s' for name in names])}}}"

    def filled(self, values: Iterable[_Value]) -> str:
        """The object with these values, texts and lists of texts, in the order of the names."""
        return self._format % tuple(
            [quoted(value) if type(value) is str else f"[{','.join(map(quoted, value))}]" for value in values]
        )


def to_text(value: Any) -> str:
    """A value as compact JSON; what is not ASCII stays as it is. ``quoted`` does the same for a text, faster."""
    return _TEXT.encode(value)


def to_bytes(text: str) -> bytes:
    """JSON as it is sent: in UTF-8.

    Half of a surrogate pair, as JSON may hold it, stays the escape that it came as: ``backslashreplace`` writes JSON's.
    """
    return text.encode("utf-8", "backslashreplace")


def encode(body: Any) -> bytes:
    """A body as it is sent: compact UTF-8 JSON. What is encoded already, alone or in lists, is not encoded again."""
    if isinstance(body, EncodedBody):
        return body.encoded
    if isinstance(body, (list, tuple)):
        return b"[" + b",".join([encode(item) for item in body]) + b"]"
    if isinstance(body, Mapping):
        listed = {name: value for name, value in body.items() if _is_encoded_list(value)}
        if listed:
            rest = {name: value for name, value in body.items() if name not in listed}
            return extended(encoded(rest), listed).encoded
    return to_bytes(to_text(body))


def encoded(body: Mapping[str, Any]) -> EncodedBody:
    """A body with its bytes."""
    return body if isinstance(body, EncodedBody) else EncodedBody(encode(body), body)


def extended(body: Mapping[str, Any], members: Mapping[str, Any]) -> EncodedBody:
    """The body with further members, none of which it has: its own bytes and theirs, put together."""
    more = b",".join([to_bytes(quoted(name)) + b":" + encode(value) for name, value in members.items()])
    base = encoded(body)
    own = base.encoded
    joint = b"," if len(own) > len(b"{}") and more else b""
    return base.with_known(b"".join((own[:-1], joint, more, b"}")), members)


def _is_encoded_list(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and bool(value) and isinstance(value[0], EncodedBody)
