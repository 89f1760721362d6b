"""The public API of Enterprise Security 8, as far as public clients show it: investigations are listed, notes written.

A finding's id stands in place of an investigation's. The answers' shapes and the capability are assumed (reference,
5.6): nobody who wrote this has seen a server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.splunkd.refusal import Refused
from lab.splunkd.response import json_response
from lab.splunkd.router import Route

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lab.splunkd.notables import NotableBoard
    from lab.splunkd.request import Request
    from lab.splunkd.response import Response

FINDINGS_SINCE = 8
"""The major version that has them."""

_ROOT = "public/v2/investigations"
_RIGHT = "edit_notable_events"


class FindingEndpoints:
    """Investigations and notes, under the app that the board names."""

    def __init__(self, board: NotableBoard) -> None:
        self._board = board

    def routes(self) -> Iterable[Route]:
        """Return the routes."""
        return (
            Route("GET", _ROOT, self._list, _RIGHT),
            Route("GET", f"{_ROOT}/{{finding}}/notes", self._notes, _RIGHT),
            Route("POST", f"{_ROOT}/{{finding}}/notes", self._annotate, _RIGHT),
        )

    def _list(self, request: Request) -> Response:
        self._require(request)
        return json_response({"investigations": []})

    def _notes(self, request: Request) -> Response:
        finding = self._finding(request)
        return json_response({"notes": [one for one in self._board.notes if one["finding"] == finding]})

    def _annotate(self, request: Request) -> Response:
        finding, given = self._finding(request), request.json_body()
        if not isinstance(given, dict) or not given.get("title") or not given.get("content"):
            raise Refused(400, "A note needs a title and content.")
        note = self._board.annotate(finding, request.user.name, str(given["title"]), str(given["content"]))
        return json_response(note, 201)

    def _finding(self, request: Request) -> str:
        self._require(request)
        finding = request.entity_name("finding")
        if not self._board.has(finding):
            raise Refused(404, f"Finding {finding} not found")
        return finding

    def _require(self, request: Request) -> None:
        if request.context.app != self._board.public_app:
            raise Refused(404, "Not Found")
