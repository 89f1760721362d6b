"""Secrets of conf stanzas in splunkd's password store, in the layout of Splunk's configuration pages.

All secrets of a stanza are one JSON object, cut into pieces of 255 characters: entries ``<stanza>``, separator and
number from 1 on, and one that marks the end (splunkd reference, 2.4). Splunk's own writer leaves the tail of a longer
secret behind the mark; this one removes it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote, urlencode

from soarlink.errors import SplunkdError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

APP = "TA_send_to_soar"
_PIECE = 255
_SEPARATOR = "``splunk_cred_sep``"
_END_MARK = _SEPARATOR.join(["", "S", "P", "L", "U", "N", "K", ""])
_PATH = f"/servicesNS/nobody/{APP}/storage/passwords"
_REFUSED = (401, 403)
_SUCCESS = 2  # hundreds
_HUNDRED = 100


class Answered(Protocol):
    """What splunkd answered."""

    @property
    def status(self) -> int:
        """HTTP status."""

    @property
    def body(self) -> bytes:
        """Body."""


class Splunkd(Protocol):
    """A session with splunkd, see :class:`soarlink.splunk.splunkd.Splunkd`."""

    def request(self, method: str, path: str, body: bytes | None = None, content_type: str = "") -> Answered:
        """One call."""


@dataclass(frozen=True)
class _Piece:
    text: str
    link: str

    def __repr__(self) -> str:
        return f"_Piece({self.link})"


def read(splunkd: Splunkd, conf_file: str, stanza: str) -> dict[str, str]:
    """The secrets of a stanza by field, in clear; none when nothing is stored.

    Raises:
        SplunkdError: splunkd did not answer, the user may not read stored passwords, or what is stored is damaged.
    """
    pieces = _stored(splunkd, conf_file, stanza)
    text = ""
    for number in sorted(pieces):
        if pieces[number].text == _END_MARK:
            break
        text += pieces[number].text
    if not text:
        return {}
    try:
        # What is behind the object is the tail of a longer one that is just being replaced.
        fields, _ = json.JSONDecoder().raw_decode(text)
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        raise SplunkdError(
            f'The stored secret of "{stanza}" can\'t be read.', "Enter it again on the add-on's configuration page."
        )
    return {str(name): str(value) for name, value in fields.items()}


def write(splunkd: Splunkd, conf_file: str, stanza: str, fields: Mapping[str, str]) -> None:
    """Store the secrets of a stanza in place of those that are there; nothing of the old ones stays.

    A secret of usual length is one piece, so that a reader sees either the old or the new one.

    Raises:
        SplunkdError: splunkd did not answer, or the user may not write stored passwords.
    """
    stored = _stored(splunkd, conf_file, stanza)
    text = json.dumps(dict(fields))
    pieces = [text[at : at + _PIECE] for at in range(0, len(text), _PIECE)] + [_END_MARK]
    numbered = list(enumerate(pieces, start=1))
    # What becomes shorter begins with the first piece, what becomes longer ends with it: see read().
    for number, piece in numbered if len(pieces) < len(stored) else reversed(numbered):
        if number not in stored:
            name = f"{stanza}{_SEPARATOR}{number}"
            _send(splunkd, "POST", _PATH, {"name": name, "password": piece, "realm": _realm(conf_file)})
        elif stored[number].text != piece:
            _send(splunkd, "POST", stored[number].link, {"password": piece})
    _remove(splunkd, (piece.link for number, piece in stored.items() if number > len(pieces)))


def remove(splunkd: Splunkd, conf_file: str, stanza: str) -> None:
    """Forget the secrets of a stanza.

    Raises:
        SplunkdError: splunkd did not answer, or the user may not write stored passwords.
    """
    _remove(splunkd, (piece.link for piece in _stored(splunkd, conf_file, stanza).values()))


def listing(conf_file: str) -> str:
    """Path and query that list what is stored for a conf file."""
    return f"{_PATH}?output_mode=json&count=0&search={quote(f'realm={_realm(conf_file)}', safe='')}"


def _remove(splunkd: Splunkd, links: Iterable[str]) -> None:
    for link in links:
        _send(splunkd, "DELETE", link)


def _stored(splunkd: Splunkd, conf_file: str, stanza: str) -> dict[int, _Piece]:
    realm = _realm(conf_file)
    reply = splunkd.request("GET", listing(conf_file))
    if reply.status in _REFUSED:
        raise SplunkdError(
            f"splunkd refuses to read the account's secret (HTTP {reply.status}).",
            "It takes the capability list_storage_passwords, and read access to the add-on's passwords.",
            reply.status,
        )
    found: dict[int, _Piece] = {}
    for entry in _entries(reply.status, reply.body):
        content: Mapping[str, Any] = entry.get("content") or {}
        name, separator, number = str(content.get("username", "")).rpartition(_SEPARATOR)
        if content.get("realm") == realm and separator and name == stanza and number.isdigit():
            link = str((entry.get("links") or {}).get("edit", ""))
            found[int(number)] = _Piece(str(content.get("clear_password", "")), link)
    return found


def _entries(status: int, body: bytes) -> list[dict[str, Any]]:
    try:
        entries = list(json.loads(body)["entry"])
    except (ValueError, KeyError, TypeError):
        raise SplunkdError(
            f"splunkd answered HTTP {status} without a feed.", "Look at splunkd.log at this time.", status
        ) from None
    return [entry for entry in entries if isinstance(entry, dict)]


def _send(splunkd: Splunkd, method: str, path: str, form: Mapping[str, str] | None = None) -> None:
    body = None if form is None else urlencode(form).encode()
    kind = "" if form is None else "application/x-www-form-urlencoded"
    reply = splunkd.request(method, f"{path}?output_mode=json", body, kind)
    if reply.status in _REFUSED:
        raise SplunkdError(
            f"splunkd refuses to write stored passwords (HTTP {reply.status}).",
            "The user needs the capability edit_storage_passwords (role send_to_soar_admin).",
            reply.status,
        )
    if reply.status // _HUNDRED != _SUCCESS:
        raise SplunkdError(
            f"splunkd did not store a password (HTTP {reply.status}).", "Look at splunkd.log, and save again."
        )


def _realm(conf_file: str) -> str:
    return f"__REST_CREDENTIAL__#{APP}#configs/conf-{conf_file}"
