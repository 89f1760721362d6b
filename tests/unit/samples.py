"""Rows, runs, shipments and results files that the tests build from."""

from __future__ import annotations

import csv
import gzip
import io
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from soarlink.delivery.breaker import Breaker
from soarlink.delivery.gate import Gate
from soarlink.mapping.artifact import MappedArtifact, MappedRow
from soarlink.plan import parameters
from soarlink.plan.parameters import SendParameters
from soarlink.plan.planner import Planner
from soarlink.plan.run import AlertRun
from soarlink.plan.shipment import RowAccount, Shipment
from soarlink.rows import multivalue
from soarlink.rows.row import Row, Value

SCHEDULED_SID = "scheduler__admin__search__RMD5abc_at_1700000100_1"


def make_row(position: int = 0, rid: str | None = None, **fields: Value) -> Row:
    """A result; its rid is its position when none is given."""
    return Row(str(position) if rid is None else rid, position, fields)


def make_run(**changes: Any) -> AlertRun:
    """A scheduled run of `send_to_soar`."""
    facts: dict[str, Any] = {"action": "send_to_soar", "sid": SCHEDULED_SID, "scheduled": True, **changes}
    return AlertRun(**facts)


def asked(**changes: str) -> SendParameters:
    """Parsed parameters: the defaults with these changes."""
    return parameters.parse(changes)


class CountingMapper:
    """Makes as many artifacts of a row as its field `artifacts` says (one when it says nothing)."""

    def map(self, row: Row) -> MappedRow:
        """One CEF field per artifact, so that each has a content of its own."""
        count = int(row.first("artifacts") or "1")
        made = (MappedArtifact({"cs1": row.first("name") or row.rid, "cn1": str(n)}, {}) for n in range(count))
        return MappedRow(tuple(made), tuple(row.fields), (), {})


class RowList:
    """Rows that can be read again and again; counts how often, and how many rows were handed out."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = rows
        self.passes = 0
        self.handed_out = 0

    def __iter__(self) -> Iterator[Row]:
        self.passes += 1
        for row in self.rows:
            self.handed_out += 1
            yield row


def plan(rows: Sequence[Row], run: AlertRun | None = None, **changes: str) -> list[Shipment]:
    """The shipments of these rows."""
    planner = Planner(run or make_run(), asked(**changes), CountingMapper(), "events")
    return list(planner.plan(RowList(rows)))


def make_account(position: Any = 0, artifacts: Any = 1, **changes: Any) -> RowAccount:
    """The account of a row."""
    facts: dict[str, Any] = {
        "position": position,
        "rid": str(position),
        "orig_sid": "",
        "orig_rid": "",
        "artifacts": artifacts,
        "mapped": 2,
        "kept": 1,
        "dropped": (),
        **changes,
    }
    return RowAccount(**facts)


def open_gate(folder: Path, seconds: float | None = None) -> Gate:
    """A gate that nothing but its time and what it learns closes; breakers are kept in the folder."""
    return Gate(Breaker(folder, "lab", time.time), seconds, time.monotonic)


def csv_bytes(header: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    """A results file as Splunk writes it: every value quoted, lines end with a line feed."""
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([header, *rows])
    return text.getvalue().encode("utf-8")


def write_results(path: Path, rows: Sequence[dict[str, Value]]) -> Path:
    """A gzip'd results file with an `__mv_` column beside each field."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    header = [column for name in names for column in (name, multivalue.PREFIX + name)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(csv_bytes(header, [_cells(row, names) for row in rows])))
    return path


def _cells(row: dict[str, Value], names: Sequence[str]) -> list[str]:
    cells: list[str] = []
    for name in names:
        value = row.get(name, "")
        cells += [value, ""] if isinstance(value, str) else ["\n".join(value), multivalue.encode(value)]
    return cells
