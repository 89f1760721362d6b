"""Calls to splunkd's REST API."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable
from urllib.parse import quote, urlsplit

from soarlink.errors import SplunkdError
from soarlink.wire.exchange import Endpoint, Exchanger, Reply
from soarlink.wire.failure import ExchangeFailed
from soarlink.wire.trust import Trust, certificates

if TYPE_CHECKING:
    from collections.abc import Mapping

    from soarlink.secret import Secret

APP = "TA_send_to_soar"
CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 30.0
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_REFUSED = (401, 403)
_SEPARATOR = "``splunk_cred_sep``"
_END_MARK = _SEPARATOR.join(["", "S", "P", "L", "U", "N", "K", ""])

ServerConf = Callable[[str], str]
"""A key of server.conf [sslConfig] as splunkd sees it, "" when it is not set."""


class Splunkd:
    """splunkd, as the user whom the session key stands for.

    Args:
        uri: ``server_uri`` of the payload.
        session_key: its ``session_key``.
        trust: see :func:`trust`.
    """

    def __init__(self, uri: str, session_key: Secret, trust: Trust) -> None:
        endpoint = Endpoint(uri.rstrip("/"), trust, connect_timeout=CONNECT_TIMEOUT, read_timeout=READ_TIMEOUT)
        self._exchanger = Exchanger(endpoint, {"Authorization": f"Splunk {session_key.reveal()}"})

    def credentials(self, conf_file: str, stanza: str) -> Mapping[str, str]:
        """The encrypted fields of a stanza, in clear, as the configuration page stored them (solnlib's layout).

        Raises:
            SplunkdError: splunkd did not answer, or the user may not read stored passwords.
        """
        realm = f"__REST_CREDENTIAL__#{APP}#configs/conf-{conf_file}"
        search = quote(f"realm={realm}", safe="")
        entries = self._entries(f"/servicesNS/nobody/{APP}/storage/passwords?output_mode=json&count=0&search={search}")
        chunks: list[tuple[int, str]] = []
        for entry in entries:
            content = entry.get("content") or {}
            name, separator, number = str(content.get("username", "")).rpartition(_SEPARATOR)
            if content.get("realm") == realm and separator and name == stanza and number.isdigit():
                chunks.append((int(number), str(content.get("clear_password", ""))))
        return _fields("".join(text for _, text in _until_mark(sorted(chunks))), stanza)

    def request(self, method: str, path: str, body: bytes | None = None, content_type: str = "") -> Reply:
        """One call; the answer whatever its status.

        Args:
            method: ``GET``, ``POST`` or ``DELETE``.
            path: path and query, encoded.
            body: the encoded body.
            content_type: of the body.

        Raises:
            SplunkdError: no complete answer came; ``status`` is None then.
        """
        try:
            return self._exchanger.exchange(method, path, body, content_type)
        except ExchangeFailed as failure:
            raise SplunkdError(f"splunkd: {failure.what}", failure.remedy) from None

    def close(self) -> None:
        """Close the connection."""
        self._exchanger.close()

    def _entries(self, path: str) -> list[dict[str, Any]]:
        reply = self.request("GET", path)
        if reply.status in _REFUSED:
            raise SplunkdError(
                f"splunkd refuses to read the account's secret (HTTP {reply.status}).",
                "The user who runs the action needs the capability list_storage_passwords (role send_to_soar_user).",
                reply.status,
            )
        try:
            entries = list(json.loads(reply.body)["entry"])
        except (ValueError, KeyError, TypeError):
            raise SplunkdError(
                f"splunkd answered HTTP {reply.status} without a feed.",
                "Look at splunkd.log at this time.",
                reply.status,
            ) from None
        return [entry for entry in entries if isinstance(entry, dict)]


def trust(uri: str, server_conf: ServerConf, splunk_home: Path) -> Trust:
    """Whom to trust at ``server_uri``: what splunkd itself is set up with in server.conf.

    splunkd's own certificate counts as an anchor, beside the authorities that server.conf names: a default Splunk
    presents a certificate of a private authority that names no host, a hardened one a certificate of the customer's.
    Only on loopback is the host name not checked.
    """
    found = []
    for key in ("sslRootCAPath", "caCertFile", "serverCert"):
        text = server_conf(key).replace("$SPLUNK_HOME", str(splunk_home))
        if not text:
            continue
        path = Path(text) if Path(text).is_absolute() else splunk_home / text
        try:
            found.append(certificates(path.read_text(encoding="utf-8", errors="replace")))
        except OSError:
            continue  # a path that does not exist trusts nobody; the others may do
    anchors = "\n".join(text for text in found if text)
    host = urlsplit(uri).hostname or ""
    return Trust(anchors, check_name=host not in _LOOPBACK, anchors_are_pinned=bool(anchors))


def _until_mark(chunks: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """A shorter secret leaves old chunks behind the end mark: they do not count."""
    kept = []
    for number, text in chunks:
        if text == _END_MARK:
            break
        kept.append((number, text))
    return kept


def _fields(text: str, stanza: str) -> dict[str, str]:
    if not text:
        return {}
    try:
        fields = json.loads(text)
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        raise SplunkdError(
            f'The stored secret of "{stanza}" can\'t be read.', "Enter it again on the add-on's configuration page."
        )
    return {str(name): str(value) for name, value in fields.items()}
