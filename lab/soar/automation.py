"""What active playbooks do when something comes into a container."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.soar.playbook import start_run

if TYPE_CHECKING:
    from lab.soar.call import Call
    from lab.soar.storage import Store


def fire(call: Call) -> None:
    """Start a run of every active automation playbook whose labels match, once for each trigger of the call."""
    if not call.triggers:
        return
    with call.store.transaction():
        active = call.store.select("playbook", "active AND NOT disabled AND playbook_type = 'automation'")
        now = call.now()
        for trigger in call.triggers:
            call.store.execute(
                "INSERT INTO automation_trigger (container, artifact, time) VALUES (?, ?, ?)",
                (trigger.container_id, trigger.artifact_id, now),
            )
            found = call.store.execute("SELECT label FROM container WHERE id = ?", (trigger.container_id,))
            for playbook in active:
                if found and {"*", found[0][0]} & set(playbook["labels"]):
                    start_run(call, playbook, trigger.container_id, scope=["new"], inputs={})
        call.triggers.clear()


def trigger_counts(store: Store) -> dict[int, int]:
    """How often automation was triggered, by container."""
    statement = "SELECT container, count(*) FROM automation_trigger GROUP BY container ORDER BY container"
    return {int(container): int(count) for container, count in store.execute(statement)}
