"""Brings containers, artifacts and playbook starts to SOAR over one connection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from soarlink.delivery.batch import MAX_BYTES, Batch
from soarlink.delivery.outcome import PlaybookRun, RowOutcome
from soarlink.delivery.progress import ContainerProgress
from soarlink.errors import MaybeSent, NotSent, Refused, ServerFault, SoarError
from soarlink.soar.answer import Created
from soarlink.soar.client import Result, SoarClient, encode

if TYPE_CHECKING:
    from soarlink.plan.shipment import Shipment

_Keyed = tuple[int, Mapping[str, Any]]


class ServerTraits:
    """What this run has learned about a server; shared by its connections.

    Nothing documents that a *list* of containers keeps their embedded artifacts, so the first list is checked by
    counting, and a server that fails the check, or refuses lists, gets single containers.
    """

    def __init__(self) -> None:
        self.lists_verified = False
        self.singles_only = False


class Carrier:
    """Sends batches. Not for use by several threads at once."""

    def __init__(self, client: SoarClient, traits: ServerTraits) -> None:
        self._client = client
        self._traits = traits

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def carry(self, batch: Batch) -> list[RowOutcome]:
        """Send whole containers; one outcome for each of their rows."""
        shipments = batch.shipments
        results = self._create([_container_body(shipment) for shipment in shipments])
        outcomes: list[RowOutcome] = []
        for shipment, result in zip(shipments, results):
            progress = ContainerProgress()
            self._accept(shipment, result, progress)
            outcomes.extend(self._finish(shipment, progress))
        return outcomes

    def carry_part(self, shipment: Shipment, progress: ContainerProgress) -> list[RowOutcome]:
        """Send one part of a container; the outcomes of all its rows come with the last part."""
        if shipment.part == 0:
            self._accept(shipment, self._create([_container_body(shipment)])[0], progress)
        elif progress.error is not None:
            progress.stop(shipment, progress.error)
            progress.rows.extend(shipment.rows)
        else:
            self._add(shipment, progress)
            progress.rows.extend(shipment.rows)
        return self._finish(shipment, progress) if shipment.last else []

    def _create(self, bodies: Sequence[Mapping[str, Any]]) -> list[Result]:
        if len(bodies) > 1 and not self._traits.singles_only:
            try:
                results = self._client.create_containers(bodies)
            except Refused:
                self._traits.singles_only = True  # this server takes no lists
            except SoarError as error:
                return [error] * len(bodies)
            else:
                self._verify(bodies, results)
                return results
        return [self._create_one(body) for body in bodies]

    def _create_one(self, body: Mapping[str, Any]) -> Result:
        try:
            return self._client.create_container(body)
        except SoarError as error:
            return error

    def _verify(self, bodies: Sequence[Mapping[str, Any]], results: Sequence[Result]) -> None:
        if self._traits.lists_verified:
            return
        for body, result in zip(bodies, results):
            embedded = len(body.get("artifacts", ()))
            if isinstance(result, Created) and not result.existed and embedded:
                # A wrong count, or none, is a doubt: _accept then fills in what is missing, for each container.
                if self._count(result.id) != embedded:
                    self._traits.singles_only = True
                    return
                self._traits.lists_verified = True
                return

    def _count(self, container_id: int) -> int | None:
        try:
            return self._client.artifact_count(container_id)
        except SoarError:
            return None

    def _accept(self, shipment: Shipment, result: Result, progress: ContainerProgress) -> None:
        progress.rows.extend(shipment.rows)
        if isinstance(result, SoarError):
            progress.stop(shipment, result)
            return
        progress.container_id = result.id
        progress.existed = result.existed
        if _embeds(shipment) and not result.existed and self._took_all(shipment, result):
            for owner in shipment.owners:
                progress.land(owner, None)
            return
        self._add(shipment, progress, look_first=_embeds(shipment) or result.existed)

    def _took_all(self, shipment: Shipment, result: Created) -> bool:
        if not shipment.artifacts:
            return True
        if len(result.artifact_ids) == len(shipment.artifacts) and not self._traits.singles_only:
            return None not in result.artifact_ids
        return self._count(result.id) == len(shipment.artifacts)

    def _add(self, shipment: Shipment, progress: ContainerProgress, *, look_first: bool = False) -> None:
        """Artifacts to a container that is there; ``look_first`` where some of them may be in it already."""
        container_id = progress.container_id
        if container_id is None or not shipment.artifacts:
            return
        keyed = list(zip(shipment.owners, shipment.artifacts))
        try:
            if look_first or progress.existed:
                keys = [str(body["source_data_identifier"]) for _, body in keyed if _key(body) not in progress.seen]
                progress.seen.update(dict.fromkeys(self._client.artifact_keys(container_id, keys)))
            fresh = _fresh(keyed, progress.seen)
            for chunk in _chunks(_flagged(fresh, container_id, automation=shipment.automation and shipment.last)):
                for body, result in zip(chunk, self._client.create_artifacts(chunk)):
                    progress.seen[_key(body)] = result if isinstance(result, SoarError) else None
        except SoarError as error:
            self._tell(keyed, progress, error)
            progress.error = error
            return
        self._tell(keyed, progress, None)

    def _tell(self, keyed: Sequence[_Keyed], progress: ContainerProgress, error: SoarError | None) -> None:
        for owner, body in keyed:
            progress.land(owner, progress.seen.get(_key(body), error))

    def _finish(self, shipment: Shipment, progress: ContainerProgress) -> list[RowOutcome]:
        container_id = progress.container_id
        if container_id is not None:
            progress.runs = tuple(self._start(name, container_id, progress) for name in shipment.playbooks)
        return progress.outcomes(None if container_id is None else self._client.account.container_url(container_id))

    def _start(self, playbook: str, container_id: int, progress: ContainerProgress) -> PlaybookRun:
        if not progress.is_complete:
            return PlaybookRun(playbook, "not started", reason="not all artifacts are in SOAR.")
        try:
            run_id = self._client.start_playbook(container_id, playbook, "new" if progress.existed else "all")
        except (MaybeSent, ServerFault) as error:
            return PlaybookRun(playbook, "unclear", reason=f"{error} Look at the container before starting it by hand.")
        except NotSent as error:
            return PlaybookRun(playbook, "not started", reason=str(error))
        except SoarError as error:
            return PlaybookRun(playbook, "refused", reason=str(error))
        return PlaybookRun(playbook, "started", id=run_id)


def _embeds(shipment: Shipment) -> bool:
    """Embedded artifacts start active playbooks once, when all are there: for whole containers that may start them."""
    return shipment.is_whole and shipment.automation


def _container_body(shipment: Shipment) -> Mapping[str, Any]:
    if not _embeds(shipment):
        return shipment.container
    return {**shipment.container, "artifacts": shipment.artifacts}


def _key(body: Mapping[str, Any]) -> str:
    return str(body["source_data_identifier"])


def _fresh(keyed: Sequence[_Keyed], seen: Mapping[str, SoarError | None]) -> list[Mapping[str, Any]]:
    """Each artifact that SOAR does not have, once."""
    fresh: dict[str, Mapping[str, Any]] = {}
    for _, body in keyed:
        if _key(body) not in seen:
            fresh.setdefault(_key(body), body)
    return list(fresh.values())


def _flagged(
    bodies: Sequence[Mapping[str, Any]], container_id: int, *, automation: bool
) -> list[dict[str, Any | bool]]:
    """Active playbooks start after the last artifact only (REST reference, 4.2); the flag is always explicit."""
    end = len(bodies) - 1
    return [
        {**body, "container_id": container_id, "run_automation": automation and index == end}
        for index, body in enumerate(bodies)
    ]


def _chunks(bodies: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    chunk: list[dict[str, Any]] = []
    size = 0
    for body in bodies:
        weight = len(encode(body))
        if chunk and size + weight > MAX_BYTES:
            yield chunk
            chunk, size = [], 0
        chunk.append(body)
        size += weight
    if chunk:
        yield chunk
