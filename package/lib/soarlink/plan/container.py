"""Container bodies as ``POST /rest/container`` takes them, and all that comes from one row."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from soarlink.body import EncodedBody, quoted, to_bytes, to_text
from soarlink.plan import fitting, identity, moment
from soarlink.plan.artifact import ArtifactBodies, Common
from soarlink.plan.attachment import Attachment, whole_row
from soarlink.plan.choice import ChosenFields
from soarlink.plan.containerfields import ContainerFields
from soarlink.plan.context import Context
from soarlink.plan.inputs import OtherInputs, PlaybookInputs
from soarlink.plan.moment import iso_time
from soarlink.plan.vocabulary import Vocabulary

if TYPE_CHECKING:
    from soarlink.mapping.artifact import MappedRow
    from soarlink.plan.parameters import SendParameters
    from soarlink.plan.run import AlertRun
    from soarlink.plan.shipment import PlaybookCall
    from soarlink.plan.summary import Summary
    from soarlink.rows.row import Row

__all__ = ["NAME_LIMIT", "Bodies", "ContainerBody", "cut", "iso_time"]

NAME_LIMIT = 256
"""SOAR states no limit for names; a longer one is of no use to anyone who reads it (design, C10)."""

_FALLBACK_NAME = "Splunk finding"


class ContainerBody(NamedTuple):
    """A container, what was adjusted, why it can't be sent as asked ("" when it can), what is to run on it."""

    body: EncodedBody
    notes: tuple[str, ...]
    refusal: str = ""
    playbooks: tuple[PlaybookCall, ...] = ()


class FittedArtifacts(NamedTuple):
    """Artifacts within SOAR's limits, what was cut for that, and then the row as a file."""

    bodies: list[EncodedBody]
    notes: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()


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
        self._facts = run.facts()
        self._context = Context(run)
        known = vocabulary or Vocabulary()
        self._fields = ContainerFields(parameters, default_label, self._facts, known, moment.dispatched(run.sid))
        self._chosen = ChosenFields(parameters.fields)
        self._inputs = PlaybookInputs(parameters.playbooks, self._facts)
        self._artifacts = ArtifactBodies("" if parameters.fields else run.results_link)
        self._nameless = (
            f'container_name "{parameters.container_name.text}" gives no name for this result: '
            f'the container is called "{_FALLBACK_NAME}"'
        )
        self._latest: tuple[Row, Common] | None = None

    def key(self, row: Row) -> str:
        """The row's own key."""
        return self._common(row).key

    def container(self, row: Row, key: str, other_keys: tuple[str, ...] = (), more: int = 0) -> ContainerBody:
        """The container of a row (the first one of its group or search).

        Args:
            row: the row.
            key: the container's own key.
            other_keys: further keys under which the finding is known.
            more: how many results the flood guard puts into this container; 0 for any other container.
        """
        parameters, facts, common = self._parameters, self._facts, self._common(row)
        filled = self._fields.fill(row)
        rest = filled.body
        notes = [*common.notes, *filled.notes] if common.notes else filled.notes
        # SOAR's clients never send nulls; empty text says nothing either.
        description = parameters.description.render(row, facts)
        if description:
            if len(description) > fitting.MAX_TEXT:
                notes.append(f"the description was cut: it has {len(description)} characters")
            description = fitting.cut_text(description)
        if parameters.tags:
            tags = list(dict.fromkeys(tag for tag in (t.render(row, facts) for t in parameters.tags) if tag))
            if tags:
                rest["tags"] = tags
        texts = (("label", rest.pop("label")), ("description", description), ("start_time", common.start_time))
        members = "".join([f',"{member}":{quoted(text)}' for member, text in texts if text])
        if rest:
            members = f"{members},{to_text(rest)[1:-1]}"
        origin = self._context.of(row, (key, *other_keys) if other_keys else ())
        name = _rest_of(self._run.search_name or common.name, more) if more else common.name
        body = (
            f'{{"name":{quoted(name)},"severity":{quoted(common.severity)},"sensitivity":"{parameters.sensitivity}",'
            f'"source_data_identifier":{quoted(key)},"data":{{"splunk":{origin}}}{members}}}'
        )
        return ContainerBody(
            EncodedBody(to_bytes(body), {"source_data_identifier": key}),
            tuple(notes),
            " ".join(filled.refusals),
            self._inputs.calls(row),
        )

    def other_inputs(self, first: Row) -> OtherInputs:
        """What looks at the results of a container beside its first one."""
        return OtherInputs(self._inputs, first)

    def artifacts(self, row: Row, mapped: MappedRow) -> list[EncodedBody]:
        """The artifacts of a row. All of it (``_raw`` too), or its chosen fields, go along as ``data``."""
        return self._artifacts.of_row(self._common(row), self._chosen.of(row), mapped)

    def fitted(self, row: Row, bodies: list[EncodedBody]) -> FittedArtifacts:
        """The artifacts of a row within SOAR's limits."""
        if max([len(body.encoded) for body in bodies], default=0) <= fitting.MAX_BODY:
            return FittedArtifacts(bodies)
        fitted = [fitting.fit(body) for body in bodies]
        names = dict.fromkeys(name for _, cut_names in fitted for name in cut_names)
        if not names:
            return FittedArtifacts([body for body, _ in fitted])
        attachment = whole_row(self._chosen.of(row))
        note = (
            f"too large for an artifact and cut: {', '.join(names)}; the whole result is attached as {attachment.name}"
        )
        return FittedArtifacts([body for body, _ in fitted], (note,), (attachment,))

    def summary(self, first: Row, key: str, summary: Summary) -> EncodedBody:
        """The one artifact of a container whose rows are summed up."""
        common = self._common(first)
        name = cut(f"{common.name} ({summary.rows} result{'' if summary.rows == 1 else 's'})")
        return self._artifacts.of_summary(common._replace(key=key, name=name), summary)

    def _common(self, row: Row) -> Common:
        """What container and artifacts share; they are asked for one after the other, so it is made once."""
        if self._latest is None or self._latest[0] is not row:
            severity, note = self._fields.severity(row)
            rendered = self._parameters.container_name.render(row, self._facts)
            notes = (note,) if note else ()
            if not rendered:
                notes = (self._nameless, *notes)
            name = cut(rendered or _FALLBACK_NAME)
            common = Common(identity.of_row(row, self._run), name, severity, notes, iso_time(row.first("_time")))
            self._latest = row, common
        return self._latest[1]


def cut(name: str, limit: int = NAME_LIMIT) -> str:
    """A name on one line and within the limit; the cut shows."""
    line = " ".join(name.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _rest_of(name: str, more: int) -> str:
    """What the container of the flood guard is called: none of its results may stand for all of them."""
    ending = f" … and {more:,} more result{'' if more == 1 else 's'}"
    return cut(name, NAME_LIMIT - len(ending)) + ending
