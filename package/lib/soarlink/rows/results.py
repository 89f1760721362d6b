"""The results file of an alert: gzip'd CSV, read as a stream."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, cast

from soarlink.errors import ResultsError
from soarlink.rows import multivalue
from soarlink.rows.row import Row, Value

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_FIELD_LIMIT = 2**31 - 1  # what C's long holds on every platform; Splunk itself sets no limit on a value
_GZIP_MAGIC = b"\x1f\x8b"


class Results:
    """The rows of one results file, each time anew: ``for row in results``.

    A missing file means that the search had no results (splunkd writes none then). Memory stays flat: rows are made
    one by one.

    Args:
        path: the payload's ``results_file``, gzip'd or plain; None means no results.
        fixed_rid: the result id of per-result alerting, where splunkd gives it with the payload.
        rid_suffix: appended to every rid (the snapshot of a real-time search).

    Raises (while iterating):
        ResultsError: the file can't be read to its end as gzip'd UTF-8 CSV.
    """

    def __init__(
        self, path: Path | None, fixed_rid: str | None = None, rid_suffix: str = "", limit: int | None = None
    ) -> None:
        self._path = path
        self._fixed_rid = fixed_rid
        self._rid_suffix = rid_suffix
        self._limit = limit

    def intact(self) -> tuple[Results, int, ResultsError | None]:
        """The rows that can be read, how many they are, and what is wrong with the file after them.

        Reads the file once to its end: so no container is begun whose rows then can't be read.
        """
        count = 0
        try:
            with self._open() as reader:
                columns = next(reader, None) if reader is not None else None
                for cells in reader if reader is not None and columns is not None else ():
                    if cells:
                        _check(cells, columns or (), count)
                        count += 1
        except ResultsError as error:
            return Results(self._path, self._fixed_rid, self._rid_suffix, count), count, error
        return self, count, None

    def header(self) -> tuple[str, ...]:
        """The field names of the rows, in file order, without ``__mv_`` columns; empty when there are no results."""
        with self._open() as reader:
            columns = next(reader, None) if reader is not None else None
        return () if columns is None else _Columns(columns).names

    def __iter__(self) -> Iterator[Row]:
        if self._limit == 0:
            return
        with self._open() as reader:
            columns = next(reader, None) if reader is not None else None
            if reader is None or columns is None:
                return
            plan = _Columns(columns)
            has_own_rids = self._fixed_rid is not None or "rid" in plan.names
            taken: set[str] = set()
            position = 0
            for cells in reader:
                if not cells:
                    continue  # a blank line at the end of the file is no result
                _check(cells, columns, position)
                fields = plan.fields(cells)
                rid = self._rid(fields, position)
                if has_own_rids:
                    # Two results under one id could not be told apart, neither in SOAR nor by Enterprise Security.
                    rid = f"{rid}#{position}" if rid in taken else rid
                    taken.add(rid)
                yield Row(rid, position, fields)
                position += 1
                if position == self._limit:  # what comes after it can't be read
                    return

    def _rid(self, fields: dict[str, Value], position: int) -> str:
        rid: Value | None = self._fixed_rid
        if rid is None:
            rid = fields.get("rid")
        if rid is None or not isinstance(rid, str):
            rid = str(position)
        return rid + self._rid_suffix

    @contextmanager
    def _open(self) -> Iterator[Iterator[list[str]] | None]:
        csv.field_size_limit(_FIELD_LIMIT)
        if self._path is None:
            yield None
            return
        try:
            if not self._path.exists():
                yield None
                return
            with self._path.open("rb") as raw:
                stream = _text(raw)
                with stream:
                    # Python 3.9's csv refuses NUL, and no database behind SOAR stores it.
                    yield csv.reader((line.replace("\0", "\ufffd") for line in stream), strict=True)
        except (OSError, EOFError, zlib.error, csv.Error) as error:
            raise ResultsError(
                f"The results file {self._path.name} can't be read: {error}.",
                "Run the search again; if it happens again, look at the disk of the dispatch directory.",
            ) from error


def _check(cells: Sequence[str], columns: Sequence[str], position: int) -> None:
    if len(cells) != len(columns):
        raise ResultsError(
            f"Row {position} of the results file has {len(cells)} cells, its header has {len(columns)}.",
            "Run the search again: the file was damaged or cut.",
        )


def _text(raw: IO[bytes]) -> IO[str]:
    # newline="" keeps line breaks inside values; utf-8-sig forgives a byte order mark. A byte that is no UTF-8 shows as
    # \\xNN in its value: one bad byte is no reason to lose an alert.
    is_gzip = raw.read(2) == _GZIP_MAGIC
    raw.seek(0)
    stream = gzip.GzipFile(fileobj=raw) if is_gzip else raw
    return io.TextIOWrapper(cast("IO[bytes]", stream), encoding="utf-8-sig", errors="backslashreplace", newline="")


class _Columns:
    """Which cell of a line belongs to which field."""

    def __init__(self, header: Sequence[str]) -> None:
        singles: dict[str, int] = {}
        multiples: dict[str, int] = {}
        for index, name in enumerate(header):
            if name.startswith(multivalue.PREFIX):
                multiples.setdefault(name[len(multivalue.PREFIX) :], index)
            else:
                singles[_unused(name, singles)] = index
        self._cells: tuple[tuple[str, int, int], ...] = tuple(
            (name, index, multiples.pop(name, -1)) for name, index in singles.items()
        ) + tuple((name, -1, index) for name, index in multiples.items())
        self.names = tuple(name for name, _, _ in self._cells)

    def fields(self, cells: Sequence[str]) -> dict[str, Value]:
        found: dict[str, Value] = {}
        for name, single, multiple in self._cells:
            if multiple >= 0 and cells[multiple]:
                values = multivalue.decode(cells[multiple])
                if values is not None and any(values):
                    found[name] = values[0] if len(values) == 1 else values
                    continue
            if single >= 0 and cells[single]:
                found[name] = cells[single]
        return found


def _unused(name: str, taken: dict[str, int]) -> str:
    """A second column of the same name keeps its values under ``name (2)``."""
    candidate, number = name, 1
    while candidate in taken:
        number += 1
        candidate = f"{name} ({number})"
    return candidate
