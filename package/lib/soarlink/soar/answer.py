"""What an answer of SOAR's REST API means.

The body decides, not the status: ``failed`` can come with HTTP 200, and a duplicate comes as HTTP 400 with the id of
what is there (REST reference, sections 2, 3.5 and 4.4).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from soarlink.errors import AuthFailed, MaybeSent, NotPermitted, Refused, ServerFault, SoarError, Throttled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from soarlink.wire.exchange import Reply

_EXCERPT = 200
_TOO_MANY, _TOO_LARGE, _FORBIDDEN = 429, 413, 403
_REPEATABLE = (408, 425)  # a proxy's timeout, not SOAR saying no
_SUCCESS, _REDIRECT, _FAULT = 2, 3, 5  # hundreds
_DUPLICATE_KEYS = ("existing_container_id", "existing_artifact_id")


@dataclass(frozen=True)
class Created:
    """SOAR has the item. ``existed``: it had it before. ``artifact_ids``: of the embedded artifacts."""

    id: int
    existed: bool = False
    artifact_ids: tuple[int | None, ...] = ()


def parse(reply: Reply, server: str) -> Any:
    """The JSON of an answer that is a success as a whole, or a list of answers.

    Raises:
        Throttled: 429.
        AuthFailed: 401 or 403; NotPermitted where the role is why.
        ServerFault: 5xx.
        MaybeSent: a 2xx that is no JSON: a cut body, an empty one or a login page; cut JSON with any other 4xx.
        Refused: anything else that SOAR, or something before it, says no to.
    """
    body = _json(reply)
    if isinstance(body, list):
        return body
    if isinstance(body, dict) and any(key in body for key in _DUPLICATE_KEYS):
        return body
    failed = not isinstance(body, dict) or bool(body.get("failed")) or body.get("success") is False
    if _is_success(reply.status) and not failed:
        return body
    raise _error(reply, body, server)


def created(element: Any, embedded: int = 0) -> Created:
    """One element of a create answer.

    Args:
        element: the answer to one container or artifact.
        embedded: how many artifacts the container was sent with.

    Raises:
        Refused: SOAR said no to this element, in its own words.
        MaybeSent: the answer says neither yes nor no.
    """
    if not isinstance(element, dict):
        raise MaybeSent(f"SOAR answered {_excerpt(element)} where an object was expected.")
    for key in _DUPLICATE_KEYS:
        existing = number(element.get(key))
        if existing is not None:
            return Created(existing, existed=True)
    if element.get("failed") or element.get("success") is False:
        raise refusal(str(element.get("message") or "no reason given"))
    own = number(element.get("id"))
    if own is None:
        raise MaybeSent(f"SOAR answered without an id: {_excerpt(element)}.")
    return Created(own, artifact_ids=_artifact_ids(element) if embedded else ())


def refusal(message: str, status: int | None = None) -> Refused:
    """SOAR's words with the way out where the words are known (REST reference, 2.2)."""
    lowered = message.lower()
    remedy = ""
    for words, way_out in _WAYS_OUT:
        if words in lowered:
            remedy = way_out
            break
    return Refused(f"SOAR refuses it: {message.rstrip('.')}.", remedy, status)


_WAYS_OUT: tuple[tuple[str, str], ...] = (
    (
        "is not a known label",
        "Create the label in SOAR (Administration > Event settings > Label settings) or correct the parameter label.",
    ),
    ("severity", "Use a severity that SOAR lists, or a template with a default such as {{urgency|default:medium}}."),
    ("playbook", "Write the playbook as repository/name, for example local/triage, and see that it is in SOAR."),
    ("missing required parameter", "A custom field that SOAR requires may be missing."),
)


def _error(reply: Reply, body: Any, server: str) -> SoarError:
    status = reply.status
    message = str(body.get("message") or "") if isinstance(body, dict) else ""
    said = f"{server} answered HTTP {status}{f': {message}' if message else ''}"
    if status == _TOO_MANY:
        return Throttled(f"{said}.", "It is asked for too much; send less at a time.", status, _retry_after(reply))
    if status in (401, 403) or "automation token" in message.lower() or "user is inactive" in message.lower():
        kind = NotPermitted if _lacks_permission(message) else AuthFailed
        return kind(f"{said}.", _auth_remedy(message, status), status)
    if status // 100 == _REDIRECT:
        return Refused(f"{said}, a redirect.", "The account's URL must be the one where SOAR itself answers.", status)
    if status == _TOO_LARGE:
        return Refused(f"{said}: the request is too large.", "Send fewer fields or raise the proxy's limit.", status)
    if status // 100 == _FAULT or status in _REPEATABLE:
        return ServerFault(f"{said}.", "Look at the health of SOAR and of the proxies before it.", status)
    if _is_success(status) and not isinstance(body, dict):
        return MaybeSent(
            f"{server} answered HTTP {status} with {_excerpt(reply.body)}, which is no SOAR answer.",
            "See that the account's URL leads to SOAR and not to a login page.",
            status,
        )
    if body is None and reply.body.lstrip().startswith((b"{", b"[")):
        # It may have been the answer that the container is there already: SOAR says that with a 400.
        return MaybeSent(
            f"{said} with {_excerpt(reply.body)}, which is cut.", "Look at the proxies before SOAR.", status
        )
    if isinstance(body, dict):
        return refusal(message or f"HTTP {status}", status)
    return Refused(f"{said} with {_excerpt(reply.body)}.", "See that the account's URL leads to SOAR.", status)


def _lacks_permission(message: str) -> bool:
    return "permission" in message.lower()  # REST reference, 2.2


def _auth_remedy(message: str, status: int) -> str:
    lowered = message.lower()
    if _lacks_permission(message):
        return "Give the automation user's role the permission that the message names."
    if "ip" in lowered.split():
        return "Add this search head's address to the automation user's allowed IPs."
    if "password" in lowered:
        return "Check the account's user name and password."
    if status == _FORBIDDEN:
        return "Check the automation user's allowed IPs, and its role's permissions."
    return "Check the account's token: a new one made in SOAR ends the old one at once. Check the allowed IPs too."


def _is_success(status: int) -> bool:
    return status // 100 == _SUCCESS


def _json(reply: Reply) -> Any:
    try:
        return json.loads(reply.body)
    except ValueError:
        return None


def _artifact_ids(element: Mapping[str, Any]) -> tuple[int | None, ...]:
    listed = element.get("artifacts")
    if isinstance(listed, list):
        return tuple(_listed_id(item) for item in listed)
    for key in ("new_artifact_ids", "new_artifacts_ids"):
        ids = element.get(key)
        if isinstance(ids, list):
            return tuple(number(item) for item in ids)
    return ()


def _listed_id(item: Any) -> int | None:
    if not isinstance(item, dict):
        return number(item)
    return number(item.get("id")) or number(item.get("existing_artifact_id"))


def number(value: Any) -> int | None:
    """An id; SOAR gives some ids as text. None when it is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, str) and value.isdecimal() else None


def caller_of(run: Mapping[str, Any]) -> int | None:
    """The playbook run that has called this one (REST reference, 6.2); None when it was started by itself."""
    misc = run.get("misc")
    parent = misc.get("parent_playbook_run") if isinstance(misc, dict) else None
    return number(parent.get("parent_playbook_run_id")) if isinstance(parent, dict) else None


def _retry_after(reply: Reply) -> float | None:
    text = next((value for key, value in reply.headers.items() if key.lower() == "retry-after"), "")
    if text.strip().isdecimal():
        return float(text)
    if not text:
        return None
    from datetime import datetime, timezone
    from email.utils import parsedate_to_datetime

    try:
        until = parsedate_to_datetime(text)
    except (TypeError, ValueError):  # TypeError: CPython 3.9
        return None
    aware = until if until.tzinfo else until.replace(tzinfo=timezone.utc)
    return max(0.0, (aware - datetime.now(timezone.utc)).total_seconds())


def _excerpt(body: object) -> str:
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body)
    line = " ".join(text.split())
    if not line:
        return "an empty body"
    return f'"{line[:_EXCERPT]}…"' if len(line) > _EXCERPT else f'"{line}"'


def as_list(body: Any, expected: int) -> list[Any]:
    """The elements of a list answer, one for each item sent.

    Raises:
        MaybeSent: the answer does not match what was sent.
    """
    if not isinstance(body, list) or len(body) != expected:
        raise MaybeSent(f"SOAR answered {_excerpt(body)} to a list of {expected}.")
    return body
