"""Where a container comes from: what an analyst or a playbook needs to get back to Splunk and to the finding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from soarlink.plan.fitting import MAX_TEXT, cut_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from soarlink.plan.run import AlertRun
    from soarlink.rows.row import Row

_FIELDS = frozenset(
    """event_id finding_id rule_id orig_sid orig_rid orig_time rule_name rule_title security_domain search_name
    annotations info_min_time info_max_time""".split()
)
_PREFIXES = ("drilldown_", "annotations.", "mitre_", "risk_")
_MOST_SHAPES = 256
_INCIDENT_REVIEW = "/app/SplunkEnterpriseSecuritySuite/incident_review"


class Context:
    """Makes ``data.splunk`` of the containers of one run.

    Args:
        run: the alert run.
    """

    def __init__(self, run: AlertRun) -> None:
        self._run = run
        self._facts: Mapping[str, str] = {**run.facts(), "action": run.action}
        link = urlsplit(run.results_link)
        self._web = f"{link.scheme}://{link.netloc}" if link.scheme and link.netloc else ""
        self._wanted: dict[tuple[str, ...], tuple[str, ...]] = {}

    def of(self, row: Row, keys: tuple[str, ...] = ()) -> dict[str, Any]:
        """The context of a row: the run, the finding's ids, drilldown, risk and annotations.

        Args:
            row: the first row of the container.
            keys: every key under which the finding is known, if there are several.
        """
        origin: dict[str, Any] = {**self._facts, "rid": row.rid}
        fields = row.fields
        for name in self._names(tuple(fields)):
            value = fields[name]
            if isinstance(value, str):
                origin[name] = value if len(value) <= MAX_TEXT else cut_text(value)
            else:
                origin[name] = [cut_text(item) for item in value[: MAX_TEXT // 64]]
        event_id = row.first("event_id")
        if event_id and self._web:
            origin["es_link"] = self._web + _INCIDENT_REVIEW + _query(event_id, row.first("_time"))
        if keys:
            origin["keys"] = list(keys)
        return origin

    def _names(self, fields: tuple[str, ...]) -> tuple[str, ...]:
        """The fields that are context. Most rows of a search have the same fields."""
        names = self._wanted.get(fields)
        if names is None:
            if len(self._wanted) >= _MOST_SHAPES:
                self._wanted.clear()
            found = [name for name in fields if name in _FIELDS or name.startswith(_PREFIXES)]
            names = self._wanted[fields] = tuple(name for name in found if name not in self._facts)
        return names


def _query(event_id: str, time: str) -> str:
    """The query of Incident Review that shows one finding; it searches from just before the finding's time."""
    seconds = time.partition(".")[0]
    earliest = str(int(seconds) - 1) if seconds.isdigit() else "-30d"
    # With nothing left to escape, quote() does not go through the characters: ids of notables have two @@ and no more.
    escaped = quote(event_id, safe="@").replace("@", "%40")
    return f"?earliest={earliest}&latest=now&search=event_id%3D{escaped}"
