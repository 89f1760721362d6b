"""What is generated from the conf file is fresh: the compiled rules and the table in the documentation."""

from __future__ import annotations

import configparser
import sys

import pytest

from soarlink.mapping.compile import compile_rules
from soarlink.mapping.shipped import load
from soarlink.mapping.shipped_rules import STANZAS
from soarlink.mapping.stanza import KEYS

if sys.version_info < (3, 11):
    pytest.skip("the tools are for CPython 3.11 and later", allow_module_level=True)

from tools import mapping_rules, mapping_table


def test_the_compiled_rules_are_those_of_the_conf_file() -> None:
    """``shipped_rules.py`` is what ``tools/mapping_rules.py`` makes of the conf file now."""
    stanzas = mapping_rules.read_conf(mapping_rules.CONF)
    assert mapping_rules.MODULE.read_text(encoding="utf-8") == mapping_rules.render(stanzas)
    assert stanzas == STANZAS
    assert load().digest == compile_rules(stanzas).digest


def test_the_table_in_the_documentation_is_fresh() -> None:
    """``docs/mapping.md`` holds the table that ``tools/mapping_table.py`` makes of the conf file now."""
    page = mapping_table.PAGE.read_text(encoding="utf-8")
    assert page == mapping_table.with_tables(page, mapping_rules.read_conf(mapping_rules.CONF))


def test_the_spec_names_every_key() -> None:
    """The spec file documents exactly the keys that the grammar knows."""
    spec = mapping_rules.CONF.parents[1] / "README" / "ta_send_to_soar_mapping.conf.spec"
    named = {
        line.partition("=")[0].strip()
        for line in spec.read_text(encoding="utf-8").splitlines()
        if line[:1].isalpha() and "=" in line
    }
    assert named == set(KEYS)


def test_every_rule_says_what_it_is_for() -> None:
    """Each shipped stanza has a description: the documentation shows it."""
    assert [name for name, settings in STANZAS.items() if not settings.get("description")] == []


def test_the_examples_in_the_documentation_compile() -> None:
    """Every example stanza of the page is a valid override of, or addition to, what we ship."""
    page = mapping_table.PAGE.read_text(encoding="utf-8")
    blocks = [block for block in page.split("```")[1::2] if "\norder = " in block or "\nvalues = " in block]
    assert len(blocks) == 3
    for block in blocks:
        parser = configparser.RawConfigParser(delimiters=("=",), comment_prefixes=("#",))
        parser.read_string(block)
        local = {name: dict(parser[name]) for name in parser.sections()}
        assert load(local).digest != load().digest
