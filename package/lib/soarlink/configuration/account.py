"""What an account may hold: the rules of the account page, whatever posts to it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from soarlink.configuration.address import base_url
from soarlink.errors import SettingsError
from soarlink.feedback import settings as feedback
from soarlink.splunk import conf
from soarlink.splunk.policy import DIRECT, SERVICE
from soarlink.wire.trust import Trust, certificates

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SECRETS = ("token", "password")
MASK = "******"
"""What stands for a secret in conf files and answers, as on every configuration page of Splunk."""

MASKS = (MASK, "********")

_NAME = re.compile(r"[a-zA-Z]\w{0,49}", re.ASCII)
_LABEL = re.compile(r"\S.{0,79}")
_ROLE = re.compile(r"[^\s:;/,]+")
_TOKEN = re.compile(r"[!-~]+")
_LABELS = dict(zip(SECRETS, ("Automation token", "Password")))


@dataclass(frozen=True)
class _Range:
    label: str
    least: int
    most: int
    whole: bool


NUMBERS = {
    "connect_timeout": _Range("Connect timeout", 1, 120, whole=False),
    "read_timeout": _Range("Read timeout", 1, 600, whole=False),
    "connections": _Range("Connections", 1, 16, whole=True),
    "rate_limit": _Range("Containers per minute", 0, 100_000, whole=True),
}


@dataclass(frozen=True)
class AccountEntry:
    """An account as it is stored: settings for the conf file, secrets for the password store."""

    settings: Mapping[str, str]
    secrets: Mapping[str, str] = field(repr=False)

    def stanza(self) -> dict[str, str]:
        """What goes into the conf file: a mask where there is a secret."""
        return {**self.settings, **{name: MASK if self.secrets.get(name) else "" for name in SECRETS}}


def check_name(name: str) -> None:
    """Refuse names that can't be told apart in searches and conf files.

    Raises:
        SettingsError: such a name.
    """
    if not _NAME.fullmatch(name) or name.lower() == "default":
        raise SettingsError(
            f'An account can\'t be called "{name}".',
            'Start with a letter; then letters, digits and _, at most 50; "default" means something else.',
        )


def entry(
    name: str, posted: Mapping[str, str], stored: AccountEntry | None, others: Mapping[str, Mapping[str, str]]
) -> AccountEntry:
    """What is to be stored.

    Args:
        name: the account's.
        posted: the fields that the page sends; what it leaves out stays as it is, and a mask stands for what is stored.
        stored: the account as it is; None for a new one.
        others: the settings of the other accounts.

    Raises:
        SettingsError: every rule that is broken, with field, value and way out.
    """
    known: dict[str, str] = dict(stored.settings) if stored else {"auth_type": "token"}
    values = {**known, **{key: text.strip() for key, text in posted.items() if key not in SECRETS}}
    secrets = {**(stored.secrets if stored else {}), **_posted_secrets(posted)}
    pasted = _take_pasted(values, secrets)  # nothing else can be judged while this can't be read
    problems: list[str] = []
    try:
        values["url"] = base_url(values["url"]) if values.get("url") else ""
        if not values["url"]:
            problems.append(f"The URL is missing{' in the pasted JSON' if pasted else ''}: enter https://host[:port].")
    except SettingsError as error:
        problems.append(str(error))
    problems.extend(_sign_in(values, secrets))
    problems.extend(_numbers(values))
    problems.extend(_others(values, others))
    problems.extend(_feedback(name, values))
    if problems:
        raise SettingsError(" ".join(problems))
    return AccountEntry(values, {key: secrets[key] for key in SECRETS if secrets.get(key)})


def _posted_secrets(posted: Mapping[str, str]) -> dict[str, str]:
    given = {name: posted[name].strip("\r\n") for name in SECRETS if name in posted}
    return {name: text for name, text in given.items() if text.strip() not in MASKS}


def _take_pasted(values: dict[str, str], secrets: dict[str, str]) -> bool:
    """Divide the JSON that SOAR shows for an automation user; a URL that is typed beside it counts.

    Returns:
        Whether there was any.
    """
    for name, text in (("token", secrets.get("token", "")), ("url", values.get("url", ""))):
        if text.lstrip().startswith("{"):
            found = _pasted(text)
            if name == "url" or not values.get("url"):
                values["url"] = found.get("server", "")
            secrets["token"] = found["ph-auth-token"]
            values["auth_type"] = "token"
            return True
    return False


def _pasted(text: str) -> dict[str, str]:
    try:
        found: Any = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("ph-auth-token"), str):
        raise SettingsError(
            "The pasted JSON can't be used.",
            'Paste all of what SOAR shows for the automation user: {"ph-auth-token": "…", "server": "https://…"}.',
        )
    return {name: text for name, text in found.items() if isinstance(text, str)}


def _sign_in(values: dict[str, str], secrets: dict[str, str]) -> Iterator[str]:
    """A token, or user and password; what belongs to the other way is not kept."""
    kind = values.get("auth_type") or "token"
    values["auth_type"] = kind
    if kind not in ("token", "basic"):
        yield f'Authentication is "{kind}": it must be token or basic.'
        return
    secrets.pop("password" if kind == "token" else "token", None)
    if kind == "token":
        values["username"] = ""
        secrets["token"] = secrets.get("token", "").strip()
        if not secrets["token"]:
            yield "The automation token is missing: paste the ph-auth-token of SOAR's automation user."
        elif not _TOKEN.fullmatch(secrets["token"]):
            yield "The automation token holds blanks or other characters that no token has: paste it anew."
        return
    if not values.get("username"):
        yield "The user name is missing: enter one, or authenticate with an automation token."
    elif ":" in values["username"]:
        yield "The user name holds a colon, which HTTP sign-in does not allow: use another user."
    if not secrets.get("password"):
        yield "The password is missing: enter it."


def _numbers(values: dict[str, str]) -> Iterator[str]:
    for name, allowed in NUMBERS.items():
        text = values.get(name, "")
        if not text:
            continue
        try:
            number = int(text) if allowed.whole else float(text)
        except ValueError:
            number = allowed.least - 1
        if not allowed.least <= number <= allowed.most:
            kind = "a whole number" if allowed.whole else "a number"
            yield f'{allowed.label} is "{text}": it must be {kind} from {allowed.least} to {allowed.most}.'


def _others(values: dict[str, str], others: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    if values.get("default_label") and not _LABEL.fullmatch(values["default_label"]):
        yield "The default label has more than 80 characters or several lines: use a label that SOAR has."
    if values.get("delivery", "") not in ("", DIRECT, SERVICE):
        yield f'Delivery is "{values["delivery"]}": it must be {DIRECT} or {SERVICE}.'
    roles = list(dict.fromkeys(role.strip().lower() for role in values.get("allowed_roles", "").split(",")))
    values["allowed_roles"] = ",".join(role for role in roles if role)
    wrong = [role for role in roles if role and not _ROLE.fullmatch(role)]
    if wrong:
        yield f'"{wrong[0]}" is no role: separate the names of roles by commas.'
    if values.get("ca_certificate"):
        yield from _certificate(values)
    values["is_default"] = "1" if conf.switch(values, "is_default") else "0"
    defaults = [name for name, settings in sorted(others.items()) if conf.switch(settings, "is_default")]
    if values["is_default"] == "1" and defaults:
        yield f'"{defaults[0]}" is the default account already: take that away there first.'


def _feedback(name: str, values: Mapping[str, str]) -> Iterator[str]:
    try:
        feedback.of_account(name, values)
    except SettingsError as error:
        yield str(error)


def _certificate(values: dict[str, str]) -> Iterator[str]:
    """Only certificates are kept: a key that was pasted with them must not stand in a conf file."""
    values["ca_certificate"] = certificates(values["ca_certificate"])
    try:
        Trust(values["ca_certificate"] or "-").context("")
    except SettingsError as error:
        yield str(error)
