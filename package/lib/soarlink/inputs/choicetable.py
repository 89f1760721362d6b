"""The lookup ``soar_choices``: what the alert form offers. Names only, no secret; every user of the action reads it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from soarlink.splunk.kvstore import KvStore

COLLECTION = "soar_choices"
MOST = 5_000
"""Choices of one kind and account: nobody scrolls further, and the KV store stays small. The form takes typed names."""

ANY_ACCOUNT = ""
ACCOUNT = "account"


class Choice(NamedTuple):
    """What a form saves, and what it shows."""

    value: str
    label: str


class ChoiceTable:
    """The rows of the lookup.

    Args:
        kv: the KV store.

    Every method raises :class:`~soarlink.errors.SplunkdError` when the KV store is away or refuses; old rows stay.
    """

    def __init__(self, kv: KvStore) -> None:
        self._kv = kv

    def replace(self, account: str, kind: str, choices: Iterable[Choice], now: float) -> int:
        """Put these in the place of an account's choices of a kind; how many were left out.

        New rows are written before old ones go, so that a form never finds the list empty.
        """
        known = sorted({choice.value: choice for choice in choices}.values())
        rows = [_row(account, kind, choice, now) for choice in known[:MOST]]
        self._kv.save_batch(COLLECTION, rows)
        self._kv.delete_where(COLLECTION, {"$and": [{"account": account}, {"kind": kind}, {"updated": {"$ne": now}}]})
        return max(0, len(known) - MOST)

    def clear(self, account: str) -> None:
        """Delete what an account's server was asked for: it is another server now."""
        self._kv.delete_where(COLLECTION, {"$and": [{"account": account}, {"kind": {"$ne": ACCOUNT}}]})

    def keep_only(self, accounts: Iterable[str]) -> None:
        """Delete every row of any other account."""
        others = [{"account": {"$ne": name}} for name in (ANY_ACCOUNT, *accounts)]
        self._kv.delete_where(COLLECTION, {"$and": others} if len(others) > 1 else others[0])


def _row(account: str, kind: str, choice: Choice, now: float) -> dict[str, object]:
    key = hashlib.sha256(f"{account}\0{kind}\0{choice.value}".encode("utf-8", "surrogatepass")).hexdigest()
    return {
        "_key": key[:32],
        "account": account,
        "kind": kind,
        "value": choice.value,
        "label": choice.label,
        "updated": now,
    }
