"""The add-on's settings: accounts, proxy, log level, index."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable
from urllib.parse import urlsplit

from soarlink.errors import SettingsError
from soarlink.secret import Secret
from soarlink.soar.account import Account
from soarlink.splunk import conf, policy
from soarlink.splunk.conf import ACCOUNTS, SETTINGS
from soarlink.wire.exchange import Proxy
from soarlink.wire.trust import Trust

if TYPE_CHECKING:
    from pathlib import Path

INDEX_MACRO = "soar_index"
INDEX_TAB = "index"
"""The tab that defines the macro; a definition by hand holds as well."""

_DEFAULT_INDEX = "main"
WRITEBACK_MODES = ("on", "preview", "off")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_LARGEST = 86_400  # a day in seconds, far beyond any sensible setting
_MACRO_INDEX = re.compile(r"""^\(?\s*index\s*=\s*"?([\w-]+)"?\s*\)?$""")

Credentials = Callable[[str, str], Mapping[str, str]]
"""(conf file, stanza) → its encrypted fields in clear."""


@dataclass(frozen=True)
class DeliveryLimits:
    """The tab Delivery; times in seconds.

    ``seconds``: how long an action delivers before it leaves the rest to the delivery input.
    ``seconds_per_result``: the same in per-result alerting.
    ``age_limit``: after which what SOAR never took is rejected; it stays, and can be resent.
    ``receipts``: how long receipts are kept.
    """

    seconds: float = 20.0
    seconds_per_result: float = 2.0
    age_limit: float = 72 * 3600.0
    receipts: float = 30 * 86_400.0


@dataclass(frozen=True)
class Settings:
    """What administrators set, without secrets."""

    accounts: Mapping[str, Mapping[str, str]]
    proxy: Mapping[str, str]
    log_level: str
    index: str
    writeback_mode: str = "on"
    """``on``, ``preview`` or ``off``: whether notables of Enterprise Security are updated."""
    delivery: DeliveryLimits = DeliveryLimits()
    problems: tuple[str, ...] = ()
    """What is wrong and yet no reason to stop: said in the log."""

    @classmethod
    def load(cls, app: Path) -> Settings:
        """Read the add-on's conf files."""
        settings = conf.read(app, SETTINGS)
        accounts = {name: values for name, values in conf.read(app, ACCOUNTS).items() if name != "default"}
        index, problem = _index(conf.read(app, "macros").get(INDEX_MACRO, {}).get("definition", "index=main"))
        problem = problem or _other_index(settings.get(INDEX_TAB, {}).get("index", ""), index)
        mode, unclear = _writeback(settings.get("enterprise_security", {}).get("writeback_mode", ""))
        delivery, wrong = _delivery(settings.get("delivery", {}))
        return cls(
            accounts=accounts,
            proxy=settings.get("proxy", {}),
            log_level=_log_level(settings.get("logging", {}).get("loglevel", "")),
            index=index,
            writeback_mode=mode,
            delivery=delivery,
            problems=(*filter(None, (problem, unclear)), *wrong),
        )

    def account(self, wanted: str, credentials: Credentials) -> Account:
        """The account of that name; without a name the default one, or the only one.

        Args:
            wanted: the parameter ``account``.
            credentials: where secrets come from.

        Raises:
            SettingsError: no such account, none to choose, or one that is unusable.
        """
        name = self.account_name(wanted)
        stanza = self.accounts[name]
        url = _url(name, stanza.get("url", ""))
        secrets = credentials(ACCOUNTS, name)
        basic = stanza.get("auth_type", "token") == "basic"
        token, password = secrets.get("token", ""), secrets.get("password", "")
        if not (password if basic else token):
            missing = "password" if basic else "automation token"
            raise SettingsError(
                f'The account "{name}" has no {missing}.',
                "Enter it on the add-on's configuration page, tab SOAR accounts.",
            )
        return Account(
            name=name,
            url=url,
            token=Secret("" if basic else token),
            username=stanza.get("username", "") if basic else "",
            password=Secret(password if basic else ""),
            ca_certificate=_ca_certificate(name, stanza.get("ca_certificate", "").strip()),
            default_label=stanza.get("default_label", "").strip() or "events",
            connect_timeout=_number(name, stanza, "connect_timeout", 10),
            read_timeout=_number(name, stanza, "read_timeout", 120),
            connections=_connections(name, stanza),
            rate_limit=_rate(stanza.get("rate_limit", "")),
            proxy=self._proxy(credentials),
        )

    def nominal_account(self, name: str) -> Account:
        """An account without its secrets, for a plan that asks nobody; it may be gone."""
        try:
            return self.account(name, no_secrets)
        except SettingsError:
            return Account(name, "https://", Secret(""))

    def account_name(self, wanted: str) -> str:
        """The name of the account that is meant.

        Raises:
            SettingsError: no such account, or none to choose.
        """
        known = sorted(self.accounts)
        if wanted:
            if wanted in self.accounts:
                return wanted
            listed = ", ".join(known) or "none"
            raise SettingsError(
                f'There is no SOAR account "{wanted}"; there are: {listed}.', "Correct the parameter account."
            )
        if not known:
            raise SettingsError(
                "No SOAR account is configured.", "Add one on the add-on's configuration page, tab SOAR accounts."
            )
        defaults = [name for name in known if conf.switch(self.accounts[name], "is_default")]
        if len(defaults) == 1:
            return defaults[0]
        if len(known) == 1:
            return known[0]
        found = "none of them is" if not defaults else f"{', '.join(defaults)} are all"
        raise SettingsError(
            f"The parameter account is empty, there are several ({', '.join(known)}), and {found} the default.",
            "Name one, or make one the default on the configuration page.",
        )

    def access(self, name: str) -> policy.Access:
        """Who may use the account of that name: it takes no secret to know.

        Raises:
            SettingsError: ``delivery`` has a value that it can't have.
        """
        return policy.access(name, self.accounts[name])

    def _proxy(self, credentials: Credentials) -> Proxy | None:
        if not conf.switch(self.proxy, "proxy_enabled"):
            return None
        host, port = self.proxy.get("proxy_host", "").strip("[] "), self.proxy.get("proxy_port", "")
        if not host or not port.isdigit():
            raise SettingsError(
                f'The proxy is switched on, but its host is "{host}" and its port "{port}".',
                "Complete it on the add-on's configuration page, tab Proxy.",
            )
        username = self.proxy.get("proxy_username", "")
        password = credentials(SETTINGS, "proxy").get("proxy_password", "") if username else ""
        return Proxy(host, int(port), username, password)


def _url(name: str, url: str) -> str:
    try:
        parts = urlsplit(url.strip())
        usable = parts.scheme == "https" and bool(parts.hostname) and parts.username is None and parts.port != 0
    except ValueError:  # half an IPv6 address, a port that is no number
        usable = False
    if not usable or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise SettingsError(
            f'The account "{name}" has the URL "{without_login(url)}".',
            "It must be https://host or https://host:port, without user name and path; SOAR speaks TLS only.",
        )
    return f"https://{parts.netloc}"


def without_login(url: str) -> str:
    """A URL to show: without user, password and query."""
    before, at, after = url.partition("?")[0].rpartition("@")
    scheme, slashes, _ = before.partition("//")
    return f"{scheme + slashes if slashes else ''}…@{after}" if at else after


def _ca_certificate(name: str, text: str) -> str:
    if text:
        try:
            Trust(text).context("")
        except SettingsError as error:
            raise SettingsError(f'The account "{name}": {error.what}', error.remedy) from None
    return text


def _number(account: str, stanza: Mapping[str, str], key: str, default: float) -> float:
    text = stanza.get(key, "").strip()
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not 0 < value < _LARGEST:
        raise SettingsError(f'The account "{account}" has {key} = "{text}".', "It must be a number above 0.")
    return value


def _connections(account: str, stanza: Mapping[str, str]) -> int:
    value = _number(account, stanza, "connections", 4)
    if value < 1:
        raise SettingsError(f'The account "{account}" has connections = "{value:g}".', "At least 1 is needed.")
    return int(value)


def _rate(text: str) -> int:
    return int(text) if text.strip().isdecimal() else 0


def _delivery(stanza: Mapping[str, str]) -> tuple[DeliveryLimits, list[str]]:
    """The limits, and what is wrong with those that can't be used: their defaults hold then."""
    usual, problems = DeliveryLimits(), []
    values: dict[str, float] = {}
    for key, unit in (("seconds", 1.0), ("seconds_per_result", 1.0), ("age_limit", 3600.0), ("receipts", 86_400.0)):
        text = stanza.get(key, "").strip()
        try:
            value = float(text) if text else 0.0
        except ValueError:
            value = -1.0
        if 0 < value < _LARGEST:
            values[key] = value * unit
        elif text:
            default = getattr(usual, key) / unit
            problems.append(
                f'The setting {key} is "{text}", which is no number above 0: {default:g} holds. '
                "Correct it on the add-on's configuration page, tab Delivery."
            )
    return DeliveryLimits(**values), problems


def _writeback(text: str) -> tuple[str, str]:
    """Whether notables are updated, and what is wrong when that is not clear: none is then."""
    mode = text.strip().lower() or "on"
    if mode in WRITEBACK_MODES:
        return mode, ""
    return "off", (
        f'The setting writeback_mode is "{text}", which is none of {", ".join(WRITEBACK_MODES)}: none is updated. '
        "Correct it on the add-on's configuration page, tab Enterprise Security."
    )


def _log_level(text: str) -> str:
    level = text.strip().upper()
    return level if level in LOG_LEVELS else "INFO"


def _index(definition: str) -> tuple[str, str]:
    """The index that the macro names, and what is wrong when it names none: no reason to lose an alert."""
    match = _MACRO_INDEX.match(definition.strip())
    if match is not None:
        return match.group(1), ""
    return _DEFAULT_INDEX, (
        f"The search macro {INDEX_MACRO} is defined as {definition!r}, which names no index to write to: "
        f"result events go to {_DEFAULT_INDEX}. Save one in the tab Index of the configuration page."
    )


def _other_index(tab: str, index: str) -> str:
    """What is wrong when the tab has been saved with another index than the macro now names."""
    if tab in {"", _DEFAULT_INDEX, index}:
        return ""
    return (
        f'The tab Index of the configuration page says "{tab}", the search macro {INDEX_MACRO} says "{index}": events '
        f'go to "{index}". Save the tab with the one that is right.'
    )


def no_secrets(_conf_file: str, _stanza: str) -> Mapping[str, str]:
    """Credentials that stand for every secret where none is used: a dry run signs in nowhere."""
    return dict.fromkeys(("token", "password", "proxy_password"), "-")


def names(settings: Settings) -> tuple[str, ...]:
    """The accounts' names, sorted."""
    return tuple(sorted(settings.accounts))
