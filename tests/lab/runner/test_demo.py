"""The demo's incident is what its script makes, and the demo shows that it arrived."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
from pathlib import Path

from lab.demo.incident import NOTABLES_FILE, notables, write
from lab.demo.notable import Table
from lab.runner.lab import REPOSITORY
from lab.runner.results import as_fields, records


def test_committed_file_is_what_the_script_writes(tmp_path: Path) -> None:
    """notables.csv is up to date."""
    write(tmp_path / "notables.csv")
    assert NOTABLES_FILE.read_bytes() == (tmp_path / "notables.csv").read_bytes()


def test_table_reads_back_as_it_was_written() -> None:
    """Multi-value fields, dollar signs and missing columns survive the way through Splunk's CSV."""
    stream = io.StringIO(newline="")
    Table([{"a": ("x;y", "$5$"), "b": "1"}, {"c": "$2\n"}]).write(stream)
    header, *rows = csv.reader(io.StringIO(stream.getvalue(), newline=""))
    assert [as_fields(list(zip(header, row, strict=True))) for row in rows] == [
        {"a": ["x;y", "$5$"], "b": "1", "c": ""},
        {"a": "", "b": "", "c": "$2\n"},
    ]


def test_notables_are_several_kinds_and_have_what_incident_review_has() -> None:
    """A dozen notables over five security domains, each with its own event id, in the order of time."""
    header, *rows = records(NOTABLES_FILE)
    fields = [as_fields(list(zip(header, row, strict=True))) for row in rows]
    assert len(fields) == len(notables()) == 12
    assert len({row["event_id"] for row in fields}) == 12
    assert {row["security_domain"] for row in fields} == {"access", "endpoint", "identity", "network", "threat"}
    times = [float(str(row["_time"])) for row in fields]
    assert times == sorted(times)
    assert all(row["orig_sid"] and row["orig_rid"] for row in fields)


def test_demo_shows_twelve_containers_and_where_to_look(tmp_path: Path) -> None:
    """`python -m lab.demo` ends well twice in a row, with links, data types and no second container."""
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-m", "lab.demo"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY), "NO_COLOR": "1", "COLUMNS": "200"},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.count("/mission/") == 12
        assert "sourceAddress" in done.stdout
        assert "Sent once more: 0 new containers, 0 new artifacts" in done.stdout
        assert "(12 updated)" in done.stdout
        assert "splunk_triage ran on 12 containers" in done.stdout
        assert "Brought back from SOAR: 12 soar:container, " in done.stdout
        assert "12 soar:playbook_run. Playbook runs: " in done.stdout
        assert "serve --state .lab/demo" in done.stdout
