"""The stand-in SOAR as a process of its own, steered over HTTP."""

from __future__ import annotations

import json
import ssl
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

from soarlink.secret import Secret
from soarlink.soar.account import Account

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "K2Zmb28tdW5pdC10ZXN0LXRva2Vu"


class StandIn:
    """A running stand-in; use it as a context manager."""

    def __init__(self, state: Path) -> None:
        python = ROOT / ".venv" / "bin" / "python"
        if not python.exists():
            raise FileNotFoundError(f"{python} is missing: run python -m tools.environments dev")
        command = [str(python), "-m", "lab.soar", "--state", str(state), "--port", "0", "--token-stdin"]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={"PYTHONDONTWRITEBYTECODE": "1"}
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{TOKEN}\n".encode())
        self._process.stdin.close()
        ready = json.loads(self._process.stdout.readline())
        self.address: str = ready["url"]
        self.url = self.address.replace("127.0.0.1", "localhost")
        self.ca = Path(ready["ca_file"]).read_text(encoding="ascii")
        self._context = ssl.create_default_context(cadata=self.ca)

    def __enter__(self) -> StandIn:  # noqa: PYI034 - typing.Self is of 3.11
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdout is not None
        self._process.terminate()
        self._process.wait(20)
        self._process.stdout.close()

    def account(self, **changes: Any) -> Account:
        """An account for it."""
        facts: dict[str, Any] = {
            "name": "lab",
            "url": self.url,
            "token": Secret(TOKEN),
            "ca_certificate": self.ca,
            "read_timeout": 20.0,
            **changes,
        }
        return Account(**facts)

    def fault(self, match: str, kind: str, **more: Any) -> None:
        """Order a fault."""
        self._call("POST", "/__standin__/faults", {"match": match, "kind": kind, **more})

    def reset(self) -> None:
        """Take back all faults and forget the requests so far."""
        self._call("DELETE", "/__standin__/faults")
        self._call("DELETE", "/__standin__/requests")

    def requests(self, match: str = "") -> list[dict[str, Any]]:
        """The REST requests since the last reset whose "METHOD /path" begins with `match`."""
        found = self._call("GET", "/__standin__/requests")["requests"]
        return [record for record in found if f"{record['method']} {record['path']}".startswith(match)]

    def triggers(self, container: int) -> int:
        """How often active playbooks were triggered for a container."""
        return int(self._call("GET", "/__standin__/triggers").get(str(container), 0))

    def container(self, number: int) -> dict[str, Any]:
        """A container as SOAR shows it."""
        return self._call("GET", f"/rest/container/{number}")

    def artifacts(self, container: int) -> list[dict[str, Any]]:
        """The artifacts of a container, in the order of their ids."""
        path = f"/rest/artifact?page_size=0&sort=id&_filter_container={container}"
        rows: list[dict[str, Any]] = self._call("GET", path)["data"]
        return rows

    def runs(self, container: int) -> list[dict[str, Any]]:
        """The playbook runs of a container."""
        rows: list[dict[str, Any]] = self._call("GET", f"/rest/playbook_run?_filter_container={container}")["data"]
        return rows

    def post(self, path: str, body: Any) -> dict[str, Any]:
        """Something that another client does."""
        return self._call("POST", path, body)

    def _call(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        headers = {"ph-auth-token": TOKEN, "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data, headers, method=method)  # noqa: S310 - always https
        with urllib.request.urlopen(request, context=self._context, timeout=30) as reply:  # noqa: S310 - the same
            parsed: dict[str, Any] = json.loads(reply.read() or b"{}")
            return parsed
