"""What time pickers ask: the ranges they offer, and which moment a modifier means."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from lab.spl import moment
from lab.spl.refusal import SearchRefused
from lab.splunkd.entry import Acl, Entry, page
from lab.splunkd.refusal import Refused
from lab.splunkd.response import json_response
from lab.splunkd.router import Route

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lab.splunkd.instance import Instance
    from lab.splunkd.request import Request
    from lab.splunkd.response import Response

_RANGES = (
    ("Last 15 minutes", "-15m", "now"),
    ("Last 60 minutes", "-60m@m", "now"),
    ("Last 4 hours", "-4h@m", "now"),
    ("Last 24 hours", "-24h@h", "now"),
    ("Last 7 days", "-7d@h", "now"),
    ("Last 30 days", "-30d@d", "now"),
    ("Today", "@d", "now"),
    ("Yesterday", "-1d@d", "@d"),
    ("All time", "0", ""),
)


class TimeEndpoints:
    """`data/ui/times` and `search/timeparser`."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance

    def routes(self) -> Iterable[Route]:
        """Return both routes."""
        return (Route("GET", "data/ui/times", self._list), Route("GET", "search/timeparser", self._parse))

    def _list(self, request: Request) -> Response:
        entries = [
            Entry(
                label.lower().replace(" ", "_"),
                {"label": label, "earliest_time": earliest, "latest_time": latest, "order": str(10 * index)},
                Acl("search", "nobody", "global"),
            )
            for index, (label, earliest, latest) in enumerate(_RANGES, 1)
        ]
        return self._instance.feed(request, page(request, "data/ui/times", entries))

    def _parse(self, request: Request) -> Response:
        asked = [value for name, value in request.query if name == "time"]
        try:
            points = {value: moment.point(value, self._instance.clock()) or 0.0 for value in asked}
        except SearchRefused as refused:
            raise Refused(400, str(refused)) from refused
        return json_response(
            {
                value: dt.datetime.fromtimestamp(point, dt.UTC).isoformat(timespec="milliseconds")
                for value, point in points.items()
            }
        )
