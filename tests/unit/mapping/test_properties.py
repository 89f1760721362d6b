"""Properties that hold for any row and any of the action's choices."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from soarlink.mapping import shipped
from soarlink.mapping.artifact import MappedRow
from soarlink.mapping.compiled import MappingOptions, SearchContext
from soarlink.mapping.search import FIELD_NAMES
from soarlink.rows.row import Row, Value
from tests.unit.mapping.observables import VALUES

_MAPPING = shipped.load()
_KNOWN_FIELDS = sorted({pattern for rule in _MAPPING.rules for pattern in rule.fields if "*" not in pattern})
_KNOWN_VALUES = sorted({value for values in VALUES.values() for value in values})

_names = st.sampled_from(_KNOWN_FIELDS) | st.text(min_size=1, max_size=12)
_text = (
    st.sampled_from(_KNOWN_VALUES)
    | st.text(min_size=1, max_size=30)
    | st.sampled_from(["10.0.0.1:443", "unknown", "1760000000"])
)
_values = _text | st.lists(_text, min_size=2, max_size=5).map(tuple)
_rows = st.dictionaries(_names, _values, min_size=1, max_size=14)
_multivalue = st.sampled_from(["list", "each"])
_field_names = st.sampled_from(FIELD_NAMES)


def _map(fields: dict[str, Value], names: str, multivalue: str) -> MappedRow:
    mapper = _MAPPING.bind(tuple(fields), SearchContext("s"), MappingOptions(names, multivalue))
    return mapper.map(Row("0", 0, fields))


def _texts(value: Value) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value


@settings(max_examples=400)
@given(_rows, _field_names, _multivalue)
def test_every_field_is_accounted_for_once(fields: dict[str, Value], names: str, multivalue: str) -> None:
    """Every field of the row is mapped, kept, or dropped with a reason: one of the three, and no other field is."""
    row = _map(fields, names, multivalue)
    accounted = [*row.mapped, *row.kept, *row.dropped]
    assert sorted(accounted) == sorted(fields)
    assert all(row.dropped.values())


@settings(max_examples=400)
@given(_rows, _field_names, _multivalue)
def test_no_value_is_lost(fields: dict[str, Value], names: str, multivalue: str) -> None:
    """Every value of a field that is not dropped is in some artifact: exact, or as what the trace says it became."""
    mapper = _MAPPING.bind(tuple(fields), SearchContext("s"), MappingOptions(names, multivalue))
    row, trace = mapper.explain(Row("0", 0, fields))
    there: set[str] = {text for artifact in row.artifacts for value in artifact.cef.values() for text in _texts(value)}
    became: dict[tuple[str, str], list[str]] = {}
    for line in trace:
        made = line.why.partition("; made of it: ")[2]
        became.setdefault((line.field, line.value), []).append(made or line.value)
    for field, value in fields.items():
        if field in row.dropped:
            continue
        for text in _texts(value):
            assert text in there or there.issuperset(became[field, text]), (field, text)


@settings(max_examples=200)
@given(_rows)
def test_original_names_hold_exact_values(fields: dict[str, Value]) -> None:
    """With ``both``, a field that has a CEF name stands unchanged beside it, unless that very name is another's."""
    row = _map(fields, "both", "list")
    for field in row.mapped:
        assert row.artifacts[0].cef[field] == fields[field]


@settings(max_examples=300)
@given(_rows, _field_names, _multivalue)
def test_explaining_is_mapping(fields: dict[str, Value], names: str, multivalue: str) -> None:
    """The trace changes nothing, and has a line for every value of every field."""
    mapper = _MAPPING.bind(tuple(fields), SearchContext("s"), MappingOptions(names, multivalue))
    row = Row("0", 0, fields)
    explained, trace = mapper.explain(row)
    assert explained == mapper.map(row)
    told = {(line.field, line.value) for line in trace}
    assert told >= {(field, text) for field, value in fields.items() for text in _texts(value)}
    for line in trace:
        assert bool(line.target) != (line.field in explained.dropped)


@settings(max_examples=300)
@given(_rows, _field_names, _multivalue, st.randoms(use_true_random=False))
def test_order_does_not_matter(fields: dict[str, Value], names: str, multivalue: str, chance: random.Random) -> None:
    """The artifact is the same, byte for byte, in whatever order row and header name their fields."""
    shuffled = list(fields)
    chance.shuffle(shuffled)
    one = _map(fields, names, multivalue)
    other = _map({field: fields[field] for field in shuffled}, names, multivalue)
    assert one == other
    assert [json.dumps(artifact.cef) for artifact in one.artifacts] == [
        json.dumps(artifact.cef) for artifact in other.artifacts
    ]


@settings(max_examples=200)
@given(_rows, st.lists(_names, max_size=5), _field_names)
def test_the_header_may_be_longer_or_shorter_than_the_row(
    fields: dict[str, Value], more: list[str], names: str
) -> None:
    """Columns that the row has empty, or fields that the header did not name, change nothing."""
    options = MappingOptions(names)
    whole = _map(fields, names, "list")
    for header in ((*fields, *more), (), tuple(more)):
        assert _MAPPING.bind(header, SearchContext("s"), options).map(Row("0", 0, fields)) == whole


@settings(max_examples=200)
@given(_rows, _field_names, _multivalue)
def test_types_belong_to_fields_that_are_there(fields: dict[str, Value], names: str, multivalue: str) -> None:
    """``cef_types`` names only fields of its artifact, never with an empty list; kinds of hash alone come in twos."""
    for artifact in _map(fields, names, multivalue).artifacts:
        for name, types in artifact.cef_types.items():
            assert name in artifact.cef
            assert len(types) == 1 or types[0] == "hash"


@settings(max_examples=100)
@given(st.lists(_rows, min_size=2, max_size=6))
def test_rows_do_not_touch_each_other(rows: list[dict[str, Value]]) -> None:
    """What a mapper remembers from one row changes nothing about the next."""
    mapper = _MAPPING.bind(tuple(rows[0]), SearchContext("s"), MappingOptions())
    for position, fields in enumerate(rows):
        assert mapper.map(Row(str(position), position, fields)) == _map(fields, "both", "list")


_RUN = """
import json, sys
sys.path[:0] = json.loads(sys.argv[1])
from tests.unit.mapping.observables import cases
from soarlink.mapping import shipped
from soarlink.mapping.compiled import MappingOptions, SearchContext, explain_fields
mapping = shipped.load()
for number, case in enumerate(cases()):
    if number % 97 == 0:
        row, trace = explain_fields(mapping, case.row, SearchContext(case.detection), MappingOptions())
        artifacts = [[artifact.cef, artifact.cef_types] for artifact in row.artifacts]
        print(json.dumps([artifacts, row.mapped, row.kept, row.dropped, [line._asdict() for line in trace]]))
print(mapping.digest)
"""


def test_the_hash_seed_does_not_matter() -> None:
    """Artifacts, account, trace and digest are the same, byte for byte, with any hash seed."""
    paths = json.dumps([str(Path(__file__).parents[3]), str(Path(__file__).parents[3] / "package" / "lib")])
    outputs = {
        subprocess.run(
            [sys.executable, "-c", _RUN, paths],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
        ).stdout
        for seed in ("0", "1", "4294967295")
    }
    assert len(outputs) == 1
    assert len(outputs.pop()) > 100_000
