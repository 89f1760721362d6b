"""Conclusions: in order, bounded, and no error is lost."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import pytest

from soarlink.errors import KvStoreUnavailable
from soarlink.inputs.conclusions import MOST, concluding

LOG = logging.getLogger("test_conclusions")


def failing(error: Exception) -> Callable[[], None]:
    """Work that goes wrong."""

    def work() -> None:
        raise error

    return work


def test_all_is_done_at_the_end_and_in_order() -> None:
    """One after another, however many."""
    done: list[int] = []
    with concluding(LOG) as conclusions:
        for number in range(3 * MOST):
            conclusions.add(lambda number=number: done.append(number))  # type: ignore[misc]
    assert done == list(range(3 * MOST))


def test_what_goes_wrong_is_raised_and_the_rest_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The first error, whatever came of the others; what was in line is done all the same."""
    done: list[bool] = []

    def conclude() -> None:
        with concluding(LOG) as conclusions:
            conclusions.add(failing(KvStoreUnavailable("first")))
            conclusions.add(failing(ZeroDivisionError("second")))
            conclusions.add(lambda: done.append(True))
        raise AssertionError

    with pytest.raises(KvStoreUnavailable, match="first"):
        conclude()
    (record,) = caplog.records
    assert "ZeroDivisionError: second" in record.getMessage()
    assert record.exc_info is not None
    assert done == [True]


def test_an_error_beside_hides_none(caplog: pytest.LogCaptureFixture) -> None:
    """What ends the block goes on its way, and the thread's errors are logged."""

    def conclude() -> None:
        with concluding(LOG) as conclusions:
            conclusions.add(failing(KvStoreUnavailable("written nowhere")))
            conclusions.fail(KvStoreUnavailable("read nowhere"))
            raise IndexError

    with pytest.raises(IndexError):
        conclude()
    texts = [record.getMessage() for record in caplog.records]
    assert len(texts) == 2
    assert all(any(word in text for text in texts) for word in ("written nowhere", "read nowhere"))


def test_a_failure_is_seen_while_others_are_added() -> None:
    """Whoever sends can stop."""
    seen: list[bool] = []

    def conclude() -> None:
        with concluding(LOG) as conclusions:
            seen.append(conclusions.has_failed)
            conclusions.add(failing(KvStoreUnavailable("away")))
            for _ in range(MOST + 1):
                conclusions.add(lambda: None)
            seen.append(conclusions.has_failed)

    with pytest.raises(KvStoreUnavailable):
        conclude()
    assert seen == [False, True]


def test_the_line_is_bounded() -> None:
    """Who adds waits for a slow store."""
    go, added = threading.Event(), threading.Event()

    def fill() -> None:
        with concluding(LOG) as conclusions:
            for _ in range(MOST + 1):
                conclusions.add(lambda: assert_in_time(go))
            added.set()

    filling = threading.Thread(target=fill)
    filling.start()
    assert not added.wait(0.3)
    go.set()
    filling.join(10)
    assert added.is_set()


def assert_in_time(event: threading.Event) -> None:
    """Wait for an event."""
    assert event.wait(10)
