"""Which rows of the outbox are meant."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from soarlink.outbox.item import OutboxItem

_HEX = re.compile(r"[0-9a-f]{1,64}")
_KEY_LENGTH = 64


@dataclass(frozen=True)
class Filters:
    """Conditions that all hold; an empty one holds always.

    ``keys`` are whole keys or their beginnings. ``account``, ``search``, ``sid``, ``action`` and ``owner`` may have the
    wildcard ``*``. ``created_before`` and ``created_after`` are epoch seconds.
    """

    keys: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    account: str = ""
    search: str = ""
    sid: str = ""
    action: str = ""
    owner: str = ""
    created_before: float | None = None
    created_after: float | None = None

    @property
    def is_empty(self) -> bool:
        """True when every row is meant."""
        return self == Filters()

    def query(self) -> Mapping[str, Any]:
        """What the KV store can decide; :meth:`accepts` decides the rest."""
        parts: list[Mapping[str, Any]] = []
        if self.keys:
            parts.append(_either([_key_query(key) for key in self.keys]))
        if self.states:
            parts.append(_either([{"state": state} for state in self.states]))
        parts.extend({field: text} for field, text in self._texts() if text and "*" not in text)
        if self.created_before is not None:
            parts.append({"created": {"$lt": self.created_before}})
        if self.created_after is not None:
            parts.append({"created": {"$gte": self.created_after}})
        return {"$and": parts} if len(parts) > 1 else (parts[0] if parts else {})

    def accepts(self, item: OutboxItem) -> bool:
        """Decide what the KV store has no operator for: wildcards, upper and lower case aside."""
        return all(
            fnmatch.fnmatchcase(getattr(item, field).lower(), text.lower())
            for field, text in self._texts()
            if "*" in text
        )

    def _texts(self) -> tuple[tuple[str, str], ...]:
        return (
            ("account", self.account),
            ("search_name", self.search),
            ("sid", self.sid),
            ("action", self.action),
            ("owner", self.owner),
        )


def is_key(text: str) -> bool:
    """True for a key or the beginning of one."""
    return _HEX.fullmatch(text) is not None


def _key_query(key: str) -> Mapping[str, Any]:
    # "g" is the first character behind the hexadecimal digits.
    return {"_key": key} if len(key) == _KEY_LENGTH else {"_key": {"$gte": key, "$lt": f"{key}g"}}


def _either(queries: list[Mapping[str, Any]]) -> Mapping[str, Any]:
    return queries[0] if len(queries) == 1 else {"$or": queries}
