"""Analysts who work in the stand-in SOAR, over its REST interface."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

if TYPE_CHECKING:
    from pathlib import Path

_TIMEOUT = 30.0
_OK = 300
_DONE, _BEGUN = 1, 2


class Person:
    """Somebody who is signed in with a password.

    Args:
        url: SOAR's address.
        ca_file: the authority that signed its certificate.
        name: user name.
        password: the password.
    """

    def __init__(self, url: str, ca_file: Path, name: str, password: str) -> None:
        self.name = name
        self._address = urlsplit(url)
        self._context = ssl.create_default_context(cafile=str(ca_file))
        secret = base64.b64encode(f"{name}:{password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {secret}", "Content-Type": "application/json"}

    def take(self, container: int) -> None:
        """Open a container and own it."""
        self._call("POST", f"container/{container}", {"status": "open", "owner_id": self.name})

    def close(self, container: int, status: str = "closed") -> None:
        """Close a container."""
        self._call("POST", f"container/{container}", {"status": status})

    def note(self, container: int, title: str, content: str) -> None:
        """Write a note."""
        body = {"container_id": container, "title": title, "content": content, "note_type": "general"}
        self._call("POST", "note", body)

    def comment(self, container: int, text: str) -> None:
        """Write a comment."""
        self._call("POST", "container_comment", {"container_id": container, "comment": text})

    def answer(self, container: int, reply: str) -> None:
        """Answer the prompt that a container's playbook waits for."""
        runs = {run["id"] for run in self._list("playbook_run", _filter_container=str(container))}
        pending = self._list("approval", _filter_status='"pending"')
        (asked,) = [one["id"] for one in pending if one["playbook_run"] in runs]
        self._call("POST", f"approval/{asked}", {"status": "approve", "responses": [reply]})

    def begin_task(self, container: int) -> None:
        """Begin the first task of a container that nobody has begun."""
        self._call("POST", f"workbook_task/{self._task(container, 0)}", {"status": _BEGUN, "owner_id": self.name})

    def finish_task(self, container: int) -> None:
        """Finish the first task of a container that is begun."""
        self._call("POST", f"workbook_task/{self._task(container, _BEGUN)}", {"status": _DONE, "note": "Done."})

    def _task(self, container: int, status: int) -> int:
        tasks = self._list("workbook_task", _filter_container=str(container))
        return min(int(task["id"]) for task in tasks if task["status"] == status)

    def _list(self, resource: str, **filters: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._call("GET", f"{resource}?{urlencode({'page_size': '0', **filters})}")[
            "data"
        ]
        return found

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        connection = http.client.HTTPSConnection(
            self._address.hostname or "", self._address.port, timeout=_TIMEOUT, context=self._context
        )
        try:
            connection.request(method, f"/rest/{path}", json.dumps(body) if body else None, self._headers)
            answer = connection.getresponse()
            content = json.loads(answer.read())
        finally:
            connection.close()
        if answer.status >= _OK:
            raise RuntimeError(f"{self.name}: {method} {path}: {content}")
        return content
