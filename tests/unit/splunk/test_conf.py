"""The add-on's conf files."""

from __future__ import annotations

from pathlib import Path

import pytest

from soarlink.splunk import conf

PEM = "-----BEGIN CERTIFICATE-----\nAAAA\nBBBB\n-----END CERTIFICATE-----"


@pytest.mark.parametrize(
    ("text", "stanzas"),
    [
        ("", {}),
        ("# only\n\n  # remarks\n", {}),
        ("[a]\n", {"a": {}}),
        ("[a]\nx = 1\ny=2\n z  =  3 \n", {"a": {"x": "1", "y": "2", "z": "3"}}),
        ("[a]\nx = 1\n[b]\nx = 2\n[a]\ny = 3\n", {"a": {"x": "1", "y": "3"}, "b": {"x": "2"}}),
        ("[a]\nx = 1\nx = 2\n", {"a": {"x": "2"}}),
        ("x = 1\n[default]\ny = 2\n", {"default": {"x": "1", "y": "2"}}),
        ("[a]\nx = p=q & [r]\n", {"a": {"x": "p=q & [r]"}}),
        ("[a b::c]\nx =\n", {"a b::c": {"x": ""}}),
        ("[a]\nnonsense\nx = 1\n", {"a": {"x": "1"}}),
        ("[a]\r\nx = 1\r\n", {"a": {"x": "1"}}),
        ("[a]\nx = 1\\\n2\\\n3\ny = 4\n", {"a": {"x": "1\n2\n3", "y": "4"}}),
        ("[a]\nx = \\\n# no remark here\n", {"a": {"x": "\n# no remark here"}}),
        ("[a]\nx = end\\", {"a": {"x": "end\n"}}),
        ("[a]\nca = " + PEM.replace("\n", "\\\n") + "\nurl = u\n", {"a": {"ca": PEM, "url": "u"}}),
    ],
)
def test_stanzas_keys_and_values(text: str, stanzas: conf.Stanzas) -> None:
    """Remarks, blanks, repeated stanzas, continued lines, a PEM across lines."""
    assert conf.parse(text) == stanzas


def test_local_lies_over_default_key_by_key(tmp_path: Path) -> None:
    """Single keys win; what is only in one layer stays; a byte order mark is forgiven."""
    for layer, text in (("default", "[a]\nx = 1\ny = 1\n[d]\n"), ("local", "\ufeff[a]\ny = 2\n[l]\nz = 3\n")):
        (tmp_path / layer).mkdir()
        (tmp_path / layer / "f.conf").write_text(text, encoding="utf-8")
    assert conf.read(tmp_path, "f") == {"a": {"x": "1", "y": "2"}, "d": {}, "l": {"z": "3"}}
    assert conf.read(tmp_path, "absent") == {}


@pytest.mark.parametrize("text", ["1", "true", "T", "Yes", "y", " on "])
def test_a_switch_is_on(text: str) -> None:
    """Splunk's spellings of true."""
    assert conf.switch({"x": text}, "x")


@pytest.mark.parametrize("text", ["0", "false", "", "no", "2"])
def test_a_switch_is_off(text: str) -> None:
    """Anything else, and nothing at all."""
    assert not conf.switch({"x": text}, "x")
    assert not conf.switch({}, "x")


def test_line_separators_of_unicode_are_part_of_a_value() -> None:
    """Only line feeds end a line."""
    assert conf.parse("[a]\nx = 1\u20282\x853\x0c4\n") == {"a": {"x": "1\u20282\x853\x0c4"}}
