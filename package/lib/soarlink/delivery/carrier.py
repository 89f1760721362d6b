"""Brings containers, artifacts and playbook starts to SOAR over one connection."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from soarlink.body import extended
from soarlink.delivery import joining
from soarlink.delivery.batch import MAX_BYTES, Batch
from soarlink.delivery.directory import PlaybookDirectory
from soarlink.delivery.playbooks import PlaybookStarts, RunBook
from soarlink.delivery.progress import ContainerProgress, ContainerReport
from soarlink.errors import Refused, SoarError
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
        self.statuses = joining.StatusTypes()
        self.playbooks = PlaybookDirectory()


class Carrier:
    """Sends batches. Not for use by several threads at once.

    Args:
        client: the connection.
        traits: what is known of the server.
        runs: what is known of playbook runs.
        about: told which shipments the next requests are for.
    """

    def __init__(
        self,
        client: SoarClient,
        traits: ServerTraits,
        runs: RunBook,
        about: Callable[[Sequence[Shipment]], None] = lambda _: None,
    ) -> None:
        self._client = client
        self._about = about
        self._traits = traits
        self._playbooks = PlaybookStarts(client, runs, traits.playbooks)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def carry(self, batch: Batch) -> list[ContainerReport]:
        """Send whole containers; a report on each."""
        self._about(batch.shipments)
        opened = self._open(batch.shipments)
        return [self._finish(shipment, progress) for shipment, progress in zip(batch.shipments, opened)]

    def carry_part(self, shipment: Shipment, progress: ContainerProgress) -> list[ContainerReport]:
        """Send one part of a container; the report comes with the last part."""
        self._about([shipment])
        if shipment.part == 0:
            self._open([shipment], [progress])
        elif progress.error is not None:
            progress.stop(shipment, progress.error)
            progress.rows.extend(shipment.rows)
        else:
            self._add(shipment, progress)
            progress.rows.extend(shipment.rows)
        if not shipment.last:
            self._attach(shipment, progress)
            return []
        return [self._finish(shipment, progress)]

    def _open(
        self, shipments: Sequence[Shipment], progresses: Sequence[ContainerProgress] | None = None
    ) -> Sequence[ContainerProgress]:
        """Find or make the containers, and bring what travels with them."""
        opened = [ContainerProgress() for _ in shipments] if progresses is None else progresses
        results = self._results(shipments)
        states = self._statuses(shipments, results)
        for shipment, result, progress in zip(shipments, results, opened):
            if isinstance(result, Created) and isinstance(states, SoarError) and result.existed:
                progress.container_id, progress.existed = result.id, True
                progress.rows.extend(shipment.rows)
                progress.stop(shipment, states)
                continue
            if isinstance(result, Created) and not isinstance(states, SoarError):
                progress.closed = result.id in states
            self._accept(shipment, result, progress)
        self._complete_keys(shipments, opened)
        return opened

    def _complete_keys(self, shipments: Sequence[Shipment], opened: Sequence[ContainerProgress]) -> None:
        """Joined containers learn the keys that they lack. The data is there: a failure is told, no more."""
        joined = [
            (shipment, progress.container_id)
            for shipment, progress in zip(shipments, opened)
            if progress.container_id is not None and progress.existed and progress.error is None
        ]
        failed = joining.complete_keys(joined, self._client)
        for progress in opened:
            if progress.container_id is not None and progress.container_id in failed:
                error = failed[progress.container_id]
                progress.notes.append(f"the container was not given the finding's other keys: {error}")

    def _results(self, shipments: Sequence[Shipment]) -> list[Result]:
        """Where each shipment's container is: refused by the plan, found under another key, or created."""
        known: dict[int, Result] = {
            index: Refused(shipment.refusal) for index, shipment in enumerate(shipments) if shipment.refusal
        }
        held = joining.adopted([shipment for shipment in shipments if not shipment.refusal], self._client)
        for index, shipment in enumerate(shipments):
            found = held.get(shipment.identity)
            if found is not None and index not in known:
                known[index] = found if isinstance(found, SoarError) else Created(found.id, existed=True)
        missing = [index for index in range(len(shipments)) if index not in known]
        created = self._create([_container_body(shipments[index]) for index in missing]) if missing else []
        known.update(zip(missing, created))
        return [known[index] for index in range(len(shipments))]

    def _statuses(self, shipments: Sequence[Shipment], results: Sequence[Result]) -> set[int] | SoarError:
        """The ids of those containers that are closed, as far as a shipment wants to know."""
        try:
            found = joining.statuses(shipments, results, self._client)
            return {number for number, status in found.items() if self._traits.statuses.is_closed(status, self._client)}
        except SoarError as error:
            return error

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
                self._look(container_id, keyed, progress)
            fresh = _fresh(keyed, progress.seen)
            if fresh and progress.closed:
                container_id = self._leave_closed(shipment, container_id, progress)
                if progress.existed:
                    self._look(container_id, keyed, progress)
                    fresh = _fresh(keyed, progress.seen)
            automation = shipment.automation and shipment.last
            for chunk in _chunks(_flagged(fresh, container_id, automation=automation)):
                for body, result in zip(chunk, self._client.create_artifacts(chunk)):
                    progress.seen[_key(body)] = result if isinstance(result, SoarError) else None
            if automation and fresh and progress.seen[_key(fresh[-1])] is not None:
                progress.notes.append("SOAR refused the last artifact, after which active playbooks start: none did")
        except SoarError as error:
            self._tell(keyed, progress, error)
            progress.error = error
            return
        self._tell(keyed, progress, None)

    def _look(self, container_id: int, keyed: Sequence[_Keyed], progress: ContainerProgress) -> None:
        keys = [_key(body) for _, body in keyed if _key(body) not in progress.seen]
        progress.seen.update(dict.fromkeys(self._client.artifact_keys(container_id, keys)))

    def _leave_closed(self, shipment: Shipment, container_id: int, progress: ContainerProgress) -> int:
        """New data for a closed container: reopen it, or go on in the next generation. The container's id."""
        progress.closed = False
        if shipment.on_closed == "reopen":
            joining.reopen(container_id, self._client)
            progress.notes.append(f"container {container_id} was closed and has been reopened (on_closed)")
            return container_id
        following = joining.next_generation(shipment, self._client, self._traits.statuses)
        progress.container_id, progress.existed = following.id, following.existed
        progress.notes.append(
            f"container {container_id} is closed: the data went to container {following.id} (on_closed)"
        )
        return following.id

    def _tell(self, keyed: Sequence[_Keyed], progress: ContainerProgress, error: SoarError | None) -> None:
        for owner, body in keyed:
            progress.land(owner, progress.seen.get(_key(body), error))

    def _attach(self, shipment: Shipment, progress: ContainerProgress) -> None:
        """The shipment's files; one that a container may have already is looked for first."""
        progress.notes.extend(shipment.notes)
        container_id = progress.container_id
        if container_id is None:
            return
        for attachment in shipment.attachments:
            try:
                if progress.existed and self._client.has_attachment(container_id, attachment.name, attachment.digest):
                    continue
                self._client.attach(container_id, attachment.name, attachment.content)
            except SoarError as error:
                progress.unattached[attachment.name] = error

    def url(self, progress: ContainerProgress) -> str | None:
        """The container's page; None as long as there is no container."""
        number = progress.container_id
        return None if number is None else self._client.account.container_url(number)

    def _finish(self, shipment: Shipment, progress: ContainerProgress) -> ContainerReport:
        self._attach(shipment, progress)
        self._playbooks.start(shipment, progress)
        return ContainerReport(shipment.identity, progress, self.url(progress))


def _embeds(shipment: Shipment) -> bool:
    """Embedded artifacts start active playbooks once, when all are there: for whole containers that may start them."""
    return shipment.is_whole and shipment.automation


def _container_body(shipment: Shipment) -> Mapping[str, Any]:
    if not _embeds(shipment):
        return shipment.container
    return shipment.embedded()


def _key(body: Mapping[str, Any]) -> str:
    return str(body["source_data_identifier"])


def _fresh(keyed: Sequence[_Keyed], seen: Mapping[str, SoarError | None]) -> list[Mapping[str, Any]]:
    """Each artifact that SOAR does not have, once."""
    fresh: dict[str, Mapping[str, Any]] = {}
    for _, body in keyed:
        if _key(body) not in seen:
            fresh.setdefault(_key(body), body)
    return list(fresh.values())


def _flagged(bodies: Sequence[Mapping[str, Any]], container_id: int, *, automation: bool) -> list[Mapping[str, Any]]:
    """Active playbooks start after the last artifact only (REST reference, 4.2); the flag is always explicit."""
    end = len(bodies) - 1
    return [
        extended(body, {"container_id": container_id, "run_automation": automation and index == end})
        for index, body in enumerate(bodies)
    ]


def _chunks(bodies: Sequence[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    chunk: list[Mapping[str, Any]] = []
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
