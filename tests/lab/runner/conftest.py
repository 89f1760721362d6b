"""The built add-on, and labs that run it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.runner.home import SplunkHome
from lab.runner.lab import BUILD, Lab

RESULTS = (
    "_time,src,dest,user,__mv_user,signature\n"
    '1700000000,203.0.113.7,web01,"anna\nsøren",$anna$;$søren$,"say ""hi"""\n'
    "1700000001,10.0.0.2,198.51.100.8,bob,,plain\n"
    '1700000002,10.0.0.3,web03,eve,,"line\nbreak"\n'
)


@pytest.fixture
def home(tmp_path: Path) -> SplunkHome:
    """A SPLUNK_HOME with the built add-on."""
    home = SplunkHome(tmp_path / "splunk")
    home.lay_out()
    home.install(BUILD)
    return home


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab with the stand-in SOAR, shared: each test sends under search ids of its own."""
    with Lab(tmp_path_factory.mktemp("lab") / "state") as opened:
        yield opened
        assert opened.splunkd.unknown_calls == []


@pytest.fixture
def three_rows(tmp_path: Path) -> Path:
    """A results file of three rows, with a multi-value field, quotes and a line break."""
    path = tmp_path / "three.csv"
    path.write_text(RESULTS, encoding="utf-8")
    return path
