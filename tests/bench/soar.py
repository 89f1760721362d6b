"""The stand-in SOAR as a process of its own, so that its work is not the product's."""

from __future__ import annotations

import json
import secrets
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from lab.soar.storage import Store
from lab.soar.timestamp import format_time
from tools.process import ROOT, clean_environment

_STOP_SECONDS = 10.0
_ANSWER_SECONDS = 30.0
_SIX_DAYS = 6 * 86_400.0
"""The feedback input's first poll looks back seven."""


@dataclass(frozen=True)
class Address:
    """How to reach a SOAR.

    Args:
        url: its address.
        token: an automation user's token.
        ca_file: the authority that signed its certificate.
    """

    url: str
    token: str = field(repr=False)
    ca_file: Path


class SoarProcess:
    """A stand-in SOAR, running while the ``with`` block does.

    Args:
        state: its folder.
    """

    def __init__(self, state: Path) -> None:
        self.state = state
        self.address: Address
        self._process: subprocess.Popen[str]
        self._context: ssl.SSLContext

    def __enter__(self) -> Self:
        token = secrets.token_urlsafe(32)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "lab.soar", "--state", str(self.state), "--token-stdin"],
            cwd=ROOT,
            env=clean_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        if self._process.stdin is None or self._process.stdout is None:
            raise BrokenPipeError
        self._process.stdin.write(token + "\n")
        self._process.stdin.close()
        try:
            said = json.loads(self._process.stdout.readline())
        except ValueError:
            self.__exit__()
            raise
        self.address = Address(said["url"], token, Path(said["ca_file"]))
        self._context = ssl.create_default_context(cafile=said["ca_file"])
        self._switch_playbooks_off()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def seconds(self) -> float:
        """Return the processor time that it has spent on requests so far; take differences."""
        return float(self._status()["server_seconds"])

    def set_latency(self, milliseconds: float) -> None:
        """Let every request wait so long before it is handled."""
        self._status({"latency_ms": milliseconds})

    def turn_away(self) -> None:
        """Answer 429 to whoever wants to make a container, until :meth:`take_again`."""
        order = {"match": "POST /rest/container", "kind": "429", "times": None}
        self._call("/__standin__/faults", json.dumps(order).encode())

    def take_again(self) -> None:
        """Take containers again."""
        self._call("/__standin__/faults", method="DELETE")

    def fill(self, count: int) -> list[int]:
        """Put copies of its newest container beside it, made six days ago, a second apart; returns their ids.

        They are written into its store: to ask for each would take longer than what is measured.
        """
        store = Store(self.state / "soar.sqlite")
        try:
            (newest,) = store.select("container", order="id DESC", limit=1)
            text, key = json.dumps(newest), str(newest["source_data_identifier"])
            made = time.time() - _SIX_DAYS
            with store.transaction():
                return [
                    store.insert(
                        "container",
                        {**json.loads(text.replace(key, f"{key}-{number}")), "create_time": format_time(made + number)},
                    )
                    for number in range(count)
                ]
        finally:
            store.close()

    def change(self, containers: Sequence[int]) -> None:
        """Give these containers another status, as an analyst does."""
        headers = {"ph-auth-token": self.address.token}
        for number in containers:
            self._call(f"/rest/container/{number}", b'{"status": "open"}', headers=headers)

    def forget_requests(self) -> None:
        """Begin to count requests."""
        self._call("/__standin__/requests", method="DELETE")

    def requests(self) -> int:
        """Count the requests since the counting began, without those of the benchmark's own control."""
        return len(self._call("/__standin__/requests")["requests"])

    def containers(self) -> int:
        """Count the containers that it has."""
        headers = {"ph-auth-token": self.address.token}
        return int(self._call("/rest/container?page_size=1", headers=headers)["count"])

    def _switch_playbooks_off(self) -> None:
        """Switch active playbooks off: what they do is SOAR's own work, and no contender's."""
        headers = {"ph-auth-token": self.address.token}
        for playbook in self._call("/rest/playbook?_filter_active=True&page_size=0", headers=headers)["data"]:
            self._call(f"/rest/playbook/{playbook['id']}", b'{"active": false}', headers=headers)

    def _status(self, changes: dict[str, float] | None = None) -> dict[str, Any]:
        return self._call("/__standin__/status", None if changes is None else json.dumps(changes).encode())

    def _call(
        self, path: str, body: bytes | None = None, headers: dict[str, str] | None = None, method: str | None = None
    ) -> dict[str, Any]:
        url = self.address.url + path
        request = urllib.request.Request(url, data=body, headers=headers or {}, method=method)  # noqa: S310 - https
        with urllib.request.urlopen(request, timeout=_ANSWER_SECONDS, context=self._context) as answer:  # noqa: S310
            found: dict[str, Any] = json.loads(answer.read() or b"{}")
            return found
