"""Stanzas of one of the add-on's conf files, over splunkd's REST API (``configs/conf-<file>``).

splunkd writes the local layer, tells the other members of a search head cluster, and checks who may: what can be read
from disk without asking is in :mod:`soarlink.splunk.conf`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from soarlink.errors import SplunkdError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from soarlink.splunk.splunkd import Splunkd

APP = "TA_send_to_soar"
_FORBIDDEN = (401, 403)
_HUNDRED, _SUCCESS = 100, 2
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Stanza:
    """A stanza with its settings as text; ``acl`` is splunkd's access list of it."""

    name: str
    settings: Mapping[str, str]
    acl: Mapping[str, Any]


class Stanzas:
    """The stanzas of a conf file.

    Every method raises :class:`SplunkdError` when splunkd does not answer or refuses; ``status`` is its HTTP status.

    Args:
        splunkd: the session; its user needs the rights that ``metadata/default.meta`` asks for.
        conf_file: the file's name without ``.conf``.
    """

    def __init__(self, splunkd: Splunkd, conf_file: str) -> None:
        self._splunkd = splunkd
        self._path = f"/servicesNS/nobody/{APP}/configs/conf-{conf_file}"
        self._conf_file = conf_file

    def all(self) -> list[Stanza]:
        """Every stanza, by name."""
        found = self._call("GET", "", query="&count=0")
        return sorted((stanza for stanza in found if stanza.name != "default"), key=lambda stanza: stanza.name)

    def get(self, name: str) -> Stanza | None:
        """One stanza; None when there is none of that name."""
        # Not by its own path: splunkd makes an answer from the default stanza for names that it does not know.
        return next((stanza for stanza in self.all() if stanza.name == name), None)

    def create(self, name: str, settings: Mapping[str, str]) -> Stanza:
        """A new stanza."""
        return self._call("POST", "", {"name": name, **settings})[0]

    def update(self, name: str, settings: Mapping[str, str]) -> Stanza:
        """Change these settings of a stanza; the others stay."""
        return self._call("POST", name, settings)[0]

    def remove(self, name: str) -> None:
        """Delete a stanza."""
        self._call("DELETE", name)

    def _call(self, method: str, name: str, form: Mapping[str, str] | None = None, query: str = "") -> list[Stanza]:
        path = f"{self._path}/{quote(name, safe='')}" if name else self._path
        body = None if form is None else urlencode(form).encode()
        reply = self._splunkd.request(method, f"{path}?output_mode=json{query}", body, _FORM if body else "")
        if reply.status in _FORBIDDEN:
            raise SplunkdError(
                f"splunkd does not let this user use {self._conf_file}.conf (HTTP {reply.status}).",
                "Changing it takes one of the roles send_to_soar_admin, admin and sc_admin.",
                reply.status,
            )
        if reply.status // _HUNDRED != _SUCCESS:
            raise SplunkdError(
                f"splunkd answered HTTP {reply.status} for {self._conf_file}.conf: {_message(reply.body)}.",
                "Look at splunkd.log at this time.",
                reply.status,
            )
        return _stanzas(reply.body, reply.status)


def _stanzas(body: bytes, status: int) -> list[Stanza]:
    try:
        entries = json.loads(body)["entry"]
        return [Stanza(str(entry["name"]), _settings(entry["content"]), entry.get("acl") or {}) for entry in entries]
    except (ValueError, KeyError, TypeError):
        raise SplunkdError(
            f"splunkd answered HTTP {status} without a feed.", "Look at splunkd.log at this time.", status
        ) from None


def _settings(content: Mapping[str, Any]) -> dict[str, str]:
    """As conf files have them: REST answers hold booleans, numbers and nulls too, and facts about the entity."""
    return {key: _text(value) for key, value in content.items() if not key.startswith("eai:") and key != "disabled"}


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return "" if value is None else str(value)


def _message(body: bytes) -> str:
    try:
        return "; ".join(str(message["text"]) for message in json.loads(body)["messages"]).rstrip(".")
    except (ValueError, KeyError, TypeError):
        return "no reason given"
