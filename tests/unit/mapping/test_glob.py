"""Patterns of field names match what they say, without regular expressions."""

from __future__ import annotations

import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soarlink.mapping import glob
from soarlink.mapping.fieldname import bare


@pytest.mark.parametrize(
    ("pattern", "name", "captured"),
    [
        ("dest", "dest", ()),
        ("dest", "Dest", None),
        ("*_ip", "src_ip", ("src",)),
        ("*_ip", "SRC_IP", ("SRC",)),
        ("*_ip", "_ip", ("",)),
        ("*_ip", "ip", None),
        ("tag::*", "tag::eventtype", ("eventtype",)),
        ("a*b*c", "aXbYc", ("X", "Y")),
        ("a*b*c", "abbc", ("", "b")),
        ("a*b*b", "ab", None),
        ("a*ba", "aba", ("",)),
        ("a*ba", "ba", None),
        ("*", "anything{}.x", ("anything{}.x",)),
        ("*x*", "axbx", ("a", "bx")),
        ("[a]*", "[a]b", ("b",)),
        ("*İ", "İ", None),
    ],
)
def test_a_pattern_captures_what_its_stars_stand_for(pattern: str, name: str, captured: object) -> None:
    """Plain names are exact, stars ignore case, everything but the star stands for itself."""
    assert glob.captures(pattern, name) == captured


@given(st.text("ab*", min_size=1, max_size=6).filter(lambda text: "**" not in text), st.text("ab", max_size=8))
def test_it_matches_what_fnmatch_matches(pattern: str, name: str) -> None:
    """The same verdict as the standard library's, and the captures put back give the name."""
    captured = glob.captures(pattern, name)
    assert (captured is not None) == fnmatch.fnmatchcase(name, pattern)
    if captured is not None:
        parts = iter((*captured, ""))
        assert "".join(next(parts) if character == "*" else character for character in pattern) == name


@pytest.mark.parametrize(
    ("name", "stripped"),
    [
        ("All_Traffic.src", "src"),
        ("values(All_Traffic.src)", "src"),
        ("Endpoint.Processes.dest", "dest"),
        ("latest(user)", "user"),
        ("dc(src)", "dc(src)"),
        ("count(src)", "count(src)"),
        ("values()", "values()"),
        ("values(eval(x))", "values(eval(x))"),
        ("actor.email", "actor.email"),
        ("Web.", "Web."),
        ("src", "src"),
    ],
)
def test_a_bare_name_is_without_the_searchs_decoration(name: str, stripped: str) -> None:
    """Data sets and functions come off; counts, other prefixes and plain names stay."""
    assert bare(name) == stripped
