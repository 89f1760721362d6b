"""Bodies that SOAR takes: what is too large is cut so that it shows, and the full value goes into an attachment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from soarlink.body import EncodedBody, encode, encoded

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_BODY = 4 * 1024 * 1024
"""Most bytes in one artifact or one request (REST reference, section 11: our default)."""

MAX_TEXT = 64 * 1024
"""Most characters in a description, a custom field or a piece of context of a container."""

_CAPS = (262_144, 65_536, 16_384, 4_096, 1_024, 128)


def size(body: Mapping[str, Any]) -> int:
    """Bytes of the body as it is sent."""
    return len(encode(body))


def fit(body: Mapping[str, Any], limit: int = MAX_BODY) -> tuple[EncodedBody, tuple[str, ...]]:
    """The artifact within the limit, and the names of the fields that were cut for it, longest values first to go."""
    fitted = encoded(body)
    names: dict[str, None] = {}
    if size(fitted) <= limit:
        return fitted, ()
    for cap in _CAPS:
        names = {}
        row = {name: _capped(name, value, cap, names) for name, value in body["data"].get("row", {}).items()}
        cef = {name: _capped(name, value, cap, names) for name, value in body["cef"].items()}
        fitted = encoded({**body, "cef": cef, "data": {**body["data"], "row": row}})
        if size(fitted) <= limit:
            return fitted, tuple(names)
    # Thousands of fields: the row's copy goes, its values stand in cef and in the attachment.
    return encoded({**fitted, "data": {}}), tuple(names)


def cut_text(text: str, most: int = MAX_TEXT) -> str:
    """The text within a number of characters; the cut says how long it was."""
    if len(text) <= most:
        return text
    return f"{text[:most]}… [cut: {len(text)} characters]"


def _capped(name: str, value: Any, cap: int, names: dict[str, None]) -> Any:
    if isinstance(value, str):
        if len(value) > cap:
            names[name] = None
        return cut_text(value, cap)
    kept: list[Any] = []
    room = cap
    for item in value:
        if len(item) > room:
            names[name] = None
            kept.append(f"… [cut: {len(kept)} of {len(value)} values]" if kept else cut_text(item, cap))
            break
        kept.append(item)
        room -= len(item) + 1
    return kept
