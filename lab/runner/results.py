"""The results file: CSV as Splunk writes it, plain or compressed, read as a stream."""

from __future__ import annotations

import csv
import gzip
import io
import shutil
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from lab.runner.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Value: TypeAlias = "str | list[str]"

# The limit that Splunk's own scripts set; the csv module keeps it for the whole process, and offers no other way.
csv.field_size_limit(10_485_760)

_GZIP_MAGIC = b"\x1f\x8b"
_PROBE = 4096


@dataclass(frozen=True)
class Results:
    """What the lab knows about a results file after one pass over it.

    Args:
        path: the file.
        header: its column names, ``__mv_`` columns and all; empty when the file is.
        first: the cells of the first row; empty when there is none.
        count: how many rows there are.
    """

    path: Path
    header: tuple[str, ...]
    first: tuple[str, ...]
    count: int

    def columns(self) -> list[tuple[str, str]]:
        """Give the first row as (column, cell), as the CSV has them."""
        return list(zip(self.header, self.first, strict=False))


def inspect(path: Path) -> Results:
    """Read a results file once from end to end.

    Raises:
        LabError: it isn't there, can't be read, or is no CSV.
    """
    check(path)
    header: tuple[str, ...] = ()
    first: tuple[str, ...] = ()
    count = 0
    for number, cells in enumerate(records(path)):
        if number == 0:
            header = tuple(cells)
            continue
        if number == 1:
            first = tuple(cells)
        count += 1
    return Results(path=path, header=header, first=first, count=count)


def check(path: Path) -> None:
    """Refuse what can't be a results file, by its first bytes.

    Raises:
        LabError: it isn't there, can't be read, or is no CSV.
    """
    if not path.is_file():
        raise LabError(f"{path} is not a file." if path.exists() else f"There is no file {path}.")
    with _reading(path), gzip.open(path) if is_compressed(path) else path.open("rb") as binary:
        probe = binary.read(_PROBE)
    if probe.startswith(_GZIP_MAGIC):
        raise LabError(
            f"{path} is compressed{' twice' if is_compressed(path) else ''}.", "Results end in .csv or .csv.gz."
        )
    if b"\0" in probe:
        raise LabError(f"{path} is not CSV: it holds binary data.")
    if probe.lstrip()[:1] in {b"{", b"["}:
        raise LabError(f"{path} looks like JSON, not CSV.", "Export the search's results as CSV.")


def records(path: Path) -> Iterator[list[str]]:
    """Yield the header and then each row as lists of cells, one at a time; blank lines are no rows.

    Raises:
        LabError: the file is damaged or is no CSV.
    """
    with _reading(path), _text(path) as stream:
        for cells in csv.reader(stream):
            if cells:
                yield cells


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise LabError(f"{path} is no gzip file, or is damaged: {error}.") from error
    except csv.Error as error:
        raise LabError(f"{path} is not CSV as Splunk writes it: {error}.") from error
    except OSError as error:
        raise LabError(f"{path} can't be read: {error.strerror or error}.") from error


@contextmanager
def _text(path: Path) -> Iterator[io.TextIOWrapper]:
    compressed = is_compressed(path)
    with gzip.open(path) if compressed else path.open("rb") as binary:
        # What is no UTF-8 is the add-on's to judge: the lab reads past it.
        yield io.TextIOWrapper(binary, encoding="utf-8-sig", errors="replace", newline="")


def is_compressed(path: Path) -> bool:
    """Tell by its name whether the file is meant to be gzip."""
    return path.name.endswith(".gz")


def copy_compressed(source: Path, target: Path) -> None:
    """Write the results to ``target`` as gzip: byte by byte the same file when it is compressed already."""
    if is_compressed(source):
        shutil.copyfile(source, target)
        return
    with source.open("rb") as plain, gzip.open(target, "wb", compresslevel=6) as compressed:
        shutil.copyfileobj(plain, compressed, 1 << 20)


def write_row(target: Path, header: Sequence[str], cells: Sequence[str]) -> None:
    """Write a results file of one row, as splunkd does for an action that runs once for each result."""
    with gzip.open(target, "wt", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerow(cells)


def as_fields(columns: Sequence[tuple[str, str]]) -> dict[str, Value]:
    """Give a row as splunkd puts it into a payload: multi-value fields as lists, ``__mv_`` columns gone.

    Args:
        columns: (column, cell) in file order.
    """
    multivalues = {name.removeprefix("__mv_"): cell for name, cell in columns if name.startswith("__mv_") and cell}
    fields: dict[str, Value] = {}
    for name, cell in columns:
        if not name.startswith("__mv_"):
            values = decode_multivalue(multivalues.get(name, ""))
            fields[name] = values if len(values) > 1 else cell
    return fields


def decode_multivalue(cell: str) -> list[str]:
    """Decode the cell of a ``__mv_`` column: ``$a$;$b$$c$`` holds ``a`` and ``b$c``. What is no such list gives []."""
    values: list[str] = []
    position = 0
    while position < len(cell) and cell[position] == "$":
        value, position = _quoted(cell, position + 1)
        values.append(value)
        if position >= len(cell):
            return values
        if cell[position] != ";":
            return []
        position += 1
    return []


def _quoted(cell: str, position: int) -> tuple[str, int]:
    parts: list[str] = []
    while True:
        end = cell.find("$", position)
        if end < 0:
            return "".join([*parts, cell[position:]]), len(cell)
        parts.append(cell[position:end])
        if cell[end + 1 : end + 2] != "$":
            return "".join(parts), end + 1
        parts.append("$")
        position = end + 2
