"""Calls to the stand-in splunkd's management port, as an administrator's browser or script makes them."""

from __future__ import annotations

import http.client
import json
import ssl
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

from lab.runner.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_TIMEOUT = 60.0
_NOT_FOUND = 404
_OK = 300


class Management:
    """A client of one splunkd.

    Args:
        uri: its management address.
        session_key: an administrator's.
        ca_file: the authority that signed splunkd's certificate; the host name is not checked, since a default
            splunkd's certificate does not name this machine.
    """

    def __init__(self, uri: str, session_key: str, ca_file: Path) -> None:
        self._address = urlsplit(uri)
        self._session_key = session_key
        self._context = ssl.create_default_context(cafile=str(ca_file))
        self._context.check_hostname = False

    def get(self, path: str, **query: str) -> list[dict[str, Any]] | None:
        """Return the entries of a collection or of one item; None when there is no such thing."""
        return self._call("GET", f"{path}?{urlencode({**query, 'output_mode': 'json'})}", None)

    def post(self, path: str, fields: Mapping[str, str]) -> list[dict[str, Any]] | None:
        """Create or change something; None when there is no such thing.

        Raises:
            LabError: splunkd refused, in its words.
        """
        return self._call("POST", f"{path}?output_mode=json", urlencode(fields))

    def delete(self, path: str) -> None:
        """Remove something; nothing happens when it is not there.

        Raises:
            LabError: splunkd refused, in its words.
        """
        self._call("DELETE", f"{path}?output_mode=json", None)

    def documents(self, app: str, collection: str, query: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the documents of a KV store collection that match a query; none when there is no such collection."""
        text = urlencode({"query": json.dumps(query), "limit": "0"})
        path = f"/servicesNS/nobody/{app}/storage/collections/data/{collection}?{text}"
        found = self._call("GET", path, None)
        return found or []

    def empty(self, app: str, collection: str) -> None:
        """Delete every document of a KV store collection."""
        self._call("DELETE", f"/servicesNS/nobody/{app}/storage/collections/data/{collection}", None)

    def save(self, app: str, collection: str, document: Mapping[str, Any]) -> None:
        """Insert or replace a document of a KV store collection."""
        path = f"/servicesNS/nobody/{app}/storage/collections/data/{collection}/batch_save"
        self._call("POST", path, json.dumps([document]), "application/json")

    def _call(
        self, method: str, target: str, body: str | None, kind: str = "application/x-www-form-urlencoded"
    ) -> list[dict[str, Any]] | None:
        connection = http.client.HTTPSConnection(
            self._address.hostname or "", self._address.port, timeout=_TIMEOUT, context=self._context
        )
        headers = {"Authorization": f"Splunk {self._session_key}"}
        if body is not None:
            headers["Content-Type"] = kind
        try:
            connection.request(method, target, body, headers)
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        if response.status == _NOT_FOUND:
            return None
        if response.status >= _OK:
            raise LabError(f"splunkd refused {method} {target.partition('?')[0]}: {_message(content)}", exit_code=1)
        parsed = json.loads(content)
        return list(parsed if isinstance(parsed, list) else parsed.get("entry", ()))


def segment(name: str) -> str:
    """Write a name as one segment of a path."""
    return quote(name, safe="")


def _message(content: bytes) -> str:
    try:
        messages = json.loads(content)["messages"]
        return " ".join(str(message["text"]) for message in messages)
    except (ValueError, KeyError, TypeError):
        return content[:300].decode("utf-8", errors="replace")
