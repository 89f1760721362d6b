"""One row of the outbox: a container that waits, or the receipt of one that no longer does."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Callable

from soarlink.errors import OutboxError

FORMAT = 1
"""Of the rows. A reader that finds another one leaves the row alone and says so."""

PENDING = "pending"
DELIVERED = "delivered"
REJECTED = "rejected"
DISCARDED = "discarded"
STATES: tuple[str, ...] = (PENDING, DELIVERED, REJECTED, DISCARDED)

TEXT_LIMIT = 2_000
"""Characters of an error text that a row keeps."""

_ACT_SEPARATOR = "\n"


@dataclass(frozen=True)
class OutboxItem:
    """A container in the outbox.

    Times are epoch seconds. ``rows`` is the number of results in it. ``queued`` is when it was last put in line (as
    ``created``, until someone resends it): the age limit counts from there. ``unclear`` tells that the last attempt may
    have reached SOAR. ``payload``, ``payload_parts`` and ``payload_bytes`` say which stored payload belongs to the row;
    no parts, no payload. ``acts`` are what people did, oldest first.
    """

    key: str
    state: str
    account: str
    action: str
    search_name: str = ""
    sid: str = ""
    app: str = ""
    owner: str = ""
    scheduled: bool = False
    identity: str = ""
    rows: int = 0
    created: float = 0.0
    queued: float = 0.0
    updated: float = 0.0
    attempts: int = 0
    next_attempt: float = 0.0
    error_class: str = ""
    error_code: str = ""
    error_text: str = ""
    unclear: bool = False
    container_id: int | None = None
    container_url: str = ""
    payload: str = ""
    payload_parts: int = 0
    payload_bytes: int = 0
    acts: tuple[str, ...] = ()
    format: int = FORMAT

    @property
    def is_settled(self) -> bool:
        """True when nobody will send it any more unless a person says so."""
        return self.state != PENDING

    def document(self) -> dict[str, Any]:
        """The row as the collection ``soar_outbox`` holds it; a lookup can show every field."""
        named = {name: getattr(self, name) for name in _NAMES if name != "key"}
        texts = {name: _storable(value) for name, value in named.items() if isinstance(value, str)}
        document = {**named, **texts, "_key": self.key, "acts": _ACT_SEPARATOR.join(map(_storable, self.acts))}
        document["error_text"] = document["error_text"][:TEXT_LIMIT]
        if self.container_id is None:
            del document["container_id"]
        return document


def item_of(document: Mapping[str, Any]) -> OutboxItem:
    """The item of a row.

    Raises:
        OutboxError: the row has another format, or is no row of ours.
    """
    found = document.get("format")
    if found != FORMAT:
        raise OutboxError(
            f"The outbox row {document.get('_key')} has format {found}, this add-on reads format {FORMAT}.",
            "Run the version of the add-on that wrote it on every search head.",
        )
    try:
        values = {name: _READERS[name](document[name]) for name in _NAMES if name in _READERS and name in document}
        return OutboxItem(key=str(document["_key"]), **values)
    except (KeyError, TypeError, ValueError):
        raise OutboxError(
            f"The outbox row {document.get('_key')} is damaged.",
            "Look at it with | inputlookup soar_outbox; discard it when it is of no use.",
        ) from None


def item_key(action: str, sid: str, identity: str, rids: Iterable[str] = ()) -> str:
    """The key of a container in the outbox: the same for every rerun of the same alert.

    Args:
        action: the action's name.
        sid: the search id.
        identity: the container's identity in SOAR.
        rids: the result ids in it. Per-result alerting calls the action several times under one sid; when they share a
            container, only the results tell the calls apart.

    Returns:
        64 hexadecimal digits (short keys are cheap in the KV store's index).
    """
    facts = json.dumps([action, sid, identity, sorted(rids)], ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(facts.encode("ascii")).hexdigest()


def _storable(text: str) -> str:
    """The KV store takes UTF-8 only; a lone surrogate is none."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _flag(value: Any) -> bool:
    return str(value).lower() in ("1", "true")


def _number(value: Any) -> float:
    return float(value)


def _count(value: Any) -> int:
    return int(value)


def _lines(value: Any) -> tuple[str, ...]:
    return tuple(line for line in str(value).split(_ACT_SEPARATOR) if line)


_NAMES = tuple(field.name for field in dataclasses.fields(OutboxItem))
_READERS: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys("state account action search_name sid app owner identity".split(), str),
    **dict.fromkeys("error_class error_code error_text container_url payload".split(), str),
    **dict.fromkeys("created queued updated next_attempt".split(), _number),
    **dict.fromkeys("rows attempts container_id payload_parts payload_bytes format".split(), _count),
    **dict.fromkeys("scheduled unclear".split(), _flag),
    "acts": _lines,
}
