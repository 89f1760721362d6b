"""Container and artifact bodies as ``POST /rest/container`` and ``POST /rest/artifact`` take them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from soarlink.plan import fitting, identity, moment
from soarlink.plan.attachment import Attachment, plain_fields, whole_row
from soarlink.plan.containerfields import ContainerFields
from soarlink.plan.context import Context
from soarlink.plan.moment import iso_time
from soarlink.plan.vocabulary import Vocabulary

if TYPE_CHECKING:
    from soarlink.mapping.artifact import MappedRow
    from soarlink.plan.parameters import SendParameters
    from soarlink.plan.run import AlertRun
    from soarlink.plan.summary import Summary
    from soarlink.rows.row import Row

__all__ = ["ARTIFACT_LABEL", "NAME_LIMIT", "Bodies", "ContainerBody", "cut", "iso_time"]

NAME_LIMIT = 256
"""SOAR states no limit for names; a longer one is of no use to anyone who reads it (design, C10)."""

ARTIFACT_LABEL = "event"
_FALLBACK_NAME = "Splunk finding"


class ContainerBody(NamedTuple):
    """A container, notes on what was adjusted, and why it can't be sent as asked ("" when it can)."""

    body: dict[str, Any]
    notes: tuple[str, ...]
    refusal: str = ""


class Bodies:
    """Makes the bodies of one run; pure, so the same row gives the same bodies wherever and whenever it is asked for.

    Args:
        run: the alert run.
        parameters: what the user asked for.
        default_label: the account's container label, used where the parameter is empty.
        vocabulary: the server's names, as far as they are known.
    """

    def __init__(
        self, run: AlertRun, parameters: SendParameters, default_label: str, vocabulary: Vocabulary | None = None
    ) -> None:
        self._run = run
        self._parameters = parameters
        self._default_label = default_label
        self._facts = run.facts()
        self._context = Context(run)
        self._fields = ContainerFields(parameters, self._facts, vocabulary or Vocabulary(), moment.dispatched(run.sid))

    def container(self, row: Row, key: str, other_keys: tuple[str, ...] = ()) -> ContainerBody:
        """The container of a row (the first one of its group or search).

        Args:
            row: the row.
            key: the container's own key.
            other_keys: further keys under which the finding is known.
        """
        parameters, facts = self._parameters, self._facts
        filled = self._fields.fill(row)
        body: dict[str, Any] = {
            "name": self._name(row),
            "label": parameters.label.render(row, facts) or self._default_label,
            "sensitivity": parameters.sensitivity,
            "source_data_identifier": key,
            "data": {"splunk": self._context.of(row, (key, *other_keys) if other_keys else ())},
            **filled.body,
        }
        notes = list(filled.notes)
        description = parameters.description.render(row, facts)
        if len(description) > fitting.MAX_TEXT:
            notes.append(f"the description was cut: it has {len(description)} characters")
        _put(body, "description", fitting.cut_text(description))
        tags = list(dict.fromkeys(tag for tag in (t.render(row, facts) for t in parameters.tags) if tag))
        _put(body, "tags", tags)
        _put(body, "start_time", iso_time(row.first("_time")))
        return ContainerBody(body, tuple(notes), " ".join(filled.refusals))

    def artifacts(self, row: Row, mapped: MappedRow) -> list[dict[str, Any]]:
        """The artifacts of a row. The whole row, ``_raw`` included, goes along as ``data``."""
        key = identity.of_row(row, self._run)
        level, _ = self._fields.severity(row)
        name = self._name(row)
        start = iso_time(row.first("_time"))
        data = {"row": plain_fields(row)}
        bodies = []
        for artifact in mapped.artifacts:
            cef = {field: _plain(value) for field, value in artifact.cef.items()}
            types = {field: list(types) for field, types in artifact.cef_types.items()}
            body = self._artifact(name, level, key, cef, types)
            body["data"] = data
            _put(body, "start_time", start)
            bodies.append(body)
        return bodies

    def fitted(
        self, row: Row, bodies: list[dict[str, Any]], weight: int
    ) -> tuple[list[dict[str, Any]], int, tuple[str, ...], tuple[Attachment, ...]]:
        """The artifacts within SOAR's limits: bodies, weight of the largest, notes, and the row as a file if cut."""
        if fitting.surely_fits(weight):
            return bodies, weight, (), ()
        fitted = [fitting.fit(body) for body in bodies]
        weight = max((fitting.size(body) for body, _ in fitted), default=0)
        names = dict.fromkeys(name for _, cut_names in fitted for name in cut_names)
        if not names:
            return bodies, weight, (), ()
        attachment = whole_row(row)
        note = (
            f"too large for an artifact and cut: {', '.join(names)}; the whole result is attached as {attachment.name}"
        )
        return [body for body, _ in fitted], weight, (note,), (attachment,)

    def summary(self, first: Row, key: str, summary: Summary) -> dict[str, Any]:
        """The one artifact of a container whose rows are summed up."""
        name = cut(f"{self._name(first)} ({summary.rows} result{'' if summary.rows == 1 else 's'})")
        body = self._artifact(name, self._fields.severity(first)[0], key, summary.cef, summary.cef_types)
        body["data"] = {"summary": summary.data}
        _put(body, "start_time", iso_time(first.first("_time")))
        return body

    def _artifact(
        self, name: str, level: str, key: str, cef: dict[str, Any], types: Mapping[str, Any]
    ) -> dict[str, Any]:
        artifact_key = identity.of_artifact(key, cef)
        # Not part of the key: the link differs from run to run, the finding does not.
        if self._run.results_link:
            cef.setdefault("_originating_search", self._run.results_link)
        return {
            "name": name,
            "label": ARTIFACT_LABEL,
            "severity": level,
            "source_data_identifier": artifact_key,
            "cef": cef,
            "cef_types": types,
        }

    def _name(self, row: Row) -> str:
        return cut(self._parameters.container_name.render(row, self._facts) or _FALLBACK_NAME)


def cut(name: str) -> str:
    """A name on one line and within the limit; the cut shows."""
    line = " ".join(name.split())
    return line if len(line) <= NAME_LIMIT else line[: NAME_LIMIT - 1] + "…"


def _plain(value: Any) -> Any:
    return value if isinstance(value, str) else list(value)


def _put(body: dict[str, Any], key: str, value: Any) -> None:
    """SOAR's clients never send nulls; empty text says nothing either."""
    if value:
        body[key] = value


Body = Mapping[str, Any]
