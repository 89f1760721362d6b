"""A dry run: the whole plan, nothing sent, and for each row what would have been."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from soarlink.delivery.outcome import REJECTED, SIMULATED, PlaybookRun, RowOutcome
from soarlink.journal.ledger import NOT_STARTED
from soarlink.plan.shipment import EVERY_ROW

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from soarlink.mapping.artifact import MappedRow, TraceLine
    from soarlink.mapping.rowmapper import RowMapper
    from soarlink.plan.shipment import RowAccount, Shipment
    from soarlink.rows.row import Row

MAX_CHARACTERS = 20_000
"""Most characters of bodies in one row's event."""

MAX_TRACE = 100
"""Most lines of a row's trace in its event."""

_LONGEST = 400


class TracingMapper:
    """A mapper that keeps, for each row until it is asked for, why each field went where it went."""

    def __init__(self, mapper: RowMapper) -> None:
        self._mapper = mapper
        self._traces: dict[int, tuple[TraceLine, ...]] = {}

    def map(self, row: Row) -> MappedRow:
        """The same artifacts as without tracing."""
        mapped, trace = self._mapper.explain(row)
        self._traces[row.position] = trace
        return mapped

    def trace(self, position: int) -> list[str]:
        """The row's trace in words, bounded; it is forgotten with this."""
        lines = self._traces.pop(position, ())
        words = [
            f"{line.field} → {line.target}: {line.why}" if line.target else f"{line.field} dropped: {line.why}"
            for line in lines
        ]
        shown = list(dict.fromkeys(word[:_LONGEST] for word in words))
        if len(shown) > MAX_TRACE:
            shown = [*shown[:MAX_TRACE], f"… {len(shown) - MAX_TRACE} more"]
        return shown


def simulate(shipments: Iterable[Shipment], mapper: TracingMapper) -> Iterator[RowOutcome]:
    """One outcome for each row: simulated with what would be sent, or rejected where a real run would refuse it."""
    waiting: dict[int, list[Mapping[str, Any]]] = {}
    for shipment in shipments:
        shared: list[Mapping[str, Any]] = []
        for owner, body in zip(shipment.owners, shipment.artifacts):
            (shared if owner == EVERY_ROW else waiting.setdefault(owner, [])).append(body)
        for account in shipment.rows:
            artifacts = waiting.pop(account.position, []) + shared
            yield _outcome(account, shipment, artifacts, mapper.trace(account.position))


def _outcome(
    account: RowAccount, shipment: Shipment, artifacts: list[Mapping[str, Any]], trace: list[str]
) -> RowOutcome:
    not_started = [
        PlaybookRun(call.name, NOT_STARTED, reason=call.refusal) for call in shipment.playbooks if call.refusal
    ]
    refusal = " ".join(filter(None, (shipment.refusal, *(run.sentence() for run in not_started))))
    if refusal:
        return RowOutcome(account, REJECTED, runs=tuple(not_started), reason=refusal)
    return RowOutcome(
        account,
        SIMULATED,
        artifacts=len(artifacts),
        reason="Simulated: dry_run is set, nothing was sent.",
        would_send=_would_send(shipment, artifacts, trace),
    )


def _would_send(shipment: Shipment, artifacts: list[Mapping[str, Any]], trace: list[str]) -> dict[str, Any]:
    container = {name: _short(value) for name, value in shipment.container.items()}
    room = MAX_CHARACTERS - _length(container)
    shown: list[dict[str, Any]] = []
    for body in artifacts:
        # The row itself stands in the search's results; here it would only be in the way.
        short = {name: _short(value) for name, value in body.items() if name != "data"}
        room -= _length(short)
        if room < 0:
            break
        shown.append(short)
    return {
        "container": container,
        "artifacts": shown,
        "artifacts_left_out": len(artifacts) - len(shown),
        "attachments": [attachment.name for attachment in shipment.attachments],
        "playbooks": [call.name for call in shipment.playbooks],
        "runs": [_short(call.plain()) for call in shipment.playbooks],
        "trace": trace,
    }


def _short(value: Any) -> Any:
    if isinstance(value, str):
        return value if len(value) <= _LONGEST else f"{value[:_LONGEST]}… ({len(value)} characters)"
    if isinstance(value, dict):
        return {name: _short(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        listed = [_short(item) for item in value[:MAX_TRACE]]
        return listed if len(value) <= MAX_TRACE else [*listed, f"… {len(value) - MAX_TRACE} more"]
    return value


def _length(body: Mapping[str, Any]) -> int:
    return len(json.dumps(body, ensure_ascii=False))
