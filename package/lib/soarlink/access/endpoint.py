"""The REST endpoint that gives an action its SOAR account: ``script:ta_send_to_soar_access`` of restmap.conf.

Its process stays alive and may be shared with handlers of other apps, and an alert waits for its answer. So it imports
the standard library and a few light modules of ours, and asks splunkd through what it is given.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, NamedTuple

from soarlink.access import decision
from soarlink.errors import AccessRefused, SettingsError, SplunkdError
from soarlink.splunk import conf, passwords, policy, users
from soarlink.splunk.logline import fields

GIVEN = ("token", "password", "proxy_password")
"""The encrypted fields that leave the endpoint; nothing else does."""

_ARGUMENTS = frozenset(("account", "output_mode"))
_BAD_REQUEST, _UNAUTHENTICATED, _FORBIDDEN, _UNKNOWN, _NO_METHOD, _BROKEN = 400, 401, 403, 404, 405, 500

GetAs = Callable[[str, str], tuple[int, bytes]]
"""GETs a path of splunkd with a session key: (path, key) → (HTTP status, body)."""


@dataclass(frozen=True)
class Answer:
    """What the caller gets."""

    status: int
    document: Mapping[str, Any]

    def reply(self) -> dict[str, Any]:
        """The answer as splunkd takes it from a persistent handler."""
        return {
            "status": self.status,
            "payload": json.dumps(self.document),
            "headers": {"Content-Type": "application/json"},
        }


class _Reply(NamedTuple):
    status: int
    body: bytes


class _Session:
    """splunkd with one session key."""

    def __init__(self, get: GetAs, key: str) -> None:
        self._get = get
        self._key = key

    def request(self, method: str, path: str, body: bytes | None = None, content_type: str = "") -> _Reply:
        """GET, which is all that reading takes."""
        del method, body, content_type
        return _Reply(*self._get(path, self._key))


class Endpoint:
    """The endpoint.

    Args:
        app: the add-on's folder.
        get: asks splunkd.
        log: who got what, and what went wrong in full.
        reference: makes the reference that stands for an error's details.
    """

    def __init__(self, app: Path, get: GetAs, log: logging.Logger, reference: Callable[[], str]) -> None:
        self._app = app
        self._get = get
        self._log = log
        self._reference = reference

    def answer(self, request: Mapping[str, Any]) -> Answer:
        """Answer one request; never raises.

        Args:
            request: what splunkd hands to a persistent handler: ``method``, ``form``, ``session``,
                ``system_authtoken``.
        """
        account = ""
        try:
            if request.get("method") != "POST":  # a GET would let | rest show the answer
                return _refusal(_NO_METHOD, "This endpoint takes POST only.")
            arguments = {str(name): str(value) for name, value in request.get("form") or ()}
            account = arguments.get("account", "")
            if not account or not _ARGUMENTS.issuperset(arguments):
                return _refusal(_BAD_REQUEST, "The argument account is needed, and is the only one.")
            return self._account(account, str(request["session"]["authtoken"]), str(request["system_authtoken"]))
        except AccessRefused as error:
            who = str((request.get("session") or {}).get("user", ""))
            self._log.warning("Account refused %s", fields({"user": who, "account": account, "reason": error}))
            return _refusal(_FORBIDDEN, error.what, error.remedy)
        except SettingsError as error:
            return _refusal(_BAD_REQUEST, error.what, error.remedy)
        except SplunkdError as error:
            if error.status == _UNAUTHENTICATED:
                return _refusal(_UNAUTHENTICATED, "splunkd does not know this session any more.", "Run it again.")
            return self._broken(error, account)
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller learns a reference only
            return self._broken(error, account)

    def _account(self, account: str, key: str, system: str) -> Answer:
        user = users.current(lambda path: self._get(path, key))
        decision.require_capability(user)
        stanza = conf.read(self._app, conf.ACCOUNTS).get(account) if account != "default" else None
        if stanza is None:
            return _refusal(_UNKNOWN, f'There is no SOAR account "{account}".', "Correct the parameter account.")

        def with_imported(roles: Any) -> frozenset[str]:
            return users.with_imported(lambda path: self._get(path, system), roles)

        access = policy.access(account, stanza)
        decision.require_role(user, account, access, with_imported)
        delivery = policy.SERVICE if access.by_service else policy.DIRECT
        document: dict[str, Any] = {"delivery": delivery}
        if not access.by_service:
            document["secrets"] = self._secrets(account, system)
        self._log.info("Account given %s", fields({"user": user.name, "account": account, "delivery": delivery}))
        return Answer(200, document)

    def _secrets(self, account: str, system: str) -> dict[str, str]:
        found = self._stored(conf.ACCOUNTS, account, system)
        proxy = conf.read(self._app, conf.SETTINGS).get("proxy", {})
        if conf.switch(proxy, "proxy_enabled") and proxy.get("proxy_username"):
            found.update(self._stored(conf.SETTINGS, "proxy", system))
        return {name: found[name] for name in GIVEN if name in found}

    def _stored(self, conf_file: str, stanza: str, system: str) -> dict[str, str]:
        return passwords.read(_Session(self._get, system), conf_file, stanza)

    def _broken(self, error: Exception, account: str) -> Answer:
        reference = self._reference()
        self._log.error("Account not given %s", fields({"account": account, "reference": reference}), exc_info=error)
        return _refusal(
            _BROKEN,
            f"The SOAR account can't be given now (reference {reference}).",
            "var/log/splunk/send_to_soar_access.log on this search head has the details.",
        )


def _refusal(status: int, what: str, remedy: str = "") -> Answer:
    text = f"{what} {remedy}".rstrip()
    document = {"messages": [{"type": "ERROR", "text": text}], "refusal": {"what": what, "remedy": remedy}}
    return Answer(status, document)
