"""`lab preview` and `lab map` as a user or a script calls them."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from lab.runner.lab import APP
from tests.lab.command import answer_of, lab

SID = "scheduler__admin__search__RMD5abc_at_1700000000_1"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A results file of three rows, with a multi-value field."""
    path = tmp_path / "three.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(
            [
                ["_time", "src", "dest", "user", "__mv_user"],
                ["1700000000", "203.0.113.7", "web01", "anna\nsøren", "$anna$;$søren$"],
                ["1700000001", "10.0.0.2", "db02", "bob", ""],
                ["1700000002", "10.0.0.3", "web01", "eve", ""],
            ]
        )
    return path


def test_json_is_the_binding_document(results: Path, tmp_path: Path) -> None:
    """One document on stdout: containers as SOAR would get them, with artifacts and rids, and the trace."""
    done = lab("preview", results, "--json", "--sid", SID, "--search-name", "S", folder=tmp_path)
    document = answer_of(done)
    assert done.returncode == 0
    assert done.stderr == ""
    first = document["containers"][0]
    assert (first["name"], first["label"], first["rids"]) == ("S", "events", ["0"])
    assert first["source_data_identifier"] == f"{SID}+0"
    (artifact,) = first["artifacts"]
    assert artifact["cef"]["sourceAddress"] == "203.0.113.7"
    assert artifact["cef"]["destinationUserName"] == ["anna", "søren"]
    line = next(line for line in document["trace"] if line["rid"] == "0" and line["field"] == "src")
    assert {key: line[key] for key in ("rid", "field", "value", "rule", "target")} == {
        "rid": "0",
        "field": "src",
        "value": "203.0.113.7",
        "rule": "src",
        "target": "sourceAddress",
    }
    assert "ipv4" in line["why"]
    assert document["rows"] == {"looked_at": 3, "total": 3, "limit": 1000, "complete": True}


def test_nothing_is_sent(results: Path, tmp_path: Path) -> None:
    """No SOAR is started or set up: the state folder has no containers, no account, no log of a run."""
    assert lab("preview", results, "--state", "s", folder=tmp_path).returncode == 0
    assert not list((tmp_path / "s").rglob("*.sqlite*"))
    assert not list((tmp_path / "s").rglob("ta_send_to_soar_account.conf"))
    assert not list((tmp_path / "s").rglob("*_modalert.log"))


def test_options_are_those_of_send(results: Path, tmp_path: Path) -> None:
    """Every option of `lab send` is taken, tokens are replaced from the first row, --soar is not asked."""
    arguments = ("--action", "send_to_soar", "--param", "container_name=$name$ $result.dest$", "--param", "account=lab")
    more = ("--mode", "adhoc", "--soar", "https://127.0.0.1:1", "--ca", "none.pem", "--timeout", "60", "--state", "s")
    done = lab(
        "preview", results, "--json", *arguments, *more, "--search-name", "S", folder=tmp_path, LAB_SOAR_TOKEN="tok-1"
    )
    document = answer_of(done)
    assert [one["name"] for one in document["containers"]] == ["S web01"] * 3
    assert "asks no SOAR" in document["notes"][0]
    assert "tok-1" not in done.stdout
    assert not [path for path in (tmp_path / "s").rglob("*") if path.is_file() and b"tok-1" in path.read_bytes()]


def test_a_person_sees_containers_fields_and_why(results: Path, tmp_path: Path) -> None:
    """Container, its results, each value with its CEF field, data type, rule and reason, and that nothing was sent."""
    arguments = ("--param", "container_per=group", "--param", "group_by=dest", "--param", "playbook=local/x")
    text = lab("preview", results, *arguments, folder=tmp_path).stdout
    assert "Container for 2 results with 2 artifacts" in text
    line = next(line for line in text.splitlines() if "203.0.113.7" in line)
    for word in ("src", "sourceAddress", "ip", "taken for ipv4"):
        assert word in line
    assert "dropped" in text
    assert "local/x (scope auto)" in text
    assert "2 containers with 3 artifacts would be sent for 3 results. Nothing was sent." in text


def test_a_person_sees_how_playbooks_would_run(results: Path, tmp_path: Path) -> None:
    """Scope and inputs of each container's run, and what would keep it from being started."""
    asked = ("--param", "playbooks=local/x", "--param", "inputs=host={{dest}},who={{nope}}")
    text = lab("preview", results, "--action", "run_soar_playbook", *asked, folder=tmp_path).stdout
    assert "local/x (scope auto, host = " in text
    assert "Would not be started: Its input who is empty" in text


def test_the_limit_is_stated(results: Path, tmp_path: Path) -> None:
    """In the document and for a person."""
    document = answer_of(lab("preview", results, "--json", "--limit", 2, folder=tmp_path))
    assert document["rows"] == {"looked_at": 2, "total": 3, "limit": 2, "complete": False}
    assert len(document["containers"]) == 2
    note = "only the first 2 of 3 results were looked at: the limit is 2"
    assert document["notes"] == [note]
    assert note in lab("preview", results, "--limit", 2, folder=tmp_path).stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("none.csv",), 2, "There is no file none.csv."),
        (("three.csv", "--param", "severty=high"), 2, "Did you mean severity?"),
        (("three.csv", "--action", "nonsense"), 2, "no action nonsense"),
        (("three.csv", "--python", "/bin/true"), 2, "no Python 3.9 or newer"),
        (("three.csv", "--state", "three.csv"), 2, "can't be used as state folder"),
        (("three.csv", "--param", "container_per=planet"), 3, 'container_per has the value "planet"'),
        (("three.csv", "--param", "account=nobody"), 3, 'no SOAR account "nobody"; there are: lab'),
    ],
)
def test_mistakes_are_documents_too(
    results: Path, tmp_path: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    """2 for what could not be started, 3 for what the action would refuse; in words, with all keys of a document."""
    assert results.name == "three.csv"
    done = lab("preview", *arguments, "--json", folder=tmp_path)
    document = answer_of(done)
    assert done.returncode == code
    assert words in document["problems"][0]
    assert (document["containers"], document["trace"]) == ([], [])
    assert "Traceback" not in done.stderr


def test_rules_of_the_state_folder_count(results: Path, tmp_path: Path) -> None:
    """What the configuration page of this state has saved is used; a wrong rule stops with stanza and key."""
    assert lab("preview", results, "--state", "s", folder=tmp_path).returncode == 0
    local = tmp_path / "s" / "splunk" / "etc" / "apps" / APP / "local" / "ta_send_to_soar_mapping.conf"
    local.parent.mkdir(exist_ok=True)
    local.write_text("[mine]\norder = 50\nfields = src\nto = cs1\n", encoding="utf-8")
    document = answer_of(lab("preview", results, "--json", "--state", "s", folder=tmp_path))
    assert document["containers"][0]["artifacts"][0]["cef"]["cs1"] == "203.0.113.7"
    (line,) = answer_of(lab("map", "src=10.0.0.1", "--json", "--state", "s", folder=tmp_path))["trace"]
    assert (line["rule"], line["target"]) == ("mine", "cs1")
    local.write_text("[mine]\norder = 50\nfields = src\nto = nokind: cs1\n", encoding="utf-8")
    for command in (("preview", results), ("map", "src=10.0.0.1")):
        done = lab(*command, "--json", "--state", "s", folder=tmp_path)
        assert done.returncode == 3
        assert "[mine] to" in answer_of(done)["problems"][0]


def test_map_explains_single_values(tmp_path: Path) -> None:
    """A table for a person, a document for a script; a field named twice has two values."""
    arguments = ("map", "dest=10.0.0.7", "dest=web01", "weird=x")
    text = lab(*arguments, folder=tmp_path).stdout
    line = next(line for line in text.splitlines() if "10.0.0.7" in line)
    assert "destinationAddress" in line
    document = answer_of(lab(*arguments, "--json", folder=tmp_path))
    assert [(one["field"], one["value"]) for one in document["trace"]] == [
        ("dest", "10.0.0.7"),
        ("dest", "web01"),
        ("weird", "x"),
    ]
    assert document["artifacts"][0]["cef"]["weird"] == "x"


def test_cef_fields_are_shown_in_full(tmp_path: Path) -> None:
    """Also in a narrow terminal: they are what is asked for."""
    text = lab("map", "dest=10.0.0.7", r"user=CORP\jsmith", folder=tmp_path, COLUMNS="80").stdout
    assert "destinationAddress" in text
    assert "destinationUserName" in text


def test_map_looks_at_the_search(tmp_path: Path) -> None:
    """Conditions of rules are asked about data model, source type and search name."""
    local = tmp_path / "s" / "splunk" / "etc" / "apps" / APP / "local" / "ta_send_to_soar_mapping.conf"
    local.parent.mkdir(parents=True)
    local.write_text(
        "".join(
            f"[{key}]\norder = {order}\nfields = x\nto = cs{order}\nwhen_{key} = W*\n"
            for order, key in enumerate(("data_model", "sourcetype", "search_name"), start=1)
        ),
        encoding="utf-8",
    )
    for option, target in (("--data-model", "cs1"), ("--sourcetype", "cs2"), ("--search-name", "cs3")):
        (line,) = answer_of(lab("map", "x=1", option, "Web", "--json", "--state", "s", folder=tmp_path))["trace"]
        assert line["target"] == target
    (line,) = answer_of(lab("map", "x=1", "--json", "--state", "s", folder=tmp_path))["trace"]
    assert line["target"] == "x"


@pytest.mark.parametrize("argument", ["dest", "=x", "dest="])
def test_map_wants_pairs(tmp_path: Path, argument: str) -> None:
    """A mistake is said in plain words, exit code 2."""
    done = lab("map", argument, "--json", folder=tmp_path)
    assert done.returncode == 2
    assert "is not FIELD=VALUE" in answer_of(done)["problems"][0]
