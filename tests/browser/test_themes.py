"""Every tab and every dialog of the configuration page, in both themes."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import OpenVisit
from tests.browser.visit import CONFIGURATION

_READABLE = 4.5
"""Contrast that the accessibility guidelines (WCAG 2.1, AA) ask of text."""
_CHANNEL = re.compile(r"[\d.]+")
# What a person reads: in tables, labels, help texts, tabs.
_TEXTS = '[role="tab"], td, label, [data-test="label"], [data-test="help"], [data-test="control-group"] span'
_COLOURS = """
element => {
    let ground = element;
    const clear = colour => colour === 'transparent' || /^rgba/.test(colour);
    while (ground.parentElement && clear(getComputedStyle(ground).backgroundColor)) ground = ground.parentElement;
    return [getComputedStyle(element).color, getComputedStyle(ground).backgroundColor, element.textContent.trim()];
}
"""


def _luminance(colour: str) -> float:
    channels = [float(text) / 255 for text in _CHANNEL.findall(colour)[:3]]
    linear = [value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _unreadable(texts: Locator) -> list[str]:
    found = []
    for one in texts.all():
        if not one.is_visible():
            continue
        text, ground, words = one.evaluate(_COLOURS)
        high, low = sorted((_luminance(text), _luminance(ground)), reverse=True)
        # The star of a required field is UCC's own red.
        if words.strip("*") and (high + 0.05) / (low + 0.05) < _READABLE:
            found.append(f"{words[:60]}: {text} on {ground}")
    return found


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_tab_and_dialog(visit: OpenVisit, theme: str) -> None:
    """The page follows the visitor's theme, and its texts can be read in it."""
    here = visit(theme=theme)
    here.go(CONFIGURATION)
    expect(here.page.get_by_role("tab").first).to_be_visible()
    ground = here.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (_luminance(ground) < 0.2) == (theme == "dark"), ground
    for tab in here.page.get_by_role("tab").all_inner_texts():
        here.tab(tab)
        here.page.wait_for_load_state("networkidle")
        slug = tab.lower().replace(" ", "_")
        here.picture(f"tab_{slug}_{theme}")
        assert _unreadable(here.page.get_by_role("tabpanel").locator(_TEXTS)) == []
        add = here.page.get_by_role("button", name="Add", exact=True)
        if add.count():
            add.click()
            expect(here.dialog).to_be_visible()
            here.picture(f"dialog_{slug}_{theme}")
            assert _unreadable(here.dialog.locator(_TEXTS)) == []
