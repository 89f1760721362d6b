"""When a rule applies: by search, source type and the row's other fields."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from soarlink.mapping.compile import compile_rules
from soarlink.mapping.compiled import MappingOptions, SearchContext
from soarlink.rows.row import Row, Value

_SEARCH = SearchContext(search_name="Threat - X - Rule", data_model="Network_Traffic.All_Traffic", app="SA-Threat")


def _target(condition: Mapping[str, str], fields: dict[str, Value], search: SearchContext = _SEARCH) -> str:
    """The name under which ``x`` is delivered: ``hit`` when the rule applies."""
    mapping = compile_rules({"rule": {"order": "1", "fields": "x", "to": "hit", **condition}})
    mapper = mapping.bind(("x", "sourcetype", "kind"), search, MappingOptions("cef"))
    (artifact,) = mapper.map(Row("0", 0, {"x": "v", **fields})).artifacts
    return next(name for name, value in artifact.cef.items() if value == "v")


@pytest.mark.parametrize(
    ("condition", "fields", "applies"),
    [
        ({"when_data_model": "Network_Traffic*"}, {}, True),
        ({"when_data_model": "Web, Network_*"}, {}, True),
        ({"when_data_model": "Web"}, {}, False),
        ({"when_data_model": "!Web"}, {}, True),
        ({"when_data_model": "!Network_*"}, {}, False),
        ({"when_data_model": "Network_*, !*.All_Traffic"}, {}, False),
        ({"when_search_name": "threat - *"}, {}, True),
        ({"when_search_name": "Access - *"}, {}, False),
        ({"when_app": "SA-Threat"}, {}, True),
        ({"when_app": "search"}, {}, False),
        ({"when_sourcetype": "aws:*"}, {"sourcetype": "aws:cloudtrail"}, True),
        ({"when_sourcetype": "aws:*"}, {"sourcetype": ("aws:a", "aws:b")}, True),
        ({"when_sourcetype": "aws:*"}, {"sourcetype": ("aws:a", "stash")}, False),
        ({"when_sourcetype": "aws:*"}, {}, False),
        ({"when_field": "kind"}, {"kind": "any"}, True),
        ({"when_field": "kind"}, {}, False),
        ({"when_field": "!kind"}, {}, True),
        ({"when_field": "!kind"}, {"kind": "any"}, False),
        ({"when_field": "!elsewhere"}, {}, True),
        ({"when_field": "elsewhere"}, {}, False),
        ({"when_field": "elsewhere"}, {"elsewhere": "1"}, True),
        ({"when_field": "kind=a|b*"}, {"kind": "bc"}, True),
        ({"when_field": "kind=a|b*"}, {"kind": "c"}, False),
        ({"when_field": "kind=a"}, {"kind": ("a", "b")}, False),
        ({"when_field": "kind, sourcetype"}, {"kind": "a"}, False),
        ({"when_app": "SA-Threat", "when_field": "kind"}, {}, False),
    ],
)
def test_a_rule_applies_when_all_its_conditions_hold(
    condition: dict[str, str],
    fields: dict[str, Value],
    applies: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """Every condition of the grammar, held and not held."""
    assert _target(condition, fields) == ("hit" if applies else "x")


def test_rows_of_one_search_decide_for_themselves() -> None:
    """A condition on the row is asked row by row."""
    mapping = compile_rules({"rule": {"order": "1", "fields": "x", "to": "hit", "when_field": "kind=a"}})
    mapper = mapping.bind(("x", "kind"), _SEARCH, MappingOptions("cef"))
    rows = [mapper.map(Row("0", 0, {"x": "v", "kind": kind})) for kind in ("a", "b", "a")]
    assert [row.mapped for row in rows] == [("x",), (), ("x",)]


def test_captures_name_the_target() -> None:
    """What a star stands for can be a part of the target."""
    mapping = compile_rules({"rule": {"order": "1", "fields": "old_*_of_*", "to": "{2}{1}"}})
    mapper = mapping.bind((), _SEARCH, MappingOptions("cef"))
    assert mapper.map(Row("0", 0, {"old_Name_of_file": "v"})).artifacts[0].cef == {"fileName": "v"}


def test_the_next_target_is_used_when_the_first_is_taken() -> None:
    """``a | b``: the second choice, then the own name."""
    mapping = compile_rules({"rule": {"order": "1", "fields": "x, y, z", "to": "a | b"}})
    mapper = mapping.bind((), _SEARCH, MappingOptions("cef"))
    assert mapper.map(Row("0", 0, {"z": "3", "y": "2", "x": "1"})).artifacts[0].cef == {"a": "1", "b": "2", "z": "3"}


def test_a_dropped_field_is_not_copied() -> None:
    """Dropped means dropped."""
    mapping = compile_rules(
        {
            "copy": {"order": "1", "fields": "x", "mode": "copy", "to": "copied"},
            "drop": {"order": "2", "fields": "x", "mode": "drop", "reason": "not for SOAR"},
        }
    )
    row = mapping.bind(("x",), _SEARCH, MappingOptions()).map(Row("0", 0, {"x": "v", "y": "w"}))
    assert row.artifacts[0].cef == {"y": "w"}
    assert row.dropped == {"x": "not for SOAR"}
    assert row.kept == ("y",)
