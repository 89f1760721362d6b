"""Who runs a search command, as splunkd knows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from soarlink.errors import SplunkdError
from soarlink.splunk import users

if TYPE_CHECKING:
    from soarlink.splunk.splunkd import Splunkd
    from soarlink.splunk.users import User

CAPABILITY = "edit_soar_outbox"


def caller(splunkd: Splunkd) -> User:
    """Ask splunkd who we are; what the search says of itself is no proof.

    Raises:
        SplunkdError: no answer, or no such session.
    """
    return users.current(splunkd.get)


def require_capability(who: User) -> None:
    """Refuse whoever may not change the outbox.

    Raises:
        SplunkdError: with the capability and the role that has it.
    """
    if CAPABILITY not in who.capabilities:
        raise SplunkdError(
            f"{who.name} may not change the outbox.",
            f"It takes the capability {CAPABILITY}, which the role send_to_soar_admin has.",
            403,
        )
