"""Accounts, proxy, log level and index."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from soarlink.errors import SettingsError
from soarlink.soar.account import Account
from soarlink.splunk.policy import Access
from soarlink.splunk.settings import DeliveryLimits, Settings, names
from tests.unit.certificates import Authority

SECRETS = {"token": "T", "password": "P", "proxy_password": "PP"}
PROD = {"url": "https://soar.example:8443/"}


def load(tmp_path: Path, **files: str) -> Settings:
    """Load an app folder with these local conf files."""
    (tmp_path / "local").mkdir()
    for name, text in files.items():
        (tmp_path / "local" / f"{name}.conf").write_text(text, encoding="utf-8")
    return Settings.load(tmp_path)


def settings(proxy: Mapping[str, str] | None = None, **accounts: Mapping[str, str]) -> Settings:
    """Settings with these accounts."""
    return Settings(accounts, proxy or {}, "INFO", "main")


def account(stanza: Mapping[str, str], secrets: Mapping[str, str] = SECRETS, **more: Any) -> Account:
    """The only account of settings."""
    return settings(prod=stanza, **more).account("", lambda *_: secrets)


def test_an_app_without_settings_has_defaults(tmp_path: Path) -> None:
    """No account, no proxy, INFO, main."""
    assert load(tmp_path) == Settings({}, {}, "INFO", "main")


def test_settings_are_read_from_the_conf_files(tmp_path: Path) -> None:
    """Accounts by name, proxy, log level, and the index of the macro."""
    found = load(
        tmp_path,
        ta_send_to_soar_account="[default]\nx = 1\n[prod]\nurl = https://soar\n",
        ta_send_to_soar_settings="[proxy]\nproxy_enabled = 0\n[logging]\nloglevel = debug\n",
        macros='[soar_index]\ndefinition = (index="soar_data")\n',
    )
    assert found == Settings({"prod": {"url": "https://soar"}}, {"proxy_enabled": "0"}, "DEBUG", "soar_data")
    assert names(found) == ("prod",)


def test_limits_of_delivery_are_read(tmp_path: Path) -> None:
    """Seconds, hours and days, as the page asks for them."""
    found = load(tmp_path, ta_send_to_soar_settings="[delivery]\nseconds = 5\nage_limit = 2\nreceipts = 1\n")
    assert found.delivery == DeliveryLimits(5.0, 2.0, 7200.0, 86_400.0)


@pytest.mark.parametrize("text", ["soon", "0", "-1", "nan", "inf"])
def test_a_limit_that_is_none_is_told(tmp_path: Path, text: str) -> None:
    """A conf file edited by hand stops no alert: the default holds, and it is said."""
    found = load(tmp_path, ta_send_to_soar_settings=f"[delivery]\nseconds = {text}\n")
    assert found.delivery == DeliveryLimits()
    (problem,) = found.problems
    assert f'seconds is "{text}"' in problem
    assert "20 holds" in problem


@pytest.mark.parametrize("text", ["index=a", "index = a", '(index="a")', "( index=a )"])
def test_the_macro_names_the_index(tmp_path: Path, text: str) -> None:
    """With and without blanks, quotes and parentheses."""
    assert load(tmp_path, macros=f"[soar_index]\ndefinition = {text}\n").index == "a"


@pytest.mark.parametrize("text", ["", "index=a OR index=b", "index=*", "sourcetype=x"])
def test_a_macro_that_names_no_index_is_told(tmp_path: Path, text: str) -> None:
    """Result events go to the default index and the problem is told: no alert is lost for it."""
    loaded = load(tmp_path, macros=f"[soar_index]\ndefinition = {text}\n")
    assert loaded.index == "main"
    (problem,) = loaded.problems
    assert "soar_index" in problem
    assert "tab Index" in problem


@pytest.mark.parametrize(("tab", "told"), [("soar", False), ("main", False), ("other", True)])
def test_a_tab_that_says_another_index_is_told(tmp_path: Path, tab: str, told: bool) -> None:  # noqa: FBT001 - a case
    """The macro holds; the page's shipped value is nobody's decision."""
    settings = f"[index]\nindex = {tab}\n"
    found = load(tmp_path, ta_send_to_soar_settings=settings, macros="[soar_index]\ndefinition = index=soar\n")
    assert found.index == "soar"
    assert bool(found.problems) is told
    assert all('says "other"' in problem and 'says "soar"' in problem for problem in found.problems)


def test_an_account_has_sensible_defaults() -> None:
    """URL without a path, token, label events, four connections, no proxy."""
    found = account(PROD)
    assert (found.name, found.url, found.token.reveal()) == ("prod", "https://soar.example:8443", "T")
    assert (found.username, found.password.reveal(), found.default_label) == ("", "", "events")
    assert (found.connect_timeout, found.read_timeout, found.connections, found.proxy) == (10, 120, 4, None)


def test_an_account_takes_what_is_set(authority: Authority) -> None:
    """Times, connections, label, certificate, user and password."""
    found = account(
        {
            **PROD,
            "auth_type": "basic",
            "username": "u",
            "default_label": " email ",
            "ca_certificate": authority.pem,
            "connect_timeout": "2.5",
            "read_timeout": "7",
            "connections": "9",
        }
    )
    assert (found.token.reveal(), found.username, found.password.reveal()) == ("", "u", "P")
    assert (found.default_label, found.ca_certificate) == ("email", authority.pem.strip())
    assert (found.connect_timeout, found.read_timeout, found.connections) == (2.5, 7, 9)


def test_an_authority_that_is_none_is_told() -> None:
    """Before anything is sent, with the account's name and the form that is needed."""
    with pytest.raises(SettingsError, match=r'"prod".*PEM form'):
        account({**PROD, "ca_certificate": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"})


@pytest.mark.parametrize(("kind", "missing"), [("token", "automation token"), ("basic", "password")])
def test_a_missing_secret_is_told(kind: str, missing: str) -> None:
    """Named, with the page where it is entered."""
    with pytest.raises(SettingsError, match=f'"prod" has no {missing}.*configuration page'):
        account({**PROD, "auth_type": kind}, {})


@pytest.mark.parametrize("url", ["", "http://soar", "soar.example", "https://", "ftp://soar", "https:///x"])
def test_a_url_that_is_not_https_is_told(url: str) -> None:
    """TLS only."""
    with pytest.raises(SettingsError, match="SOAR speaks TLS only"):
        account({"url": url})


@pytest.mark.parametrize("text", ["0", "-1", "soon"])
def test_a_number_that_is_none_is_told(text: str) -> None:
    """Named with account, key and value."""
    with pytest.raises(SettingsError, match=f'"prod" has read_timeout = "{text}"'):
        account({**PROD, "read_timeout": text})


class TestChoice:
    """Which account is taken."""

    def test_the_named_one(self) -> None:
        """A name is a name, whatever is the default."""
        found = settings(a=PROD, b={**PROD, "is_default": "1"}).account("a", lambda *_: SECRETS)
        assert found.name == "a"

    def test_the_default_one(self) -> None:
        """Without a name the default."""
        found = settings(a=PROD, b={**PROD, "is_default": "true"}).account("", lambda *_: SECRETS)
        assert found.name == "b"

    def test_an_unknown_one_is_told_with_those_that_there_are(self) -> None:
        """A typing error shows itself."""
        with pytest.raises(SettingsError, match='no SOAR account "c"; there are: a, b'):
            settings(b=PROD, a=PROD).account("c", lambda *_: SECRETS)
        with pytest.raises(SettingsError, match="there are: none"):
            settings().account("c", lambda *_: SECRETS)

    def test_none_at_all_is_told(self) -> None:
        """A fresh installation."""
        with pytest.raises(SettingsError, match="No SOAR account is configured"):
            settings().account("", lambda *_: SECRETS)

    @pytest.mark.parametrize(
        ("flag", "words"), [("0", "none of them is the default"), ("1", "a, b are all the default")]
    )
    def test_several_without_one_default_are_told(self, flag: str, words: str) -> None:
        """No guess is made between accounts."""
        with pytest.raises(SettingsError, match=words):
            settings(a={**PROD, "is_default": flag}, b={**PROD, "is_default": flag}).account("", lambda *_: SECRETS)


class TestProxy:
    """The client proxy of every account."""

    SET: ClassVar = {"proxy_enabled": "1", "proxy_host": "[::1] ", "proxy_port": "8080"}

    def test_it_is_used_when_it_is_switched_on(self) -> None:
        """Host, port, and the login with its stored password."""
        found = account(PROD, proxy={**self.SET, "proxy_username": "u"}).proxy
        assert found is not None
        assert (found.host, found.port, found.username, found.password) == ("::1", 8080, "u", "PP")
        without = account(PROD, proxy=self.SET).proxy
        assert without is not None
        assert (without.username, without.password) == ("", "")
        assert account(PROD, proxy={**self.SET, "proxy_enabled": "0"}).proxy is None

    @pytest.mark.parametrize("change", [{"proxy_host": ""}, {"proxy_port": ""}, {"proxy_port": "http"}])
    def test_half_of_it_is_told(self, change: dict[str, str]) -> None:
        """Never silently without the proxy."""
        with pytest.raises(SettingsError, match="proxy is switched on"):
            account(PROD, proxy={**self.SET, **change})


@pytest.mark.parametrize("url", ["https://admin:geheim@soar", "https://geheim@soar", "admin:geheim@soar"])
def test_a_login_in_the_url_is_not_taken(url: str) -> None:
    """Secrets are never in a URL."""
    with pytest.raises(SettingsError) as caught:
        account({"url": url})
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize("url", ["https://[::1", "https://soar:99999", "https://soar:port"])
def test_a_url_that_is_none_is_told(url: str) -> None:
    """Whatever stands there, the error is a plain one."""
    with pytest.raises(SettingsError):
        account({"url": url})


def test_a_path_in_the_url_is_told() -> None:
    """`https://proxy/soar` is not `https://proxy`."""
    with pytest.raises(SettingsError):
        account({"url": "https://proxy/soar"})


@pytest.mark.parametrize(("key", "text"), [("read_timeout", "nan"), ("read_timeout", "inf"), ("connections", "0.5")])
def test_a_number_that_breaks_things_later_is_told(key: str, text: str) -> None:
    """Only finite times, and at least one connection."""
    with pytest.raises(SettingsError):
        account({**PROD, key: text})


def test_a_log_level_that_is_none_stops_no_alert(tmp_path: Path) -> None:
    """A typing error in local/ta_send_to_soar_settings.conf falls back to INFO."""
    assert load(tmp_path, ta_send_to_soar_settings="[logging]\nloglevel = verbose\n").log_level == "INFO"


@pytest.mark.parametrize(("text", "mode"), [("", "on"), ("Off", "off"), ("preview", "preview"), ("false", "off")])
def test_a_mode_that_is_not_clear_updates_no_notable(tmp_path: Path, text: str, mode: str) -> None:
    """Written by hand into local/ta_send_to_soar_settings.conf; what is meant by it is asked."""
    stanza = f"[enterprise_security]\nwriteback_mode = {text}\n"
    settings = load(tmp_path, ta_send_to_soar_settings=stanza)
    assert settings.writeback_mode == mode
    assert bool(settings.problems) is (text == "false")
    assert all('writeback_mode is "false"' in problem for problem in settings.problems)


@pytest.mark.parametrize(
    ("stanza", "by_service", "roles"),
    [
        ({}, 0, ()),
        ({"delivery": "direct", "allowed_roles": ""}, 0, ()),
        ({"delivery": "service", "allowed_roles": "soc"}, 1, ("soc",)),
        ({"allowed_roles": " soc, tier_2 ,,"}, 0, ("soc", "tier_2")),
    ],
)
def test_who_may_use_an_account(stanza: Mapping[str, str], by_service: object, roles: tuple[str, ...]) -> None:
    """Direct, for whoever may use the actions, when nothing else is said."""
    assert settings(prod=stanza).access("prod") == Access(bool(by_service), frozenset(roles))


def test_a_delivery_that_there_is_not_is_told() -> None:
    """A typing error does not make an account a direct one."""
    with pytest.raises(SettingsError, match='delivery = "servce"'):
        settings(prod={"delivery": "servce"}).access("prod")
