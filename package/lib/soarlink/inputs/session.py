"""What an input has from splunkd, and how it says what it does."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from soarlink.access import decision
from soarlink.errors import AccessRefused, SplunkdError
from soarlink.splunk import users
from soarlink.splunk.actionlog import ActionLogHandler
from soarlink.splunk.session import connect

if TYPE_CHECKING:
    from soarlink.secret import Secret
    from soarlink.soar.account import Account
    from soarlink.splunk.settings import Settings
    from soarlink.splunk.splunkd import Splunkd

_UNKNOWN = 404


class Clocks(TypedDict):
    """Epoch seconds, and seconds of a clock that nobody sets."""

    clock: Callable[[], float]
    monotonic: Callable[[], float]


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

    @property
    def clocks(self) -> Clocks:
        """The two clocks, by the names that others take them under."""
        return {"clock": self.clock, "monotonic": self.monotonic}

    def splunkd(self) -> Splunkd:
        """A connection; close it after use."""
        return connect(self.uri, self.key, self.home)

    def require_access(self, owner: str, account: str, settings: Settings) -> None:
        """Refuse an alert whose user may not use its account: for one that was written down unasked.

        Raises:
            AccessRefused: says what to do.
            SettingsError: there is no such account any more.
            SplunkdError: splunkd did not answer.
        """
        splunkd = self.splunkd()
        try:
            user = users.named(splunkd.get, owner)
            decision.require_capability(user)
            access = settings.access(account)
            decision.require_role(user, account, access, lambda roles: users.with_imported(splunkd.get, roles))
        except SplunkdError as error:
            if error.status == _UNKNOWN:
                raise AccessRefused(f"{owner} may not use SOAR accounts: splunkd knows no such user.") from None
            raise
        finally:
            splunkd.close()

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
