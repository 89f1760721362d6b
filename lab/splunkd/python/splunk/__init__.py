"""Stand-in of the `splunk` package that Splunk's own interpreter offers to apps.

It holds the names that solnlib, splunktaucclib and splunk-sdk import, and nothing else; it runs on CPython 3.9 and
newer and imports next to nothing, because an action's start-up is measured with it on the path.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_defaults: dict[str, Any] = {
    "owner": None,
    "namespace": None,
    "sessionKey": None,
    "host": None,
    "port": None,
    "protocol": None,
}


def getDefault(key: str) -> Any:
    """Return the process-wide default `key`, such as `sessionKey`."""
    return _defaults.get(key)


def setDefault(key: str | None = None, value: Any = None) -> None:
    """Set the process-wide default `key`."""
    if key is not None:
        _defaults[key] = value


def getSessionKey() -> str | None:
    """Return the session key of the request that is handled now, or None outside of one."""
    key: str | None = _defaults["sessionKey"]
    return key


class SplunkdException(Exception):
    """Base of what can go wrong with splunkd."""


class RESTException(SplunkdException):
    """splunkd answered with an error status.

    Args:
        statusCode: HTTP status.
        msg: the text.
        messages: message dictionaries with `type` and `text`.
    """

    def __init__(self, statusCode: int, msg: str = "", messages: list[dict[str, Any]] | None = None) -> None:
        super().__init__(f"[HTTP {statusCode}] {msg}")
        self.statusCode = statusCode
        self.msg = msg
        self.messages = messages or []

    def get_extended_message_text(self) -> str:
        """Return all message texts in one line."""
        return self.msg or "; ".join(str(message.get("text", "")) for message in self.messages)


class ResourceNotFound(RESTException):
    """404."""

    def __init__(self, msg: str = "Resource not found", messages: list[dict[str, Any]] | None = None) -> None:
        super().__init__(404, msg, messages)


class AuthenticationFailed(RESTException):
    """401."""

    def __init__(self, msg: str = "Client is not authenticated", messages: list[dict[str, Any]] | None = None) -> None:
        super().__init__(401, msg, messages)


class AuthorizationFailed(RESTException):
    """403."""

    def __init__(
        self,
        msg: str = "Client is not authorized to perform requested action",
        messages: list[dict[str, Any]] | None = None,
    ) -> None:
        super().__init__(403, msg, messages)


class SplunkdConnectionException(SplunkdException):
    """splunkd could not be reached."""
