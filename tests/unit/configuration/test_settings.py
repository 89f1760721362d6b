"""What the tabs that are no tables may hold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from soarlink.configuration.settings import LIMITS, check_limits, check_log_level, check_proxy, check_writeback
from soarlink.errors import SettingsError
from soarlink.splunk.settings import WRITEBACK_MODES

ROOT = Path(__file__).resolve().parents[3]

GOOD = {"proxy_enabled": "1", "proxy_host": "proxy.example.com", "proxy_port": "3128"}


@pytest.mark.parametrize(
    "values",
    [
        {},
        GOOD,
        {**GOOD, "proxy_host": "10.0.0.1"},
        {**GOOD, "proxy_host": "[2001:db8::1]"},
        {**GOOD, "proxy_host": "2001:db8::1"},
        {**GOOD, "proxy_username": "anna", "proxy_password": "x"},
        {"proxy_enabled": "0", "proxy_host": "proxy"},
    ],
)
def test_proxies_that_are_taken(values: dict[str, str]) -> None:
    """Names and addresses; one that is off may be incomplete."""
    check_proxy(values)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"proxy_enabled": "1"}, "needs host and port"),
        ({**GOOD, "proxy_port": ""}, "needs host and port"),
        ({**GOOD, "proxy_host": "http://proxy"}, "without http://"),
        ({**GOOD, "proxy_host": "proxy:3128"}, "without http://"),
        ({**GOOD, "proxy_port": "0"}, 'port is "0"'),
        ({**GOOD, "proxy_port": "65536"}, 'port is "65536"'),
        ({**GOOD, "proxy_port": "http"}, 'port is "http"'),
        ({**GOOD, "proxy_port": "³"}, 'port is "³"'),
        ({**GOOD, "proxy_username": "a:b"}, "colon"),
        ({**GOOD, "proxy_password": "geheim"}, "password without a user name"),
    ],
)
def test_proxies_that_are_refused(values: dict[str, str], words: str) -> None:
    """Field, value and way out; also while it is off, where something is wrong and not missing."""
    with pytest.raises(SettingsError, match=words) as caught:
        check_proxy(values)
    assert "geheim" not in str(caught.value)
    if len(values) > 1 and "needs" not in words:
        with pytest.raises(SettingsError, match=words):
            check_proxy({**values, "proxy_enabled": "0"})


@pytest.mark.parametrize("level", ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"])
def test_log_levels_that_there_are(level: str) -> None:
    """Those of the page."""
    check_log_level(level)


@pytest.mark.parametrize("level", ["", "debug", "DEBUGGING", "NOTICE", "xINFOx"])
def test_log_levels_that_there_are_not(level: str) -> None:
    """The rule that UCC makes takes some of them."""
    with pytest.raises(SettingsError, match=f'log level is "{level}"'):
        check_log_level(level)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"seconds": "0"}, r'Deliver at once for \(seconds\) is "0": it must be a number from 1 to 300'),
        ({"age_limit": "abc", "receipts": "nan"}, 'Age limit .* is "abc".*Keep receipts .* is "nan"'),
    ],
)
def test_limits_that_are_refused(values: dict[str, str], words: str) -> None:
    """Every field that is wrong, with its value and what it may be."""
    with pytest.raises(SettingsError, match=words):
        check_limits(values)


def test_limits_that_are_taken() -> None:
    """Both ends of a range, and nothing: the default holds then."""
    check_limits({"seconds": "1", "seconds_per_result": "60", "age_limit": "0.5e2", "receipts": ""})


def test_a_mode_that_there_is_not_is_refused() -> None:
    """Whatever is posted; nothing posted changes nothing."""
    for mode in ("", *WRITEBACK_MODES):
        check_writeback(mode)
    with pytest.raises(SettingsError, match=r'Notable updates is "maybe".*on, preview, off'):
        check_writeback("maybe")


def test_the_page_has_the_same_limits() -> None:
    """globalConfig.json is what the browser checks by."""
    config = json.loads((ROOT / "globalConfig.json").read_text(encoding="utf-8"))
    tabs = {tab.get("name"): tab for tab in config["pages"]["configuration"]["tabs"]}
    ranges = {one["field"]: (one["label"], *one["validators"][0]["range"]) for one in tabs["delivery"]["entity"]}
    assert ranges == LIMITS
    (mode,) = tabs["enterprise_security"]["entity"]
    assert tuple(item["value"] for item in mode["options"]["items"]) == WRITEBACK_MODES
