"""What the tests in a browser share: a lab with its pages, a browser, and visitors that are watched."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

from lab.runner.lab import APP, Lab
from lab.runner.serving import trial_of
from lab.splunkd.users import User
from lab.web.splunkweb import StandInSplunkWeb
from tests.browser.relay import Relay
from tests.browser.visit import CONFIGURATION, Visit, close
from tools import build, chromium

PASSWORD = "password of the lab"
ADMIN, ANALYST = "admin", "analyst"
TIMEOUT = 15_000
"""How long the browser waits for anything, milliseconds."""

OpenVisit = Callable[..., Visit]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium."""
    path = chromium.find()
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("Chromium is needed; `make browser` installs it where it can")
        pytest.skip("Chromium is not on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(chromium.ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A running lab with the built add-on."""
    built = build.build()
    with Lab(tmp_path_factory.mktemp("lab") / "state", build=built.folder) as lab:
        yield lab


@pytest.fixture(scope="session")
def web(lab: Lab) -> Iterator[StandInSplunkWeb]:
    """Its pages; an administrator and an analyst can sign in."""
    users = [User(name, (role,), frozenset(), frozenset()) for name, role in ((ADMIN, "admin"), (ANALYST, "user"))]
    for user in users:
        lab.splunkd.set_login(user.name, PASSWORD)
    home, splunkd = lab.home.root, lab.splunkd
    with StandInSplunkWeb(
        home, APP, uri=splunkd.uri, ca_file=splunkd.ca_file, version="9.4.3", users=users, trial=trial_of(lab)
    ) as web:
        yield web


@pytest.fixture(scope="session")
def relay(web: StandInSplunkWeb) -> Iterator[Relay]:
    """What stands between browser and server, and keeps all that the browser receives."""
    with Relay(web.url) as relay:
        yield relay


@pytest.fixture(scope="session")
def profile(browser: Browser, relay: Relay) -> Callable[[str, str], BrowserContext]:
    """Gives a browser profile in a theme in which a user is signed in; the same one again for the same two."""

    @functools.cache
    def signed_in(user: str, theme: str) -> BrowserContext:
        context = new_profile(browser, theme, relay.url)
        page = context.new_page()
        one = Visit(page, relay)
        one.go(CONFIGURATION)
        one.sign_in(user, PASSWORD)
        close(page)
        return context

    return signed_in


def new_profile(browser: Browser, theme: str, url: str) -> BrowserContext:
    """Give an empty profile whose windows always have the same size."""
    context = browser.new_context(
        viewport={"width": 1280, "height": 900},
        locale="en-US",
        timezone_id="UTC",
        reduced_motion="reduce",
        ignore_https_errors=True,
    )
    context.set_default_timeout(TIMEOUT)
    expect.set_options(timeout=TIMEOUT)
    context.add_cookies([{"name": "lab_theme", "value": theme, "url": url}])
    return context


@pytest.fixture
def visit(
    profile: Callable[[str, str], BrowserContext], relay: Relay, lab: Lab, web: StandInSplunkWeb
) -> Iterator[OpenVisit]:
    """Opens a window for a user who is signed in.

    Afterwards nothing may have gone wrong unseen: no complaint in the console, no call that the servers do not know.
    """
    opened: list[Visit] = []

    def open_visit(user: str = ADMIN, *, theme: str = "light") -> Visit:
        opened.append(Visit(profile(user, theme).new_page(), relay))
        return opened[-1]

    yield open_visit
    complaints = [text for one in opened for text in one.complaints]
    for one in opened:
        close(one.page)
    assert complaints == []
    assert web.refused == []
    assert lab.splunkd.unknown_calls == []


@pytest.fixture
def local_conf(lab: Lab) -> Path:
    """The add-on's `local` folder."""
    return lab.home.apps / APP / "local"
