"""A search head: its splunkd, its SOAR account, actions that write journals and the input that works them off."""

from __future__ import annotations

import json
import logging
import shutil
import threading
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from soarlink.delivery.breaker import Breaker
from soarlink.inputs.deliveries import Deliveries
from soarlink.inputs.journals import Journals
from soarlink.inputs.session import Session, logger
from soarlink.inputs.tenure import Tenure
from soarlink.journal.journal import JournalStore, journal_root
from soarlink.outbox.collection import Outbox
from soarlink.outbox.item import OutboxItem
from soarlink.outbox.lease import Lease
from soarlink.outbox.selection import Filters
from soarlink.rows.row import Value
from soarlink.secret import Secret
from soarlink.splunk.kvstore import KvStore
from tests.unit.actions.installed import Installed
from tests.unit.outbox.splunkd import SplunkdProcess
from tests.unit.standin import TOKEN, StandIn

APP = "TA_send_to_soar"
REALM = f"__REST_CREDENTIAL__#{APP}#configs/conf-ta_send_to_soar_account"


@dataclass
class Site:
    """Everything is real but the clock, which :meth:`later` moves on and :meth:`hold` stops."""

    splunkd: SplunkdProcess
    soar: StandIn
    outbox: Outbox
    sid: str
    offset: float = 0.0
    held: float | None = None
    stepped: float = 0.0
    stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        home = self.splunkd.home
        self.key = self.splunkd.key()
        self.installed = Installed(home, home / "etc/apps" / APP, self.splunkd.uri, self.sid, self.key)
        self.installed.clock, self.installed.monotonic = self.clock, self.monotonic
        self.log: logging.Logger = logger(home, "soar_delivery")
        self.tenure = self.apply("sh1")
        self.session = Session(
            uri=self.splunkd.uri,
            key=Secret(self.key),
            home=home,
            app=self.installed.app,
            clock=self.clock,
            monotonic=self.monotonic,
            random=lambda: 1.0,
        )

    def clean(self) -> None:
        """No accounts, journals, logs and events."""
        for log in (self.log, logging.getLogger("send_to_soar_modalert")):
            for handler in log.handlers:
                handler.close()
        home = self.splunkd.home
        shutil.rmtree(self.installed.app / "local", ignore_errors=True)
        for folder in ("var/log/splunk", "var/run/splunk", "var/spool/splunk", "var/lib/splunk/modinputs"):
            shutil.rmtree(home / folder, ignore_errors=True)
            (home / folder).mkdir(parents=True)

    def clock(self) -> float:
        """Seconds since 1970 at this site."""
        return self.monotonic() + self.stepped

    def monotonic(self) -> float:
        """Seconds that nobody sets."""
        return (time.time() if self.held is None else self.held) + self.offset

    def step(self, seconds: float) -> None:
        """Have the clock set, forward or back."""
        self.stepped += seconds

    def hold(self) -> None:
        """Let no time pass but by :meth:`later`, however busy the machine is."""
        self.held = time.time()

    def later(self, seconds: float) -> None:
        """Let time pass; a breaker of the account is closed."""
        self.offset += seconds
        Breaker(self.installed.delivery / "breaker", "lab", self.clock).close()

    def account(self, name: str = "lab", token: str = TOKEN, more: str = "", **changes: str) -> None:
        """Configure one account, and store its token."""
        facts = {"url": self.soar.url, "read_timeout": "20", "connections": "2", **changes}
        pem = self.soar.ca.strip().replace("\n", "\\\n")
        pairs = "\n".join(f"{key} = {value}" for key, value in facts.items())
        self.installed.configure("ta_send_to_soar_account", f"[{name}]\nca_certificate = {pem}\n{pairs}\n{more}\n")
        self.secret(name, token)

    def secret(self, name: str, token: str) -> None:
        """Store an account's token as the configuration page does."""
        session = self.splunkd.session()
        root = f"/servicesNS/nobody/{APP}/storage/passwords"
        stored = json.dumps({"token": token})
        body = {"name": f"{name}``splunk_cred_sep``1", "realm": REALM, "password": stored, "output_mode": "json"}
        reply = session.request("POST", root, urlencode(body).encode(), "application/x-www-form-urlencoded")
        if reply.status == 409:
            address = f"{root}/{REALM.replace('#', '%23').replace('/', '%2F')}%3A{name}%60%60splunk_cred_sep%60%601%3A"
            reply = session.request(
                "POST", address, urlencode({"password": stored}).encode(), "application/x-www-form-urlencoded"
            )
        assert reply.status in (200, 201), reply.body
        session.close()

    def alert(self, rows: list[dict[str, Value]], fault: str = "503", **parameters: str) -> None:
        """Run the action while SOAR has a fault, so that its rows are queued."""
        self.soar.fault("POST /rest/container", fault, times=None)
        assert self.installed.run(self.installed.results(rows), **parameters) == 0
        self.soar.reset()

    def journals(self) -> Journals:
        """What works off the journals, as a new process has it."""
        store = JournalStore(journal_root(self.splunkd.home), clock=self.clock)
        return Journals(self.session, store, self.log, self.stop)

    def deliveries(self) -> Deliveries:
        """What works off the outbox, as a new process has it."""
        self.tenure.begin()
        return Deliveries(self.session, self.outbox, self.log, self.tenure, self.stop)

    def apply(self, owner: str) -> Tenure:
        """A lease on the outbox, as a search head of that name has it."""
        kv = KvStore(self.splunkd.session())
        lease = Lease(kv, "soar_delivery", owner, 300.0, self.clock, monotonic=self.monotonic)
        return Tenure(lease, self.monotonic)

    def queue(self, rows: list[dict[str, Value]], fault: str = "503", **parameters: str) -> list[OutboxItem]:
        """Run the action with a fault and move what it left behind into the outbox; its rows there."""
        self.alert(rows, fault, **parameters)
        assert self.journals().round(self.outbox) == 1
        assert self.installed.journals() == []
        return self.items()

    def items(self) -> list[OutboxItem]:
        """What the outbox holds, by the first result id."""
        return sorted(self.outbox.select(Filters()), key=lambda item: item.identity)

    def states(self) -> dict[str, list[str]]:
        """What the rows were told, in order."""
        found: dict[str, list[str]] = {}
        for event in self.installed.events():
            found.setdefault(event["rid"], []).append(event["status"])
        return found

    def own_log(self) -> str:
        """The input's log."""
        path = self.splunkd.home / "var/log/splunk/soar_delivery.log"
        return path.read_text("utf-8") if path.exists() else ""

    def events(self) -> list[dict[str, Any]]:
        """The result events."""
        return self.installed.events()
