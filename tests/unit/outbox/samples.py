"""Rows and payloads to store."""

from __future__ import annotations

from typing import Any

from soarlink.outbox.item import PENDING, OutboxItem, item_key
from soarlink.outbox.payload import Payload
from soarlink.plan.run import AlertRun
from soarlink.plan.shipment import PlaybookCall, RowAccount, Shipment

NOW = 1_790_000_000.25
RUN = AlertRun("send_to_soar", "scheduler__admin__search__x_at_1", search_name="Müller: brute force", owner="admin")


def item(identity: str, **changes: Any) -> OutboxItem:
    """A pending row."""
    values: dict[str, Any] = {
        "key": item_key("send_to_soar", RUN.sid, identity),
        "state": PENDING,
        "account": "prod",
        "action": "send_to_soar",
        "search_name": RUN.search_name,
        "sid": RUN.sid,
        "owner": "admin",
        "identity": identity,
        "rows": 1,
        "created": NOW,
        "queued": NOW,
        "updated": NOW,
        "next_attempt": NOW,
        **changes,
    }
    return OutboxItem(**values)


def payload(identity: str, text: str = "brute force", parts: int = 1) -> Payload:
    """What it sends: one container in so many parts."""
    shipments = tuple(
        Shipment(
            identity=identity,
            container={"name": text, "label": "events", "severity": "high", "tags": ["a", "b"], "data": {"n": 1.5}},
            artifacts=({"name": text, "severity": "high", "cef": {"sourceAddress": "10.0.0.1"}},),
            owners=(part,),
            rows=(RowAccount(part, str(part), "", "", 1, 2, 3, ("_bkt",)),),
            part=part,
            last=part == parts - 1,
            playbooks=(PlaybookCall("local/contain", "all", (("ip", "10.0.0.1"),)),),
        )
        for part in range(parts)
    )
    return Payload(RUN, shipments)
