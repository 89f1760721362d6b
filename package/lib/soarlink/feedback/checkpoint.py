"""How far each account was read: in the KV store, so that any search head can go on."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from soarlink.feedback.cursor import Cursor, cursor_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from soarlink.splunk.kvstore import KvStore

COLLECTION = "soar_checkpoint"
FORMAT = 1


@dataclass(frozen=True)
class Checkpoint:
    """One account's.

    Args:
        account: the account.
        cursors: by the streams' resources.
        polled: when the last complete poll ended, seconds since 1970; 0 when none was.
        interval: seconds from one poll to the next; 0 while it is not read: switched off, or there is no such account.
        tried: when the last one ended, complete or not, and with it the updates of notables.
        error: why the last one was not; "" when it was.
        writeback_off_since: since when no notable is updated, seconds since 1970; 0 while they are.
        writeback_error: why some notables were not updated, although SOAR was read; "" when all were.
        read: when something of SOAR was read last, also by a poll that was cut short or failed later.
    """

    account: str
    cursors: Mapping[str, Cursor] = field(default_factory=dict)
    polled: float = 0.0
    interval: float = 0.0
    tried: float = 0.0
    error: str = ""
    writeback_off_since: float = 0.0
    writeback_error: str = ""
    read: float = 0.0

    def moved(self, resource: str, cursor: Cursor, now: float) -> Checkpoint:
        """The checkpoint with one stream further on."""
        return replace(self, cursors={**self.cursors, resource: cursor}, read=now)

    def document(self) -> dict[str, Any]:
        """As the KV store keeps it."""
        cursors = {name: cursor.document() for name, cursor in self.cursors.items()}
        return {
            "_key": self.account,
            "format": FORMAT,
            "account": self.account,
            "cursors": json.dumps(cursors, separators=(",", ":")),
            "polled": self.polled,
            "interval": self.interval,
            "tried": self.tried,
            "error": self.error,
            "writeback_off_since": self.writeback_off_since,
            "writeback_error": self.writeback_error,
            "read": self.read,
        }


def load(kv: KvStore, account: str) -> Checkpoint:
    """The checkpoint of an account; an empty one where there is none.

    One that can't be read counts as none: events are written again then, under the same ids.
    """
    document = kv.get(COLLECTION, account) or {}
    try:
        cursors = {name: cursor_of(one) for name, one in json.loads(document.get("cursors") or "{}").items()}
        numbers = ("polled", "interval", "tried", "writeback_off_since", "read")
        polled, interval, tried, off_since, read = (float(document.get(name) or 0) for name in numbers)
        error, fault = (str(document.get(name) or "") for name in ("error", "writeback_error"))
        return Checkpoint(account, cursors, polled, interval, tried, error, off_since, fault, read)
    except (ValueError, TypeError, AttributeError):
        return Checkpoint(account)


def followed(kv: KvStore) -> frozenset[str]:
    """The accounts that are read, as their checkpoints have it. Errors of the KV store pass through."""
    rows = kv.query(COLLECTION, {"interval": {"$gt": 0}}, fields=("account",))
    return frozenset(str(row["account"]) for row in rows)


def save(kv: KvStore, checkpoint: Checkpoint) -> None:
    """Write a checkpoint. Only the holder of the lease does."""
    kv.save_batch(COLLECTION, [checkpoint.document()])
