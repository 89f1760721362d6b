"""splunkd as Splunk Web calls it: over its management port, with the session key of whoever is signed in."""

from __future__ import annotations

import http.client
import json
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_TIMEOUT = 120.0
_FORM = "application/x-www-form-urlencoded"
_OK = 200


@dataclass(frozen=True)
class Reply:
    """What splunkd answered."""

    status: int
    content_type: str
    body: bytes


@dataclass(frozen=True)
class Visitor:
    """Whoever is signed in."""

    name: str
    capabilities: frozenset[str]


class Splunkd:
    """A client without a session of its own.

    Args:
        uri: the management address.
        ca_file: the authority that signed its certificate; the host name is not checked, since a default splunkd's
            certificate does not name this machine.
    """

    def __init__(self, uri: str, ca_file: Path) -> None:
        self._address = urlsplit(uri)
        self._context = ssl.create_default_context(cafile=str(ca_file))
        self._context.check_hostname = False

    def call(self, method: str, target: str, key: str, *, body: bytes = b"", content_type: str = "") -> Reply:
        """Pass one request on.

        Args:
            method: GET, POST or DELETE.
            target: path and query.
            key: session key; "" for none.
            body: what is sent.
            content_type: of the body.

        Raises:
            OSError: splunkd can't be reached.
        """
        headers = {"Authorization": f"Splunk {key}"} if key else {}
        if content_type:
            headers["Content-Type"] = content_type
        connection = http.client.HTTPSConnection(
            self._address.hostname or "", self._address.port, timeout=_TIMEOUT, context=self._context
        )
        try:
            connection.request(method, target, body or None, headers)
            answer = connection.getresponse()
            return Reply(answer.status, answer.getheader("Content-Type", ""), answer.read())
        finally:
            connection.close()

    def login(self, user: str, password: str) -> str | None:
        """Return a session key; None when splunkd does not take user and password."""
        fields: Mapping[str, str] = {"username": user, "password": password, "output_mode": "json"}
        reply = self.call("POST", "/services/auth/login", "", body=urlencode(fields).encode(), content_type=_FORM)
        return str(json.loads(reply.body)["sessionKey"]) if reply.status == _OK else None

    def visitor(self, key: str) -> Visitor | None:
        """Return whoever a session key belongs to; None when it is not valid any more."""
        if not key:
            return None
        reply = self.call("GET", "/services/authentication/current-context?output_mode=json", key)
        if reply.status != _OK:
            return None
        content = json.loads(reply.body)["entry"][0]["content"]
        return Visitor(str(content["username"]), frozenset(content["capabilities"]))

    def view(self, key: str, app: str, name: str) -> Reply:
        """Ask for a view of an app: 200, 403 for one that the caller may not see, 404 for one that is not there."""
        return self.call("GET", f"{_views(app)}/{quote(name, safe='')}?output_mode=json", key)

    def views(self, key: str, app: str) -> frozenset[str]:
        """Return the names of an app's views that the caller may see."""
        reply = self.call("GET", f"{_views(app)}?output_mode=json&count=0", key)
        if reply.status != _OK:
            return frozenset()
        return frozenset(str(entry["name"]) for entry in json.loads(reply.body)["entry"])


def _views(app: str) -> str:
    return f"/servicesNS/-/{quote(app, safe='')}/data/ui/views"
