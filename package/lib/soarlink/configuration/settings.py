"""The tabs that are no tables: what they may hold, and how the proxy's password is stored."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from soarlink.configuration.account import MASK, MASKS
from soarlink.errors import SettingsError
from soarlink.splunk import conf, passwords
from soarlink.splunk.conf import SETTINGS
from soarlink.splunk.settings import INDEX_MACRO, INDEX_TAB, LOG_LEVELS, WRITEBACK_MODES
from soarlink.splunk.stanzas import Stanzas

if TYPE_CHECKING:
    from collections.abc import Mapping

    from soarlink.splunk.splunkd import Splunkd

_HOST = re.compile(r"[\w.-]+|\[[0-9a-fA-F:.]+\]|[0-9a-fA-F:.]+")
# As Splunk allows them (indexes.conf.spec); those that begin with "_" are Splunk's own.
_INDEX = re.compile(r"[a-z0-9][a-z0-9_-]*")
_HIDDEN = "proxy_password"
_LAST_PORT = 65_535
LIMITS = {
    "seconds": ("Deliver at once for (seconds)", 1, 300),
    "seconds_per_result": ("Per-result alerts (seconds)", 1, 60),
    "age_limit": ("Age limit (hours)", 1, 8760),
    "receipts": ("Keep receipts for (days)", 1, 3650),
}
"""Field of the tab Delivery → its label, the least and the most that it may hold."""


def before_saving(splunkd: Splunkd, tab: str, posted: Mapping[str, str]) -> dict[str, str]:
    """What Splunk's own handler is to save in place of what the page sent.

    A new password is stored here, without the remains that Splunk's writer leaves of a longer one.

    Args:
        splunkd: the session of the user who saves.
        tab: the stanza; tabs without rules of ours are taken as they are.
        posted: the fields that the page sends; what it leaves out stays as it is.

    Raises:
        SettingsError: every rule that is broken.
        SplunkdError: splunkd did not answer or refused.
    """
    given = {name: text.strip() if name != _HIDDEN else text for name, text in posted.items()}
    if tab == "logging":
        check_log_level(given.get("loglevel", "INFO"))
    if tab == INDEX_TAB and "index" in given:
        define_index(splunkd, given["index"])
    if tab == "delivery":
        check_limits(given)
    if tab == "enterprise_security":
        check_writeback(given.get("writeback_mode", ""))
    if tab != "proxy":
        return given
    there = Stanzas(splunkd, SETTINGS).get(tab)
    check_proxy({**(there.settings if there else {}), **given})
    password = given.get(_HIDDEN, "")
    if password in MASKS and not passwords.read(splunkd, SETTINGS, tab):
        given[_HIDDEN] = ""  # Splunk's handler would store the mask
    elif password and password not in MASKS:
        passwords.write(splunkd, SETTINGS, tab, {_HIDDEN: password})
        given[_HIDDEN] = MASK
    return given


def check_proxy(values: Mapping[str, str]) -> None:
    """Refuse a proxy that can't be used. One that is switched off may be incomplete, but not wrong.

    Args:
        values: the fields of the tab; a secret or a mask counts as there.

    Raises:
        SettingsError: every rule that is broken.
    """
    host, port = values.get("proxy_host", "").strip(), values.get("proxy_port", "").strip()
    user, password = values.get("proxy_username", ""), values.get("proxy_password", "")
    is_on = conf.switch(values, "proxy_enabled")
    problems = []
    if host and not _HOST.fullmatch(host):
        problems.append(f'The host is "{host}": it must be a host name or an IP address, without http:// and port.')
    if port and not (port.isascii() and port.isdigit() and 0 < int(port) <= _LAST_PORT):
        problems.append(f'The port is "{port}": it must be a number from 1 to {_LAST_PORT}.')
    if is_on and not (host and port):
        problems.append("A proxy that is used needs host and port: complete them, or do not use it.")
    if ":" in user:
        problems.append("The user name holds a colon, which HTTP sign-in does not allow: use another user.")
    if password and not user:
        problems.append("There is a password without a user name: enter the name, or clear the password.")
    if problems:
        raise SettingsError(" ".join(problems))


def check_limits(values: Mapping[str, str]) -> None:
    """Refuse limits of delivery that are none; an empty field has its default.

    Args:
        values: the fields of the tab.

    Raises:
        SettingsError: every rule that is broken.
    """
    problems = []
    for name, (label, least, most) in LIMITS.items():
        text = values.get(name, "").strip()
        try:
            number = float(text) if text else least
        except ValueError:
            number = least - 1
        if not least <= number <= most:
            problems.append(f'{label} is "{text}": it must be a number from {least} to {most}.')
    if problems:
        raise SettingsError(" ".join(problems))


def check_writeback(mode: str) -> None:
    """Refuse a mode that there is not: the page offers three, whatever else posts may send anything.

    Raises:
        SettingsError: such a mode.
    """
    if mode and mode not in WRITEBACK_MODES:
        raise SettingsError(f'Notable updates is "{mode}".', f"It must be one of {', '.join(WRITEBACK_MODES)}.")


def define_index(splunkd: Splunkd, index: str) -> None:
    """Define the search macro that names the index: actions, inputs, searches and event types read it there.

    Before the tab itself is saved, so that a refusal leaves both as they were.

    Args:
        splunkd: the session of the user who saves; needs write access to the macro.
        index: whether it exists is not asked: a search head need not know the indexes of its indexers.

    Raises:
        SettingsError: it can't be an index's name.
        SplunkdError: splunkd did not answer or refused.
    """
    if not _INDEX.fullmatch(index) or "kvstore" in index:
        raise SettingsError(
            f'The index is "{index}".',
            "Enter one name of lower-case letters, digits, underscores and hyphens that begins with a letter or digit.",
        )
    Stanzas(splunkd, "macros").update(INDEX_MACRO, {"definition": f"index={index}"})


def check_log_level(level: str) -> None:
    """Refuse a level that there is not: the page's own rule takes anything that begins with one.

    Raises:
        SettingsError: such a level.
    """
    if level not in LOG_LEVELS:
        raise SettingsError(f'The log level is "{level}".', f"It must be one of {', '.join(LOG_LEVELS)}.")
