"""Notes on findings of Enterprise Security 8 (its public API, ``…/investigations/<id>/notes``).

Public clients use a finding's id in place of the investigation's (splunkd reference, 5.6); the shape of the list is
not established, so it is looked through for notes wherever they stand in it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from soarlink.writeback import answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from soarlink.splunk.splunkd import Splunkd

_JSON = "application/json"


class Notes:
    """The notes of findings. Every method raises SplunkdError when an answer says nothing of the finding.

    Args:
        splunkd: the session.
        root: where the public API stands (see :mod:`soarlink.writeback.path`).
    """

    def __init__(self, splunkd: Splunkd, root: str) -> None:
        self._splunkd = splunkd
        self._root = root

    def found(self, event_id: str) -> frozenset[tuple[str, str]]:
        """Title and text of a finding's notes; none where the API does not know the finding."""
        reply = self._splunkd.request("GET", self._place(event_id))
        if reply.status == answer.NOT_FOUND:
            return frozenset()
        if reply.status != answer.OK:
            raise answer.failed("notes", reply)
        return frozenset(_notes(answer.document(reply.body)))

    def add(self, event_id: str, title: str, content: str) -> str | None:
        """Write a note; "" when it is written, else what Enterprise Security says. None: it does not know the finding.

        Creation is not idempotent: look at :meth:`found` first where it may have been written.
        """
        body = json.dumps({"title": title, "content": content, "files": []}).encode("ascii")
        reply = self._splunkd.request("POST", self._place(event_id), body, _JSON)
        if reply.status in (answer.OK, answer.CREATED):
            return ""
        if reply.status == answer.NOT_FOUND:
            return None
        if reply.status in (*answer.NO_RIGHT, answer.THROTTLED) or reply.status >= answer.SERVER_ERROR:
            raise answer.failed("notes", reply)
        return answer.message(reply) or f"status {reply.status}"

    def _place(self, event_id: str) -> str:
        return f"{self._root}/investigations/{quote(event_id, safe='')}/notes"


def _notes(found: Any) -> Iterator[tuple[str, str]]:
    if isinstance(found, list):
        for one in found:
            yield from _notes(one)
    elif isinstance(found, dict):
        if isinstance(found.get("content"), str):
            yield str(found.get("title") or ""), found["content"]
        for name in ("notes", "items", "data", "results"):
            yield from _notes(found.get(name))
