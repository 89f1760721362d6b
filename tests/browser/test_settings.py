"""Proxy and logging on the configuration page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from lab.runner.lab import APP, Lab
from lab.splunkd.python.splunk.clilib import conffile
from tests.browser.conftest import ANALYST, OpenVisit
from tests.browser.visit import CONFIGURATION, Visit

SECRET = "page-password-of-the-proxy"


@pytest.fixture(autouse=True)
def clean(lab: Lab) -> Iterator[None]:
    """Settings are as shipped after each test."""
    yield
    for conf in ("ta_send_to_soar_settings", "macros"):
        (lab.home.apps / APP / "local" / f"{conf}.conf").unlink(missing_ok=True)


def _saved(lab: Lab, stanza: str) -> dict[str, str]:
    stanzas = conffile.read(str(lab.home.apps / APP / "local" / "ta_send_to_soar_settings.conf"))
    return stanzas.get(stanza, {})


def _save(visit: Visit) -> None:
    visit.page.get_by_role("button", name="Save").click()


@pytest.mark.parametrize("host", ["proxy.example.com", "10.20.30.40", "proxy-1"])
def test_a_proxy_is_set(visit: OpenVisit, lab: Lab, host: str) -> None:
    """By host name or address, with a password that neither the browser nor a conf file holds afterwards."""
    here = visit()
    here.tab("Proxy")
    here.field("proxy_enabled").get_by_role("checkbox").click()
    for field, text in (
        ("proxy_host", host),
        ("proxy_port", "3128"),
        ("proxy_username", "p"),
        ("proxy_password", SECRET),
    ):
        here.fill(field, text)
    _save(here)
    expect(here.page.get_by_text('Updated "Proxy"')).to_be_visible()
    here.picture("proxy")
    saved = _saved(lab, "proxy")
    assert (saved["proxy_enabled"], saved["proxy_host"], saved["proxy_port"]) == ("1", host, "3128")
    assert SECRET not in str(saved)
    here.tab("Proxy")
    expect(here.field("proxy_host").locator("input")).to_have_value(host)
    assert SECRET not in here.value("proxy_password")
    assert SECRET.encode() not in here.received


@pytest.mark.parametrize(("field", "text"), [("proxy_host", "not a host"), ("proxy_port", "70000")])
def test_a_wrong_proxy_is_not_saved(visit: OpenVisit, lab: Lab, field: str, text: str) -> None:
    """The page names what is wrong."""
    here = visit()
    here.tab("Proxy")
    here.field("proxy_enabled").get_by_role("checkbox").click()
    for name, good in (("proxy_host", "proxy.example.com"), ("proxy_port", "3128"), (field, text)):
        here.fill(name, good)
    _save(here)
    expect(here.page.locator('[data-test="message"]')).to_be_visible()
    here.picture(f"proxy_wrong_{field}")
    assert _saved(lab, "proxy") == {}


def test_the_log_level_is_set(visit: OpenVisit, lab: Lab) -> None:
    """Chosen, saved, and shown again."""
    here = visit()
    here.tab("Logging")
    here.choose("loglevel", "DEBUG")
    _save(here)
    expect(here.page.get_by_text('Updated "Logging"')).to_be_visible()
    here.picture("logging")
    assert _saved(lab, "logging")["loglevel"] == "DEBUG"
    here.tab("Logging")
    expect(here.field("loglevel")).to_contain_text("DEBUG")


def test_the_page_is_for_those_who_manage_accounts(visit: OpenVisit) -> None:
    """An analyst is told so, before anything is asked."""
    here = visit(ANALYST)
    here.expected_statuses.add(403)
    here.go(CONFIGURATION)
    expect(here.page.get_by_role("heading", name="You do not have permission")).to_be_visible()
    here.picture("forbidden")


def test_limits_of_delivery_are_set(visit: OpenVisit, lab: Lab) -> None:
    """Each saved as typed, and shown again."""
    here = visit()
    here.tab("Delivery")
    wanted = {"seconds": "30", "seconds_per_result": "3", "age_limit": "48", "receipts": "14"}
    for field, text in wanted.items():
        here.fill(field, text)
    _save(here)
    expect(here.page.get_by_text('Updated "Delivery"')).to_be_visible()
    here.picture("delivery")
    assert {key: _saved(lab, "delivery").get(key) for key in wanted} == wanted
    here.tab("Delivery")
    expect(here.field("age_limit").locator("input")).to_have_value("48")


@pytest.mark.parametrize(("field", "text"), [("seconds", "soon"), ("age_limit", "-1")])
def test_a_wrong_limit_is_not_saved(visit: OpenVisit, lab: Lab, field: str, text: str) -> None:
    """The page names what is wrong."""
    here = visit()
    here.tab("Delivery")
    expect(here.field(field).locator("input")).not_to_have_value("")
    here.fill(field, text)
    _save(here)
    expect(here.page.locator('[data-test="message"]')).to_be_visible()
    here.picture(f"delivery_wrong_{field}")
    assert _saved(lab, "delivery") == {}


def test_the_index_is_set(visit: OpenVisit, lab: Lab) -> None:
    """Saved in the tab and defined in the macro, which all else reads."""
    here = visit()
    here.tab("Index")
    expect(here.field("index").locator("input")).to_have_value("main")
    here.fill("index", "soar-events")
    _save(here)
    expect(here.page.get_by_text('Updated "Index"')).to_be_visible()
    here.picture("index")
    macros = conffile.read(str(lab.home.apps / APP / "local" / "macros.conf"))
    assert macros["soar_index"]["definition"] == "index=soar-events"
    here.tab("Index")
    expect(here.field("index").locator("input")).to_have_value("soar-events")


def test_a_wrong_index_is_not_saved(visit: OpenVisit, lab: Lab) -> None:
    """The page says what a name is."""
    here = visit()
    here.tab("Index")
    expect(here.field("index").locator("input")).not_to_have_value("")
    here.fill("index", "soar OR index=main")
    _save(here)
    expect(here.page.locator('[data-test="message"]')).to_contain_text("one name")
    assert _saved(lab, "index") == {}
    assert not (lab.home.apps / APP / "local" / "macros.conf").exists()
