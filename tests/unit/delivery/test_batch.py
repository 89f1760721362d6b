"""Shipments put together to requests."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soarlink.delivery import batch as module
from soarlink.delivery.batch import MAX_ARTIFACTS, MAX_CONTAINERS, batches
from soarlink.soar.client import QUERY_BYTES, query_weight
from tests.unit.samples import make_row, plan


@settings(max_examples=40)
@given(st.lists(st.sampled_from([0, 1, 3, 60, 100, 150, 230]), max_size=40))
def test_every_shipment_is_in_one_batch_in_order(counts: list[int]) -> None:
    """Whole containers travel together within the limits; parts travel alone, one after another."""
    shipments = plan([make_row(n, artifacts=str(count)) for n, count in enumerate(counts)], max_containers="0")
    found = list(batches(iter(shipments)))
    assert [shipment for batch in found for shipment in batch.shipments] == shipments
    for batch in found:
        assert batch.shipments
        if batch.is_part:
            assert len(batch.shipments) == 1
            continue
        assert all(shipment.is_whole for shipment in batch.shipments)
        assert len(batch.shipments) <= MAX_CONTAINERS
        assert sum(len(shipment.artifacts) for shipment in batch.shipments) <= MAX_ARTIFACTS


def test_batches_are_as_large_as_they_may_be() -> None:
    """250 small containers need three requests."""
    shipments = plan([make_row(n) for n in range(250)])
    assert [len(batch.shipments) for batch in batches(shipments)] == [100, 100, 50]


def test_bytes_are_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Large rows make smaller batches; one that is too large alone goes alone."""
    monkeypatch.setattr(module, "MAX_BYTES", 10_000)
    sizes = [3_000, 3_000, 20_000, 3_000]
    shipments = plan([make_row(n, name="x", blob="b" * size) for n, size in enumerate(sizes)])
    assert [len(batch.shipments) for batch in batches(shipments)] == [2, 1, 1]


def test_one_look_finds_the_other_keys_of_a_batch() -> None:
    """The ids of notables that travel together fit into one address, however many containers wait."""
    rows = [make_row(n, event_id=f"{n:08X}-1C2D-4E5F-8A9B-0123456789AB@@notable@@{n:032x}") for n in range(300)]
    for long in ("", "ü" * 500):
        shipments = plan([make_row(row.position, event_id=row.first("event_id") + long) for row in rows])
        found = list(batches(shipments))
        assert [shipment for batch in found for shipment in batch.shipments] == shipments
        for batch in found:
            keys = [key for shipment in batch.shipments for key in shipment.other_keys]
            assert len(keys) == len(batch.shipments)
            assert sum(map(query_weight, keys)) <= QUERY_BYTES
        assert len(found[0].shipments) == (2 if long else 91)


def test_batches_are_made_as_they_are_asked_for() -> None:
    """A batch comes as soon as it is full."""
    taken = 0

    def stream() -> object:
        nonlocal taken
        for shipment in plan([make_row(n) for n in range(500)]):
            taken += 1
            yield shipment

    next(batches(stream()))  # type: ignore[arg-type]
    assert taken == MAX_CONTAINERS + 1
