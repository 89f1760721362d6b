"""Results files as Splunk writes them."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Mapping, Sequence
from pathlib import Path

Cell = str | Sequence[str]


def write_results(path: Path, rows: Sequence[Mapping[str, Cell]]) -> Path:
    """Write rows as a gzip'd results file: a list is a multi-value field, written into both of its columns."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = [column for name in names for column in (name, f"__mv_{name}")]
    with gzip.open(path, "wt", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for row in rows:
            writer.writerow([cell for name in names for cell in _cells(row.get(name, ""))])
    return path


def _cells(value: Cell) -> tuple[str, str]:
    if isinstance(value, str):
        return value, ""
    encoded = ";".join("$" + part.replace("$", "$$") + "$" for part in value)
    return "\n".join(value), encoded
