"""Rows of a search's result."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from soarlink.errors import OutboxError

if TYPE_CHECKING:
    from soarlink.commands.act import Done
    from soarlink.outbox.item import OutboxItem
    from soarlink.outbox.payload import Payload
    from soarlink.outbox.statistics import AccountStatistics


def item_record(item: OutboxItem, now: float) -> dict[str, Any]:
    """A row of the outbox. Times are epoch seconds, ``age`` is in seconds."""
    return {
        "_time": item.created,
        "state": item.state,
        "account": item.account,
        "search_name": item.search_name,
        "sid": item.sid,
        "rows": item.rows,
        "age": round(now - item.created),
        "attempts": item.attempts,
        "next_attempt": item.next_attempt if not item.is_settled else "",
        "error_class": item.error_class,
        "error_code": item.error_code,
        "error_text": item.error_text,
        "unclear": int(item.unclear),
        "container_id": "" if item.container_id is None else item.container_id,
        "container_url": item.container_url,
        "action": item.action,
        "app": item.app,
        "owner": item.owner,
        "scheduled": int(item.scheduled),
        "identity": item.identity,
        "created": item.created,
        "queued": item.queued,
        "updated": item.updated,
        "stored_bytes": item.payload_bytes,
        "acts": list(item.acts),
        "key": item.key,
    }


def shown_records(item: OutboxItem, payload: Payload | OutboxError | None, now: float) -> Iterator[dict[str, Any]]:
    """A row of the outbox with what it sends: one record for each part, one alone when nothing is stored."""
    row = item_record(item, now)
    empty = {"part": "", "container": "", "artifacts": "", "rids": [], "ledger": [], "problem": ""}
    if payload is None:
        yield {**row, **empty}
    elif isinstance(payload, OutboxError):
        yield {**row, **empty, "problem": str(payload)}
    else:
        ledger = [json.dumps(line, sort_keys=True) for line in payload.ledger]
        for shipment in payload.shipments:
            yield {
                **row,
                **empty,
                "part": shipment.part,
                "container": json.dumps(shipment.container, sort_keys=True, ensure_ascii=False),
                "artifacts": len(shipment.artifacts),
                "rids": [account.rid for account in shipment.rows],
                "ledger": ledger,
            }


def statistics_record(statistics: AccountStatistics) -> dict[str, Any]:
    """Numbers of an account."""
    return {name: "" if value is None else value for name, value in asdict(statistics).items()}


def done_record(done: Done) -> dict[str, Any]:
    """What became of an act on an item."""
    return {
        "act": done.act,
        "done": int(done.is_done),
        "state": done.state,
        "message": done.message,
        "account": done.item.account,
        "search_name": done.item.search_name,
        "sid": done.item.sid,
        "rows": done.item.rows,
        "key": done.item.key,
    }
