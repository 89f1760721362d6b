"""Mapping rules on the configuration page: the built add-on's own REST handler, in the stand-in splunkd."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from lab.runner.lab import APP, Lab
from lab.splunkd.python.splunk.clilib import conffile
from tests.lab.splunkd.client import Client, client_of

RULES = f"/servicesNS/nobody/{APP}/ta_send_to_soar_mapping"
OURS = {"order": "50", "fields": "note", "mode": "map", "to": "cs1"}


@pytest.fixture
def page(lab: Lab) -> Client:
    """The page's calls, as an administrator makes them."""
    return client_of(lab.splunkd, "admin")


@pytest.fixture
def local(lab: Lab) -> Iterator[Path]:
    """The local layer of the rules; it is gone after the test."""
    path = lab.home.apps / APP / "local" / "ta_send_to_soar_mapping.conf"
    path.unlink(missing_ok=True)
    yield path
    path.unlink(missing_ok=True)


def _form(content: Mapping[str, Any], **changes: str) -> dict[str, str]:
    """What the page posts: every field of the form, also those that nobody touched."""
    keys = (
        *("description", "order", "fields", "mode", "to", "types", "transform", "values", "partners", "reason"),
        *("when_data_model", "when_sourcetype", "when_search_name", "when_app", "when_field"),
    )
    return {**{key: content.get(key) or "" for key in keys}, **changes}


def test_shipped_rules_are_listed(page: Client, local: Path) -> None:
    """Every rule of the shipped file, with its keys."""
    entries = {entry["name"]: entry["content"] for entry in page.get(RULES, count=0).json["entry"]}
    shipped = conffile.read(str(local.parent.parent / "default" / local.name))
    assert set(entries) == set(shipped)
    assert len(entries) > 100
    assert entries["dest"]["order"] == shipped["dest"]["order"]
    assert entries["dest"]["to"] == shipped["dest"]["to"]
    assert "mode" not in shipped["dest"]
    assert entries["dest"]["mode"] == page.get(f"{RULES}/dest").content["mode"] == "map"


def test_changing_a_shipped_rule_writes_only_what_changed(page: Client, local: Path) -> None:
    """The page posts the whole form; the local file gets the one key, so the rest follows what we ship."""
    content = page.get(f"{RULES}/dest").content
    assert page.post(f"{RULES}/dest", _form(content, types="ip")).status == 200
    assert conffile.read(str(local)) == {"dest": {"types": "ip"}}
    assert page.get(f"{RULES}/dest").content["to"] == content["to"]
    assert page.post(f"{RULES}/dest", _form(content, types="ip")).status == 200
    assert conffile.read(str(local)) == {"dest": {"types": "ip"}}


def test_a_shipped_rule_can_be_switched_off_and_on(page: Client, local: Path) -> None:
    """The table's switch posts one key; editing a rule that is off leaves it off."""
    content = page.get(f"{RULES}/raw_event").content
    assert page.post(f"{RULES}/raw_event", {"disabled": "true"}).status == 200
    assert page.get(f"{RULES}/raw_event").content["disabled"] is True
    assert page.post(f"{RULES}/raw_event", _form(content, description="Not for us")).status == 200
    assert conffile.read(str(local)) == {"raw_event": {"disabled": "1", "description": "Not for us"}}
    assert page.post(f"{RULES}/raw_event", {"disabled": "false"}).status == 200
    assert page.get(f"{RULES}/raw_event").content["disabled"] is False


def test_a_shipped_rule_is_not_deleted(page: Client, local: Path) -> None:
    """The page says what to do instead."""
    reply = page.delete(f"{RULES}/raw_event")
    assert reply.status >= 400
    assert "switched off in the table" in reply.messages[0][1]


def test_a_rule_of_ones_own(page: Client, local: Path) -> None:
    """Created without its empty fields, changed, removed."""
    assert page.post(RULES, {"name": "ours", **_form({}), **OURS}).status == 201
    assert conffile.read(str(local))["ours"] == OURS
    assert page.post(f"{RULES}/ours", _form(page.get(f"{RULES}/ours").content, to="cs2")).status == 200
    assert conffile.read(str(local))["ours"]["to"] == "cs2"
    assert page.delete(f"{RULES}/ours").status == 200
    assert "ours" not in {entry["name"] for entry in page.get(RULES, count=0).json["entry"]}


@pytest.mark.parametrize(
    ("changes", "key", "words"),
    [
        ({"to": "nokind: cs1"}, "to", "nokind"),
        ({"types": "colour"}, "types", "colour"),
        ({"transform": "reverse"}, "transform", "reverse"),
        ({"mode": "drop"}, "to", "mode = drop"),
        ({"order": "100"}, "order", "raw_event"),
        ({"order": ""}, "order", "missing"),
        ({"values": "zip"}, "partners", "missing"),
        ({"when_field": "a*"}, "when_field", "can't be read"),
    ],
)
def test_a_wrong_rule_is_not_saved(page: Client, local: Path, changes: dict[str, str], key: str, words: str) -> None:
    """On creation and on change: the error names stanza and key, and the local file stays as it was."""
    reply = page.post(RULES, {"name": "ours", **OURS, **changes})
    assert reply.status >= 400
    if changes.get("order") != "":  # splunkd itself wants required arguments
        assert f"[ours] {key}" in reply.messages[0][1]
        assert words in reply.messages[0][1]
    assert not local.exists()
    page.post(RULES, {"name": "ours", **OURS})
    before = local.read_text(encoding="utf-8")
    reply = page.post(f"{RULES}/ours", _form(OURS, **changes))
    assert f"[ours] {key}" in reply.messages[0][1]
    assert words in reply.messages[0][1]
    assert local.read_text(encoding="utf-8") == before


def test_what_is_wrong_elsewhere_does_not_lock_the_page(page: Client, local: Path) -> None:
    """With two wrong rules in the file, the page can mend one after the other, and switch one off."""
    wrong = "\n".join(f"[w{n}]\norder = {n}\nfields = x{n}\nto = nokind: cs{n}\n" for n in (1, 2))
    local.parent.mkdir(exist_ok=True)
    local.write_text(wrong, encoding="utf-8")
    assert page.post(f"{RULES}/w1", _form(page.get(f"{RULES}/w1").content, to="cs1")).status == 200
    assert page.post(f"{RULES}/w2", {"disabled": "true"}).status == 200
    assert conffile.read(str(local))["w1"]["to"] == "cs1"
    assert conffile.read(str(local))["w2"]["disabled"] == "1"


def test_whoever_may_not_administer_saves_nothing(lab: Lab, local: Path) -> None:
    """An analyst reads the rules, and is refused when changing them."""
    analyst = client_of(lab.splunkd, "analyst")
    assert analyst.get(f"{RULES}/dest").status == 200
    assert analyst.post(f"{RULES}/dest", _form(analyst.get(f"{RULES}/dest").content, types="ip")).status >= 400
    assert not local.exists()
