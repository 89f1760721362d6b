"""The stand-in splunkd as a process of its own, for tests on every Python of the add-on."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from soarlink.secret import Secret
from soarlink.splunk.kvstore import KvStore
from soarlink.splunk.splunkd import Splunkd
from soarlink.wire.trust import Trust
from tests.unit.standin import ROOT

COLLECTIONS = ("soar_outbox", "soar_outbox_payload", "soar_lease")


class SplunkdProcess:
    """A running stand-in; use it as a context manager.

    Args:
        folder: for its files.
        es: version of Enterprise Security on it; "" for none.
    """

    def __init__(self, folder: Path, es: str = "") -> None:
        python = ROOT / ".venv" / "bin" / "python"
        self._process = subprocess.Popen(
            [python, "-m", "tests.unit.outbox.serve", folder, es],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"PYTHONDONTWRITEBYTECODE": "1"},
            text=True,
        )
        ready = self._answer()
        self.uri: str = ready["uri"]
        self.home = Path(ready["home"])
        self._ca: str = ready["ca"]
        self._seen = 0

    def __enter__(self) -> SplunkdProcess:  # noqa: PYI034 - Self needs 3.11
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=20)

    def key(self, user: str = "admin") -> str:
        """A new session key."""
        return str(self._order(do="key", user=user))

    def session(self, user: str = "admin") -> Splunkd:
        """A session of the add-on's own client."""
        return Splunkd(self.uri, Secret(self.key(user)), Trust(self._ca, check_name=False))

    def add_user(self, name: str, *roles: str) -> None:
        """Add a user."""
        self._order(do="user", name=name, roles=roles)

    def fault(self, method: str, path: str, **what: Any) -> None:
        """Order a fault, see the stand-in."""
        self._order(do="fault", method=method, path=path, **what)

    def clear(self) -> None:
        """Lift all faults."""
        self._order(do="clear")

    def canned(self, pattern: str, rows: list[dict[str, Any]]) -> None:
        """Answer searches in which the regular expression is found with these rows."""
        self._order(do="canned", pattern=pattern, rows=rows)

    def grant(self, capability: str, state: str = "enabled") -> None:
        """Give administrators a capability, or take it away: ``disabled``."""
        self._order(do="grant", capability=capability, state=state)

    def notables(self, method: str, *args: str, **values: str) -> Any:
        """Call a method of Enterprise Security's board, see the stand-in; ``reviews`` reads them."""
        return self._order(do="notables", method=method, args=args, values=values)

    def limits(self, **values: str | None) -> None:
        """Set limits of limits.conf [kvstore]; None for the default."""
        self._order(do="limits", values=values)

    def calls(self) -> list[str]:
        """The calls since the last look, as "METHOD collection/rest"."""
        calls = self._order(do="calls")
        fresh, self._seen = calls[self._seen :], len(calls)
        return [f"{method} {path}" for method, path in fresh]

    def reset(self) -> None:
        """Back to an empty KV store without faults and with default limits."""
        self.clear()
        self.limits(max_documents_per_batch_save=None, max_rows_per_query=None, max_size_per_result_mb=None)
        session = self.session()
        for name in COLLECTIONS:
            path = f"/servicesNS/nobody/TA_send_to_soar/storage/collections/data/{name}"
            assert session.request("DELETE", path).status == 200
        session.close()
        self.calls()

    def _order(self, **order: Any) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())


def kv_store(process: SplunkdProcess, user: str = "admin") -> KvStore:
    """A KV store client with a session of its own."""
    return KvStore(process.session(user))
