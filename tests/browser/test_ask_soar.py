"""The view that asks SOAR about a value, opened by a workflow action in Splunk's own renderer."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, expect

from lab.web.dashboards import RENDERER
from tests.addon.test_workflow_actions import FINDING, NASTY, PLAYBOOK, link, searches
from tests.browser.conftest import ADMIN
from tests.browser.relay import Relay
from tests.browser.visit import SCREENSHOTS, close

Profile = Callable[[str, str], BrowserContext]
Open = Callable[..., Page]

_OWN = ("strict mode: ", "The preset entry for layout type grid")
"""What the renderer says of its own packages."""


@pytest.fixture
def opened(profile: Profile, relay: Relay) -> Iterator[Open]:
    """Opens an address of Splunk Web in a theme; nothing but the renderer's own remarks may stand in the console."""
    if not (RENDERER / "page.js").is_file():
        if os.environ.get("CI"):
            pytest.fail("the dashboard renderer is needed; `make dashboards` gets it where there is node")
        pytest.skip("the dashboard renderer is not there: `make dashboards`")
    complaints: list[str] = []
    pages: list[Page] = []

    def heard(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not message.text.startswith(_OWN):
            complaints.append(message.text)

    def show(address: str, theme: str = "light") -> Page:
        page = profile(ADMIN, theme).new_page()
        pages.append(page)
        page.on("console", heard)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{relay.url}/en-US{address}")
        return page

    yield show
    heard_so_far = list(complaints)
    for page in pages:
        close(page)
    assert heard_so_far == []


@pytest.mark.parametrize("value", NASTY)
def test_a_line_opens_the_search_for_the_value(opened: Open, value: str) -> None:
    """What Splunk's renderer makes of the address is what the view's search makes of it: the same search opens."""
    address = f"{link('user', {'user': value, **FINDING})}&form.playbook={PLAYBOOK}"
    page = opened(address)
    wanted = dict(zip(("Ask for enrichment", "Run the playbook"), searches(address), strict=True))
    for name, search in wanted.items():
        with page.expect_popup() as popup:
            page.get_by_role("cell", name=name, exact=True).click()
        assert urlsplit(popup.value.url).path == "/en-US/app/TA_send_to_soar/search"
        assert parse_qs(urlsplit(popup.value.url).query)["q"] == [search]
        close(popup.value)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pictures(opened: Open, theme: str) -> None:
    """Filled in, and empty."""
    page = opened(f"{link('src', {'src': '203.0.113.7', **FINDING})}&form.playbook={PLAYBOOK}", theme)
    expect(page.get_by_text("Ask for enrichment")).to_be_visible()
    _picture(page, "Nothing was asked", f"ask_soar_{theme}")
    _picture(opened("/app/TA_send_to_soar/ask_soar", theme), "Enter a value.", f"ask_soar_empty_{theme}")


def _picture(page: Page, words: str, name: str) -> None:
    expect(page.get_by_text(words).first).to_be_visible()
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", animations="disabled")
