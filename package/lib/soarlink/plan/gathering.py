"""One container while its rows are read: what waits for its next part, and what its last part carries."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from soarlink.plan.attachment import Attachment, ResultsFile
from soarlink.plan.identity import content_of
from soarlink.plan.parts import Load, PartQueue, PlannedRow
from soarlink.plan.shipment import EVERY_ROW, Shipment
from soarlink.plan.summary import Summary

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from soarlink.body import EncodedBody
    from soarlink.mapping.artifact import MappedRow
    from soarlink.plan.container import Bodies, ContainerBody
    from soarlink.plan.parameters import SendParameters
    from soarlink.rows.row import Row


class Closing(NamedTuple):
    """What the last part of a container carries beside its artifacts."""

    attachments: tuple[Attachment, ...] = ()
    notes: tuple[str, ...] = ()


_NOTHING = Closing()


class Gathering:
    """One container while its rows are read.

    Args:
        key: its key.
        body: its body.
        other_keys: further keys under which the finding is known.
        parameters: what the user asked for.
        columns: the fields of the results file, for attachments.
    """

    def __init__(
        self,
        key: str,
        body: ContainerBody,
        other_keys: tuple[str, ...],
        parameters: SendParameters,
        columns: Sequence[str],
    ) -> None:
        self.queue = PartQueue()
        self.summary = Summary() if parameters.artifacts == "summary" else None
        self._key = key
        self._body = body
        self._other_keys = other_keys
        self._parameters = parameters
        self._number = 0
        self._asked: set[str] = set()
        self._first: Row | None = None
        self._attaches = parameters.attach_results != "none"
        form = parameters.attach_results if self._attaches else "json"
        # A summary that turns out too short needs all rows beside it, and they are read only once.
        self._file = ResultsFile(form, columns) if self._attaches or self.summary is not None else None

    def take(self, row: Row, mapped: MappedRow) -> None:
        """Put the row where all rows of the container are put together."""
        if self._first is None:
            self._first = row
        if self._file is not None:
            self._file.add(row)
        if self.summary is not None:
            self.summary.add(row, mapped)

    def unasked(self, bodies: Sequence[EncodedBody]) -> list[EncodedBody]:
        """Those that hold what no result of the container has brought before: an answer is good for all of them."""
        found: list[EncodedBody] = []
        for body in bodies:
            content = content_of(str(body["source_data_identifier"]))
            if content not in self._asked:
                self._asked.add(content)
                found.append(body)
        return found

    def close(self, bodies: Bodies, said: Sequence[str] = ()) -> Closing:
        """After the last row: the summary artifact into the queue, the file and what there is to say."""
        notes = list(said)
        cut: Mapping[str, int] = {}
        if self.summary is not None and self._first is not None:
            cut = self.summary.cut
            body = bodies.summary(self._first, self._key, self.summary)
            self.queue.add_shared(body, EVERY_ROW)
        if self._file is None or not (self._attaches or cut):
            return Closing(notes=tuple(notes))
        attachment, file_notes = self._file.finish(f"results-{self._key}")
        if cut:
            notes.append(
                f"the summary does not list every value of {', '.join(cut)}; "
                f"the results are attached as {attachment.name}"
            )
        return Closing((attachment,), (*notes, *file_notes))

    def holds_no_more(self, planned: PlannedRow) -> bool:
        """Whether a container of this row alone is one shipment that carries nothing beside the row."""
        return self._file is None and planned.is_one_part

    def whole(self, planned: PlannedRow) -> Shipment:
        """The shipment of a container that holds this row alone."""
        account = planned.account
        owners = (account.position,) * len(planned.artifacts)
        return self._shipment(Load(tuple(planned.artifacts), owners, (account,), planned.attachments), _NOTHING)

    def part(self, closing: Closing | None = None) -> Shipment:
        """The next shipment; the last one is told from what is left in the queue."""
        load = self.queue.take()
        return self._shipment(load, closing if self.queue.is_empty else None)

    def _shipment(self, load: Load, closing: Closing | None) -> Shipment:
        """One part; it is the last one when it carries what closes the container."""
        parameters, ending = self._parameters, closing or _NOTHING
        last = closing is not None
        shipment = Shipment(
            identity=self._key,
            container=self._body.body,
            artifacts=load.artifacts,
            owners=load.owners,
            rows=load.rows,
            part=self._number,
            last=last,
            automation=parameters.automation,
            playbooks=self._body.playbooks if last else (),
            other_keys=self._other_keys,
            on_closed=parameters.on_closed,
            attachments=load.attachments + ending.attachments,
            refusal=self._body.refusal,
            notes=ending.notes,
        )
        self._number += 1
        return shipment
