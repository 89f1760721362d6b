"""How the server says no."""

from __future__ import annotations

from typing import Any


class Refusal(Exception):
    """A request, or one element of a list, that is refused with a status and a `failed` body.

    `extra` goes beside `message`, for example `existing_container_id`.
    """

    def __init__(self, status: int, message: str, **extra: Any) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.extra = extra

    def body(self) -> dict[str, Any]:
        """The JSON body of the answer."""
        return {"failed": True, "message": self.message, **self.extra}


def missing(parameter: str) -> Refusal:
    """The refusal of a body without a required parameter (text: Splunk's documentation of bulk creation)."""
    return Refusal(400, f"Missing required parameter: {parameter}")


def not_found() -> Refusal:
    """The refusal for an object that does not exist."""
    return Refusal(404, "Requested item not found")
