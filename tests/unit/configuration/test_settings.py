"""What the proxy and logging tabs may hold."""

from __future__ import annotations

import pytest

from soarlink.configuration.settings import check_log_level, check_proxy
from soarlink.errors import SettingsError

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
