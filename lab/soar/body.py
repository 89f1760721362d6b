"""Reading request bodies: each reader takes one key and refuses what does not fit."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lab.soar.refusal import Refusal, missing
from lab.soar.timestamp import normal_time

if TYPE_CHECKING:
    from collections.abc import Mapping

Body = dict[str, Any]
"""One object of a request body."""


def required_text(body: Mapping[str, Any], key: str) -> str:
    """Text that must be there and not be empty."""
    value = optional_text(body, key)
    if not value:
        raise missing(key)
    return value


def optional_text(body: Mapping[str, Any], key: str) -> str | None:
    """Text, or None when absent or null."""
    value = body.get(key)
    if value is not None and not isinstance(value, str):
        raise Refusal(400, f"Invalid value for {key}: expected a string")
    return value


def required_integer(body: Mapping[str, Any], *keys: str) -> int:
    """A whole number, given under any of `keys`; the first is named when it is missing."""
    for key in keys:
        value = optional_integer(body, key)
        if value is not None:
            return value
    raise missing(keys[0])


def optional_integer(body: Mapping[str, Any], key: str) -> int | None:
    """A whole number (also as digits in a string), or None when absent or null."""
    value = body.get(key)
    if value is None:
        return None
    if isinstance(value, str) and value.isdecimal():
        return int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise Refusal(400, f"Invalid value for {key}: expected a number")
    return value


def boolean(body: Mapping[str, Any], key: str, *, default: bool) -> bool:
    """A JSON boolean."""
    value = body.get(key, default)
    if not isinstance(value, bool):
        raise Refusal(400, f"Invalid value for {key}: expected true or false")
    return value


def mapping(body: Mapping[str, Any], key: str) -> Body:
    """A JSON object; empty when absent or null."""
    value = body.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Refusal(400, f"Invalid value for {key}: expected an object")
    return value


def mapping_or_text(body: Mapping[str, Any], key: str) -> Body:
    """A JSON object, or the same as JSON text, which some clients send."""
    value = body.get(key)
    if not isinstance(value, str):
        return mapping(body, key)
    try:
        parsed = json.loads(value)
    except ValueError as error:
        raise Refusal(400, f"Invalid value for {key}: {error}") from error
    return mapping({key: parsed}, key)


def text_list(body: Mapping[str, Any], key: str) -> list[str]:
    """A list of strings; a single string counts as a list of one, null as none."""
    value = body.get(key)
    if value is None:
        return []
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not all(isinstance(item, str) for item in values):
        raise Refusal(400, f"Invalid value for {key}: expected a list of strings")
    return values


def time(body: Mapping[str, Any], key: str) -> str | None:
    """An ISO 8601 time in stored form, or None when absent or null."""
    value = optional_text(body, key)
    if value is None:
        return None
    try:
        return normal_time(value)
    except ValueError as error:
        raise Refusal(400, f"Invalid value for {key}: {error}") from error
