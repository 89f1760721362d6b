"""Base class of persistent REST handlers."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class PersistentServerConnectionApplication:
    """A handler that splunkd keeps alive between requests.

    Subclasses are made once per process as `Handler(command_line, command_arg)`.
    """

    def __init__(self) -> None:
        """Do nothing; subclasses call it."""

    def handle(self, in_string: bytes) -> Any:
        """Answer one request.

        Args:
            in_string: JSON text (bytes) of the request: method, path, query, form, session, namespace.

        Returns:
            a dict with `payload` and `status`, or the JSON text of one.
        """
        raise NotImplementedError("PersistentServerConnectionApplication.handle")

    def handleStream(self, handle: Any, in_string: bytes) -> None:
        """Answer one request in pieces; only for handlers that say so in restmap.conf."""
        raise NotImplementedError("PersistentServerConnectionApplication.handleStream")

    def done(self) -> None:
        """Free what the handler holds; called when the process ends."""
