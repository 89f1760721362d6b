"""Filters mean the same whether the KV store or we decide."""

from __future__ import annotations

import pytest

from soarlink.outbox.collection import Outbox
from soarlink.outbox.item import DELIVERED, PENDING, REJECTED
from soarlink.outbox.selection import Filters, is_key
from tests.unit.outbox.samples import NOW, item, payload

ITEMS = (
    item("a", created=NOW - 100, search_name="Brute Force", account="prod"),
    item("b", created=NOW - 50, search_name="Brute Walk", account="lab", owner="bob"),
    item("c", created=NOW, search_name="[x]*", state=REJECTED, sid="other", action="run_soar_playbook"),
)
KEY = ITEMS[0].key


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(), "abc"),
        (Filters(states=(PENDING,)), "ab"),
        (Filters(states=(REJECTED, DELIVERED)), "c"),
        (Filters(keys=(KEY,)), "a"),
        (Filters(keys=(KEY[:8], ITEMS[2].key[:10])), "ac"),
        (Filters(keys=("0" * 64,)), ""),
        (Filters(account="lab"), "b"),
        (Filters(account="l*"), "b"),
        (Filters(search="brute*"), "ab"),
        (Filters(search="Brute"), ""),
        (Filters(search="*Walk", states=(PENDING,)), "b"),
        (Filters(sid="other"), "c"),
        (Filters(action="run_*"), "c"),
        (Filters(owner="bob"), "b"),
        (Filters(created_before=NOW - 50), "a"),
        (Filters(created_after=NOW - 50), "bc"),
        (Filters(created_before=NOW, created_after=NOW - 60), "b"),
    ],
)
def test_a_filter_selects_its_rows(outbox: Outbox, filters: Filters, expected: str) -> None:
    """Oldest first; keys by their beginning, texts with wildcards."""
    outbox.insert_many((one, payload(one.identity)) for one in ITEMS)
    assert "".join(one.identity for one in outbox.select(filters)) == expected
    assert "".join(one.identity for one in outbox.select(filters, 1)) == expected[:1]


def test_an_empty_filter_says_so() -> None:
    """So that nobody acts on everything by leaving all conditions out."""
    assert Filters().is_empty
    assert not Filters(owner="x").is_empty


@pytest.mark.parametrize(
    ("text", "is_one"), [("0a", True), (KEY, True), ("", False), ("xyz", False), (KEY + "0", False)]
)
def test_a_key_is_hexadecimal(text: str, is_one: bool) -> None:  # noqa: FBT001 - a test's parameter
    """Whole, or its beginning."""
    assert is_key(text) == is_one
