"""Keeps the lookup ``soar_choices`` up to date: one list of one SOAR server at a time, under the lease."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Callable
from urllib.parse import urlsplit

from soarlink.actions.alert_action import open_gate
from soarlink.actions.shaping import snapshot_file
from soarlink.errors import AuthFailed, Refused, SendToSoarError
from soarlink.inputs.choicetable import ACCOUNT, ANY_ACCOUNT, MOST, Choice, ChoiceTable
from soarlink.plan.containerfields import ROLE_PREFIX
from soarlink.plan.parameters import DEFAULTS
from soarlink.splunk import conf
from soarlink.splunk.apilog import ApiCalls, ApiLog
from soarlink.splunk.logline import fields
from soarlink.splunk.settings import Settings

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterable, Mapping

    from soarlink.inputs.session import Session
    from soarlink.soar.account import Account
    from soarlink.soar.vocabulary import Tables
    from soarlink.splunk.kvstore import KvStore

EVERY = 3_000.0
"""Seconds between two looks at the same list: a search head's own snapshot of it stays fresh by that."""

RETRY = 300.0
"""Seconds until a server is asked again that could not be asked, or did not answer."""

LONGEST_WAIT = 10.0
"""Seconds for connecting, and for an answer: deliveries wait that long at most, for one list of one server."""

LISTS: tuple[str, ...] = ("label", "status", "user", "role", "playbook", "workbook", "tenant")
"""What is asked for, one request each; severities come with labels."""

KINDS: Mapping[str, str] = {"user": "owner", "role": "owner_role"}
"""What the lookup calls the choices of a list, where that is another word."""

OFFERED: Mapping[str, tuple[Choice, ...]] = {
    "severity": (
        Choice(DEFAULTS["severity"], "From the result: severity or urgency, else medium"),
        Choice("{{urgency|map:critical=high,informational=low|default:medium}}", "From the result: urgency"),
    ),
    "owner": (Choice("{{owner}}", "From the result: owner"),),
}
"""Templates that the form offers for every account."""


class Choices:
    """The lookup's schedule.

    Args:
        session: splunkd and clocks.
        kv: the KV store.
        log: the input's log.
        may_write: whether this search head still has the lease.
    """

    def __init__(self, session: Session, kv: KvStore, log: logging.Logger, may_write: Callable[[], bool]) -> None:
        self._session = session
        self._table = ChoiceTable(kv)
        self._log = log
        self._may_write = may_write
        self._accounts: dict[str, Mapping[str, str]] | None = None
        self._calls = ApiLog(session.home, "soar_delivery", session.clock)
        self._due: dict[tuple[str, str], float] = {}
        self._said: dict[tuple[str, str], str] = {}

    def round(self) -> bool:
        """Bring what is due up to date: the accounts, and one list of one of them. Whether there was anything.

        Raises:
            SplunkdError: the KV store is away; it is tried again later.
        """
        settings = Settings.load(self._session.app)
        if settings.accounts != self._accounts:
            self._take_accounts(settings.accounts)
            return True
        now = self._session.monotonic()
        due = [(at, LISTS.index(part), name) for (name, part), at in self._due.items() if at <= now]
        if not due:
            return False
        _, number, name = min(due)
        self._due[name, LISTS[number]] = now + RETRY  # whatever happens now
        self._take_list(settings, name, LISTS[number])
        return True

    def _take_accounts(self, accounts: Mapping[str, Mapping[str, str]]) -> None:
        before, wall = self._accounts or {}, self._session.clock()
        if not self._may_write():
            return
        for kind, offered in OFFERED.items():
            self._table.replace(ANY_ACCOUNT, kind, offered, wall)
        self._table.keep_only(accounts)
        for name, stanza in accounts.items():
            self._table.replace(name, ACCOUNT, [_account_choice(name, stanza)], wall)
            if name in before and before[name].get("url") != stanza.get("url"):
                self._table.clear(name)
        now = self._session.monotonic()
        self._due = {
            (name, part): self._due.get((name, part), now) if before.get(name) == stanza else now
            for name, stanza in accounts.items()
            for part in LISTS
        }
        self._accounts = {name: dict(stanza) for name, stanza in accounts.items()}

    def _take_list(self, settings: Settings, name: str, part: str) -> None:
        gate = open_gate(self._session.home, name, None, **self._session.clocks)
        try:
            closed = gate.check()
            if closed is not None:
                raise closed
            account = self._session.account(settings, name)
            tables = _fetch(account, part, self._calls.connection(name))
        except (AuthFailed, Refused) as error:
            self._due[name, part] = self._session.monotonic() + EVERY  # this list is not for this user
            self._say((name, part), f"{part}: {error}")
        except SendToSoarError as error:
            for other in LISTS:
                self._due[name, other] = max(self._due[name, other], self._session.monotonic() + RETRY)
            self._say((name, ""), str(error))
        else:
            self._put_down(account, part, tables)

    def _put_down(self, account: Account, part: str, tables: Tables) -> None:
        now, left_out = self._session.clock(), 0
        if not self._may_write():
            return
        for name, names in tables.items():
            left_out += self._table.replace(account.name, KINDS.get(name, name), _choices(name, names), now)
        if part != "playbook" and not left_out:  # a list that was cut must refuse nothing
            snapshot_file(self._session.home, account).add(tables, now)
        self._due[account.name, part] = self._session.monotonic() + EVERY
        self._said.pop((account.name, part), None)
        self._said.pop((account.name, ""), None)
        if left_out:
            self._say((account.name, part), f"{part}: there are more than {MOST}, the form offers the first ones")

    def _say(self, about: tuple[str, str], text: str) -> None:
        """Once, and again when it is something else."""
        if self._said.get(about) != text:
            self._said[about] = text
            self._log.warning("Choices of the alert form %s", fields({"account": about[0], "reason": text}))


def _fetch(account: Account, part: str, calls: ApiCalls) -> Tables:
    from soarlink.soar import vocabulary
    from soarlink.soar.client import SoarClient

    connect, read = min(account.connect_timeout, LONGEST_WAIT), min(account.read_timeout, LONGEST_WAIT)
    client = SoarClient(replace(account, connect_timeout=connect, read_timeout=read), observe=calls)
    try:
        return vocabulary.fetch(client, part, most=MOST + 1)
    finally:
        client.close()


def _choices(part: str, names: Iterable[str]) -> Iterable[Choice]:
    if part == "role":
        return [Choice(f"{ROLE_PREFIX}{name}", f"{name} (role)") for name in names]
    if part == "severity":
        # SOAR writes them with a capital and takes them in lower case, as templates give them.
        return [Choice(name.lower(), name) for name in names]
    return [Choice(name, name) for name in names]


def _account_choice(name: str, stanza: Mapping[str, str]) -> Choice:
    host = urlsplit(stanza.get("url", "")).hostname or "no URL"
    default = ", default" if conf.switch(stanza, "is_default") else ""
    return Choice(name, f"{name} ({host}{default})")
