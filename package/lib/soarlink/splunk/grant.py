"""What the add-on's own endpoint lets an action have of an account."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from soarlink.errors import AccessRefused, SettingsError, SplunkdError
from soarlink.splunk.policy import DIRECT, SERVICE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from soarlink.splunk.splunkd import Splunkd

PATH = "/services/ta_send_to_soar/access?output_mode=json"
_OK, _BAD_REQUEST, _UNAUTHENTICATED, _FORBIDDEN = 200, 400, 401, 403


@dataclass(frozen=True)
class Grant:
    """The caller may use the account.

    ``by_service`` is True when only the delivery input sends for it: then there are no secrets.
    """

    by_service: bool
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    def credentials(self, _conf_file: str, _stanza: str) -> Mapping[str, str]:
        """The secrets, for :meth:`soarlink.splunk.settings.Settings.account`."""
        return self.secrets


def ask(splunkd: Splunkd, account: str) -> Grant:
    """Ask for an account as the user of the session.

    Raises:
        AccessRefused: the user may not use it; says what to do.
        SettingsError: the account can't be used as it is configured.
        SplunkdError: it can't be told now.
    """
    body = urlencode({"account": account}).encode("ascii")
    reply = splunkd.request("POST", PATH, body, "application/x-www-form-urlencoded")
    answer = _object(reply.body)
    if reply.status == _OK and answer.get("delivery") in (DIRECT, SERVICE):
        secrets = answer.get("secrets")
        found = {str(name): str(value) for name, value in secrets.items()} if isinstance(secrets, dict) else {}
        return Grant(answer["delivery"] == SERVICE, found)
    refusal = answer.get("refusal")
    told = (str(refusal.get("what")), str(refusal.get("remedy"))) if isinstance(refusal, dict) else None
    if reply.status == _FORBIDDEN:  # splunkd's own refusal comes without our words
        raise AccessRefused(*(told or _NO_CAPABILITY))
    if reply.status == _UNAUTHENTICATED:
        raise AccessRefused("splunkd does not know the session of this search any more.", "Run the search again.")
    if reply.status == _BAD_REQUEST and told:
        raise SettingsError(*told)
    what, remedy = told or (f"splunkd did not give the SOAR account (HTTP {reply.status}).", _NO_ENDPOINT)
    raise SplunkdError(what, remedy, reply.status)


_NO_CAPABILITY = (
    "The user who runs the action may not use SOAR accounts.",
    "It takes the capability use_soar_actions, which the role send_to_soar_user has.",
)
_NO_ENDPOINT = "Look at splunkd.log at this time; after an upgrade of the add-on Splunk must be restarted."


def _object(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
