"""Playbook runs as SOAR shows them: each with what it came to."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Callable

from soarlink.automation.verdict import (
    CANCELLED,
    FAILED,
    REFUSED,
    RUNNING,
    STARTED,
    SUCCEEDED,
    WAITING,
    Verdict,
    judge,
    playbook_of,
)
from soarlink.soar.answer import caller_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from soarlink.soar.client import SoarClient

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 5.0
_AT_ONCE = 200
_PASSED_ON: Mapping[str, tuple[str, ...]] = {RUNNING: (WAITING,), SUCCEEDED: (FAILED, REFUSED, CANCELLED)}
"""Which verdicts of a called run become those of the run that called it, by the own verdict of the latter."""

_NOT_SHOWN = "but SOAR does not show the run: it was deleted, or the account may not view playbooks"


def verdicts(client: SoarClient, runs: Sequence[Mapping[str, Any]]) -> dict[int, Verdict]:
    """What runs came to: three requests more for those that have begun, for what they called, asked people and did.

    A run answers for the playbooks that it called: it waits for their prompts, and is no success when they are none.

    Args:
        client: SOAR.
        runs: records of ``/rest/playbook_run``.
    """
    begun = [run for run in runs if run.get("status") != "pending"]
    called = called_by(client, begun)
    numbers = [run["id"] for run in (*begun, *(one for found in called.values() for one in found))]
    approvals = _by_run(records_in(client, "approval", "playbook_run", numbers))
    actions = _by_run(records_in(client, "action_run", "playbook_run", numbers))

    def judged(run: Mapping[str, Any]) -> Verdict:
        own = judge(run, approvals.get(run["id"], ()), actions.get(run["id"], ()))
        theirs = [(judged(one), playbook_of(one) or one["id"]) for one in called.get(run["id"], ())]
        moved = max([own.moved, *(verdict.moved for verdict, _ in theirs)])
        for verdict, playbook in theirs:
            if verdict.state in _PASSED_ON.get(own.state, ()):
                return replace(verdict, reason=f"{verdict.reason} (playbook {playbook})".lstrip(), moved=moved)
        return replace(own, moved=moved)

    return {run["id"]: judged(run) for run in runs}


def called_by(client: SoarClient, runs: Sequence[Mapping[str, Any]]) -> dict[int, list[dict[str, Any]]]:
    """The runs that runs have started, and those that these have, by the id of the one that called (reference, 6.2).

    SOAR has no filter for them: they are among the later runs of the same containers.
    """
    containers = [run["container"] for run in runs if run.get("container")]
    since = ("_filter_id__gt", str(min((run["id"] for run in runs), default=0)))
    later = records_in(client, "playbook_run", "container", containers, (since,))
    found: dict[int, list[dict[str, Any]]] = {}
    known = {run["id"] for run in runs}
    for one in sorted(later, key=lambda run: int(run["id"])):  # who calls is there before who is called
        caller = caller_of(one)
        if caller in known and caller is not None and caller < one["id"]:
            found.setdefault(caller, []).append(one)
            known.add(one["id"])
    return found


def with_callers(
    client: SoarClient, ids: Iterable[object], query: Sequence[tuple[str, str]] = ()
) -> list[dict[str, Any]]:
    """The records of runs, and of those that have called them, and of those that have called these."""
    found: dict[int, dict[str, Any]] = {}
    wanted: set[object] = set(ids)
    while wanted:
        read = {run["id"]: run for run in records_in(client, "playbook_run", "id", wanted, query)}
        found.update(read)
        callers = {caller_of(run) for run in read.values()}
        wanted = {caller for caller in callers if caller is not None and caller not in found}
    return list(found.values())


def _by_run(records: Iterable[dict[str, Any]]) -> dict[Any, list[dict[str, Any]]]:
    found: dict[Any, list[dict[str, Any]]] = {}
    for one in records:
        found.setdefault(one.get("playbook_run"), []).append(one)
    return found


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
        found.update(dict.fromkeys(still, Verdict(STARTED, _NOT_SHOWN)))
        found.update(verdicts(client, runs))
        if not any(found[number].is_open for number in still) or not goes_on(wait):
            return found
        pause(wait)
        wait = min(_LONGEST_PAUSE, wait * 1.5)
