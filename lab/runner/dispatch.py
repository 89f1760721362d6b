"""The dispatch folder of a search: its results and what splunkd notes about it."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from lab.runner.results import copy_compressed, write_row

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lab.runner.search import Search

PER_RESULT = "per_result_alert"
"""The folder in which splunkd puts one results file for each result."""


def write_dispatch(folder: Path, search: Search, results: Path, *, count: int) -> Path:
    """Write the folder of a search that has finished; a folder of the same search is written over.

    Args:
        folder: the dispatch folder.
        search: the search.
        results: its results, CSV or gzip.
        count: how many they are.

    Returns:
        The results file that an action gets.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "results.csv.gz"
    copy_compressed(results, target)
    _write_info(folder / "info.csv", search, count)
    return target


def write_result(folder: Path, number: int, header: Sequence[str], cells: Sequence[str]) -> Path:
    """Write the results file of one result and return it.

    Args:
        folder: the dispatch folder.
        number: the result's position, from 0.
        header: the columns of the whole results file.
        cells: the result.
    """
    target = folder / PER_RESULT / f"tmp_{number}.csv.gz"
    target.parent.mkdir(parents=True, exist_ok=True)
    write_row(target, header, cells)
    return target


def _write_info(path: Path, search: Search, count: int) -> None:
    # The columns that the Common Action Model reads, among those that splunkd writes.
    info = {
        "_sid": search.sid,
        "_timestamp": f"{search.started:.9f}",
        "now": f"{int(search.started)}.000000000",
        "_search_et": f"{int(search.started) - 3600}.000000000",
        "_search_lt": f"{int(search.started)}.000000000",
        "_index_et": "",
        "_index_lt": "",
        "_user": search.owner,
        "_ppc.app": search.app,
        "_ppc.user": search.owner,
        "_countMap": f"result_count;{count};",
        "_search": "",
        "_is_scheduled": "1" if "scheduler" in search.sid else "0",
    }
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, info, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writeheader()
        writer.writerow(info)
