"""`lab serve`, as a newcomer uses it: connect the stand-in SOAR, send an alert, see the container."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from lab.runner.lab import REPOSITORY
from tests.browser.conftest import new_profile
from tests.browser.relay import Relay
from tests.browser.visit import Visit, close_profile
from tests.lab.command import answer_of, lab

_COLUMN = 16


@pytest.fixture
def served(tmp_path: Path) -> Iterator[dict[str, str]]:
    """What `lab serve` prints, by the words in front."""
    # Should it hang, SIGABRT makes it show where.
    own = {"PYTHONPATH": str(REPOSITORY), "PYTHONUNBUFFERED": "1", "COLUMNS": "200", "PYTHONFAULTHANDLER": "1"}
    environ = {**os.environ, **own}
    command = [sys.executable, "-m", "lab", "serve"]
    with subprocess.Popen(command, cwd=tmp_path, env=environ, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            lines: dict[str, str] = {}
            while "Send to it with" not in (line := server.stdout.readline()):
                assert line
                lines[line[:_COLUMN].strip()] = line[_COLUMN:].strip()
            yield lines
        finally:
            server.send_signal(signal.SIGTERM)
            try:
                code = server.wait(timeout=60)
            except subprocess.TimeoutExpired:
                server.send_signal(signal.SIGABRT)
                raise
        assert code == 0


def test_a_newcomer_sends_an_alert(browser: Browser, served: dict[str, str], tmp_path: Path) -> None:
    """With nothing but what the terminal and the pages say."""
    with Relay(served["Add-on's pages"]) as relay:
        profile = new_profile(browser, "light", relay.url)
        here = Visit(profile.new_page(), relay)
        here.go("/")
        here.picture("sign_in")
        here.page.get_by_label("Password").fill(served["Password"])
        here.page.get_by_role("button", name="Sign in").click()
        expect(here.page.get_by_role("heading", name="without Splunk")).to_be_visible()
        here.picture("start")
        facts = here.page.locator("dd.mono").all_inner_texts()
        certificate = here.page.get_by_label("CA certificate").input_value()
        assert facts[0] == served["Stand-in SOAR"]
        here.page.get_by_role("link", name="configuration page").click()
        here.page.get_by_role("button", name="Add", exact=True).click()
        for field, text in (("name", "mine"), ("url", facts[0]), ("token", facts[1]), ("ca_certificate", certificate)):
            here.fill(field, text)
        here.dialog.get_by_role("button", name="Add").click()
        expect(here.row("mine")).to_be_visible()
        here.go("/en-US/lab/alert")
        here.page.get_by_label("SOAR account").fill("mine")
        here.page.get_by_label("SOAR account").press("Tab")  # closes the list
        here.page.get_by_role("button", name="Save").click()
        expect(here.page.get_by_role("status")).to_have_text("Saved.")
        here.page.get_by_role("button", name="Run the action now").click()
        expect(here.page.get_by_text("exit code 0")).to_be_visible()
        here.picture("alert_sent")
        here.page.get_by_role("cell").get_by_role("link").first.click()
        expect(here.page.get_by_text("Stand-in SOAR")).to_be_visible()
        here.picture("container")
        assert here.page.url.startswith(served["Stand-in SOAR"])
        assert here.complaints == []
        close_profile(profile)
    results = tmp_path / "results.csv"
    results.write_text("src,signature\n10.0.0.1,one\n", encoding="utf-8")
    document = answer_of(lab("send", results, "--param", "account=mine", "--json", folder=tmp_path))
    assert document["summary"]["delivered"] == 1
