"""What an input has from splunkd, and how it says what it does."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from soarlink.splunk.actionlog import ActionLogHandler
from soarlink.splunk.session import connect

if TYPE_CHECKING:
    from soarlink.secret import Secret
    from soarlink.soar.account import Account
    from soarlink.splunk.settings import Settings
    from soarlink.splunk.splunkd import Splunkd


@dataclass(frozen=True)
class Session:
    """splunkd as the input knows it, and the clocks."""

    uri: str
    key: Secret
    home: Path
    app: Path
    clock: Callable[[], float]
    monotonic: Callable[[], float]
    random: Callable[[], float]

    def splunkd(self) -> Splunkd:
        """A connection; close it after use."""
        return connect(self.uri, self.key, self.home)

    def account(self, settings: Settings, name: str) -> Account:
        """An account with its secret.

        Raises:
            SettingsError, SplunkdError: see :meth:`Settings.account`.
        """
        splunkd = self.splunkd()
        try:
            return settings.account(name, splunkd.credentials)
        finally:
            splunkd.close()


def logger(home: Path, name: str) -> logging.Logger:
    """The input's log, ``var/log/splunk/<name>.log``; Splunk indexes it into ``_internal``."""
    log = logging.getLogger(name)
    log.propagate = False
    log.setLevel(logging.INFO)
    log.handlers = [ActionLogHandler(home / "var" / "log" / "splunk" / f"{name}.log")]
    return log


def fields(values: Mapping[str, object]) -> str:
    """``key="value"`` pairs for a log line."""
    from soarlink.splunk.cam import clean

    return " ".join(f'{name}="{clean(value)}"' for name, value in values.items() if value not in (None, ""))
