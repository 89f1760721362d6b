"""An event in the index for every act: sourcetype ``soar:outbox:act``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from soarlink.splunk import spool

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from soarlink.commands.act import Done

SOURCETYPE = "soar:outbox:act"


def act_event(done: Done, person: str, now: float, changes: object) -> dict[str, Any]:
    """What happened to one item."""
    item = done.item
    return {
        "time": round(now, 6),
        "act": done.act,
        "by": person,
        "key": item.key,
        "state_before": item.state,
        "state": done.state,
        "account": item.account,
        "action": item.action,
        "search_name": item.search_name,
        "sid": item.sid,
        "identity": item.identity,
        "rows": item.rows,
        "changes": changes,
    }


def write_events(home: Path, index: str, events: Sequence[dict[str, Any]], now: float) -> None:
    """Hand events over to Splunk.

    Raises:
        OSError: the spool can't be written.
    """
    if events:
        lines = [spool.stamped(json.dumps(event), SOURCETYPE, orig_action_name=event["action"]) for event in events]
        spool.put(home, index=index, source="soaroutboxctl", events=lines, now=now)
