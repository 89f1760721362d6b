"""JSON bodies as they are sent: each part is encoded once, where it is made, and joined from then on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

# What is encoded here was made here: there are no circles in it.
_TEXT = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":"))


class EncodedBody(dict[str, Any]):
    """A JSON object together with its bytes. Never changed once made: :func:`extended` makes another one.

    Args:
        members: the object.
        encoded: the same as JSON, in any order of names.
    """

    __slots__ = ("encoded",)
    encoded: bytes

    def __init__(self, members: Mapping[str, Any], encoded: bytes) -> None:
        super().__init__(members)
        self.encoded = encoded


def to_text(value: Any) -> str:
    """A value as compact JSON; what is not ASCII stays as it is."""
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
    return body if isinstance(body, EncodedBody) else EncodedBody(body, encode(body))


def extended(body: Mapping[str, Any], members: Mapping[str, Any]) -> EncodedBody:
    """The body with further members, none of which it has: its own bytes and theirs, put together."""
    more = b",".join([to_bytes(to_text(name)) + b":" + encode(value) for name, value in members.items()])
    own = encode(body)
    joint = b"," if len(own) > len(b"{}") and more else b""
    return EncodedBody({**body, **members}, b"".join((own[:-1], joint, more, b"}")))


def _is_encoded_list(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and bool(value) and isinstance(value[0], EncodedBody)
