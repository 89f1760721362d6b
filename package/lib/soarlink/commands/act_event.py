"""An event in the index for every act: sourcetype ``soar:outbox:act``."""

from __future__ import annotations

import json
import os
import uuid
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from soarlink.commands.act import Done

SOURCETYPE = "soar:outbox:act"
_BREAKER = "\n==##~~##~~  1E8N3D4E6V5E7N2T9 ~~##~~##==\n"


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
    """Hand events over to Splunk: one file that appears in the spool whole or not at all.

    The format is that of the add-on's result events (``[stash_soar]`` in props.conf).

    Raises:
        OSError: the spool can't be written.
    """
    if not events:
        return
    header = f'***SPLUNK*** index="{index}" source="soaroutboxctl"'
    lines = [
        f'***Common Action Model*** orig_action_name="{event["action"]}" sourcetype="{SOURCETYPE}"\n'
        f"{json.dumps(event, ensure_ascii=True)}"
        for event in events
    ]
    name = f"TA_send_to_soar_{int(now)}_{os.getpid()}_{uuid.uuid4().hex}.stash_soar"
    work = home / "var" / "run" / "splunk" / name
    with work.open("wb") as file:
        file.write(_BREAKER.join((header, *lines)).encode("ascii", "backslashreplace"))
        file.flush()
        os.fsync(file.fileno())
    work.replace(home / "var" / "spool" / "splunk" / name)
