"""Enterprise Security as far as the write-back uses it: which notable, who changed it last, and the update itself.

``POST /services/notable_update`` is the documented way for Enterprise Security 4.7 to 8 (Notable Event API); there is
no GET, so what it holds is read by search.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from soarlink.errors import SplunkdError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from soarlink.splunk.splunkd import Splunkd
    from soarlink.writeback.change import Change

AT_ONCE = 100
"""Notables in one request."""

_ES = "SplunkEnterpriseSecuritySuite"
_FORM = "application/x-www-form-urlencoded"
_OK, _NOT_FOUND, _SERVER_ERROR = 200, 404, 500
_NOT_THE_NOTABLE = (401, 403, 404, 429)
"""Answers that say nothing of the notables: rights, no Enterprise Security, too many calls."""

_RIGHTS = "The user that Splunk runs inputs as needs the capability edit_notable_events."
_KEYS = {"owner": "newOwner"}


@dataclass(frozen=True)
class Review:
    """What a notable shows, by its last review. ``time`` is in seconds since 1970."""

    time: float
    reviewer: str
    status: str = ""
    owner: str = ""
    urgency: str = ""
    disposition: str = ""
    comment: str = ""

    def shows(self, change: Change) -> bool:
        """Whether this very change was written."""
        written = all(getattr(self, name) == value for name, value in change.values)
        return written and (not change.comments or self.comment == comment_of(change))


class Notables:
    """Enterprise Security on this search head.

    Args:
        splunkd: the session; its user needs ``edit_notable_events``.

    Every method raises:
        SplunkdError: splunkd did not answer, or not as it should.
    """

    def __init__(self, splunkd: Splunkd) -> None:
        self._splunkd = splunkd

    def version(self) -> str:
        """Enterprise Security's version; "" where it is not installed."""
        reply = self._splunkd.request("GET", f"/services/apps/local/{_ES}?output_mode=json")
        if reply.status == _NOT_FOUND:
            return ""
        if reply.status != _OK:
            raise _failed("apps/local", reply.status, reply.body)
        entries = _parsed(reply.body).get("entry") or [{}]
        return str(entries[0].get("content", {}).get("version") or "unknown")

    def event_ids(self, origins: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str]:
        """Notables by (sid, rid) of the run that made them; those that are not indexed yet are missing."""
        found: dict[tuple[str, str], str] = {}
        for some in _portions(origins):
            terms = " OR ".join(
                f"((sid::{_quoted(sid)} OR orig_sid::{_quoted(sid)}) (rid::{_quoted(rid)} OR orig_rid::{_quoted(rid)}))"
                for sid, rid in some
            )
            own = "| eval orig_sid=coalesce(orig_sid, sid), orig_rid=coalesce(orig_rid, rid)"
            search = f"search ({terms}) `notable` {own} | table event_id, orig_sid, orig_rid"
            for row in self._search(search, earliest="-30d"):
                if row.get("event_id"):
                    found[str(row.get("orig_sid")), str(row.get("orig_rid"))] = str(row["event_id"])
        return found

    def reviews(self, ids: Sequence[str]) -> dict[str, Review]:
        """The last review of each notable; those that nobody has touched are missing."""
        found: dict[str, Review] = {}
        for some in _portions(ids):
            terms = " OR ".join(f"rule_id={_quoted(one)}" for one in some)
            names = ("time", "reviewer", "status", "owner", "urgency", "disposition", "comment")
            latest = ", ".join(f"last({name}) AS {name}" for name in names)
            search = f"| inputlookup incident_review_lookup where {terms} | sort 0 time | stats {latest} BY rule_id"
            for row in self._search(search, earliest="0"):
                time, *rest = (str(row.get(name) or "") for name in names)
                found[str(row["rule_id"])] = Review(_number(time), *rest)
        return found

    def update(self, ids: Sequence[str], change: Change) -> str:
        """Write one change to notables; "" when all of them took it, else what Enterprise Security says.

        Several comments are one review: each call writes one.
        """
        form = [("ruleUIDs", one) for one in ids]
        form += [(_KEYS.get(name, name), value) for name, value in change.values]
        if change.comments:
            form.append(("comment", comment_of(change)))
        body = urlencode([*form, ("output_mode", "json")]).encode("ascii")
        reply = self._splunkd.request("POST", "/services/notable_update", body, _FORM)
        if reply.status in _NOT_THE_NOTABLE or reply.status >= _SERVER_ERROR:
            raise _failed("notable_update", reply.status, reply.body)
        said = _parsed(reply.body)
        taken = said.get("success") is True and not said.get("failure_count")
        if reply.status == _OK and taken and said.get("success_count", len(ids)) >= len(ids):
            return ""
        return str(said.get("message") or f"status {reply.status}")

    def _search(self, search: str, earliest: str) -> Iterator[dict[str, Any]]:
        form = {"search": search, "earliest_time": earliest, "output_mode": "json", "preview": "0"}
        body = urlencode(form).encode("ascii")
        reply = self._splunkd.request("POST", "/services/search/v2/jobs/export", body, _FORM)
        if reply.status != _OK:
            raise _failed("search/v2/jobs/export", reply.status, reply.body)
        for line in reply.body.decode("utf-8", "replace").splitlines():
            row = _parsed(line.encode()).get("result")
            if isinstance(row, dict):
                yield row


def comment_of(change: Change) -> str:
    """A change's comments as one text."""
    return "\n".join(change.comments)


def _portions(items: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (items[start : start + AT_ONCE] for start in range(0, len(items), AT_ONCE))


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _failed(what: str, status: int, body: bytes) -> SplunkdError:
    messages = _parsed(body).get("messages") or [{}]
    text = str(messages[0].get("text") or "") if isinstance(messages[0], dict) else ""
    remedy = _RIGHTS if status in (401, 403) else ""
    return SplunkdError(f"splunkd answered {what} with status {status}: {text}".rstrip(": ") + ".", remedy, status)
