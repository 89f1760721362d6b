"""The built action meets every fault: each row is queued or refused, says so, and is in SOAR once when it is over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from lab.runner.lab import Lab
from lab.runner.report import Report
from lab.soar import Switches
from tests.addon.conftest import interpreter
from tests.faults.cases import CASES, Case
from tests.faults.proxy import Kind
from tests.faults.site import Arrival, Site, check_exactly_once, check_told_once, site, sources
from tools import build

_AT_ONCE = 3
"""Actions that run side by side; some of them only wait."""


@pytest.fixture(scope="module")
def python() -> Path:
    """The newer Python; the delivery input meets the same with the older one."""
    return interpreter((3, 13))


@dataclass(frozen=True)
class Ended:
    """All cases, one after another, then all of them delivered together.

    Args:
        reports: the actions', right after the fault.
        met: what the proxies did.
        waiting: accounts that had a journal right after.
        before: what was in SOAR of those rows that a person had to resend, before that.
        statuses: of each row, in the log.
        last: what the newest event of each row says.
        arrivals: what is in SOAR.
        containers: how many there are in all.
    """

    reports: Mapping[str, Report]
    met: Mapping[str, list[tuple[str, Kind]]]
    waiting: int
    before: Mapping[str, Arrival]
    statuses: Mapping[str, Mapping[str, list[str]]]
    last: Mapping[str, Mapping[str, str]]
    arrivals: Mapping[str, Arrival]
    containers: int


@pytest.fixture(scope="module")
def ended(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ended]:
    """The whole table in one lab. SOAR drops no doubled artifact by itself."""
    folder = tmp_path_factory.mktemp("action")
    switches = Switches(artifact_dedup="off")
    with (
        Lab(folder / "lab", build=build.build().folder, python=python, switches=switches) as lab,
        site(lab, folder, CASES) as place,
    ):
        for case in CASES:
            place.arm(case)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            reports = dict(zip([case.name for case in CASES], pool.map(place.send, CASES), strict=True))
        met = {name: list(proxy.met) for name, proxy in place.proxies.items()}
        journals = list((lab.home.root / "var/lib/splunk/modinputs/soar_delivery/journal").iterdir())
        yield _recovered(place, reports, met, len(journals))
        assert lab.splunkd.unknown_calls == []


def _recovered(
    place: Site, reports: Mapping[str, Report], met: Mapping[str, list[tuple[str, Kind]]], waiting: int
) -> Ended:
    for case in CASES:
        place.recover(case)
    drained = place.lab.drain(wait=90)
    assert (drained.problems, drained.remaining) == ((), 0)
    refused = [case for case in CASES if case.resend is not None]
    before = place.arrivals(refused)
    for case in refused:
        place.resend(case)
    drained = place.lab.drain(wait=90)
    assert (drained.problems, drained.remaining) == ((), 0)
    arrivals = place.arrivals(CASES)
    return Ended(
        reports,
        met,
        waiting,
        before,
        {case.name: place.statuses(case) for case in CASES},
        {case.name: place.last_states(case) for case in CASES},
        arrivals,
        place.containers(),
    )


def _ids(case: Case) -> str:
    return case.name


@pytest.mark.parametrize("case", CASES, ids=_ids)
def test_every_row_says_what_became_of_it(ended: Ended, case: Case) -> None:
    """Right after the fault: queued with a reason and exit code 0, or rejected with one and another exit code."""
    report = ended.reports[case.name]
    assert {outcome.status for outcome in report.results} == {case.state}
    assert len(report.results) == case.rows
    assert all(outcome.reason for outcome in report.results)
    assert (report.exit_code == 0) is (case.state == "queued")
    kinds = {kind for _, kind in ended.met[case.name]}
    assert kinds >= {fault.kind for fault in case.faults[:1]}


@pytest.mark.parametrize("case", CASES, ids=_ids)
def test_every_row_is_in_soar_once(ended: Ended, case: Case) -> None:
    """After recovery: one container, one artifact, one start of playbooks for each row, whatever came before."""
    check_exactly_once(case, ended.arrivals[case.name])


@pytest.mark.parametrize("case", CASES, ids=_ids)
def test_every_row_has_one_terminal_status(ended: Ended, case: Case) -> None:
    """In the order of the log: pending at most once, then success or failure, then nothing."""
    check_told_once(ended.statuses[case.name], case.rows)
    expected = "failure" if case.state == "rejected" else "success"
    assert {found[-1] for found in ended.statuses[case.name].values()} == {expected}


@pytest.mark.parametrize("case", [case for case in CASES if case.resend is not None], ids=_ids)
def test_what_was_refused_waits_for_a_person(ended: Ended, case: Case) -> None:
    """Nothing of it goes out by itself; after a resend its rows are told."""
    assert not ended.before[case.name].containers
    assert set(ended.last[case.name].values()) <= {"delivered", "updated"}


def test_nothing_else_is_in_soar(ended: Ended) -> None:
    """No container beside those of the rows."""
    assert ended.containers == sum(len(arrival.containers) for arrival in ended.arrivals.values())


def test_each_waiting_alert_is_written_down(ended: Ended) -> None:
    """One journal for each alert; what was refused is kept too, for a person."""
    assert ended.waiting == len(CASES)


def test_a_duplicate_is_an_update(python: Path, tmp_path: Path) -> None:
    """SOAR says 400 and names the container that it has: the rows are updated, and nothing is there twice."""
    first, second = Case("first", ""), Case("second", "")
    with (
        Lab(tmp_path / "lab", build=build.build().folder, python=python) as lab,
        site(lab, tmp_path, [first, second]) as place,
    ):
        # Another account is another call; the container is the same.
        reports = [place.send(first), place.send(replace(first, parameters={"account": second.name}))]
        assert [{outcome.status for outcome in report.results} for report in reports] == [{"delivered"}, {"updated"}]
        numbers = [[outcome.container_id for outcome in report.results] for report in reports]
        assert numbers[0] == numbers[1]
        arrival = place.arrivals([first])[first.name]
        assert arrival.artifacts == dict.fromkeys(sources(first), 1)
        assert set(arrival.triggers.values()) == {1}
