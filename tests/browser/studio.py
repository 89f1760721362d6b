"""One visitor of a dashboard: what its searches came to, what its panels show, where its links lead."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import expect

from lab.runner.lab import APP
from tests.browser.visit import SCREENSHOTS

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, ConsoleMessage, Error, Locator, Page, Request, Response, Route

    from tools.dashboards.definition import Dashboard

_HEADER = 130
"""The bar and the filters, pixels."""
_REFUSED = 400
# What the renderer says of its own packages.
_OWN = ("strict mode: ", "The preset entry for layout type grid has no config.layoutApi property")
_QUIET_SECONDS = 0.6
"""The renderer asks on within this time, or is done."""
_PATIENCE_SECONDS = 60
_CELLS = "rows => rows.map(row => [...row.querySelectorAll('td')].map(cell => cell.innerText.trim()))"
_CUT = """
() => [...document.querySelectorAll('[data-test="table-container"]')].flatMap(table =>
    [...table.querySelectorAll('*')]
        .filter(part => /auto|scroll/.test(getComputedStyle(part).overflowY + getComputedStyle(part).overflowX))
        .map(part => [part.scrollHeight - part.clientHeight, part.scrollWidth - part.clientWidth])
        .filter(([below, beside]) => below > 1 || beside > 1)
        .map(missing => `${table.closest('[id^=viz_]').id}: ${missing}`))
"""
_BESIDE = """
() => [...document.querySelectorAll('[data-test="table-container"] table')].map(table => {
    const panel = table.closest('[id^=viz_]');
    return [panel.id, Math.round(panel.getBoundingClientRect().width - table.getBoundingClientRect().width)];
})
"""
_MARGIN = 40
"""Pixels of a panel that are beside its table, at most."""
_LEAVE_OUT = """
words => document.querySelectorAll('[data-test="cell"] span').forEach(cell => {
    if (cell.textContent.includes(words)) cell.textContent = cell.textContent.replaceAll(words, '…');
})
"""
_FIGURES = """
() => [...document.querySelectorAll('[data-test="majorValue"]')].map(figure => {
    const box = figure.getBoundingClientRect(), panel = figure.closest('[id^=viz_]').getBoundingClientRect();
    return [Math.round(panel.bottom), Math.round(box.top + box.height / 2 - panel.bottom)];
})
"""
# Panels that load show a dot; what is drawn is the same as when it was looked at last.
_AT_REST = """
() => {
    const panels = [...document.querySelectorAll('[data-test="viz-item"]')];
    const now = panels.map(panel => panel.innerHTML.length).join();
    const loads = panels.some(panel => panel.querySelector('[data-test="icon-placeholder"]'));
    const rests = window.labSeen === now && !loads;
    window.labSeen = now;
    return rests;
}
"""


@dataclass(frozen=True)
class Asked:
    """A search that the page started.

    Args:
        search: the search.
        earliest: begin of its range.
        latest: its end.
    """

    search: str
    earliest: str
    latest: str


class Shown:
    """A dashboard in a window of its own.

    Args:
        context: the browser's profile; somebody is signed in.
        url: the stand-in Splunk Web's address.
        dashboard: what is shown.
    """

    def __init__(self, context: BrowserContext, url: str, dashboard: Dashboard) -> None:
        self._url = url
        self._dashboard = dashboard
        self.page: Page = context.new_page()
        self.page.set_viewport_size({"width": dashboard.width, "height": dashboard.height + _HEADER})
        self.complaints: list[str] = []
        """What went wrong: in the console, in searches, and requests that would leave this machine."""
        self.asked: list[Asked] = []
        """Searches that were started, in order."""
        self.fields: set[frozenset[str]] = set()
        self.page.on("console", self._heard)
        self.page.on("pageerror", self._failed)
        self._under_way: set[str] = set()
        self._active = 0.0
        self.page.on("request", self._started)
        self.page.on("requestfinished", self._ended)
        self.page.on("requestfailed", self._ended)
        self.page.on("response", self._answered)
        self.page.route(lambda address: not address.startswith(url), self._leaving)

    def open(self, **tokens: str) -> None:
        """Open it with values for its tokens, and wait until it is drawn."""
        address = f"{self._url}/en-US/app/{APP}/{self._dashboard.name}"
        query = "&".join(f"form.{name}={value}" for name, value in tokens.items())
        self.page.goto(f"{address}?{query}" if query else address)
        self.drawn()

    def drawn(self) -> None:
        """Wait until nothing is loaded and nothing moves any more."""
        expect(self.page.locator('[data-test="viz-item"]')).to_have_count(len(self._dashboard.visualizations))
        self._active = begun = time.monotonic()
        while self._under_way or time.monotonic() - self._active < _QUIET_SECONDS:
            assert time.monotonic() - begun < _PATIENCE_SECONDS, self._under_way or "the page asks on and on"
            self.page.wait_for_timeout(50)
        self.page.wait_for_function(_AT_REST, polling=100)

    def leave(self) -> None:
        """The page is left: what it has begun ends badly, and that is no complaint."""
        self.page.remove_listener("console", self._heard)

    def panel(self, name: str) -> Locator:
        """A panel by its id."""
        return self.page.locator(f"#{name}")

    def value(self, name: str) -> str:
        """What a single value shows."""
        return self.panel(name).locator('[data-test="majorValue"]').inner_text()

    def rows(self, name: str) -> list[dict[str, str]]:
        """The rows of a table that are shown, by the names of its columns."""
        panel = self.panel(name)
        head = panel.locator("th").all_inner_texts()
        lines: list[list[str]] = panel.locator("tbody tr").evaluate_all(_CELLS)
        return [dict(zip(head, line, strict=True)) for line in lines]

    def leave_out(self, words: str) -> None:
        """Show dots in place of words that are this machine's own, such as a path, for a picture."""
        self.page.evaluate(_LEAVE_OUT, words)

    def cut(self) -> list[str]:
        """Tables that hide a part of a row or of a column, with the pixels that are missing below and beside."""
        return [str(one) for one in self.page.evaluate(_CUT)]

    def beside(self) -> list[str]:
        """Tables that are wider than their panel, or do not fill it, with the pixels that are left over."""
        found = self.page.evaluate(_BESIDE)
        return [f"{panel}: {left}" for panel, left in found if not 0 <= left <= _MARGIN]

    def heights_of_figures(self) -> dict[int, set[int]]:
        """How high in its panel each figure stands, by the row of panels."""
        heights: dict[int, set[int]] = {}
        for panel, figure in self.page.evaluate(_FIGURES):
            heights.setdefault(panel, set()).add(figure)
        return heights

    def choose(self, name: str, option: str) -> None:
        """Choose in a filter, and wait until the page shows what comes of it."""
        self.page.locator(f'[data-input-id="{name}"] [data-test="select"]').click()
        self.page.get_by_role("option", name=option, exact=True).click()
        self.drawn()

    def options(self, name: str) -> list[str]:
        """What a filter offers."""
        self.page.locator(f'[data-input-id="{name}"] [data-test="select"]').click()
        found = self.page.get_by_role("option").all_inner_texts()
        self.page.keyboard.press("Escape")
        return found

    def token(self, name: str) -> str:
        """A token's value, as the address has it."""
        return parse_qs(urlsplit(self.page.url).query).get(f"form.{name}", [""])[0]

    def picture(self, name: str) -> None:
        """Keep a picture for people to look at."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png", animations="disabled")

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not message.text.startswith(_OWN):
            self.complaints.append(message.text)

    def _failed(self, error: Error) -> None:
        self.complaints.append(f"uncaught: {error}")

    def _ended(self, request: Request) -> None:
        self._under_way.discard(request.url)
        self._active = time.monotonic()

    def _started(self, request: Request) -> None:
        self._under_way.add(request.url)
        self._active = time.monotonic()
        if request.method == "POST" and urlsplit(request.url).path.endswith("/search/jobs"):
            form = {name: values[0] for name, values in parse_qs(request.post_data or "").items()}
            self.asked.append(Asked(form["search"], form.get("earliest_time", ""), form.get("latest_time", "")))

    def _answered(self, response: Response) -> None:
        if "/__raw/" in response.url and response.status >= _REFUSED:
            self.complaints.append(f"{response.status} {response.url.partition('/__raw')[2]}: {_said(response)}")

    def _leaving(self, route: Route) -> None:
        self.complaints.append(f"asks {route.request.url}")
        route.abort()


def _said(response: Response) -> str:
    try:
        document: dict[str, Any] = json.loads(response.body())
    except ValueError:
        return response.status_text
    return "; ".join(str(message["text"]) for message in document.get("messages", ()))
