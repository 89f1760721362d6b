"""The refusals of splunkd: one exception, and the texts that splunkd gives it."""

from __future__ import annotations


class Refused(Exception):
    """splunkd declines a request.

    Args:
        status: HTTP status.
        text: what the client reads.
        kind: `ERROR`, `WARN` or `FATAL`, the type of the message.
        headers: additional response headers.
    """

    def __init__(
        self, status: int, text: str, *, kind: str = "ERROR", headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.kind = kind
        self.headers = headers


def unknown_entity(name: str) -> Refused:
    """Return the 404 for an entity that is not there."""
    return Refused(404, f"Could not find object id={name}")


def missing_capability(user: str, capability: str) -> Refused:
    """Return the 403 for a caller without `capability`."""
    text = f"You (user={user}) do not have permission to perform this operation (requires capability: {capability})."
    return Refused(403, text)


def no_access() -> Refused:
    """Return the 403 for an object whose access list does not name the caller."""
    return Refused(403, "insufficient permission to access this resource", kind="WARN")


def missing_argument(*names: str) -> Refused:
    """Return the 400 for required arguments that are not there."""
    return Refused(400, f"The following required arguments are missing: {', '.join(names)}.")


def no_target() -> Refused:
    """Return the 400 for a POST on a collection without the name of what to create."""
    return Refused(400, 'Cannot perform action "POST" without a target name to act on.')
