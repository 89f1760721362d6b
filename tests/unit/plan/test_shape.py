"""Summaries, files, cuts and content keys in the plan."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soarlink.body import EncodedBody, encode
from soarlink.mapping.artifact import MappedArtifact, MappedRow
from soarlink.plan import fitting, summary
from soarlink.plan.attachment import ResultsFile, safe_stem
from soarlink.plan.planner import Planner
from soarlink.plan.shipment import EVERY_ROW, Shipment
from soarlink.plan.summary import Summary
from soarlink.rows.row import Row
from tests.unit.samples import CountingMapper, RowList, asked, make_row, make_run, plan

# Without NUL, which the csv module of CPython 3.9 does not read.
TEXTS = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)


class KeepingMapper:
    """One artifact with the row's fields under their own names, ``_raw`` dropped."""

    def map(self, row: Row) -> MappedRow:
        """Fields that begin with ip have that type."""
        cef = {name: value for name, value in row.fields.items() if name != "_raw"}
        types = {name: ("ip",) for name in cef if name.startswith("ip")}
        dropped = {"_raw": "goes to data"} if "_raw" in row.fields else {}
        return MappedRow((MappedArtifact(cef, types),), (), tuple(cef), dropped)


def keep(rows: list[Row], most_results: int = 0, **changes: str) -> list[Shipment]:
    """The shipments of rows whose fields are kept."""
    columns = tuple(dict.fromkeys(name for row in rows for name in row.fields))
    planner = Planner(
        make_run(search_name="S"),
        asked(**changes),
        KeepingMapper(),
        "events",
        columns=columns,
        most_results=most_results,
    )
    return list(planner.plan(RowList(rows)))


def test_a_summary_has_every_distinct_value_once_and_all_rows() -> None:
    """Values in the order in which they come, types where they agree, dropped fields in data."""
    rows = [make_row(n, ip=("a", f"b{n % 2}"), x="1", _raw=f"r{n}") for n in range(250)]
    (shipment,) = keep(rows, container_per="search", artifacts="summary")
    (body,) = shipment.artifacts
    assert (shipment.owners, len(shipment.rows), shipment.is_whole) == ((EVERY_ROW,), 250, True)
    assert body["cef"] == {"ip": ["a", "b0", "b1"], "x": "1"}
    assert body["cef_types"] == {"ip": ["ip"]}
    assert body["data"]["summary"]["results"] == 250
    assert len(body["data"]["summary"]["values"]["_raw"]) == 250
    assert (shipment.attachments, shipment.notes) == ((), ())


def test_a_summary_of_one_result_per_container_is_one_artifact_each() -> None:
    """Also when the mapping makes several artifacts of a row."""
    shipments = plan([make_row(n, artifacts="3") for n in range(2)], artifacts="summary")
    assert [len(shipment.artifacts) for shipment in shipments] == [1, 1]
    assert shipments[0].artifacts[0]["cef"]["cn1"] == ["0", "1", "2"]


def test_what_a_summary_leaves_out_is_attached(monkeypatch: pytest.MonkeyPatch) -> None:
    """The note names the field and the file, the file has all rows."""
    monkeypatch.setattr(summary, "MAX_VALUES", 3)
    (shipment,) = keep([make_row(n, x=str(n)) for n in range(5)], container_per="search", artifacts="summary")
    assert shipment.artifacts[0]["cef"]["x"] == ["0", "1", "2"]
    (attachment,) = shipment.attachments
    assert [row["x"] for row in json.loads(attachment.content)] == ["0", "1", "2", "3", "4"]
    assert shipment.notes == (
        f"the summary does not list every value of x; the results are attached as {attachment.name}",
    )


def test_values_of_several_types_have_none_in_a_summary() -> None:
    """A list is of a type only when all its values are."""
    made = Summary()
    for types in ({"v": ("ip",)}, {"v": ("domain",)}):
        made.add(make_row(), MappedRow((MappedArtifact({"v": str(types)}, types),), (), (), {}))
    assert made.cef_types == {}


def test_characters_of_a_summary_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Long values count by their length."""
    monkeypatch.setattr(summary, "MAX_CHARACTERS", 10)
    made = Summary()
    made.add(make_row(), MappedRow((MappedArtifact({"a": ("123456", "123456", "1234567")}, {}),), (), (), {}))
    assert made.cef == {"a": "123456"}
    assert made.cut == {"a": 1}


@given(values=st.lists(st.one_of(TEXTS, st.lists(TEXTS, min_size=2, max_size=3).map(tuple)), min_size=1, max_size=5))
def test_attached_results_are_read_back_exactly(values: list[Any]) -> None:
    """JSON keeps lists; CSV puts the values of a list on lines of their own."""
    rows = [make_row(n, v=value, rest="x") for n, value in enumerate(values)]
    files = {form: ResultsFile(form, ("v", "rest")) for form in ("csv", "json")}
    for row in rows:
        for file in files.values():
            file.add(row)
    read = {form: file.finish("f")[0].content.decode() for form, file in files.items()}
    plain = [value if isinstance(value, str) else list(value) for value in values]
    assert [row["v"] for row in json.loads(read["json"])] == plain
    found = list(csv.DictReader(io.StringIO(read["csv"], newline="")))
    assert [row["v"] for row in found] == [value if isinstance(value, str) else "\n".join(value) for value in plain]


@pytest.mark.parametrize("form", ["csv", "json"])
def test_a_file_that_grows_too_large_is_a_prefix_and_says_so(form: str) -> None:
    """It stays readable and within its limit."""
    file = ResultsFile(form, ("v",), limit=100)
    for n, size in enumerate([20, 20, 90, 1]):
        file.add(make_row(n, v="x" * size))
    attachment, notes = file.finish("f/..g")
    assert attachment.name == f"f_..g.{form}"
    assert len(attachment.content) <= 100
    assert notes == (f"the attachment {attachment.name} holds the first 2 of 4 results: it is limited to 97 bytes",)
    text = attachment.content.decode()
    assert len(json.loads(text) if form == "json" else text.splitlines()[1:]) == 2


def test_a_file_without_results_is_still_one() -> None:
    """An empty array, an empty text."""
    assert ResultsFile("json", ()).finish("x")[0].content == b"[]\n"
    assert ResultsFile("csv", ()).finish("x")[0].content == b""
    assert safe_stem("") == "results"


def test_results_are_attached_to_their_own_container() -> None:
    """Each group's file has its rows; the same rows give the same bytes."""
    rows = [make_row(n, team=team, n=str(n)) for n, team in enumerate("aba")]
    shipments = keep(rows, container_per="group", group_by="team", attach_results="json")
    files = [json.loads(shipment.attachments[0].content) for shipment in shipments]
    assert [[row["n"] for row in file] for file in files] == [["0", "2"], ["1"]]
    assert shipments == keep(rows, container_per="group", group_by="team", attach_results="json")
    assert len(shipments[0].attachments[0].digest) == 40


def test_a_large_value_is_cut_in_the_artifact_and_whole_in_the_file() -> None:
    """Only what is too large is cut; the key of the artifact is that of the whole value."""
    row = make_row(blob="x" * 5_000_000, many=tuple(str(n) for n in range(10)), src="1")
    (shipment,) = keep([row])
    (body,) = shipment.artifacts
    assert fitting.size(body) <= fitting.MAX_BODY
    assert body["cef"]["blob"] == "x" * 262_144 + "… [cut: 5000000 characters]"
    assert (body["cef"]["src"], body["cef"]["many"]) == ("1", [str(n) for n in range(10)])
    (attachment,) = shipment.attachments
    assert json.loads(attachment.content)["blob"] == row.fields["blob"]
    assert "blob" in shipment.rows[0].notes[0]
    (other,) = keep([make_row(blob="x" * 5_000_001, many=row.fields["many"], src="1")])
    assert other.artifacts[0]["source_data_identifier"] != body["source_data_identifier"]


def test_large_lists_are_cut_by_what_they_hold() -> None:
    """The first values stay whole, the last item says how many there were."""
    body = {
        "cef": {"v": ["x" * 100] * 50_000, "w": ["y" * 9_000_000, "z"]},
        "data": {"row": {"v": ["x" * 100] * 50_000}},
    }
    fitted, names = fitting.fit(body)
    assert set(names) == {"v", "w"}
    assert fitted["cef"]["v"][0] == "x" * 100
    assert fitted["cef"]["v"][-1].endswith("of 50000 values]")
    assert fitted["cef"]["w"][-1].endswith("[cut: 9000000 characters]")


def test_thousands_of_fields_lose_the_copy_of_the_row_first() -> None:
    """The artifact still fits, its fields are still there."""
    fields = {f"f{n}": "x" * 120 for n in range(20_000)}
    fitted, names = fitting.fit({"cef": fields, "data": {"row": dict(fields)}})
    assert (fitted["data"], fitted["cef"], names) == ({}, fields, ())


@given(
    fields=st.dictionaries(TEXTS, st.one_of(st.text(max_size=30), st.lists(TEXTS, min_size=2).map(tuple)), max_size=4),
    link=st.sampled_from(["", "https://sh/r"]),
)
def test_the_bytes_of_a_body_are_the_body(fields: dict[str, Any], link: str) -> None:
    """What is encoded in pieces is JSON that holds every value, with and without fields, types and link."""
    planner = Planner(make_run(results_link=link), asked(container_name="n"), KeepingMapper(), "events")
    (shipment,) = planner.plan(RowList([Row("0", 0, {**fields, "_raw": "r"})]))
    plain = {name: value if isinstance(value, str) else list(value) for name, value in fields.items()}
    (artifact,) = shipment.artifacts
    assert artifact["data"] == {"row": {**plain, "_raw": "r"}}
    assert artifact["cef"] == {**plain, **({"_originating_search": link} if link else {})}
    for body in (shipment.container, artifact):
        assert isinstance(body, EncodedBody)
        assert {name: body[name] for name in body} == json.loads(encode(body))
    assert json.loads(encode(shipment.embedded())) == {**shipment.container, "artifacts": [dict(artifact)]}


def test_a_container_of_large_artifacts_is_sent_in_parts_by_size() -> None:
    """No part is heavier than a request may be, and every artifact is in one."""
    rows = [make_row(n, blob=str(n) + "x" * 300_000) for n in range(30)]
    shipments = keep(rows, container_per="search")
    assert len(shipments) >= 5
    assert all(sum(map(fitting.size, shipment.artifacts)) <= fitting.MAX_BODY for shipment in shipments)
    assert [owner for shipment in shipments for owner in shipment.owners] == list(range(30))


def test_results_that_splunk_may_have_cut_are_told_by_the_last() -> None:
    """Only when there are exactly as many as Splunk hands over."""
    for most, expected in ((3, [0, 0, 1]), (4, [0, 0, 0])):
        accounts = [shipment.rows[0] for shipment in keep([make_row(n) for n in range(3)], most_results=most)]
        assert [len(account.notes) for account in accounts] == expected


def test_content_keys_depend_on_search_fields_and_window_only() -> None:
    """The run, the row's position and other fields make no difference."""
    changes = {"identity": "fields", "identity_fields": "src", "identity_window": "1h"}

    def key(sid: str = "a", search: str = "S", **fields: str) -> str:
        run = make_run(sid=sid, search_name=search)
        rows = [Row("0", 0, {"src": "1", "_time": "3600", **fields})]
        return plan(rows, run, **changes)[0].identity

    same = {key(), key(sid="b"), key(other="x"), key(_time="7199.9"), key(search="other", search_name="S")}
    assert len(same) == 1
    assert len({*same, key(src="2"), key(_time="7200"), key(search="T"), key(_time="no")}) == 5


def test_groups_with_content_keys_stay_apart() -> None:
    """Groups are told apart by their own fields too, and are the same in the next run."""
    rows = [make_row(n, src="1", team=team) for n, team in enumerate("ab")]
    changes = {"identity": "fields", "identity_fields": "src", "container_per": "group", "group_by": "team"}
    first, second = (plan(rows, make_run(sid=sid), **changes) for sid in "xy")
    assert len({shipment.identity for shipment in first}) == 2
    assert [shipment.identity for shipment in first] == [shipment.identity for shipment in second]


def test_rows_without_identity_fields_keep_the_runs_key() -> None:
    """They are not thrown together, and the outcome says why."""
    shipments = plan([make_row(n) for n in range(2)], identity="fields", identity_fields="src")
    assert len({shipment.identity for shipment in shipments}) == 2
    assert "none of the identity fields src has a value" in shipments[0].rows[0].notes[0]


def test_a_search_may_have_a_content_key() -> None:
    """That of its first row."""
    rows = [make_row(0, src="1"), make_row(1, src="2")]
    (shipment,) = plan(rows, container_per="search", identity="fields", identity_fields="src")
    assert shipment.identity.startswith("content+")
    assert plan([], container_per="search") == []


def test_other_keys_of_the_finding_travel_along() -> None:
    """A notable knows its own id beside the run that found it; policies come from the parameters."""
    (shipment,) = plan([make_row(orig_sid="s", orig_rid="1", event_id="E", finding_id="F")], on_closed="reopen")
    assert (shipment.identity, shipment.other_keys, shipment.on_closed) == ("s+1", ("E", "F"), "reopen")
    assert shipment.container["data"]["splunk"]["keys"] == ["s+1", "E", "F"]
    (plain,) = plan([make_row(src="1")])
    assert plain.other_keys == ()


def test_the_context_of_a_finding_is_kept() -> None:
    """Drilldown, risk and annotations, cut where they are endless; a link only where the address is known."""
    row = make_row(event_id="E 1", drilldown_search="x" * 70_000, risk_score="5", annotations="{}", other="no")
    (shipment,) = plan([row], make_run(results_link="nowhere"))
    splunk = shipment.container["data"]["splunk"]
    assert splunk["drilldown_search"].endswith("[cut: 70000 characters]")
    assert (splunk["risk_score"], splunk["annotations"]) == ("5", "{}")
    assert not {"other", "es_link"} & set(splunk)
    (linked,) = plan([row], make_run(results_link="https://sh:8000/app/x?sid=1"))
    assert linked.container["data"]["splunk"]["es_link"] == (
        "https://sh:8000/app/SplunkEnterpriseSecuritySuite/incident_review"
        "?earliest=-30d&latest=now&search=event_id%3DE%201"
    )


def test_an_endless_description_is_cut_and_told() -> None:
    """The note says how long it was."""
    (shipment,) = plan([make_row(description="x" * 70_000)])
    assert shipment.container["description"].endswith("… [cut: 70000 characters]")
    assert shipment.rows[0].notes == ("the description was cut: it has 70000 characters",)


def test_equal_accounts_share_their_texts() -> None:
    """100,000 rows that say the same hold one tuple."""
    shipments = Planner(make_run(), asked(), CountingMapper(), "events").plan(
        RowList([make_row(n, severity="P1") for n in range(2)])
    )
    first, second = (shipment.rows[0] for shipment in shipments)
    assert first.notes is second.notes


def test_one_row_with_many_large_artifacts_is_sent_in_parts_by_size() -> None:
    """Each artifact carries the whole row: 30 of 300 kB are no single request."""
    shipments = plan([make_row(artifacts="30", blob="x" * 300_000)])
    assert len(shipments) == 3
    assert sum(len(shipment.artifacts) for shipment in shipments) == 30
    assert all(sum(map(fitting.size, shipment.artifacts)) <= fitting.MAX_BODY for shipment in shipments)
    assert [len(shipment.rows) for shipment in shipments] == [0] * (len(shipments) - 1) + [1]
