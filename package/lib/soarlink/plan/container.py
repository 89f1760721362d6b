"""Container and artifact bodies as ``POST /rest/container`` and ``POST /rest/artifact`` take them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from soarlink.plan import identity, severity

if TYPE_CHECKING:
    from soarlink.mapping.artifact import MappedRow
    from soarlink.plan.parameters import SendParameters
    from soarlink.plan.run import AlertRun
    from soarlink.rows.row import Row

NAME_LIMIT = 256
"""SOAR states no limit for names; a longer one is of no use to anyone who reads it (design, C10)."""

ARTIFACT_LABEL = "event"
_YEAR_10000 = 253_402_300_800
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_FALLBACK_NAME = "Splunk finding"
_KEYS = ("event_id", "orig_sid", "orig_rid", "rule_id", "finding_id")


class Bodies:
    """Makes the bodies of one run; pure, so the same row gives the same bodies wherever and whenever it is asked for.

    Args:
        run: the alert run.
        parameters: what the user asked for.
        default_label: the account's container label, used where the parameter is empty.
    """

    def __init__(self, run: AlertRun, parameters: SendParameters, default_label: str) -> None:
        self._run = run
        self._parameters = parameters
        self._default_label = default_label
        self._facts = run.facts()

    def container(self, row: Row, key: str) -> tuple[dict[str, Any], tuple[str, ...]]:
        """The container of a row (the first one of its group or search) and notes on what was fitted."""
        parameters, facts = self._parameters, self._facts
        level, note = self._severity(row)
        body: dict[str, Any] = {
            "name": cut(parameters.container_name.render(row, facts) or _FALLBACK_NAME),
            "label": parameters.label.render(row, facts) or self._default_label,
            "severity": level,
            "sensitivity": parameters.sensitivity,
            "source_data_identifier": key,
            "data": {"splunk": self._origin(row)},
        }
        _put(body, "description", parameters.description.render(row, facts))
        tags = list(dict.fromkeys(tag for tag in (t.render(row, facts) for t in parameters.tags) if tag))
        _put(body, "tags", tags)
        _put(body, "start_time", iso_time(row.first("_time")))
        return body, ((note,) if note else ())

    def artifacts(self, row: Row, mapped: MappedRow) -> list[dict[str, Any]]:
        """The artifacts of a row. The whole row, ``_raw`` included, goes along as ``data``."""
        key = identity.of_row(row, self._run)
        level, _ = self._severity(row)
        name = cut(self._parameters.container_name.render(row, self._facts) or _FALLBACK_NAME)
        start = iso_time(row.first("_time"))
        data = {"row": {field: _plain(value) for field, value in row.fields.items()}}
        bodies = []
        for artifact in mapped.artifacts:
            cef = {field: _plain(value) for field, value in artifact.cef.items()}
            artifact_key = identity.of_artifact(key, cef)
            # Not part of the key: the link differs from run to run, the finding does not.
            if self._run.results_link:
                cef.setdefault("_originating_search", self._run.results_link)
            body: dict[str, Any] = {
                "name": name,
                "label": ARTIFACT_LABEL,
                "severity": level,
                "source_data_identifier": artifact_key,
                "cef": cef,
                "cef_types": {field: list(types) for field, types in artifact.cef_types.items()},
                "data": data,
            }
            _put(body, "start_time", start)
            bodies.append(body)
        return bodies

    def _severity(self, row: Row) -> tuple[str, str]:
        template = self._parameters.severity
        text = template.render(row, self._facts)
        # What a user wrote in full is sent as written: only SOAR knows its own severities, and says so if it is wrong.
        if template.is_fixed:
            return text.lower() if text.lower() in severity.SOAR_SEVERITIES else text, ""
        return severity.fit(text)

    def _origin(self, row: Row) -> dict[str, Any]:
        origin: dict[str, Any] = dict(self._facts)
        origin["action"] = self._run.action
        origin["rid"] = row.rid
        for name in _KEYS:
            _put(origin, name, row.first(name))
        return origin


def cut(name: str) -> str:
    """A name on one line and within the limit; the cut shows."""
    line = " ".join(name.split())
    return line if len(line) <= NAME_LIMIT else line[: NAME_LIMIT - 1] + "…"


def iso_time(epoch: str) -> str | None:
    """An epoch time as SOAR writes times, ``2026-01-13T22:11:24.248000Z``; None when the text is no epoch time."""
    try:
        seconds = float(epoch)
    except ValueError:
        return None
    if not 0 <= seconds < _YEAR_10000:  # the end of year 9999
        return None
    return (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _plain(value: Any) -> Any:
    return value if isinstance(value, str) else list(value)


def _put(body: dict[str, Any], key: str, value: Any) -> None:
    """SOAR's clients never send nulls; empty text says nothing either."""
    if value:
        body[key] = value


Body = Mapping[str, Any]
