"""The built add-on shows what it would send: `| soarpreview` in the chunked protocol, and the same plan as a send."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from lab.runner.home import SplunkHome
from lab.runner.lab import ACCOUNT, APP, Lab
from lab.runner.preview import AddOn, preview
from lab.runner.process import environment
from lab.runner.request import SendRequest
from lab.runner.search import Mode
from lab.splunkd import SPLUNK_PACKAGE
from tests.addon.conftest import Send
from tests.addon.results import Cell, write_results
from tests.addon.soar import SoarReader
from tests.unit.commands.chunks import Answer, chunk, read_answer

ROWS: list[dict[str, Cell]] = [
    {"_time": "1700000000", "src": "203.0.113.7", "dest": "web01", "user": ["anna", "søren"], "note": 'say "hi";$'},
    {"_time": "1700000001", "src": "10.0.0.2", "dest": "web01", "user": "bob", "note": ""},
    {"_time": "1700000002", "src": "10.0.0.3", "dest": "db02", "user": "eve", "note": "line\nbreak"},
]
SID = "scheduler__admin__search__RMD5addon_at_1700000100_77"
Preview = Callable[..., Answer]


def _body(rows: Sequence[Mapping[str, Cell]]) -> bytes:
    names = list(dict.fromkeys(name for row in ROWS for name in row))
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([column for name in names for column in (name, f"__mv_{name}")])
    for row in rows:
        cells = []
        for value in (row.get(name, "") for name in names):
            several = not isinstance(value, str)
            cells.append("\n".join(value) if several else value)
            cells.append(";".join("$" + part.replace("$", "$$") + "$" for part in value) if several else "")
        writer.writerow(cells)
    return text.getvalue().encode()


def _run_command(
    home: SplunkHome, python: Path, dispatch: Path, words: Sequence[str], chunks: Sequence[Sequence[Mapping[str, Cell]]]
) -> Answer:
    info = {
        "args": list(words),
        "raw_args": list(words),
        "dispatch_dir": str(dispatch),
        "sid": SID,
        "app": "search",
        "owner": "anna",
        "username": "anna",
        "splunk_version": "9.4.3",
        "search": "soarpreview",
        "command": "soarpreview",
        "maxresultrows": 50000,
        "earliest_time": "0",
        "latest_time": "0",
    }
    data = chunk({"action": "getinfo", "preview": False, "searchinfo": info})
    for number, rows in enumerate(chunks):
        data += chunk({"action": "execute", "finished": number == len(chunks) - 1}, _body(rows) if rows else b"")
    script = home.apps / APP / "bin" / "soarpreview.py"
    done = subprocess.run(
        [str(python), str(script)],
        input=data,
        env=environment(home.root, SPLUNK_PACKAGE, {}),
        cwd=script.parent,
        capture_output=True,
        timeout=60,
        check=False,
    )
    return read_answer(done.stdout, done.returncode)


@pytest.fixture
def soarpreview(lab: Lab, python: Path, tmp_path: Path) -> Preview:
    """Run the command on chunks of rows; splunkd gives it no session key that it could use."""

    def run(*words: str, chunks: Sequence[Sequence[Mapping[str, Cell]]] = (ROWS,)) -> Answer:
        return _run_command(lab.home, python, tmp_path, words, chunks)

    return run


@pytest.fixture
def addon(lab: Lab, python: Path) -> AddOn:
    """The installed add-on, as `lab preview` runs it."""
    return AddOn(lab.home, python)


def _field(answer: Answer, rid: str, field: str) -> list[Mapping[str, str]]:
    return [row for row in answer.rows if (row["kind"], row["rid"], row["field"]) == ("field", rid, field)]


def test_the_command_says_where_each_value_goes_and_why(soarpreview: Preview) -> None:
    """One row per container, below it one per value with target, data types, rule and reason."""
    answer = soarpreview(f"account={ACCOUNT}", "container_name={{user|join}} on {{dest}}", "search_name=S")
    assert (answer.code, answer.errors) == (0, [])
    containers = [row for row in answer.rows if row["kind"] == "container"]
    assert [row["container"] for row in containers] == ["anna, søren on web01", "bob on web01", "eve on db02"]
    assert [row["identity"] for row in containers] == [f"{SID}+{n}" for n in range(3)]
    (src,) = _field(answer, "0", "src")
    assert (src["value"], src["target"], src["types"], src["rule"]) == ("203.0.113.7", "sourceAddress", "ip", "src")
    assert src["why"]
    assert src["_time"] == "1700000000.0"
    assert [row["value"] for row in _field(answer, "0", "user")] == ["anna", "søren"]
    assert [row["value"] for row in _field(answer, "0", "note")] == ['say "hi";$']
    assert _field(answer, "1", "note") == []
    (dropped,) = _field(answer, "2", "_time")
    assert (dropped["target"], dropped["rule"]) == ("", "row_time")


def test_the_command_sees_the_whole_result(soarpreview: Preview) -> None:
    """Rows of several chunks are planned together: a group is one container wherever its rows came."""
    answer = soarpreview("container_per=group", "group_by=dest", chunks=([ROWS[0]], [ROWS[2], ROWS[1]], []))
    containers = [row for row in answer.rows if row["kind"] == "container"]
    assert [(row["rid"].split(), row["artifacts"]) for row in containers] == [(["0", "2"], "2"), (["1"], "1")]


def test_the_command_states_its_limit(soarpreview: Preview) -> None:
    """What was not looked at is said in a warning; what was, in a message."""
    answer = soarpreview("limit=2")
    assert {row["rid"] for row in answer.rows} == {"0", "1"}
    (warning,) = answer.warnings
    assert "first 2 of 3 results (limit=2; limit=0 for all)" in warning
    whole = soarpreview()
    assert whole.warnings == []
    assert [text for kind, text in whole.messages if kind == "INFO"] == [
        "soarpreview looked at all 3 results (limit=100). Nothing was sent."
    ]


def test_the_command_refuses_what_the_action_would(soarpreview: Preview) -> None:
    """Every wrong word at once, an unknown account, and no row."""
    answer = soarpreview("container_per=planet", "lable=x", "limit=many")
    assert answer.rows == []
    assert answer.code != 0
    (error,) = answer.errors
    assert 'container_per has the value "planet"' in error
    assert '"lable=x" is not understood' in error
    assert 'limit="many"' in error
    (error,) = soarpreview("account=nobody").errors
    assert 'There is no SOAR account "nobody"' in error


def test_the_command_previews_the_other_actions(soarpreview: Preview) -> None:
    """Playbooks with scope and inputs; of an enrichment only the chosen fields; parameters are those of the action."""
    asked = ("playbooks=local/x", "inputs=host={{dest}}")
    answer = soarpreview("action=run_soar_playbook", *asked)
    shown = [row for row in answer.rows if row["kind"] == "playbook"]
    assert [(row["target"], row["value"]) for row in shown] == [
        ("local/x", "host=web01"),
        ("local/x", "host=web01"),
        ("local/x", "host=db02"),
    ]
    answer = soarpreview("action=request_soar_enrichment", "fields=dest", *asked)
    assert {row["field"] for row in answer.rows if row["kind"] == "field"} == {"dest"}
    (error,) = soarpreview("action=run_soar_playbook").errors
    assert "Parameter playbooks is empty" in error


def test_no_results_give_no_rows(soarpreview: Preview) -> None:
    """An empty search is no error."""
    answer = soarpreview(chunks=([],))
    assert (answer.code, answer.rows, answer.errors) == (0, [], [])


@pytest.fixture
def local_rules(lab: Lab) -> Any:
    """Write the local layer of the rules; it is gone after the test."""
    path = lab.home.apps / APP / "local" / "ta_send_to_soar_mapping.conf"

    def write(text: str) -> None:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")

    yield write
    path.unlink(missing_ok=True)


def test_local_rules_count(soarpreview: Preview, local_rules: Callable[[str], None]) -> None:
    """A rule of the customer's own decides; a wrong one is an error that names stanza and key."""
    local_rules("[ours]\norder = 50\nfields = note\nto = cs1 (custom:remark)\n")
    (note,) = _field(soarpreview(), "0", "note")
    assert (note["target"], note["types"], note["rule"]) == ("cs1", "remark", "ours")
    local_rules("[ours]\norder = 50\nfields = note\nto = nokind: cs1\n")
    answer = soarpreview()
    assert answer.rows == []
    assert "[ours]" in answer.errors[0]
    assert "nokind" in answer.errors[0]


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"container_per": "group", "group_by": "dest", "tags": "a,{{dest}}"},
        {"container_per": "search", "multivalue": "each", "container_name": "$name$ $result.dest$"},
        {"container_per": "search", "artifacts": "summary", "field_names": "cef"},
    ],
    ids=["result", "group", "search", "summary"],
)
def test_what_is_previewed_is_what_arrives(
    addon: AddOn, send: Send, soar: SoarReader, tmp_path: Path, parameters: dict[str, str]
) -> None:
    """Name, label, severity, tags, key and every artifact's CEF fields and types in SOAR are those of the preview."""
    path = write_results(tmp_path / "rows.csv.gz", ROWS)
    digest = hashlib.sha256(str(sorted(parameters.items())).encode()).hexdigest()[:16]
    sid = f"scheduler__admin__search__RMD5{digest}_at_1700000200_1"
    request = SendRequest(path, parameters={"account": ACCOUNT, **parameters}, sid=sid)
    document = preview(addon, request, limit=0)
    assert document["problems"] == []
    report = send(path, parameters, sid=sid)
    ids = list(dict.fromkeys(outcome.container_id for outcome in report.results))
    assert len(ids) == len(document["containers"])
    for number, planned in zip(ids, document["containers"], strict=True):
        there = soar.container(number)
        for key in ("name", "label", "severity", "sensitivity", "source_data_identifier"):
            assert there[key] == planned[key]
        assert there["tags"] == planned.get("tags", [])
        wanted = [(artifact["cef"], artifact["cef_types"]) for artifact in planned["artifacts"]]
        assert [(artifact["cef"], artifact["cef_types"]) for artifact in soar.artifacts(number)] == wanted


def test_a_preview_per_result_is_one_call_each(addon: AddOn, tmp_path: Path) -> None:
    """`$result.x$` comes from each row, as splunkd replaces it, and rids are the results' positions."""
    path = write_results(tmp_path / "rows.csv.gz", ROWS)
    parameters = {"account": ACCOUNT, "container_name": "$result.dest$"}
    document = preview(addon, SendRequest(path, parameters=parameters, mode=Mode.PER_RESULT), limit=2)
    assert [(one["name"], one["rids"]) for one in document["containers"]] == [("web01", ["0"]), ("web01", ["1"])]
    assert document["rows"] == {"looked_at": 2, "total": 3, "limit": 2, "complete": False}
    assert "first 2 of 3 results" in document["notes"][0]
    assert json.dumps(document)
