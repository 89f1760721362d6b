"""Who runs a search command, as splunkd knows them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from soarlink.errors import SplunkdError

if TYPE_CHECKING:
    from soarlink.splunk.splunkd import Splunkd

CAPABILITY = "edit_soar_outbox"


@dataclass(frozen=True)
class Caller:
    """Who runs the search, as splunkd knows them."""

    name: str
    capabilities: frozenset[str]


def caller(splunkd: Splunkd) -> Caller:
    """Ask splunkd who we are; what the search says of itself is no proof.

    Raises:
        SplunkdError: no answer, or no such session.
    """
    reply = splunkd.request("GET", "/services/authentication/current-context?output_mode=json")
    try:
        content = json.loads(reply.body)["entry"][0]["content"]
        return Caller(str(content["username"]), frozenset(map(str, content["capabilities"])))
    except (ValueError, LookupError, TypeError):
        raise SplunkdError(
            f"splunkd does not say who runs this search (HTTP {reply.status}).", "Run it again.", reply.status
        ) from None


def require_capability(who: Caller) -> None:
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
