"""The built delivery input meets every fault, again and again: what waits says why, and is in SOAR once in the end."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import pytest

from lab.runner.lab import Lab
from lab.soar import Switches
from tests.addon.conftest import interpreter
from tests.faults.cases import CASES, MAYBE_SENT, NOT_SENT, RETRY_AFTER, SERVER_FAULT, Case
from tests.faults.site import Arrival, Site, check_exactly_once, check_told_once, site
from tools import build

MAX_ARTIFACTS = 200
"""Most of them in one request."""

Item = dict[str, Any]
_PATIENCE = 120.0


def _twice(case: Case) -> Case:
    """Faults that don't pause the server are met twice: by the journal's attempt and by the outbox's."""
    if case.error_class not in {MAYBE_SENT, SERVER_FAULT} or case.unclear_run:
        return case
    faults = tuple(fault if fault.times is None else replace(fault, times=2 * fault.times) for fault in case.faults)
    return replace(case, faults=faults)


TWICE = tuple(_twice(case) for case in CASES)


@dataclass(frozen=True)
class Ended:
    """All cases in one input.

    Args:
        states: the rows' states when the action ended, by case.
        first: each container's row in the outbox after its first attempt, by case.
        spent: whether everything that was to go wrong did, by case.
        before: what was in SOAR of those rows that a person had to resend, before that.
        statuses: of each row, in the log.
        arrivals: what is in SOAR.
        containers: how many there are in all.
    """

    states: Mapping[str, set[str]]
    first: Mapping[str, list[Item]]
    spent: Mapping[str, bool]
    before: Mapping[str, Arrival]
    statuses: Mapping[str, Mapping[str, list[str]]]
    arrivals: Mapping[str, Arrival]
    containers: int


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ended]:
    """The whole table in one lab, with the older Python. SOAR drops no doubled artifact by itself."""
    folder = tmp_path_factory.mktemp("delivery")
    switches = Switches(artifact_dedup="off")
    with (
        Lab(folder / "lab", build=build.build().folder, python=interpreter((3, 9)), switches=switches) as lab,
        site(lab, folder, TWICE) as place,
    ):
        # The secret can't be read: the actions write down and try nothing.
        lab.splunkd.fault("GET", "/storage/passwords", status=503)
        with ThreadPoolExecutor(2) as pool:
            reports = list(pool.map(place.send, TWICE))
        lab.splunkd.clear_faults()
        for case in TWICE:
            place.arm(case)
        states = [{outcome.status for outcome in report.results} for report in reports]
        yield _delivered(place, dict(zip([case.name for case in TWICE], states, strict=True)))
        assert lab.splunkd.unknown_calls == []


def _delivered(place: Site, states: Mapping[str, set[str]]) -> Ended:
    with place.lab.delivery():
        first = _first_attempts(place)
        for case in TWICE:
            if case.trouble or case.is_refused:
                place.recover(case)
    drained = place.lab.drain(wait=120)
    assert (drained.problems, drained.remaining) == ((), 0)
    spent = {name: proxy.is_spent for name, proxy in place.proxies.items()}
    refused = [case for case in TWICE if case.resend is not None]
    before = place.arrivals(refused)
    for case in refused:
        place.resend(case)
    drained = place.lab.drain(wait=120)
    assert (drained.problems, drained.remaining) == ((), 0)
    return Ended(
        states,
        first,
        spent,
        before,
        {case.name: place.statuses(case) for case in TWICE},
        place.arrivals(TWICE),
        place.containers(),
    )


def _first_attempts(place: Site) -> dict[str, list[Item]]:
    """Watch the outbox until every case has been tried; each container as it was seen first."""
    wanted = {case.name: 1 if case.parameters.get("container_per") else case.rows for case in TWICE}
    wanted = {case.name: wanted[case.name] for case in TWICE if not case.unclear_run}
    seen: dict[str, dict[str, Item]] = {name: {} for name in wanted}
    until = time.monotonic() + _PATIENCE
    while any(len(seen[name]) < count for name, count in wanted.items()) and time.monotonic() < until:
        for name, items in place.items().items():
            for item in items:
                seen.get(name, {}).setdefault(item["_key"], item)
        time.sleep(0.2)
    return {name: list(found.values()) for name, found in seen.items()}


def _ids(case: Case) -> str:
    return case.name


@pytest.mark.parametrize("case", TWICE, ids=_ids)
def test_the_action_leaves_it_to_the_input(ended: Ended, case: Case) -> None:
    """Without the account's secret every row is queued."""
    assert ended.states[case.name] == {"queued"}


@pytest.mark.parametrize("case", [case for case in TWICE if not case.unclear_run], ids=_ids)
def test_the_outbox_says_why(ended: Ended, case: Case) -> None:
    """After the first attempt: the error's class and words, and the next attempt where there is one."""
    items = ended.first[case.name]
    assert len(items) == (1 if case.parameters.get("container_per") else case.rows)
    assert {item["state"] for item in items} == {"rejected" if case.is_refused else "pending"}
    # A reset that arrives before the handshake has begun is told as what it is: nothing was sent.
    allowed = {case.error_class, NOT_SENT} if case.name == "reset_at_connect" else {case.error_class}
    assert {item["error_class"] for item in items} <= allowed
    assert all(item["error_text"] for item in items)
    for item in items:
        if not case.is_refused:
            asked = RETRY_AFTER if case.name == "status_429_retry_after" else 2.0
            assert item["next_attempt"] - item["updated"] > asked - 1.0  # moved within a second of the attempt


@pytest.mark.parametrize("case", TWICE, ids=_ids)
def test_every_row_is_in_soar_once(ended: Ended, case: Case) -> None:
    """After recovery: one container, one artifact, one start of playbooks for each row, whatever came before."""
    # What SOAR has carried out is found, not sent again: the rest of its script is never met (two parts: two requests).
    assert ended.spent[case.name] is not (case.is_carried_out and case.rows <= MAX_ARTIFACTS)
    check_exactly_once(case, ended.arrivals[case.name])


@pytest.mark.parametrize("case", TWICE, ids=_ids)
def test_every_row_has_one_terminal_status(ended: Ended, case: Case) -> None:
    """In the order of the log: pending once, then success or failure, then nothing."""
    check_told_once(ended.statuses[case.name], case.rows)
    expected = "failure" if case.state == "rejected" else "success"
    assert {tuple(found) for found in ended.statuses[case.name].values()} == {("pending", expected)}


@pytest.mark.parametrize("case", [case for case in TWICE if case.resend is not None], ids=_ids)
def test_what_was_refused_waits_for_a_person(ended: Ended, case: Case) -> None:
    """Nothing of it goes out by itself."""
    assert not ended.before[case.name].containers


def test_nothing_else_is_in_soar(ended: Ended) -> None:
    """No container beside those of the rows."""
    assert ended.containers == sum(len(arrival.containers) for arrival in ended.arrivals.values())
