"""Who may use an account, and who sends for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from soarlink.errors import SettingsError

DIRECT, SERVICE = "direct", "service"
"""Values of an account's ``delivery``: actions send themselves, or only the delivery service does."""

_SEPARATOR = re.compile(r"[\s,;]+")


@dataclass(frozen=True)
class Access:
    """Who may use an account, and who sends for it.

    ``by_service``: only the delivery service reads the secret and sends; actions write down what they have.
    ``roles``: the Splunk roles that may use it, in lower case like Splunk's own; empty for whoever may use the actions.
    """

    by_service: bool
    roles: frozenset[str]


def access(name: str, stanza: Mapping[str, str]) -> Access:
    """The policy in the stanza of an account.

    Raises:
        SettingsError: ``delivery`` has a value that it can't have.
    """
    delivery = stanza.get("delivery", "").strip() or DIRECT
    if delivery not in (DIRECT, SERVICE):
        raise SettingsError(f'The account "{name}" has delivery = "{delivery}".', f"It must be {DIRECT} or {SERVICE}.")
    roles = _SEPARATOR.split(stanza.get("allowed_roles", "").lower())
    return Access(delivery == SERVICE, frozenset(filter(None, roles)))
