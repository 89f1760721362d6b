"""`python -m soarlink.preview`: one request in, one document out; what stops the action stops the preview."""

from __future__ import annotations

import csv
import io
import json
import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from soarlink.errors import MappingError, SettingsError
from soarlink.mapping import shipped
from soarlink.preview.entry import main
from soarlink.preview.label import NO_ACCOUNT, default_label
from soarlink.splunk import rules

SID = "scheduler__admin__search__RMD5x_at_1700000000_1"


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """An add-on's folder with one account."""
    folder = tmp_path / "app"
    for name, text in {
        "default/macros.conf": "[soar_index]\ndefinition = index=main\n",
        "local/ta_send_to_soar_account.conf": "[prod]\nurl = https://soar.example.com\ndefault_label = cases\n",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A results file of two rows."""
    path = tmp_path / "results.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerows([["src", "note"], ["10.0.0.1", "a"], ["10.0.0.2", "b"]])
    return path


def ask(request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Exit code and document for one request."""
    answer = io.BytesIO()
    code = main(io.BytesIO(json.dumps(request).encode()), answer)
    return code, json.loads(answer.getvalue())


def preview(app: Path, results: Path, configuration: dict[str, str], **more: object) -> tuple[int, dict[str, Any]]:
    """Ask for a preview of one call."""
    call = {"sid": SID, "search_name": "S", "results_file": str(results), "configuration": configuration}
    return ask({"app": str(app), "action": "send_to_soar", "calls": [call], "limit": 100, "total": 2, **more})


def test_a_preview_has_the_accounts_label(app: Path, results: Path) -> None:
    """The label comes from the account without a look at its secret; parameters come from the payload."""
    code, document = preview(app, results, {"container_name": "{{note}}"})
    assert (code, document["problems"], document["sid"]) == (0, [], SID)
    assert [(one["name"], one["label"]) for one in document["containers"]] == [("a", "cases"), ("b", "cases")]


def test_what_stops_the_action_stops_the_preview(app: Path, results: Path) -> None:
    """Parameters, account, a local rule, a damaged file: nothing is previewed, the words are the action's."""
    for configuration, words in (({"container_per": "planet"}, "planet"), ({"account": "x"}, "there are: prod")):
        code, document = preview(app, results, configuration)
        assert (code, document["exit_code"], document["containers"]) == (3, 3, [])
        assert words in document["problems"][0]
    results.write_text('src,note\n"10.0.0.1\n', encoding="utf-8")
    code, document = preview(app, results, {})
    assert code == 6
    assert "can't be read" in document["problems"][0]
    (app / "local/ta_send_to_soar_mapping.conf").write_text("[mine]\norder = 1\n", encoding="utf-8")
    code, document = preview(app, results, {})
    assert code == 3
    assert "[mine] to" in document["problems"][0]


def test_per_result_calls_stop_at_the_limit(app: Path, results: Path) -> None:
    """Each call is a result of its own; the limit counts them."""
    call = {"sid": SID, "search_name": "S", "results_file": str(results), "configuration": {}, "result_id": "0"}
    code, document = ask(
        {"app": str(app), "action": "send_to_soar", "calls": [call, {**call, "result_id": "1"}], "limit": 1, "total": 2}
    )
    assert code == 0
    assert len(document["containers"]) == 1
    assert document["rows"]["complete"] is False


def test_single_values_are_explained(app: Path) -> None:
    """The values that were asked about, and no others; the source type only sets the scene."""
    request = {"app": str(app), "fields": {"dest": ["10.0.0.7"], "x": ["a", "b"]}, "sourcetype": "s"}
    code, document = ask(request)
    assert code == 0
    assert [(line["field"], line["value"]) for line in document["trace"]] == [
        ("dest", "10.0.0.7"),
        ("x", "a"),
        ("x", "b"),
    ]
    assert document["artifacts"][0]["cef"]["destinationAddress"] == "10.0.0.7"
    assert ask({**request, "sourcetype": ""})[1]["trace"] == document["trace"]
    code, document = ask({**request, "multivalue": "sideways"})
    assert code == 3
    assert "sideways" in document["problems"][0]


def test_the_module_runs_by_itself(app: Path) -> None:
    """As `lab` starts it: bytes in, one line of UTF-8 JSON out."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [sys.executable, "-B", "-m", "soarlink.preview"],
        input=json.dumps({"app": str(app), "fields": {"user": ["søren"]}}).encode(),
        env=environment,
        capture_output=True,
        check=True,
    )
    assert done.stdout.count(b"\n") == 1
    assert json.loads(done.stdout)["trace"][0]["value"] == "søren"


def test_the_module_uses_the_standard_streams(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And its exit code is the document's."""
    streams = [
        io.TextIOWrapper(io.BytesIO(text)) for text in (json.dumps({"app": str(app), "fields": {}}).encode(), b"")
    ]
    monkeypatch.setattr("sys.stdin", streams[0])
    monkeypatch.setattr("sys.stdout", streams[1])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("soarlink.preview", run_name="__main__")
    assert ended.value.code == json.loads(streams[1].buffer.getvalue())["exit_code"] == 0


def test_the_default_label(app: Path, tmp_path: Path) -> None:
    """Of the account; of one that only the caller knows; events where there is none."""
    assert default_label(app, "") == ("cases", ())
    assert default_label(app, "lab", {"lab": {"url": "https://soar.invalid"}}) == ("events", ())
    with pytest.raises(SettingsError, match="no SOAR account"):
        default_label(app, "other")
    assert default_label(tmp_path / "nothing", "") == ("events", (NO_ACCOUNT,))


def test_local_rules_lie_over_the_shipped_ones(app: Path) -> None:
    """Without a local file the shipped mapping itself; with one its rules count."""
    assert rules.load(app).digest == shipped.load().digest
    path = app / "local/ta_send_to_soar_mapping.conf"
    path.write_text("\ufeff[mine]\norder = 1\nfields = x\nto = cs1\n[dest]\ndisabled = 1\n", encoding="utf-8")
    names = [rule.stanza for rule in rules.load(app).rules]
    assert names[0] == "mine"
    assert "dest" not in names


def test_a_rule_is_checked_beside_the_others() -> None:
    """Its own mistakes and its order count; mistakes of others, and disabled rules, do not."""
    good = {"order": "5", "fields": "a", "to": "cs1"}
    rules.check("mine", {"mine": good, "wrong": {"order": "5"}, "off": {**good, "disabled": "1"}})
    with pytest.raises(MappingError, match=r"\[mine\] order: 5 is that of \[other\]"):
        rules.check("mine", {"mine": good, "other": {**good, "order": "5"}})
    with pytest.raises(MappingError, match=r"\[mine\] to"):
        rules.check("mine", {"mine": {**good, "to": "nokind: cs1"}})
    rules.check("mine", {"mine": {**good, "to": "nokind: cs1", "disabled": "1"}})
