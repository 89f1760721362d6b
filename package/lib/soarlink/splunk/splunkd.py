"""Calls to splunkd's REST API."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Callable
from urllib.parse import urlsplit

from soarlink.errors import SplunkdError
from soarlink.splunk import passwords
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
        return passwords.read(self, conf_file, stanza)

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
