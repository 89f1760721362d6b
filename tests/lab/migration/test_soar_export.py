"""Saved searches of SOAR Export, said in our words."""

from __future__ import annotations

import json
import string
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.migration.soar_export import Migration, migrate
from lab.runner import conf
from tests.lab.command import answer_of, lab

if TYPE_CHECKING:
    from pathlib import Path

DEFAULT = """[default]
action.sendtophantom.param.sensitivity = amber
"""

LOCAL = """[Suspicious PowerShell]
search = index=main
action.sendtophantom = 1
action.sendtophantom.param._cam = {"task":["create"]}
action.sendtophantom.param.phantom_server = SOAR prod (east)
action.sendtophantom.param.severity = SOAR prod (east): High
action.sendtophantom.param.label = events
action.sendtophantom.param.grouping = 1
action.sendtophantom.param.search_description = First line\\
second line
action.runphantomplaybook = 1
action.runphantomplaybook.param.server_playbook_name = SOAR prod (east): local/Quarantine Host
action.runphantomplaybook.param.severity = low

[Listed]
actions = email, sendtophantom
action.sendtophantom.param.relay_details = relay:hunter2
action.sendtophantom.param.phantom_server = Default
action.sendtophantom.param.severity = $result.severity$

[Off]
actions = sendtophantom
action.sendtophantom = 0

[Forwarded]
action.phantomeventforwarding = 1
"""


def migrated(text: str) -> dict[str, Migration]:
    """Each search that uses an old action, by name."""
    return {one.search: one for one in migrate(conf.parse(text))}


def param(one: Migration) -> dict[str, str]:
    """Our parameters, by name."""
    return {key.rpartition(".param.")[2]: value for key, value in one.settings.items() if ".param." in key}


def test_what_a_search_said_is_said_again() -> None:
    """Account, label, severity, grouping, description and playbook of both old actions stand in one stanza."""
    assert param(migrated(LOCAL)["Suspicious PowerShell"]) == {
        "account": "SOAR_prod_east",
        "playbook": "local/Quarantine Host",
        "label": "events",
        "severity": "High",
        "container_per": "search",
        "container_name": "{{search_name}}",
        "description": "First line\nsecond line",
    }


def test_what_a_search_left_out_stays_as_it_was() -> None:
    """Label, severity and grouping are the old actions' defaults, and ``$result.x$`` is filled per row."""
    found = migrated(LOCAL)["Listed"]
    assert param(found) == {
        "label": "event",
        "severity": "{{severity}}",
        "container_per": "result",
        "container_name": "{{search_name}}",
    }
    assert any("comes from the first row only" in note for note in found.notes)


def test_searches_without_the_action_are_passed_over() -> None:
    """A switched-off action counts as none; event forwarding is named, and nothing is made up for it."""
    found = migrated(LOCAL)
    assert set(found) == {"Suspicious PowerShell", "Listed", "Forwarded"}
    assert not found["Forwarded"].settings
    assert "not converted" in found["Forwarded"].notes[0]


@pytest.mark.parametrize(
    ("line", "note"),
    [
        ("runphantomplaybook.param.severity = low", 'severity is "High" here, "low" in'),
        ("runphantomplaybook.param.grouping = 7", 'grouping = "7" is not known here'),
        ("runphantomplaybook.param.colour = red", "runphantomplaybook.colour is not known here"),
        ("runphantomplaybook.param.server_playbook_name = east (ARR): local/x", "relay; now it is called directly"),
    ],
)
def test_what_can_not_be_taken_over_is_said(line: str, note: str) -> None:
    """A contradiction, an unknown value, an unknown parameter, a relayed server: each is named."""
    text = LOCAL.replace("action.runphantomplaybook.param.severity = low", "action." + line)
    assert any(note in one for one in migrated(text)["Suspicious PowerShell"].notes)


@given(st.text(string.printable, max_size=70))
def test_any_server_name_gives_an_account_name_that_can_be_saved(server: str) -> None:
    """Whatever the old server was called, the account's name is one that the configuration page accepts."""
    search = {"action.sendtophantom": "1", "action.sendtophantom.param.phantom_server": server}
    (found,) = migrate({"s": search})
    account = param(found).get("account", "")
    assert not account or (account[0].isalpha() and account.replace("_", "a").isalnum() and len(account) <= 50)


@given(
    st.dictionaries(
        st.sampled_from(["label", "severity", "search_description", "container_name", "colour"]),
        st.text(string.ascii_letters + " =[]#;:${}\n\u00e4\u4e2d"),
    )
)
def test_the_stanza_reads_back(values: dict[str, str]) -> None:
    """What is printed is conf text that holds exactly the settings, whatever the old values were."""
    old = {f"action.sendtophantom.param.{key}": value for key, value in values.items()}
    (found,) = migrate({"s": {"action.sendtophantom": "1", **old}})
    read = conf.parse(found.stanza())["s"]
    assert dict(found.settings) == read


def test_layers_and_secrets(tmp_path: Path) -> None:
    """`lab migrate default local` merges the layers, changes no file and prints nothing of a relay's password."""
    default, local = tmp_path / "default.conf", tmp_path / "local.conf"
    default.write_text(DEFAULT, encoding="utf-8")
    local.write_text(LOCAL, encoding="utf-8")
    text = lab("migrate", default, local, folder=tmp_path)
    document = answer_of(lab("migrate", default, local, "--json", folder=tmp_path))
    assert "action.send_to_soar.param.sensitivity = amber" in text.stdout
    assert [one["search"] for one in document["searches"]] == ["Suspicious PowerShell", "Listed", "Forwarded"]
    assert "hunter2" not in text.stdout + text.stderr + json.dumps(document)
    assert local.read_text(encoding="utf-8") == LOCAL


def test_what_is_printed_is_accepted_by_the_action(tmp_path: Path) -> None:
    """The parameters that come out run through the built action: the container has the old name and severity."""
    results = tmp_path / "results.csv"
    results.write_text("src,severity\n10.0.0.1,low\n10.0.0.2,high\n", encoding="utf-8")
    old = LOCAL.replace("local/Quarantine Host", "").replace("SOAR prod (east)", "Default")
    given = [f"--param={key}={value}" for key, value in param(migrated(old)["Suspicious PowerShell"]).items()]
    done = answer_of(lab("send", results, "--json", "--search-name", "Suspicious PowerShell", *given, folder=tmp_path))
    assert done["summary"]["delivered"] == 2
    assert len({one["container_id"] for one in done["results"]}) == 1


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """The error names the file; the exit code is 2."""
    document = answer_of(lab("migrate", "none.conf", "--json", folder=tmp_path))
    assert (document["exit_code"], document["searches"]) == (2, [])
    assert "none.conf can't be read" in document["problems"][0]
