"""What of SOAR is written back to notables: the table of rules and the switch on the configuration page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from lab.splunkd.python.splunk.clilib import conffile
from tests.browser.conftest import OpenVisit

TAB = "Notable updates"


@pytest.fixture
def rules(local_conf: Path) -> Iterator[Path]:
    """The local rules; there are none before and after a test."""
    path = local_conf / "ta_send_to_soar_writeback.conf"
    path.unlink(missing_ok=True)
    yield path
    path.unlink(missing_ok=True)


def test_a_shipped_rule_is_switched_on(visit: OpenVisit, rules: Path) -> None:
    """By the switch in the table."""
    here = visit()
    here.tab(TAB)
    switch = here.row("status_closed").get_by_role("switch")
    expect(switch).not_to_be_checked()
    switch.click()
    expect(switch).to_be_checked()
    here.picture("updates")
    assert conffile.read(str(rules))["status_closed"]["disabled"] in {"0", "false"}


def test_a_rule_of_ones_own(visit: OpenVisit, rules: Path) -> None:
    """Added with choices and a template, and deleted."""
    here = visit()
    here.tab(TAB)
    here.page.get_by_role("button", name="Add", exact=True).click()
    for field, text in (("name", "ours"), ("order", "55"), ("values", "resolved"), ("to", "Done: {{status}}")):
        here.fill(field, text)
    here.dialog.get_by_role("button", name="Add").click()
    expect(here.row("ours")).to_contain_text("Done: {{status}}")
    assert conffile.read(str(rules))["ours"]["to"] == "Done: {{status}}"
    here.row("ours").get_by_role("button", name="Delete").click()
    here.dialog.get_by_role("button", name="Delete").click()
    expect(here.row("ours")).to_have_count(0)
    assert "ours" not in conffile.read(str(rules))


def test_updates_are_switched_to_preview(visit: OpenVisit, local_conf: Path) -> None:
    """Chosen, saved, and shown again."""
    here = visit()
    here.tab("Enterprise Security")
    here.page.get_by_role("radio", name="Preview").click()
    here.page.get_by_role("button", name="Save").click()
    expect(here.page.get_by_text('Updated "Enterprise Security"')).to_be_visible()
    settings = local_conf / "ta_send_to_soar_settings.conf"
    assert "preview" in str(conffile.read(str(settings)))
    here.tab("Enterprise Security")
    expect(here.page.get_by_role("radio", name="Preview")).to_be_checked()
    settings.unlink()
