"""The codec of `__mv_` cells."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from splunktaucclib.cim_actions import encode_mv, parse_mv

from soarlink.rows import multivalue

VALUES = st.lists(st.text(alphabet=st.sampled_from('$;ab\n"é '), max_size=6), min_size=1, max_size=5)


@given(VALUES)
def test_what_is_encoded_is_decoded_to_the_same_values(values: list[str]) -> None:
    """Every list of texts survives the round trip, dollars and separators included."""
    assert multivalue.decode(multivalue.encode(values)) == tuple(values)


@given(VALUES)
def test_cells_equal_those_of_splunks_own_library(values: list[str]) -> None:
    """Encoding and decoding agree with splunktaucclib, character by character."""
    cell = multivalue.encode(values)
    assert cell == encode_mv(values)
    assert list(multivalue.decode(cell) or ()) == parse_mv(cell)


@given(st.text(alphabet=st.sampled_from("$;a"), max_size=10))
def test_a_cell_is_either_decoded_exactly_or_refused(cell: str) -> None:
    """Whatever decodes encodes back to the very same cell: nothing is guessed."""
    values = multivalue.decode(cell)
    assert values is None or multivalue.encode(values) == cell


@pytest.mark.parametrize("cell", ["", "$", "a", "$a", "a$", "$a$b$", "$a$;", "$a$$", "$a$$;$b$x$", "$$a$$", "$a$;b$$$"])
def test_what_is_not_in_the_grammar_is_no_multi_value(cell: str) -> None:
    """A cell outside the grammar decodes to None, so that the plain column counts."""
    assert multivalue.decode(cell) is None


@pytest.mark.parametrize(
    ("cell", "values"),
    [
        ("$$", ("",)),
        ("$a$", ("a",)),
        ("$a$;$b$", ("a", "b")),
        ("$a$$b$;$$$$$$", ("a$b", "$$")),
        ("$a;b$;$c$", ("a;b", "c")),
        ("$a$$;$$b$", ("a$;$b",)),
    ],
)
def test_cells_that_splunk_writes_decode_to_their_values(cell: str, values: tuple[str, ...]) -> None:
    """Separators inside values and doubled dollars are told from real boundaries."""
    assert multivalue.decode(cell) == values
