"""What published detections put out arrives in SOAR with the type that playbooks look for."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator

import pytest

from soarlink.mapping import shipped
from soarlink.mapping.artifact import MappedArtifact
from soarlink.mapping.compiled import MappingOptions, SearchContext
from soarlink.mapping.rowmapper import RowMapper
from soarlink.rows.row import Row
from tests.unit.mapping import observables

_WANTED_SHARE = 0.98


def _types_of(artifact: MappedArtifact, value: str) -> tuple[tuple[str, ...], ...]:
    """The data types under which the exact value stands in the artifact."""
    found = []
    for name, held in artifact.cef.items():
        if value == held or (isinstance(held, tuple) and value in held):
            found.append(artifact.cef_types.get(name, ()))
    return tuple(found)


def _delivered(field_names: str) -> Iterator[tuple[observables.Case, MappedArtifact]]:
    """Every case with its artifact."""
    mapping = shipped.load()
    mappers: dict[tuple[str, ...], RowMapper] = {}
    for case in observables.cases():
        header = (case.detection, *case.row)
        if header not in mappers:
            search = SearchContext(search_name=case.detection)
            mappers[header] = mapping.bind(tuple(case.row), search, MappingOptions(field_names=field_names))
        (artifact,) = mappers[header].map(Row("0", 0, case.row)).artifacts
        yield case, artifact


@pytest.mark.parametrize("field_names", ["both", "cef", "original"])
def test_typed_observables_arrive_exact_with_their_type(field_names: str, capsys: pytest.CaptureFixture[str]) -> None:
    """At least 98 % of the typed observables of 931 detections arrive, exact, in a field that carries their type."""
    hits = total = 0
    missed: Counter[tuple[str, str]] = Counter()
    for case, artifact in _delivered(field_names):
        wanted = observables.wanted_type(case.kind, case.value)
        good = any(wanted in types for types in _types_of(artifact, case.value))
        total += 1
        hits += good
        if not good:
            missed[case.field, case.kind] += 1
    most = ", ".join(f"{field} ({kind}) {count}" for (field, kind), count in missed.most_common(8))
    with capsys.disabled():
        sys.stdout.write(f"\n[{field_names}] observables with their type: {hits} of {total} = {hits / total:.2%}\n")
        sys.stdout.write(f"  missed most: {most}\n")
    assert hits / total >= _WANTED_SHARE


def test_one_value_has_one_type() -> None:
    """No value is given several types to be safe, under whatever names it is delivered."""
    torn = set()
    for case, artifact in _delivered("both"):
        if list(case.row.values()).count(case.value) > 1:
            continue  # two fields may well say different things of the same text
        types = {name for types in _types_of(artifact, case.value) for name in types}
        if len(observables.families(frozenset(types))) > 1:
            torn.add((case.field, case.value, tuple(sorted(types))))
    assert torn == set()
