"""Enterprise Security's notables: which one, who changed it last, and the update itself.

``POST /services/notable_update`` is the documented way for Enterprise Security 4.7 to 8 (Notable Event API); there is
no GET, so what it holds is read by search.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from soarlink.writeback import answer
from soarlink.writeback.change import Change

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from soarlink.splunk.splunkd import Splunkd

AT_ONCE = 100
"""Notables in one request."""

_FORM = "application/x-www-form-urlencoded"
_NOT_THE_NOTABLE = (*answer.NO_RIGHT, answer.NOT_FOUND, answer.THROTTLED)
"""Answers that say nothing of the notables: rights, no Enterprise Security, too many calls."""

_KEYS = {"owner": "newOwner"}
_SHOWN = ("status", "owner", "urgency", "disposition")


@dataclass(frozen=True)
class Review:
    """What a notable shows, by its reviews.

    Args:
        time: of the last review by somebody else than the add-on, in seconds since 1970; 0 where there is none.
        reviewer: who that was.
        comments: every comment that was ever written to it.
    """

    time: float
    reviewer: str
    status: str = ""
    owner: str = ""
    urgency: str = ""
    disposition: str = ""
    comments: frozenset[str] = frozenset()

    def part(self, change: Change) -> Change:
        """What of a change is there: its values, and its texts as comments or as lines of them."""
        return Change(
            tuple(pair for pair in change.values if getattr(self, pair[0]) == pair[1]),
            tuple(filter(self._says, change.comments)),
            tuple(filter(self._says, change.notes)),
        )

    def _says(self, text: str) -> bool:
        return any(f"\n{text}\n" in f"\n{comment}\n" for comment in self.comments)


class Notables:
    """The notables on this search head.

    Args:
        splunkd: the session; its user needs ``edit_notable_events``.

    Every method raises:
        SplunkdError: splunkd did not answer, or not as it should.
    """

    def __init__(self, splunkd: Splunkd) -> None:
        self._splunkd = splunkd
        self._own_name = ""

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
        """What each notable shows; those that nobody has touched are missing.

        A review of our own is no change by an analyst: what we wrote after SOAR changed must not keep what SOAR
        changes next from being written.
        """
        own = _quoted(self._me())
        found: dict[str, Review] = {}
        for some in _portions(ids):
            terms = " OR ".join(f"rule_id={_quoted(one)}" for one in some)
            others = f"other_time=if(reviewer=={own}, null(), time), other=if(reviewer=={own}, null(), reviewer)"
            latest = ", ".join(f"last({name}) AS {name}" for name in (*_SHOWN, "other_time", "other"))
            search = (
                f"| inputlookup incident_review_lookup where {terms} | sort 0 time | eval {others} "
                f"| stats {latest}, values(comment) AS comments BY rule_id"
            )
            for row in self._search(search, earliest="0"):
                found[str(row["rule_id"])] = _review(row)
        return found

    def update(self, ids: Sequence[str], change: Change) -> str:
        """Write values and comments to notables; "" when all of them took it, else what Enterprise Security says.

        Several comments are one review: each call writes one.
        """
        form = [("ruleUIDs", one) for one in ids]
        form += [(_KEYS.get(name, name), value) for name, value in change.values]
        if change.comments:
            form.append(("comment", "\n".join(change.comments)))
        body = urlencode([*form, ("output_mode", "json")]).encode("ascii")
        reply = self._splunkd.request("POST", "/services/notable_update", body, _FORM)
        if reply.status in _NOT_THE_NOTABLE or reply.status >= answer.SERVER_ERROR:
            raise answer.failed("notable_update", reply)
        said = answer.parsed(reply)
        taken = said.get("success") is True and not said.get("failure_count")
        if reply.status == answer.OK and taken and said.get("success_count", len(ids)) >= len(ids):
            return ""
        return answer.message(reply) or f"status {reply.status}"

    def events(self, index: str, ids: Sequence[str]) -> frozenset[str]:
        """Which of these events, by ``soar_event_id``, an index has already."""
        terms = ", ".join(map(_quoted, ids))
        search = f"search index={index} soar_event_id IN ({terms}) | stats count BY soar_event_id"
        return frozenset(str(row["soar_event_id"]) for row in self._search(search, earliest="-30d"))

    def _search(self, search: str, earliest: str) -> Iterator[dict[str, Any]]:
        """Rows of a search, which begins with a command.

        Args:
            search: the search.
            earliest: its earliest time.
        """
        form = {"search": search, "earliest_time": earliest, "output_mode": "json", "preview": "0"}
        body = urlencode(form).encode("ascii")
        reply = self._splunkd.request("POST", "/services/search/v2/jobs/export", body, _FORM)
        if reply.status != answer.OK:
            raise answer.failed("search/v2/jobs/export", reply)
        for line in reply.body.splitlines():
            found = answer.document(line)
            row = found.get("result") if isinstance(found, dict) else None
            if isinstance(row, dict):
                yield row
            elif isinstance(found, dict) and answer.is_fatal(found):
                raise answer.failed("search/v2/jobs/export", replace(reply, body=line))

    def _me(self) -> str:
        """The user whose reviews are our own."""
        if not self._own_name:
            reply = self._splunkd.request("GET", "/services/authentication/current-context?output_mode=json")
            if reply.status != answer.OK:
                raise answer.failed("authentication/current-context", reply)
            content = (answer.parsed(reply).get("entry") or [{}])[0].get("content", {})
            self._own_name = str(content.get("username") or "splunk-system-user")
        return self._own_name


def _review(row: Mapping[str, Any]) -> Review:
    said = row.get("comments") or ()
    status, owner, urgency, disposition = (str(row.get(name) or "") for name in _SHOWN)
    return Review(
        time=_number(row.get("other_time")),
        reviewer=str(row.get("other") or ""),
        status=status,
        owner=owner,
        urgency=urgency,
        disposition=disposition,
        comments=frozenset((said,) if isinstance(said, str) else map(str, said)),
    )


def _portions(items: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (items[start : start + AT_ONCE] for start in range(0, len(items), AT_ONCE))


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return 0.0
