"""Where a container comes from: what an analyst or a playbook needs to get back to Splunk and to the finding."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from soarlink.body import Gaps, quoted, to_text
from soarlink.plan.fitting import MAX_TEXT, cut_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from soarlink.plan.run import AlertRun
    from soarlink.rows.row import Row, Value

_FIELDS = frozenset(
    """event_id finding_id rule_id orig_sid orig_rid orig_time rule_name rule_title security_domain search_name
    annotations info_min_time info_max_time""".split()
)
_PREFIXES = ("drilldown_", "annotations.", "mitre_", "risk_")
_MOST_SHAPES = 256
_INCIDENT_REVIEW = "/app/SplunkEnterpriseSecuritySuite/incident_review"


class Context:
    """Makes ``data.splunk``, as JSON, of the containers of one run.

    Args:
        run: the alert run.
    """

    def __init__(self, run: AlertRun) -> None:
        self._run = run
        self._facts: Mapping[str, str] = {**run.facts(), "action": run.action}
        self._opening = to_text(self._facts)[:-1]
        link = urlsplit(run.results_link)
        self._web = f"{link.scheme}://{link.netloc}" if link.scheme and link.netloc else ""
        self._wanted: dict[tuple[str, ...], tuple[tuple[str, ...], Gaps]] = {}

    def of(self, row: Row, keys: tuple[str, ...] = ()) -> str:
        """The context of a row as JSON: the run, the finding's ids, drilldown, risk and annotations.

        Args:
            row: the first row of the container.
            keys: every key under which the finding is known, if there are several.
        """
        names, json = self._shape(tuple(row.fields))
        fields = json.filled([_bounded(row.fields[name]) for name in names])
        origin = f'{self._opening},"rid":{quoted(row.rid)}{"," if names else ""}{fields[1:-1]}'
        event_id = row.first("event_id")
        if event_id and self._web:
            link = self._web + _INCIDENT_REVIEW + _query(event_id, row.first("_time"))
            origin = f'{origin},"es_link":{quoted(link)}'
        return f'{origin},"keys":{to_text(keys)}}}' if keys else f"{origin}}}"

    def _shape(self, fields: tuple[str, ...]) -> tuple[tuple[str, ...], Gaps]:
        """The fields that are context, and their JSON. Most rows of a search have the same fields."""
        shape = self._wanted.get(fields)
        if shape is None:
            if len(self._wanted) >= _MOST_SHAPES:
                self._wanted.clear()
            found = (name for name in fields if name in _FIELDS or name.startswith(_PREFIXES))
            names = tuple(name for name in found if name not in self._facts)
            shape = self._wanted[fields] = names, Gaps(names)
        return shape


def _bounded(value: Value) -> Value:
    if isinstance(value, str):
        return value if len(value) <= MAX_TEXT else cut_text(value)
    return tuple([cut_text(item) for item in value[: MAX_TEXT // 64]])


def _query(event_id: str, time: str) -> str:
    """The query of Incident Review that shows one finding; it searches from just before the finding's time."""
    seconds = time.partition(".")[0]
    earliest = str(int(seconds) - 1) if seconds.isdigit() else "-30d"
    # With nothing left to escape, quote() does not go through the characters: ids of notables have two @@ and no more.
    escaped = quote(event_id, safe="@").replace("@", "%40")
    return f"?earliest={earliest}&latest=now&search=event_id%3D{escaped}"
