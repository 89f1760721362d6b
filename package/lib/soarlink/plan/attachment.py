"""Files that travel with a container into SOAR's vault: the results, and values that are too large for an artifact."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from soarlink.rows.row import Row

MAX_BYTES = 16 * 1024 * 1024
"""Most bytes in one file. In base64 it is a third larger; SOAR's front end takes about 32 MB (REST reference, 11)."""

_ODD = re.compile(r"[^\w.+-]+", re.ASCII)
_LONGEST_STEM = 80
_MIB = 1024 * 1024


@dataclass(frozen=True)
class Attachment:
    """A file for the vault. The same rows give the same bytes, so its digest tells whether SOAR has it."""

    name: str
    content: bytes

    @property
    def digest(self) -> str:
        """SHA-1 of the bytes, which is SOAR's vault id (REST reference, 8.5)."""
        return hashlib.sha1(self.content, usedforsecurity=False).hexdigest()


class ResultsFile:
    """Takes row after row; holds at most ``limit`` bytes and counts what did not fit.

    Args:
        form: ``csv``, with the columns of the results file and the values of a field on lines of their own, or
            ``json``: an array with one object per result, lists as lists.
        columns: the fields of the results file.
        limit: most bytes.
    """

    def __init__(self, form: str, columns: Sequence[str], limit: int = MAX_BYTES) -> None:
        self._form = form
        self._columns = tuple(columns)
        self._limit = limit - len(b"\n]\n")
        self._content = bytearray()
        self._rows = self._left_out = 0

    def add(self, row: Row) -> None:
        """Take a row; once one did not fit, none after it is taken, so that the file is a prefix of the results."""
        if not self._rows and not self._left_out and self._form == "csv":
            self._content += _csv_line(self._columns or tuple(row.fields))
            self._columns = self._columns or tuple(row.fields)
        if self._left_out:
            self._left_out += 1
            return
        encoded = self._encode(row)
        if len(self._content) + len(encoded) > self._limit:
            self._left_out = 1
            return
        self._content += encoded
        self._rows += 1

    def finish(self, stem: str) -> tuple[Attachment, tuple[str, ...]]:
        """The file, and a note when it does not hold every row."""
        name = f"{safe_stem(stem)}.{self._form}"
        end = b"" if self._form == "csv" else (b"\n]\n" if self._rows else b"[]\n")
        notes: tuple[str, ...] = ()
        if self._left_out:
            total = self._rows + self._left_out
            limit = f"{round(self._limit / _MIB)} MiB" if self._limit >= _MIB else f"{self._limit} bytes"
            notes = (
                f"the attachment {name} holds the first {self._rows} of {total} results: it is limited to {limit}",
            )
        return Attachment(name, bytes(self._content) + end), notes

    def _encode(self, row: Row) -> bytes:
        if self._form == "csv":
            return _csv_line(["\n".join(row.values(name)) for name in self._columns])
        text = json.dumps(plain_fields(row), ensure_ascii=False, separators=(",", ":"))
        return ((",\n" if self._rows else "[\n") + text).encode("utf-8", "backslashreplace")


def whole_row(row: Row) -> Attachment:
    """One result as a JSON file, for values that an artifact can't hold."""
    content = json.dumps(plain_fields(row), ensure_ascii=False, indent=1).encode("utf-8", "backslashreplace")
    return Attachment(f"{safe_stem(f'result-{row.rid}')}.json", content)


def plain_fields(row: Row) -> dict[str, Any]:
    """The row's fields as JSON has them."""
    return {name: value if type(value) is str else list(value) for name, value in row.fields.items()}


def safe_stem(text: str) -> str:
    """A file name that every system takes."""
    return _ODD.sub("_", text)[:_LONGEST_STEM] or "results"


def _csv_line(cells: Sequence[str]) -> bytes:
    # RFC 4180. With another line end CPython 3.9 does not quote a lone carriage return, later versions do.
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue().encode("utf-8", "backslashreplace")
