"""Proxy and logging on the configuration page: Splunk's handler with our rules, and the proxy that is then in force."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.runner.lab import APP, Lab
from lab.splunkd.python.splunk.clilib import conffile
from tests.addon.connect_proxy import ConnectProxy
from tests.lab.splunkd.client import Client, Reply, client_of

ROOT = f"/servicesNS/nobody/{APP}"
PROXY = f"{ROOT}/ta_send_to_soar_settings/proxy"
LOGGING = f"{ROOT}/ta_send_to_soar_settings/logging"
ACCOUNTS = f"{ROOT}/ta_send_to_soar_account"
SECRET = "geheim p@ss/w:ort"
MASK = "******"
OFF = {"proxy_enabled": "0", "proxy_host": "", "proxy_port": "", "proxy_username": "", "proxy_password": ""}


@pytest.fixture
def page(lab: Lab) -> Iterator[Client]:
    """The page's calls, as an administrator makes them; no proxy is left behind."""
    client = client_of(lab.splunkd, "admin")
    yield client
    assert client.post(PROXY, OFF).status == 200
    assert _stored(client) == {}
    client.delete(f"{ACCOUNTS}/proxied")


def _stored(page: Client) -> dict[str, str]:
    entries = page.get(f"{ROOT}/storage/passwords", count=0).json["entry"]
    names = {entry["content"]["username"]: entry["content"]["clear_password"] for entry in entries}
    return {key.rpartition("`")[2]: text for key, text in names.items() if key.startswith("proxy``")}


def _local(lab: Lab) -> dict[str, str]:
    return conffile.read(str(lab.home.apps / APP / "local" / "ta_send_to_soar_settings.conf"))["proxy"]


def _refusal(reply: Reply) -> str:
    assert reply.status >= 400
    return reply.messages[0][1]


def _setting(proxy: ConnectProxy, **more: str) -> dict[str, str]:
    return {"proxy_enabled": "1", "proxy_host": "127.0.0.1", "proxy_port": str(proxy.port), **more}


def test_the_proxy_in_force_is_used_by_the_test_and_the_action(
    lab: Lab, page: Client, send: Callable[..., Any]
) -> None:
    """Saving an account and sending an alert both go through it, with its password."""
    form = {"name": "proxied", "auth_type": "token", **lab.account().fields()}
    with ConnectProxy(f"proxy user:{SECRET}") as proxy:
        assert page.post(PROXY, _setting(proxy, proxy_username="proxy user", proxy_password=SECRET)).status == 200
        assert page.post(ACCOUNTS, form).status == 201
        assert len(proxy.asked) == 2
        report = send([{"src": "10.78.0.1"}], {"account": "proxied"})
        assert [outcome.status for outcome in report.results] == ["delivered"]
        assert len(proxy.asked) == 3
        assert all(line.startswith(f"CONNECT {form['url'].removeprefix('https://')}") for line in proxy.asked)
        assert page.post(PROXY, {"proxy_password": "wrong"}).status == 200
        told = _refusal(page.post(f"{ACCOUNTS}/proxied", {"default_label": "events"}))
        assert "(proxy)" in told
        assert "407" in told
        assert "tab Proxy" in told
    told = _refusal(page.post(f"{ACCOUNTS}/proxied", {"default_label": "events"}))
    assert "refuses connections" in told
    assert page.post(PROXY, {"proxy_enabled": "0"}).status == 200
    assert page.post(f"{ACCOUNTS}/proxied", {"default_label": "events"}).status == 200


def test_the_password_is_kept_and_rotated_cleanly(lab: Lab, page: Client) -> None:
    """Masked in conf file and answer, untouched by other changes, nothing left of a longer one, gone when cleared."""
    with ConnectProxy() as proxy:
        form = _setting(proxy, proxy_username="p", proxy_password="x" * 700)
        assert page.post(PROXY, form).content["proxy_password"] == MASK
        assert len(_stored(page)) == 4
        assert page.post(PROXY, {"proxy_password": SECRET}).status == 200
        assert sorted(_stored(page)) == ["1", "2"]
        for change in ({"proxy_host": "localhost"}, {"proxy_password": MASK}):
            assert page.post(PROXY, change).status == 200
            assert json.loads(_stored(page)["1"]) == {"proxy_password": SECRET}
        assert _local(lab)["proxy_password"] == MASK
        assert page.get(PROXY).content["proxy_password"] == MASK
        assert page.post(PROXY, {"proxy_password": ""}).status == 200
        assert _stored(page) == {}
        assert page.post(PROXY, {"proxy_password": MASK}).status == 200
        assert _stored(page) == {}


@pytest.mark.parametrize("host", ["proxy.example.com", "proxy-1", "10.20.30.40", "[2001:db8::1]", "2001:db8::1"])
def test_names_and_addresses_are_taken(lab: Lab, page: Client, host: str) -> None:
    """UCC's own rule takes letters only."""
    assert page.post(PROXY, {"proxy_enabled": "1", "proxy_host": f" {host} ", "proxy_port": "3128"}).status == 200
    assert _local(lab)["proxy_host"] == host


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"proxy_host": "http://proxy"}, "without http://"),
        ({"proxy_port": "70000"}, "70000"),
        ({"proxy_port": ""}, "needs host and port"),
        ({"proxy_username": "a:b"}, "colon"),
        ({"proxy_password": SECRET}, "password without a user name"),
    ],
)
def test_a_wrong_proxy_is_not_saved(lab: Lab, page: Client, change: dict[str, str], words: str) -> None:
    """What is there counts with what is sent; the file stays as it was."""
    assert page.post(PROXY, {"proxy_enabled": "1", "proxy_host": "proxy", "proxy_port": "3128"}).status == 200
    before = _local(lab)
    told = _refusal(page.post(PROXY, change))
    assert words in told
    assert SECRET not in told
    assert _local(lab) == before
    assert _stored(page) == {}


def test_a_log_level_that_there_is_not(page: Client) -> None:
    """UCC's own rule takes what begins with DEBUG."""
    assert 'log level is "DEBUGGING"' in _refusal(page.post(LOGGING, {"loglevel": "DEBUGGING"}))
    assert page.get(LOGGING).content["loglevel"] == "INFO"


def test_an_analyst_changes_no_proxy(lab: Lab, page: Client) -> None:
    """Neither settings nor password."""
    analyst = client_of(lab.splunkd, "analyst")
    form = {"proxy_enabled": "1", "proxy_host": "evil", "proxy_port": "1", "proxy_username": "u"}
    for change in (form, {**form, "proxy_password": SECRET}):
        assert "edit_soar_accounts" in _refusal(analyst.post(PROXY, change))
    assert page.get(PROXY).content["proxy_host"] in (None, "")


def test_the_proxy_s_password_is_in_no_file_but_the_password_store(lab: Lab, page: Client) -> None:
    """After saving and failing."""
    form = {"proxy_enabled": "1", "proxy_host": "proxy", "proxy_port": "3128", "proxy_username": "p"}
    page.post(PROXY, {**form, "proxy_password": SECRET})
    page.post(PROXY, {**form, "proxy_port": "0", "proxy_password": SECRET})
    files = [Path(folder) / name for folder, _, names in os.walk(lab.state) for name in names]
    holding = [path.name for path in files if path.is_file() and SECRET.encode() in path.read_bytes()]
    assert holding == ["passwords.json"]
