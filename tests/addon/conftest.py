"""What the tests of the built add-on share: a lab for each Python that Splunk ships."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from lab.runner.lab import ACCOUNT, Lab
from lab.runner.report import Report
from lab.runner.request import SendRequest
from tests.addon.results import Cell, write_results
from tests.addon.soar import SoarReader
from tools import build, interpreters

PYTHONS = ((3, 9), (3, 13))

Send = Callable[..., Report]


@pytest.fixture(scope="session", params=PYTHONS, ids=lambda version: ".".join(map(str, version)))
def python(request: pytest.FixtureRequest) -> Path:
    """An interpreter that Splunk runs actions with."""
    return interpreter(request.param)


def interpreter(version: tuple[int, int]) -> Path:
    """This CPython; without it the test is skipped, or fails where CI is set."""
    found = interpreters.find(version)
    if found is None:
        if os.environ.get("CI"):
            pytest.fail(f"CPython {version} is needed and can't be installed here")
        pytest.skip(f"CPython {version} is not on this machine")
    return found.path


@pytest.fixture(scope="session")
def lab(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A running lab with the built add-on; every test uses searches of its own in it."""
    folder = build.build().folder
    with Lab(tmp_path_factory.mktemp("lab"), build=folder, python=python) as running:
        yield running
        assert running.splunkd.unknown_calls == []


@pytest.fixture
def send(lab: Lab, tmp_path: Path) -> Iterator[Send]:
    """Run the action on rows, or on a file; faults that a test ordered end with it."""

    def run(
        rows: Sequence[Mapping[str, Cell]] | Path, parameters: Mapping[str, str] | None = None, **request: object
    ) -> Report:
        path = rows if isinstance(rows, Path) else write_results(tmp_path / "results.csv.gz", rows)
        report = lab.send(SendRequest(path, parameters={"account": ACCOUNT, **(parameters or {})}, **request))  # type: ignore[arg-type]
        assert report.problems == ()
        return report

    yield run
    if lab.soar.stand_in is not None:
        lab.soar.stand_in.admin.clear()


@pytest.fixture(scope="session")
def soar(lab: Lab) -> Iterator[SoarReader]:
    """The stand-in SOAR, read over its REST API."""
    reader = SoarReader(lab)
    yield reader
    reader.close()


Event = dict[str, Any]


@pytest.fixture
def events(lab: Lab) -> Callable[[Report], list[Event]]:
    """The result events of a run, in the order of its results."""

    def read(report: Report) -> list[Event]:
        found = [
            json.loads(event["raw"]) for event in lab.indexes.since({}) if event["sourcetype"] == "soar:action:result"
        ]
        return sorted((event for event in found if event["sid"] == report.sid), key=lambda event: int(event["rid"]))

    return read


@pytest.fixture
def requests_of(lab: Lab) -> Callable[[Callable[[], Report]], tuple[Report, list[str]]]:
    """What a run asks of SOAR: its report, and "METHOD /path" of each request in order."""

    def record(run: Callable[[], Report]) -> tuple[Report, list[str]]:
        assert lab.soar.stand_in is not None
        lab.soar.stand_in.admin.clear_requests()
        report = run()
        return report, [f"{request.method} {request.path}" for request in lab.soar.stand_in.admin.requests]

    return record
