"""Rows to shipments: nothing is lost, doubled or reordered."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soarlink.errors import ResultsError
from soarlink.mapping import shipped
from soarlink.mapping.search import SearchContext
from soarlink.plan import parameters
from soarlink.plan import planner as module
from soarlink.plan.planner import PART_ARTIFACTS, Planner
from soarlink.plan.shipment import PlaybookCall, Shipment
from soarlink.rows.row import Row
from tests.unit.samples import SCHEDULED_SID, CountingMapper, RowList, asked, make_row, make_run, plan

COUNTS = st.lists(st.sampled_from([0, 1, 2, 40, 99, 100, 101, 250]), max_size=12)
KINDS = st.sampled_from(["result", "group", "search"])


def rows_of(counts: list[int]) -> list[Row]:
    """Rows with that many artifacts each, in three groups."""
    return [make_row(n, artifacts=str(count), team=f"t{n % 3}") for n, count in enumerate(counts)]


def containers(shipments: list[Shipment]) -> list[list[Shipment]]:
    """The shipments, part by part of each container."""
    return [list(parts) for _, parts in itertools.groupby(shipments, lambda shipment: shipment.identity)]


@given(counts=COUNTS, kind=KINDS, limit=st.sampled_from(["0", "1", "2", "500"]))
def test_every_row_and_every_artifact_is_accounted_for_exactly_once(counts: list[int], kind: str, limit: str) -> None:
    """Rows in = accounts out; artifacts in = artifacts out, each with its owner."""
    shipments = plan(rows_of(counts), container_per=kind, group_by="team", max_containers=limit)
    accounts = [account for shipment in shipments for account in shipment.rows]
    assert sorted(account.position for account in accounts) == list(range(len(counts)))
    assert [account.artifacts for account in sorted(accounts, key=lambda a: a.position)] == counts
    owners = [owner for shipment in shipments for owner in shipment.owners]
    assert sorted(owners) == sorted(n for n, count in enumerate(counts) for _ in range(count))
    keys = [body["source_data_identifier"] for shipment in shipments for body in shipment.artifacts]
    assert len(keys) == len(set(keys)) == sum(counts)
    assert all(len(shipment.owners) == len(shipment.artifacts) for shipment in shipments)


@given(counts=COUNTS, kind=KINDS)
def test_parts_of_a_container_follow_one_another_and_the_last_is_flagged(counts: list[int], kind: str) -> None:
    """Parts count from 0, at most 100 artifacts each, only the last is last, no container is opened twice."""
    found = containers(plan(rows_of(counts), container_per=kind, group_by="team", max_containers="0", playbook="l/p"))
    assert len({parts[0].identity for parts in found}) == len(found)
    for parts in found:
        assert [shipment.part for shipment in parts] == list(range(len(parts)))
        assert [shipment.last for shipment in parts] == [False] * (len(parts) - 1) + [True]
        assert [shipment.playbooks for shipment in parts] == [()] * (len(parts) - 1) + [(PlaybookCall("l/p"),)]
        assert all(len(shipment.artifacts) <= PART_ARTIFACTS for shipment in parts)
        assert all(shipment.container == parts[0].container for shipment in parts)
        assert parts[0].is_whole == (len(parts) == 1)


@given(counts=COUNTS, kind=KINDS)
def test_a_row_is_completed_by_the_part_that_carries_its_last_artifact(counts: list[int], kind: str) -> None:
    """No row is told done while artifacts of it are still to come, and none is told late."""
    for parts in containers(plan(rows_of(counts), container_per=kind, group_by="team", max_containers="0")):
        last_part = {owner: shipment.part for shipment in parts for owner in shipment.owners}
        for shipment in parts:
            assert all(last_part.get(account.position, shipment.part) == shipment.part for account in shipment.rows)
        order = [account.position for shipment in parts for account in shipment.rows]
        assert order == sorted(order)
        assert [owner for shipment in parts for owner in shipment.owners] == sorted(
            owner for shipment in parts for owner in shipment.owners
        )


def test_one_container_per_result_has_the_rows_own_key() -> None:
    """Without grouping each row is a container, in file order."""
    shipments = plan([make_row(n) for n in range(3)])
    assert [shipment.identity for shipment in shipments] == [f"{SCHEDULED_SID}+{n}" for n in range(3)]
    assert all(shipment.is_whole and shipment.automation for shipment in shipments)
    assert plan([make_row()], automation="0")[0].automation is False


def test_a_group_is_what_has_equal_values_in_the_named_fields() -> None:
    """Groups come in the order of their first rows; a missing value is a value, a list is not its text."""
    rows = [
        make_row(0, dest="a", user="x"),
        make_row(1, dest="b"),
        make_row(2, user="x", dest="a", other="1"),
        make_row(3, dest=("a", "b")),
        make_row(4, dest="a, b"),
        make_row(5),
        make_row(6, dest="b"),
    ]
    groups = containers(plan(rows, container_per="group", group_by="dest,user"))
    assert [[account.position for part in parts for account in part.rows] for parts in groups] == [
        [0, 2],
        [1, 6],
        [3],
        [4],
        [5],
    ]


def test_a_container_of_several_rows_is_described_by_the_first() -> None:
    """Name and severity of a search's container come from its first row."""
    (shipment,) = plan(
        [make_row(0, rule_title="first", urgency="high"), make_row(1, rule_title="second")], container_per="search"
    )
    assert (shipment.container["name"], shipment.container["severity"]) == ("first", "high")
    assert (shipment.identity, len(shipment.rows)) == (SCHEDULED_SID, 2)


@pytest.mark.parametrize("kind", ["result", "group"])
def test_the_flood_guard_puts_the_rest_into_one_container_and_says_so(kind: str) -> None:
    """Beyond max_containers one summary container takes every further result, each with a note."""
    rows = [make_row(n, dest=f"d{n // 2 if kind == 'group' else n}") for n in range(10)]
    found = containers(plan(rows, container_per=kind, group_by="dest" if kind == "group" else "", max_containers="2"))
    assert [parts[0].identity == f"{SCHEDULED_SID}+overflow" for parts in found] == [False, False, True]
    rest = [account for part in found[2] for account in part.rows]
    assert [account.position for account in rest] == list(range(4 if kind == "group" else 2, 10))
    assert all("flood guard: this run makes more than 2 containers" in account.notes[0] for account in rest)
    assert not any(account.notes for parts in found[:2] for part in parts for account in part.rows)


def test_the_container_of_the_flood_guard_says_what_it_is() -> None:
    """It is called by the search and the number of results in it, whatever the first of them is called."""
    rows = [make_row(n, rule_title=f"Brute force on h{n}") for n in range(1_300)]
    for limit, name, search, expected in (
        ("2", "", "Brute force", "Brute force … and 1,298 more results"),
        ("1299", "", "", "Brute force on h1299 … and 1 more result"),
        ("2", "x" * 300, "s" * 300, "s" * 230 + "… … and 1,298 more results"),
    ):
        changes = {"container_name": name} if name else {}
        *_, last = plan(rows, make_run(search_name=search), max_containers=limit, **changes)
        assert last.container["name"] == expected
        assert len(last.container["name"]) <= 256
    groups = plan(rows, make_run(search_name="S"), container_per="group", group_by="rule_title", max_containers="3")
    assert groups[-1].container["name"] == "S … and 1,297 more results"
    assert groups[-1].artifacts[-1]["name"] == "Brute force on h1299"


def test_a_field_that_no_row_has_is_told() -> None:
    """A slip in group_by or identity_fields is in every outcome of the run; a field that one row has is none."""
    rows = [make_row(0, dest="a"), make_row(1, user="u"), make_row(2)]

    def notes(*columns: str, **changes: str) -> list[tuple[str, ...]]:
        planner = Planner(make_run(), asked(**changes), CountingMapper(), "events", columns=columns)
        return [account.notes for shipment in planner.plan(RowList(rows)) for account in shipment.rows]

    said = (
        "no result has a value in dset, usr (parameter group_by): it tells no results apart. "
        "Check how the field is written"
    )
    assert notes(container_per="group", group_by="dset,dest,usr,dset") == [(said,)] * 3
    assert notes(container_per="group", group_by="dest,user") == [()] * 3
    by_content = notes(identity="fields", identity_fields="dest,usre")
    assert all("a value in usre (parameter identity_fields)" in found[0] for found in by_content)
    of_search = {"container_per": "search", "identity": "fields", "identity_fields": "dest,usre"}
    assert ["usre (parameter identity_fields)" in " ".join(found) for found in notes("dest", **of_search)] == [True] * 3
    assert notes("dest", "usre", **of_search) == [()] * 3
    assert notes(**of_search) == [()] * 3


@pytest.mark.parametrize("changes", [{"container_per": "result"}, {"container_per": "search"}, {"max_containers": "1"}])
def test_a_group_by_that_plays_no_part_is_told(changes: dict[str, str]) -> None:
    """Without container_per=group, each result's outcome says that group_by is not used; with it, or empty, nothing."""
    rows = [make_row(n, dest="a", user="u") for n in range(3)]

    def notes(**asked_for: str) -> list[tuple[str, ...]]:
        planner = Planner(make_run(), asked(**{**changes, **asked_for}), CountingMapper(), "events")
        return [account.notes for shipment in planner.plan(RowList(rows)) for account in shipment.rows]

    kind = changes.get("container_per", "result")
    said = (
        f'group_by (dest, user) plays no part, because container_per is "{kind}": '
        'set container_per to "group" or leave group_by empty'
    )
    assert [found[-1] for found in notes(group_by="dest,user")] == [said] * 3
    assert "plays no part" not in str(notes(group_by="dest,user", container_per="group"))
    assert "group_by" not in str(notes())


@pytest.mark.parametrize("kind", ["search", "group", "result"])
def test_every_result_of_a_container_is_told_that_its_key_is_not_by_content(kind: str) -> None:
    """Identity fields that the first result lacks: all results that share the container's key say so, once each."""
    rows = [make_row(n, dest="a") for n in range(3)]
    found = plan(
        rows, container_per=kind, group_by="dest" if kind == "group" else "", identity="fields", identity_fields="usr"
    )
    said = "none of the identity fields usr has a value: the run's own key"
    assert [account.notes for shipment in found for account in shipment.rows] == [(said,)] * 3


def test_exactly_as_many_containers_as_allowed_is_no_flood() -> None:
    """The guard stays quiet at its limit."""
    assert len(plan([make_row(n) for n in range(3)], max_containers="3")) == 3


def test_the_account_tells_what_became_of_the_fields() -> None:
    """Ids of the origin, counts and notes travel with the row."""
    (shipment,) = plan([make_row(rid="9", orig_sid="S", orig_rid="1", severity="P1", artifacts="2")])
    (account,) = shipment.rows
    assert (account.rid, account.orig_sid, account.orig_rid, account.artifacts) == ("9", "S", "1", 2)
    assert (account.mapped, account.kept, account.dropped) == (5 - 1, 0, ())
    assert account.notes == ('severity "P1" is none of high, medium, low: sent as medium',)


def test_results_are_planned_as_they_are_read() -> None:
    """The first shipment comes after one row, not after the file."""
    rows = RowList([make_row(n) for n in range(1_000)])
    shipments = Planner(make_run(), asked(), CountingMapper(), "events").plan(rows)
    next(shipments)
    assert rows.handed_out <= 2


def test_results_before_a_break_are_planned() -> None:
    """A file that can't be read to its end costs none of the rows that were read, wherever it breaks off."""

    class Broken(RowList):
        def __iter__(self) -> Iterator[Row]:
            yield from super().__iter__()
            raise ResultsError("The file ends early.")

    for count in range(40):
        found: list[Shipment] = []
        shipments = Planner(make_run(), asked(), CountingMapper(), "events").plan(
            Broken([make_row(n) for n in range(count)])
        )
        with pytest.raises(ResultsError):
            found.extend(shipments)
        assert [shipment.rows[0].position for shipment in found] == list(range(count))


def test_a_searchs_container_is_planned_part_by_part() -> None:
    """The first part comes as soon as it is full, so memory does not grow with the file."""
    rows = RowList([make_row(n) for n in range(10_000)])
    shipments = Planner(make_run(), asked(container_per="search"), CountingMapper(), "events").plan(rows)
    next(shipments)
    assert rows.handed_out <= PART_ARTIFACTS + 64


def test_groups_beyond_what_memory_holds_take_further_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the memory for groups, the plan is the same."""
    rows = [make_row(n, dest=f"d{n * 7 % 5}") for n in range(40)]
    wide = plan(rows, container_per="group", group_by="dest")
    monkeypatch.setattr(module, "GROUP_ROWS", 10)
    source = RowList(rows)
    narrow = list(
        Planner(make_run(), asked(container_per="group", group_by="dest"), CountingMapper(), "events").plan(source)
    )
    assert narrow == wide
    assert source.passes > 2


def test_the_same_input_gives_the_same_plan() -> None:
    """Planning twice gives equal streams."""
    rows: list[Any] = rows_of([3, 250, 0, 7])
    assert plan(rows, container_per="search") == plan(rows, container_per="search")


def test_what_is_asked_about_is_an_artifact_once() -> None:
    """Results of a container with the same chosen values share one artifact, and say so; others have their own."""
    wanted = parameters.parse(
        {"fields": "src", "playbooks": "local/x", "container_per": "search"}, "request_soar_enrichment"
    )
    rows = [make_row(n, src=f"10.0.0.{n % 2}", user=f"u{n}") for n in range(6)]
    mapper = shipped.load().bind(("src", "user"), SearchContext("S"), wanted.mapping)
    (shipment,) = Planner(make_run(), wanted, mapper, "events").plan(RowList(rows))
    assert [body["cef"]["src"] for body in shipment.artifacts] == ["10.0.0.0", "10.0.0.1"]
    assert [account.artifacts for account in shipment.rows] == [1, 1, 0, 0, 0, 0]
    assert ["asked about once" in "".join(account.notes) for account in shipment.rows] == [False] * 2 + [True] * 4
    each = wanted._replace(container_per="result")
    found = list(Planner(make_run(), each, mapper, "events").plan(RowList(rows)))
    assert [len(one.artifacts) for one in found] == [1] * 6
