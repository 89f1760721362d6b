"""Plain HTTPS clients for a stand-in splunkd."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from lab.splunkd import StandInSplunkd

APP = "TA_send_to_soar"
Start = Callable[..., StandInSplunkd]
Run = Callable[..., Any]


@dataclass(frozen=True)
class Reply:
    """Status, headers and body of an answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.body)

    @property
    def text(self) -> str:
        """Return the body as text."""
        return self.body.decode()

    @property
    def content(self) -> dict[str, Any]:
        """Return the content of the only entry."""
        (entry,) = self.json["entry"]
        content: dict[str, Any] = entry["content"]
        return content

    @property
    def messages(self) -> list[tuple[str, str]]:
        """Return the messages as (type, text)."""
        return [(message["type"], message["text"]) for message in self.json["messages"]]


@dataclass(frozen=True)
class Client:
    """Plain HTTPS calls with one session key; the certificate is checked, its name is not."""

    uri: str
    ca: Path
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout: float = 30.0

    def call(self, method: str, path: str, body: bytes | None = None) -> Reply:
        """Make one call on a connection of its own."""
        parts = urlsplit(self.uri)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.load_verify_locations(self.ca)
        connection = http.client.HTTPSConnection(
            parts.hostname or "", parts.port, context=context, timeout=self.timeout
        )
        try:
            connection.request(method, path, body=body, headers=dict(self.headers))
            answer = connection.getresponse()
            return Reply(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()

    def get(self, path: str, **query: str | int) -> Reply:
        """GET with JSON as output."""
        return self.call("GET", f"{path}?{urlencode({'output_mode': 'json', **query})}")

    def post(self, path: str, form: Mapping[str, Any] | None = None) -> Reply:
        """POST a form with JSON as output."""
        body = urlencode(form or {}, doseq=True).encode()
        return self.call("POST", f"{path}?output_mode=json", body)

    def post_json(self, path: str, document: Any) -> Reply:
        """POST a JSON document."""
        return self.call("POST", path, json.dumps(document).encode())

    def delete(self, path: str, **query: str) -> Reply:
        """DELETE with JSON as output."""
        return self.call("DELETE", f"{path}?{urlencode({'output_mode': 'json', **query})}")


def client_of(splunkd: StandInSplunkd, user: str) -> Client:
    """Return a client with a new session key of `user`."""
    return Client(splunkd.uri, splunkd.ca_file, {"Authorization": f"Splunk {splunkd.session_key(user)}"})
