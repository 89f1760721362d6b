"""One visitor in a browser: signed in, watched, able to take pictures."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, ConsoleMessage, Error, Locator, Page

    from tests.browser.relay import Relay

SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"
CONFIGURATION = "/en-US/app/TA_send_to_soar/configuration"
# Chromium itself reports answers of 4xx and 5xx so; the tests that provoke one say so.
_STATUS = re.compile(r"Failed to load resource: the server responded with a status of (\d+)")


def close(page: Page) -> None:
    """Close a window that shows nothing by then: Chromium may never answer a close amid a navigation."""
    page.goto("about:blank")
    page.close()


def close_profile(context: BrowserContext) -> None:
    """Close a profile with its windows."""
    for page in context.pages:
        close(page)
    context.close()


class Visit:
    """A page and what was seen on it.

    Args:
        page: the browser's page.
        relay: what the browser talks to.
    """

    def __init__(self, page: Page, relay: Relay) -> None:
        self.page = page
        self._relay = relay
        self._complaints: list[str] = []
        self.expected_statuses: set[int] = set()
        """Statuses of refusals that the test provokes."""
        page.on("console", self._heard)
        page.on("pageerror", self._failed)

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self._complaints.append(message.text)

    def _failed(self, error: Error) -> None:
        self._complaints.append(f"uncaught: {error}")

    @property
    def complaints(self) -> list[str]:
        """What the console said, refusals that the test expects aside."""
        statuses = [(text, _STATUS.match(text)) for text in self._complaints]
        return [text for text, found in statuses if not (found and int(found[1]) in self.expected_statuses)]

    @property
    def received(self) -> bytes:
        """Every byte that the browser got so far."""
        return self._relay.received

    def sign_in(self, user: str, password: str) -> None:
        """Sign in on the page that is shown, and wait until it has led on."""
        self.page.get_by_label("User").select_option(user)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url(re.compile("^(?!.*/account/login)"), wait_until="commit")

    def go(self, path: str) -> None:
        """Open a path of the server."""
        self.page.goto(f"{self._relay.url}{path}")

    def tab(self, name: str) -> None:
        """Open the configuration page on a tab and wait until it is there."""
        self.go(CONFIGURATION)
        tab = self.page.get_by_role("tab", name=name)
        tab.click()
        expect(tab).to_have_attribute("aria-selected", "true")

    def field(self, name: str) -> Locator:
        """The control group of a field, by its name in globalConfig.json."""
        return self.page.locator(f'[data-test="control-group"][data-name="{name}"]').last

    def fill(self, name: str, text: str) -> None:
        """Type into a field."""
        self.field(name).locator("input, textarea:not([aria-hidden=true])").first.fill(text)

    def value(self, name: str) -> str:
        """What a field holds."""
        return self.field(name).locator("input, textarea:not([aria-hidden=true])").first.input_value()

    def choose(self, name: str, option: str) -> None:
        """Choose in a field with choices."""
        self.field(name).get_by_role("combobox").or_(self.field(name).locator("button")).first.click()
        self.page.get_by_role("option", name=option, exact=True).click()

    def expand(self, group: str) -> None:
        """Open a group of fields."""
        self.dialog.get_by_role("button", name=group).click()

    @property
    def dialog(self) -> Locator:
        """The dialog that is open."""
        return self.page.locator('[data-test="modal"]')

    def row(self, name: str) -> Locator:
        """The row of a table whose first cell says so."""
        cell = self.page.get_by_role("cell", name=name, exact=True)
        return self.page.get_by_role("row").filter(has=cell)

    def picture(self, name: str) -> None:
        """Keep a picture for people to look at, when nothing moves any more."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.wait_for_load_state("networkidle")
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png", animations="disabled", full_page=True)
