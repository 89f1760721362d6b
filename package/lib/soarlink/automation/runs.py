"""Playbook runs as SOAR shows them: each with what it came to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

from soarlink.automation.verdict import STARTED, Verdict, judge

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from soarlink.soar.client import SoarClient

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 5.0
_AT_ONCE = 200


def verdicts(client: SoarClient, runs: Sequence[Mapping[str, Any]]) -> dict[int, Verdict]:
    """What runs came to: two requests more for those that have begun, for what they asked people and what they did.

    Args:
        client: SOAR.
        runs: records of ``/rest/playbook_run``.
    """
    begun = [run["id"] for run in runs if run.get("status") != "pending"]
    approvals = records_in(client, "approval", "playbook_run", begun)
    actions = records_in(client, "action_run", "playbook_run", begun)
    return {
        run["id"]: judge(
            run,
            [one for one in approvals if one.get("playbook_run") == run["id"]],
            [one for one in actions if one.get("playbook_run") == run["id"]],
        )
        for run in runs
    }


def records_in(
    client: SoarClient, resource: str, name: str, values: Iterable[object], more: Sequence[tuple[str, str]] = ()
) -> list[dict[str, Any]]:
    """The records whose field ``name`` is one of these numbers; ``more`` are further filters, and the order."""
    wanted = [str(value) for value in dict.fromkeys(values)]
    found: list[dict[str, Any]] = []
    for start in range(0, len(wanted), _AT_ONCE):
        listed = ",".join(wanted[start : start + _AT_ONCE])
        found += client.records(resource, ((f"_filter_{name}__in", f"[{listed}]"), *more, ("page_size", "0")))
    return found


def follow(
    client: SoarClient, ids: Iterable[int], goes_on: Callable[[float], bool], pause: Callable[[float], None]
) -> dict[int, Verdict]:
    """Look at runs until all have their verdict, or nobody wants to wait any longer; at least once.

    Args:
        client: SOAR.
        ids: the runs.
        goes_on: whether to wait for so many seconds, and look again.
        pause: waits.

    Raises:
        SoarError: SOAR did not answer; what was seen before is lost, and can be seen again.
    """
    wanted = tuple(dict.fromkeys(ids))
    found = dict.fromkeys(wanted, Verdict(STARTED))
    wait = _FIRST_PAUSE
    while True:
        still = [number for number in wanted if found[number].is_open]
        runs = records_in(client, "playbook_run", "id", still)
        found.update(verdicts(client, runs))
        if not any(found[number].is_open for number in still) or not goes_on(wait):
            return found
        pause(wait)
        wait = min(_LONGEST_PAUSE, wait * 1.5)
