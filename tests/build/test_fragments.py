"""Merging conf fragments into what ucc-gen generated."""

from __future__ import annotations

import configparser
import re

from hypothesis import given
from hypothesis import strategies as st

from additional_packaging import merge

NAMES = st.text("abcxyz._-", min_size=1, max_size=8)
VALUES = st.text("abc 123,=()$'\"{}", max_size=12).map(str.strip)
CONFS = st.dictionaries(NAMES, st.dictionaries(NAMES, VALUES, max_size=4), max_size=4)


def render(stanzas: dict[str, dict[str, str]]) -> str:
    """Write stanzas as conf text."""
    return "\n".join(
        f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in settings.items())
        for name, settings in stanzas.items()
    )


def parse(text: str) -> dict[str, dict[str, str]]:
    """Read conf text with a parser that refuses a stanza or a setting that is there twice."""
    parser = configparser.RawConfigParser(delimiters=("=",), comment_prefixes=("#",), strict=True)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(re.sub(r"\\\n", " ", text))
    return {name: dict(parser[name]) for name in parser.sections()}


@given(CONFS, CONFS)
def test_every_stanza_and_setting_is_there_once(
    generated: dict[str, dict[str, str]], added: dict[str, dict[str, str]]
) -> None:
    """The result is the union of both; on one setting the fragment's value counts."""
    expected = {name: {**generated.get(name, {}), **added.get(name, {})} for name in {**generated, **added}}
    assert parse(merge(render(generated), render(added))) == expected


@given(CONFS, CONFS)
def test_merging_twice_changes_nothing(generated: dict[str, dict[str, str]], added: dict[str, dict[str, str]]) -> None:
    """A fragment that is in already adds nothing."""
    once = merge(render(generated), render(added))
    assert merge(once, render(added)) == once


def test_a_setting_goes_into_its_stanza_and_a_comment_with_it() -> None:
    """Comments of the fragment stay above what they explain; the other stanzas stay as they are."""
    generated = "[one]\na = 1\n\n[two]\nb = 2\n"
    fragment = "# why two\n[two]\n# why c\nc = 3\n\n# why three\n[three]\nd = 4\n"
    assert merge(generated, fragment) == (
        "[one]\na = 1\n\n[two]\nb = 2\n# why two\n# why c\nc = 3\n\n[three]\n# why three\nd = 4\n"
    )


def test_a_value_over_several_lines_stays_whole() -> None:
    """A backslash at the end of a line continues the value, whatever the next line looks like."""
    generated = "[one]\na = first\\\n[not a stanza]\\\nb = 2\nc = 3\n"
    assert merge(generated, "[one]\na = new\\\n  line\n") == "[one]\na = new\\\n  line\nc = 3\n"


def test_without_a_generated_file_the_fragment_is_the_file() -> None:
    """A conf file that ucc-gen does not write is made from the fragment alone."""
    assert merge("", "[one]\na = 1\n") == "[one]\na = 1\n"
