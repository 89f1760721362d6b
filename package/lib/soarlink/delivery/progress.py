"""How far one container has come: what landed, what was refused, and so what each of its rows may be told."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from soarlink.delivery.outcome import DELIVERED, QUEUED, REJECTED, UPDATED, PlaybookRun, RowOutcome
from soarlink.delivery.verdict import judge
from soarlink.errors import MaybeSent, NotSent, ServerFault, SoarError, Throttled
from soarlink.plan.shipment import EVERY_ROW

if TYPE_CHECKING:
    from soarlink.plan.shipment import RowAccount, Shipment

_NO_ANSWER = (NotSent, MaybeSent, ServerFault, Throttled)


@dataclass
class ContainerProgress:
    """Filled while the parts of one container are sent; read once, at its end."""

    container_id: int | None = None
    existed: bool = False
    closed: bool = False
    """The container is closed, and what to do about it is not decided yet."""
    error: SoarError | None = None
    """What stopped the container as a whole, or the parts after the one that met it."""
    runs: tuple[PlaybookRun, ...] = ()
    rows: list[RowAccount] = field(default_factory=list)
    seen: dict[str, SoarError | None] = field(default_factory=dict)
    """Artifact keys that were sent, with what became of them."""
    notes: list[str] = field(default_factory=list)
    """What every row of the container is told."""
    unattached: dict[str, SoarError] = field(default_factory=dict)
    """Files that SOAR did not take, by name."""
    waiting_run: SoarError | None = None
    """Why a playbook run could not be asked for; nothing was asked, so it can be asked again."""
    _landed: dict[int, int] = field(default_factory=dict)
    _refused: dict[int, SoarError] = field(default_factory=dict)

    def land(self, owner: int, error: SoarError | None) -> None:
        """Note what became of one artifact of the row at position ``owner``."""
        if error is None:
            self._landed[owner] = self._landed.get(owner, 0) + 1
        else:
            self._refused.setdefault(owner, error)

    def stop(self, shipment: Shipment, error: SoarError) -> None:
        """Nothing of this shipment, and of the parts after it, gets anywhere."""
        self.error = self.error or error
        for owner in shipment.owners:
            self._refused.setdefault(owner, error)

    @property
    def is_complete(self) -> bool:
        """True when the container and all its artifacts are in SOAR."""
        return self.error is None and not self._refused

    @property
    def pending(self) -> SoarError | None:
        """What a further attempt may overcome; None when the container has its end, good or bad."""
        errors = (self.error, *self._refused.values(), *self.unattached.values(), self.waiting_run)
        return next((error for error in errors if error is not None and judge(error).retry), None)

    def outcomes(self, container_url: str | None, *, keep: bool) -> list[RowOutcome]:
        """One outcome for each row, in order.

        Args:
            container_url: the container's page.
            keep: what may still succeed is kept and tried again: its rows are queued. Otherwise they are rejected.
        """
        pending = self.pending if keep else None
        return [self._outcome(account, container_url, pending) for account in self.rows]

    def _outcome(self, account: RowAccount, url: str | None, pending: SoarError | None) -> RowOutcome:
        error = (
            self._refused.get(account.position)
            or self._refused.get(EVERY_ROW)
            or (self.error if self.container_id is None else None)
        )
        landed = self._landed.get(account.position, 0) + self._landed.get(EVERY_ROW, 0)
        state, reason = self._state(account, landed, error, pending)
        return RowOutcome(
            account=replace(account, notes=(*account.notes, *self.notes)) if self.notes else account,
            state=state,
            container_id=self.container_id,
            container_url=url,
            artifacts=landed,
            runs=self.runs,
            reason=reason or None,
            unreachable=isinstance(error, _NO_ANSWER) and self.container_id is None,
        )

    def _state(
        self, account: RowAccount, landed: int, error: SoarError | None, pending: SoarError | None
    ) -> tuple[str, str]:
        # A refusal of the row itself is final, whatever the rest of its container still waits for.
        if pending is not None and (error is None or judge(error).retry):
            return QUEUED, str(pending)
        reasons = [self._artifact_reason(account, landed, error)] if error is not None else []
        reasons.extend(_file_reason(name, why) for name, why in self.unattached.items())
        reasons.extend(f"The data is in SOAR, but {run.sentence()}" for run in self.runs if not run.goes_well)
        if self.waiting_run is not None:
            reasons.append(f"The data is in SOAR, but a playbook was not started: {self.waiting_run}")
        if reasons:
            return REJECTED, " ".join(reasons)
        return (UPDATED if self.existed else DELIVERED), ""

    def _artifact_reason(self, account: RowAccount, landed: int, error: SoarError) -> str:
        if self.container_id is None:
            return str(error)
        return f"Container {self.container_id} has {landed} of {account.artifacts} artifacts of this result: {error}"


@dataclass(frozen=True)
class ContainerReport:
    """What became of one container, or of as much of it as was tried."""

    identity: str
    progress: ContainerProgress
    url: str | None

    def outcomes(self, *, keep: bool) -> list[RowOutcome]:
        """One outcome for each of its rows, see :meth:`ContainerProgress.outcomes`."""
        return self.progress.outcomes(self.url, keep=keep)


def _file_reason(name: str, why: SoarError) -> str:
    return f"The data is in SOAR, but the file {name} was not attached: {why}"
