"""An installed add-on, runs of its action, and what they leave behind."""

from __future__ import annotations

import io
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from soarlink.actions import alert_action
from soarlink.journal.journal import JournalStore, journal_root
from soarlink.rows.row import Value
from tests.unit.samples import write_results

PAIR = re.compile(r'(\w+)="([^"]*)"')
SESSION_KEY = "geheimer-schluessel"
ROWS: list[dict[str, Value]] = [
    {"src": "10.0.0.1", "user": ("al", "bo"), "rule_title": "Brute force"},
    {"src": "10.0.0.2", "rule_title": "Scan"},
    {"src": "10.0.0.3", "rule_title": "Beacon"},
]


@dataclass
class Installed:
    """An installed add-on.

    `uri` and `session_key` are splunkd's; `payload` holds what differs from the usual alert payload.
    """

    home: Path
    app: Path
    uri: str
    sid: str
    session_key: str = SESSION_KEY
    payload: dict[str, Any] = field(default_factory=dict)
    clock: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic

    def configure(self, name: str, text: str) -> None:
        """Write a local conf file of the add-on."""
        (self.app / "local").mkdir(parents=True, exist_ok=True)
        (self.app / "local" / f"{name}.conf").write_text(text, encoding="utf-8")

    def account(self, url: str, ca: str, more: str = "") -> None:
        """Configure the account `lab`."""
        pem = ca.strip().replace("\n", "\\\n")
        text = f"[lab]\nurl = {url}\nca_certificate = {pem}\nread_timeout = 20\n{more}\n"
        self.configure("ta_send_to_soar_account", text)

    def results(self, rows: list[dict[str, Value]]) -> Path:
        """Write the results file."""
        return write_results(self.home / "dispatch" / "results.csv.gz", rows)

    def run(self, path: Path | None = None, **parameters: str) -> int:
        """Run the action; its exit code."""
        document = {
            "sid": self.sid,
            "search_name": "Rule",
            "app": "search",
            "owner": "admin",
            "server_uri": self.uri,
            "session_key": self.session_key,
            "results_file": str(path) if path else None,
            "configuration": parameters,
            **self.payload,
        }
        stdin = io.BytesIO(json.dumps(document).encode())
        return alert_action.main(
            ["send_to_soar.py", "--execute"], stdin, self.clock, self.monotonic, name="send_to_soar"
        )

    def log(self) -> str:
        """The log of all runs."""
        path = self.home / "var/log/splunk/send_to_soar_modalert.log"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def lines(self, signature: str) -> list[dict[str, str]]:
        """The fields of the lines whose signature begins so."""
        return [dict(PAIR.findall(line)) for line in self.log().splitlines() if f'signature="{signature}' in line]

    def statuses(self) -> dict[str, list[str]]:
        """The statuses that each result id of this search was told, in order."""
        found: dict[str, list[str]] = {}
        for line in self.lines("Result "):
            if line["sid"] == self.sid:
                found.setdefault(line["rid"], []).append(line["action_status"])
        return found

    def events(self) -> list[dict[str, Any]]:
        """The result events, in the order of their times."""
        found: list[dict[str, Any]] = []
        for file in (self.home / "var/spool/splunk").iterdir():
            parts = re.split(r"\n==##.*?##==\n", file.read_text(encoding="utf-8"))[1:]
            found.extend(json.loads(part.partition("\n")[2]) for part in parts)
        return sorted(found, key=lambda event: float(event["time"]))

    @property
    def delivery(self) -> Path:
        """The delivery input's directory."""
        return journal_root(self.home)

    def store(self) -> JournalStore:
        """The journals."""
        return JournalStore(self.delivery)

    def journals(self) -> list[str]:
        """The keys of the runs that are not over."""
        return list(self.store().keys())


def assert_every_row_has_one_invocation_and_one_end(installed: Installed, rids: list[str]) -> None:
    """What ES reads: for each row one invocation, then exactly one status, and one event."""
    assert sorted(line["rid"] for line in installed.lines("Invoking modular action")) == sorted(rids)
    ended = [dict(PAIR.findall(line)) for line in installed.log().splitlines() if "action_status=" in line]
    assert sorted(line["rid"] for line in ended) == sorted(rids)
    assert sorted(event["rid"] for event in installed.events()) == sorted(rids)
