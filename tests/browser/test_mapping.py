"""The table of mapping rules on the configuration page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from lab.splunkd.python.splunk.clilib import conffile
from tests.browser.conftest import OpenVisit
from tests.browser.visit import Visit

TAB = "Mapping rules"


@pytest.fixture
def rules(local_conf: Path) -> Iterator[Path]:
    """The local rules; there are none before and after a test."""
    path = local_conf / "ta_send_to_soar_mapping.conf"
    path.unlink(missing_ok=True)
    yield path
    path.unlink(missing_ok=True)


def _search(visit: Visit, text: str) -> None:
    visit.page.get_by_role("searchbox").fill(text)


def test_shipped_rules_are_shown(visit: OpenVisit, rules: Path) -> None:
    """All of them, over pages, and one that is looked for, with what it says."""
    here = visit()
    here.tab(TAB)
    shipped = conffile.read(str(rules.parent.parent / "default" / rules.name))
    expect(here.page.get_by_text(f"{len(shipped)} Items")).to_be_visible()
    here.picture("mapping")
    _search(here, "raw_event")
    expect(here.row("raw_event")).to_be_visible()
    here.page.get_by_role("button", name="Expand row - raw_event").click()
    expect(here.page.get_by_text("Reason for dropping")).to_be_visible()
    here.picture("mapping_rule")


def test_a_shipped_rule_is_changed(visit: OpenVisit, rules: Path) -> None:
    """Only what was changed is written."""
    here = visit()
    here.tab(TAB)
    _search(here, "raw_event")
    here.row("raw_event").get_by_role("button", name="Edit").click()
    expect(here.field("order").locator("input")).not_to_have_value("")
    here.fill("description", "Not for us")
    here.picture("mapping_edit")
    here.dialog.get_by_role("button", name="Update").click()
    expect(here.dialog).to_have_count(0)
    assert conffile.read(str(rules)) == {"raw_event": {"description": "Not for us"}}


def test_a_shipped_rule_is_switched_off(visit: OpenVisit, rules: Path) -> None:
    """By the switch in the table."""
    here = visit()
    here.tab(TAB)
    _search(here, "raw_event")
    here.row("raw_event").get_by_role("switch").click()
    expect(here.row("raw_event").get_by_role("switch")).not_to_be_checked()
    here.picture("mapping_off")
    assert conffile.read(str(rules))["raw_event"]["disabled"] in {"1", "true"}


def test_a_rule_of_ones_own(visit: OpenVisit, rules: Path) -> None:
    """Added and deleted."""
    here = visit()
    here.tab(TAB)
    here.page.get_by_role("button", name="Add", exact=True).click()
    for field, text in (("name", "ours"), ("order", "50"), ("fields", "note"), ("to", "cs1")):
        here.fill(field, text)
    here.picture("mapping_add")
    here.dialog.get_by_role("button", name="Add").click()
    expect(here.dialog).to_have_count(0)
    _search(here, "ours")
    expect(here.row("ours")).to_be_visible()
    assert conffile.read(str(rules))["ours"] == {"order": "50", "fields": "note", "mode": "map", "to": "cs1"}
    here.row("ours").get_by_role("button", name="Delete").click()
    here.dialog.get_by_role("button", name="Delete").click()
    expect(here.row("ours")).to_have_count(0)
    assert "ours" not in conffile.read(str(rules))


def test_a_wrong_rule_is_explained(visit: OpenVisit, rules: Path) -> None:
    """What only the server can know comes back to the dialog, with rule and setting, and nothing is saved."""
    here = visit()
    here.expected_statuses.add(500)
    here.tab(TAB)
    here.page.get_by_role("button", name="Add", exact=True).click()
    for field, text in (("name", "ours"), ("order", "50"), ("fields", "note"), ("to", "cs1"), ("types", "colour")):
        here.fill(field, text)
    here.dialog.get_by_role("button", name="Add").click()
    expect(here.dialog.locator('[data-test="message"]')).to_contain_text("[ours] types")
    here.picture("mapping_refused")
    assert not rules.exists()
