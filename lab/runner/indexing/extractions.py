"""Search-time fields: KV_MODE and what else props.conf says of them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from lab.runner.indexing.patterns import splunk_regex

if TYPE_CHECKING:
    from collections.abc import Mapping

_PAIR = re.compile(r'(?<![\w"\\])([A-Za-z_][\w.:{}-]*)=(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
_ESCAPED = re.compile(r'\\(["\\])')
_INLINE = re.compile(r"(.*?)(?:\s+in\s+(\w+))?$", re.DOTALL)


def search_fields(raw: str, settings: Mapping[str, str]) -> dict[str, Any]:
    """Extract an event's fields.

    Args:
        raw: the event's text.
        settings: the props of its source and sourcetype.
    """
    fields: dict[str, Any] = {}
    for key, regex in settings.items():
        if key.startswith("EXTRACT-"):
            expression = _INLINE.fullmatch(regex)
            found = re.search(splunk_regex(expression[1] if expression else regex), raw)
            if found:
                fields.update({name: text for name, text in found.groupdict().items() if text is not None})
    mode = settings.get("KV_MODE", "auto").lower()
    if mode == "json":
        return {**_json_fields(raw), **fields}
    return {**pairs(raw), **fields} if mode in {"auto", "auto_escaped"} else fields


def pairs(raw: str) -> dict[str, str]:
    """Extract ``key="value"`` pairs; of a key that stands there twice the first value is taken (MV_ADD is off)."""
    fields: dict[str, str] = {}
    for match in _PAIR.finditer(raw):
        if match[1] not in fields:
            quoted = match[2]
            if quoted is not None and "\\" in quoted:
                quoted = _ESCAPED.sub(r"\1", quoted)
            fields[match[1]] = match[3] if quoted is None else quoted
    return fields


def _json_fields(raw: str) -> dict[str, Any]:
    try:
        document = json.loads(raw)
    except ValueError:
        return {}
    fields: dict[str, Any] = {}
    if isinstance(document, dict):
        _flatten("", document, fields)
    return fields


def _flatten(name: str, value: Any, fields: dict[str, Any]) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            _flatten(f"{name}.{key}" if name else str(key), item, fields)
    elif isinstance(value, list):
        for item in value:
            _flatten(f"{name}{{}}", item, fields)
    elif value is not None:
        text = value if isinstance(value, str) else json.dumps(value)
        if name not in fields:
            fields[name] = text
        elif isinstance(fields[name], list):
            fields[name].append(text)
        else:
            fields[name] = [fields[name], text]
