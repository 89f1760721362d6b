"""Times, offsets and spans."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from soarlink.plan import moment


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1700000000.5", 1_700_000_000.5),
        ("2023-11-14T22:13:20Z", 1_700_000_000),
        ("2023-11-14T22:13:20.250+00:00", 1_700_000_000.25),
        ("2023-11-15 00:13:20 +0200", 1_700_000_000),
        ("2023-11-14T22:13", 1_699_999_980),
        ("2023-11-14", 1_699_920_000),
        *((text, None) for text in ("", "soon", "2023-13-01", "2023-11-14T25:00", "1969-12-31", "14.11.2023")),
    ],
)
def test_a_point_in_time_is_an_epoch_time_or_iso_8601(text: str, seconds: float | None) -> None:
    """Zones count, UTC where none is named; anything else is no time."""
    assert moment.point(text) == seconds


@pytest.mark.parametrize(
    ("text", "seconds"), [("30m", 1_800), ("24h", 86_400), ("1d12h", 129_600), ("2 W", 1_209_600), ("90s", 90)]
)
def test_spans_add_up(text: str, seconds: float) -> None:
    """Units may be combined; blanks and case do not count."""
    assert moment.span(text) == seconds
    assert moment.offset(f"+{text}") == seconds


@pytest.mark.parametrize("text", ["", "h", "24", "0h", "-1h", "1y", "tomorrow"])
def test_what_is_no_span_is_refused(text: str) -> None:
    """The words say what is allowed."""
    with pytest.raises(ValueError, match="such as 30m, 24h"):
        moment.span(text)
    assert moment.offset(f"+{text}") is None
    assert moment.offset(text) is None


@pytest.mark.parametrize(
    ("sid", "seconds"),
    [
        ("scheduler__admin__search__RMD5abc_at_1700000100_1", 1_700_000_100),
        ("rt_1700000200.7", 1_700_000_200),
        ("1700000300.42", 1_700_000_300),
        ("admin__admin__search__search1", None),
    ],
)
def test_a_search_id_tells_when_the_search_began(sid: str, seconds: float | None) -> None:
    """Both kinds of ids carry it."""
    assert moment.dispatched(sid) == seconds


@given(seconds=st.floats(min_value=0, max_value=253_402_300_799))
@example(seconds=1_700_000_059.9999998)
@example(seconds=59.25)
def test_a_time_is_written_to_the_microsecond(seconds: float) -> None:
    """As datetime itself would write it, rounded in the same way."""
    expected = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=seconds)
    assert moment.written(seconds) == expected.strftime(f"{expected.year:04}-%m-%dT%H:%M:%S.%fZ")
