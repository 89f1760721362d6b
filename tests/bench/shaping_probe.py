"""Measures shaping and mapping inside one process; runs on the product's interpreter, with its library on the path.

``python shaping_probe.py FILE ROUNDS`` prints one JSON object: for each step the processor seconds of every round.
"""

from __future__ import annotations

import csv
import gc
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from soarlink.mapping import shipped
from soarlink.mapping.compiled import SearchContext
from soarlink.plan import parameters
from soarlink.plan.planner import Planner
from soarlink.plan.run import AlertRun
from soarlink.rows.results import Results
from soarlink.soar.client import encode

if TYPE_CHECKING:
    from soarlink.mapping.artifact import MappedRow
    from soarlink.mapping.rowmapper import RowMapper
    from soarlink.rows.row import Row

_RUN = AlertRun(
    action="send_to_soar",
    sid="scheduler__admin__search__RMD5abababababababab_at_1790000000_1",
    search_name="Endpoint - Encoded Command Line - Rule",
    app="search",
    owner="admin",
    results_link="http://sh1:8000/app/search/@go?sid=scheduler__admin__search__RMD5abababababababab_at_1790000000_1",
    server_host="sh1",
    scheduled=True,
)


class _Known:
    """Gives what was mapped before: what is left is the plan's own work."""

    def __init__(self, mapper: RowMapper, rows: Sequence[Row]) -> None:
        self._mapped = {row.position: mapper.map(row) for row in rows}

    def map(self, row: Row) -> MappedRow:
        return self._mapped[row.position]


class Probe:
    """The steps over one results file.

    Args:
        file: plain CSV.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._results = Results(file)
        self._asked = parameters.parse({"max_containers": "0"})
        self._mapping = shipped.load()
        self._rows: list[Row] = list(self._results)

    def steps(self) -> dict[str, Callable[[], int]]:
        """Return what is measured, by name; each returns how many rows it saw."""
        return {
            "baseline": self._baseline,
            "whole": self._whole,
            "read": self._read,
            "map": self._map,
            "plan": self._plan(),
            "encode": self._encode(),
        }

    def _mapper(self) -> RowMapper:
        context = SearchContext(_RUN.search_name, app=_RUN.app)
        return self._mapping.bind(self._results.header(), context, self._asked.mapping)

    def _planner(self) -> Planner:
        return Planner(_RUN, self._asked, self._mapper(), "events")

    def _baseline(self) -> int:
        count = 0
        with self._file.open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                json.dumps(row)
                count += 1
        return count

    def _whole(self) -> int:
        count = 0
        for shipment in self._planner().plan(self._results):
            encode(shipment.embedded())
            count += len(shipment.rows)
        return count

    def _read(self) -> int:
        return sum(1 for _ in self._results)

    def _map(self) -> int:
        mapper = self._mapper()
        for row in self._rows:
            mapper.map(row)
        return len(self._rows)

    def _plan(self) -> Callable[[], int]:
        planner = Planner(_RUN, self._asked, _Known(self._mapper(), self._rows), "events")

        def step() -> int:
            return sum(len(shipment.rows) for shipment in planner.plan(self._rows))

        return step

    def _encode(self) -> Callable[[], int]:
        shipments = list(self._planner().plan(self._results))

        def step() -> int:
            for shipment in shipments:
                encode(shipment.embedded())
            return len(shipments)

        return step


def main() -> int:
    """Measure and print."""
    file, rounds = Path(sys.argv[1]), int(sys.argv[2])
    steps = Probe(file).steps()
    taken: dict[str, list[float]] = {name: [] for name in steps}
    seen: dict[str, Any] = {}
    # The action keeps no rows: those that the steps need must not cost the others time in the garbage collector.
    gc.collect()
    gc.freeze()
    for _ in range(rounds):
        for name, step in steps.items():
            started = time.process_time()
            seen[name] = step()
            taken[name].append(time.process_time() - started)
    if len(set(seen.values())) != 1:
        sys.exit(f"The steps saw different numbers of rows: {seen}")
    json.dump(taken, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
