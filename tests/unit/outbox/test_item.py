"""Rows of the outbox: exact round trip through the KV store, other formats left alone."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soarlink.errors import OutboxError
from soarlink.outbox.item import STATES, TEXT_LIMIT, OutboxItem, item_key, item_of
from soarlink.splunk.kvstore import KvStore
from tests.unit.outbox.samples import item

TEXT = st.text(max_size=20)
TIME = st.floats(0, 4e9, allow_nan=False)
ITEMS = st.builds(
    OutboxItem,
    key=st.text(string.hexdigits, min_size=1),
    state=st.sampled_from(STATES),
    account=TEXT,
    action=TEXT,
    search_name=TEXT,
    error_text=TEXT,
    scheduled=st.booleans(),
    unclear=st.booleans(),
    created=TIME,
    next_attempt=TIME,
    rows=st.integers(0, 10**6),
    container_id=st.none() | st.integers(1, 2**31),
    acts=st.lists(st.text(string.ascii_letters + " :=ü", min_size=1), max_size=3).map(tuple),
    format=st.just(1),
)


@given(ITEMS)
def test_a_row_reads_back_as_it_was_written(one: OutboxItem) -> None:
    """Every field, None and empty text too."""
    assert item_of(one.document()) == one


def test_the_kv_store_keeps_a_row_as_it_is(kv: KvStore) -> None:
    """collections.conf declares every field in a type that changes nothing, and enforces them."""
    one = item(
        "a", container_id=7, container_url="https://soar/7", unclear=True, attempts=2, acts=("x", "y"), scheduled=True
    )
    kv.insert("soar_outbox", one.document())
    assert item_of(kv.get("soar_outbox", one.key) or {}) == one


def test_texts_that_no_database_takes_are_made_storable(kv: KvStore) -> None:
    """A lone surrogate is written as text; a long error is cut."""
    one = item("a", search_name="a\ud800b", error_text="x" * 5000)
    kv.insert("soar_outbox", one.document())
    found = item_of(kv.get("soar_outbox", one.key) or {})
    assert (found.search_name, len(found.error_text)) == ("a\\ud800b", TEXT_LIMIT)


def test_another_format_is_an_error_that_says_so() -> None:
    """Both formats are named; so is a row that is damaged."""
    document = item("a").document()
    with pytest.raises(OutboxError, match="format 2, this add-on reads format 1"):
        item_of({**document, "format": 2})
    with pytest.raises(OutboxError, match="is damaged"):
        item_of({**document, "attempts": "many"})
    with pytest.raises(OutboxError, match="is damaged"):
        item_of({"format": 1, "_key": "k"})


def test_a_key_is_the_same_for_a_rerun_and_differs_otherwise() -> None:
    """Per-result calls that share a container differ by their results; the order of results does not matter."""
    assert item_key("a", "s", "i") == item_key("a", "s", "i")
    assert item_key("a", "s", "i", ["1", "0"]) == item_key("a", "s", "i", ["0", "1"])
    keys = {item_key("a", "s", "i"), item_key("a", "si", ""), item_key("a", "s", "i", ["0"]), item_key("b", "s", "i")}
    assert len(keys) == 4
    assert all(len(key) == 64 and set(key) <= set("0123456789abcdef") for key in keys)
