"""Containers that are there already: finding them under another key, and what to do with one that is closed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from soarlink.errors import AuthFailed, Refused, SoarError
from soarlink.plan import identity
from soarlink.soar import vocabulary
from soarlink.soar.answer import Created

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from soarlink.plan.shipment import Shipment
    from soarlink.soar.client import Found, SoarClient

_LEARNED = (*identity.FINDING_FIELDS, "orig_sid", "orig_rid", "es_link")
"""What leads from a container back to the finding (see :mod:`soarlink.plan.context`)."""

_OPEN = "open"  # every server has it and it can always be assigned (REST reference, 8.8)


class StatusTypes:
    """Which statuses mean closed. The three of every server are known; others are asked for, once."""

    def __init__(self) -> None:
        self._types: Mapping[str, int | str] = vocabulary.STATUS_TYPES
        self._asked = False

    def is_closed(self, status: str, client: SoarClient) -> bool:
        """Whether a container of that status is closed.

        Raises:
            SoarError: the status is none of the three, and SOAR does not say what it is.
        """
        if status not in self._types and not self._asked:
            try:
                found = vocabulary.fetch(client, "status")["status"]
            except (AuthFailed, Refused):
                found = {}  # not for this user to read: an unknown status counts as open
            self._types = {**self._types, **found}
            self._asked = True
        return self._types.get(status) == vocabulary.CLOSED


def adopted(shipments: Sequence[Shipment], client: SoarClient) -> dict[str, Found | SoarError]:
    """The containers that hold a finding under another of its keys, by the shipment's identity.

    One GET for a list of containers, and only for shipments that have other keys. A second one, only when something
    was found, sees whether the shipment's own container is there too, which then wins.
    """
    asking = [shipment for shipment in shipments if shipment.other_keys]
    if not asking:
        return {}
    try:
        by_key = _by_key(client.containers_with_keys([key for shipment in asking for key in shipment.other_keys]))
        holding = [shipment for shipment in asking if any(key in by_key for key in shipment.other_keys)]
        own = _by_key(client.containers_with_keys([shipment.identity for shipment in holding])) if holding else {}
    except SoarError as error:
        return {shipment.identity: error for shipment in asking}
    result: dict[str, Found | SoarError] = {}
    for shipment in holding:
        other = next(by_key[key] for key in shipment.other_keys if key in by_key)
        result[shipment.identity] = own.get(shipment.identity, other)
    return result


def statuses(
    shipments: Sequence[Shipment], results: Sequence[Created | SoarError], client: SoarClient
) -> dict[int, str]:
    """Status by container id, of those that were there and whose shipment wants to know: one GET for a list."""
    ids = [
        result.id
        for shipment, result in zip(shipments, results)
        if isinstance(result, Created) and result.existed and shipment.on_closed != "add"
    ]
    return {found.id: found.status for found in client.containers_with_ids(list(dict.fromkeys(ids)))} if ids else {}


def complete_keys(joined: Sequence[tuple[Shipment, int]], client: SoarClient) -> dict[int, SoarError]:
    """Give containers that were there the keys of the finding that they lack, and the ids that go with them.

    One GET for a list of containers, only for findings that have several keys; a POST only where a key is missing. What
    else SOAR or someone has put into ``data`` stays.

    Args:
        joined: the shipments, each with the container that it has joined.
        client: the connection.

    Returns:
        By container: why it could not be given its keys.
    """
    asking = [(shipment, number) for shipment, number in joined if set(shipment.other_keys) - {shipment.identity}]
    if not asking:
        return {}
    try:
        there = client.origins(list(dict.fromkeys(number for _, number in asking)))
    except SoarError as error:
        return {number: error for _, number in asking}
    failed: dict[int, SoarError] = {}
    for shipment, number in asking:
        data = there.get(number)
        completed = None if data is None else _completed(data, shipment)
        if completed is not None:
            try:
                client.set_data(number, completed)
                there[number] = completed
            except SoarError as error:
                failed[number] = error
    return failed


def _completed(data: dict[str, Any], shipment: Shipment) -> dict[str, Any] | None:
    """The container's data with every key of the finding; None when it has them all."""
    known = data.get("splunk")
    origin: dict[str, Any] = known if isinstance(known, dict) else {}
    listed = origin.get("keys")
    keys = [str(key) for key in listed] if isinstance(listed, list) else []
    wanted = [key for key in (shipment.identity, *shipment.other_keys) if key not in keys]
    if not wanted:
        return None
    own = shipment.container["data"]["splunk"]
    learned = {name: own[name] for name in _LEARNED if name in own}
    return {**data, "splunk": {**learned, **origin, "keys": list(dict.fromkeys([*keys, *wanted]))}}


def reopen(container_id: int, client: SoarClient) -> None:
    """Open a closed container again."""
    client.set_status(container_id, _OPEN)


def next_generation(shipment: Shipment, client: SoarClient, types: StatusTypes) -> Created:
    """The newest container after the closed one if it is open, otherwise a new one: a GET, and a POST if made."""
    number, newest = 1, None
    prefix = f"{shipment.identity}~"
    for found in client.containers_with_prefix(prefix):
        suffix = found.key[len(prefix) :]
        if suffix.isdigit() and int(suffix) > number:
            number, newest = int(suffix), found
    if newest is not None and not types.is_closed(newest.status, client):
        return Created(newest.id, existed=True)
    key = identity.of_generation(shipment.identity, number + 1)
    return client.create_container({**shipment.container, "source_data_identifier": key})


def _by_key(found: Sequence[Found]) -> dict[str, Found]:
    by_key: dict[str, Found] = {}
    for container in found:
        by_key.setdefault(container.key, container)
    return by_key
