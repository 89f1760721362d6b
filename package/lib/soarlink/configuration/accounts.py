"""The accounts of the configuration page: what it shows, and what happens when one is saved or deleted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Callable

from soarlink.configuration import account
from soarlink.configuration.account import MASK, MASKS, SECRETS, AccountEntry
from soarlink.doctor.connection import Clock, connection, first_failed
from soarlink.errors import SettingsError, SoarError, SplunkdError
from soarlink.splunk import passwords
from soarlink.splunk.conf import ACCOUNTS
from soarlink.splunk.policy import DIRECT
from soarlink.splunk.settings import Settings
from soarlink.splunk.stanzas import Stanza, Stanzas

if TYPE_CHECKING:
    from collections.abc import Mapping

    from soarlink.soar.account import Account
    from soarlink.splunk.splunkd import Splunkd
    from soarlink.wire.exchange import Observed

SKIP_TEST = "skip_test"
"""The checkbox that saves without a test; it is never stored."""

CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 8.0
"""Seconds that a person waits for a step of the test at most: Splunk Web gives up on splunkd after 30."""

_UNSET = {"auth_type": "token", "delivery": DIRECT, "is_default": "0"}
"""What the table shows of an account that a deployment or a script made without them."""

Calls = Callable[[str], Callable[["Observed"], None]]
"""An account's name → what is told of each request to its SOAR."""

Waiting = Callable[[str], int]
"""An account's name → how many containers the outbox still holds for it. May raise :class:`SplunkdError`."""


@dataclass(frozen=True)
class Answer:
    """An account as the page may see it."""

    name: str
    content: Mapping[str, str]
    acl: Mapping[str, object]


class Accounts:
    """Lists, saves, tests and deletes accounts, with the rights of the user whose session it is.

    Args:
        splunkd: the session.
        settings: of the add-on; the proxy in force counts.
        waiting: what the outbox holds.
        calls: the log of the connection test.
        now: the clock, in seconds since 1970.
    """

    def __init__(self, splunkd: Splunkd, settings: Settings, waiting: Waiting, calls: Calls, now: Clock) -> None:
        self._splunkd = splunkd
        self._stanzas = Stanzas(splunkd, ACCOUNTS)
        self._settings = settings
        self._waiting = waiting
        self._calls = calls
        self._now = now

    def list(self) -> list[Answer]:
        """Every account, without secrets: whoever may read the add-on's settings may see them.

        Raises:
            SplunkdError: splunkd did not answer or refused.
        """
        return [_answer(stanza) for stanza in self._stanzas.all()]

    def create(self, name: str, posted: Mapping[str, str]) -> Answer:
        """A new account.

        Raises:
            SettingsError: a rule is broken, or the name is taken.
            SoarError: the connection test failed.
            SplunkdError: splunkd did not answer or refused.
        """
        account.check_name(name)
        others = {stanza.name: stanza.settings for stanza in self._stanzas.all()}
        if name in others:
            raise SettingsError(f'There is an account "{name}" already.', "Choose another name, or edit that one.")
        entry = account.entry(name, _fields(posted), None, others)
        self._test(name, entry, posted)
        passwords.write(self._splunkd, ACCOUNTS, name, entry.secrets)
        try:
            return _answer(self._stanzas.create(name, entry.stanza()))
        except SplunkdError:
            passwords.remove(self._splunkd, ACCOUNTS, name)
            raise

    def edit(self, name: str, posted: Mapping[str, str]) -> Answer:
        """Change an account; a secret that is not sent anew stays.

        Raises:
            SettingsError: a rule is broken, or there is no such account.
            SoarError: the connection test failed.
            SplunkdError: splunkd did not answer or refused.
        """
        stanzas = {stanza.name: stanza for stanza in self._stanzas.all()}
        there = stanzas.pop(name, None)
        if there is None:
            raise SettingsError(f'There is no account "{name}".', "Somebody may have deleted it: load the page again.")
        secrets = passwords.read(self._splunkd, ACCOUNTS, name)
        stored = AccountEntry(_plain(there.settings), {**_written_by_hand(there.settings), **secrets})
        others = {other: stanza.settings for other, stanza in stanzas.items()}
        entry = account.entry(name, _fields(posted), stored, others)
        self._test(name, entry, posted)
        if entry.secrets != secrets:
            passwords.write(self._splunkd, ACCOUNTS, name, entry.secrets)
        return _answer(self._stanzas.update(name, entry.stanza()))

    def remove(self, name: str) -> None:
        """Delete an account and its secret; not while containers wait for it.

        Raises:
            SettingsError: the outbox still needs it.
            SplunkdError: splunkd did not answer or refused.
        """
        try:
            waiting = self._waiting(name)
        except SplunkdError:
            waiting = 0  # without a KV store there is no outbox
        if waiting:
            wait = "1 container in the outbox waits" if waiting == 1 else f"{waiting} containers in the outbox wait"
            raise SettingsError(
                f'{wait} for the account "{name}".',
                f'Have it delivered, or sent by another account: | soaroutboxctl action=resend account="{name}" '
                "to_account=…, or given up: action=discard. Then delete the account.",
            )
        passwords.remove(self._splunkd, ACCOUNTS, name)
        self._stanzas.remove(name)

    def _test(self, name: str, entry: AccountEntry, posted: Mapping[str, str]) -> None:
        """Try the account as it is to be, with the proxy in force."""
        tried = self._account(name, entry)  # what actions would make of it: settings, proxy, certificate
        if posted.get(SKIP_TEST, "").strip().lower() in ("1", "true"):
            return
        failed = first_failed(connection(tried, self._now, self._calls(name)))
        if failed is not None:
            raise SoarError(
                f"The connection test failed ({failed.check}): {failed.evidence}",
                f'{failed.remedy} To save it all the same, tick "Save without test".',
            )

    def _account(self, name: str, entry: AccountEntry) -> Account:
        def credentials(conf_file: str, stanza: str) -> Mapping[str, str]:
            return entry.secrets if conf_file == ACCOUNTS else self._splunkd.credentials(conf_file, stanza)

        found = replace(self._settings, accounts={name: entry.settings}).account(name, credentials)
        return replace(
            found,
            connect_timeout=min(found.connect_timeout, CONNECT_TIMEOUT),
            read_timeout=min(found.read_timeout, READ_TIMEOUT),
        )


def _fields(posted: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in posted.items() if name != SKIP_TEST}


def _plain(settings: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in settings.items() if name not in SECRETS}


def _written_by_hand(settings: Mapping[str, str]) -> dict[str, str]:
    """Secrets that stand in the conf file in clear: saving takes them into the password store."""
    return {name: settings[name] for name in SECRETS if settings.get(name) and settings[name] not in MASKS}


def _answer(stanza: Stanza) -> Answer:
    """Never a secret, not even one written into the conf file by hand; and what counts where nothing is set."""
    masked = {name: MASK for name in SECRETS if stanza.settings.get(name)}
    unset = {name: text for name, text in _UNSET.items() if not stanza.settings.get(name)}
    return Answer(stanza.name, {**stanza.settings, **unset, **masked}, stanza.acl)
