"""Calls to splunkd's REST API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from soarlink.errors import SplunkdError
from soarlink.splunk import passwords
from soarlink.wire.exchange import Endpoint, Exchanger, Reply
from soarlink.wire.failure import ExchangeFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from soarlink.secret import Secret
    from soarlink.wire.trust import Trust

CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 30.0


class Splunkd:
    """splunkd, as the user whom the session key stands for.

    Args:
        uri: ``server_uri`` of the payload.
        session_key: its ``session_key``.
        trust: see :func:`soarlink.splunk.anchors.trust`.
    """

    def __init__(self, uri: str, session_key: Secret, trust: Trust) -> None:
        endpoint = Endpoint(uri.rstrip("/"), trust, connect_timeout=CONNECT_TIMEOUT, read_timeout=READ_TIMEOUT)
        self._exchanger = Exchanger(endpoint, {"Authorization": f"Splunk {session_key.reveal()}"})

    def credentials(self, conf_file: str, stanza: str) -> Mapping[str, str]:
        """The encrypted fields of a stanza, in clear, as the configuration page stored them.

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

    def get(self, path: str) -> tuple[int, bytes]:
        """GET a path; status and body, whatever the status.

        Raises:
            SplunkdError: see :meth:`request`.
        """
        reply = self.request("GET", path)
        return reply.status, reply.body

    def close(self) -> None:
        """Close the connection."""
        self._exchanger.close()
