"""The chunked protocol of search commands, version 1.0, as splunkd speaks it."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_HEADER = re.compile(rb"chunked 1\.0,(\d+),(\d+)\n")


@dataclass(frozen=True)
class Answer:
    """What a command answered: its rows, its messages as (type, text), how it ended."""

    rows: Sequence[Mapping[str, str]]
    messages: Sequence[tuple[str, str]]
    code: int

    @property
    def errors(self) -> list[str]:
        """The texts of its errors."""
        return [text for kind, text in self.messages if kind == "ERROR"]

    @property
    def warnings(self) -> list[str]:
        """The texts of its warnings."""
        return [text for kind, text in self.messages if kind == "WARN"]


def chunk(metadata: Mapping[str, Any], body: bytes = b"") -> bytes:
    """One chunk."""
    head = json.dumps(metadata).encode()
    return b"chunked 1.0,%d,%d\n" % (len(head), len(body)) + head + body


def read_answer(data: bytes, code: int) -> Answer:
    """Everything that a command wrote."""
    rows: list[Mapping[str, str]] = []
    messages: list[tuple[str, str]] = []
    while data:
        match = _HEADER.match(data)
        assert match is not None, data[:200]
        sizes, start = [int(size) for size in match.groups()], match.end()
        metadata = json.loads(data[start : start + sizes[0]])
        body = data[start + sizes[0] : start + sum(sizes)].decode()
        data = data[start + sum(sizes) :]
        messages.extend((kind, text) for kind, text in metadata.get("inspector", {}).get("messages", []))
        rows.extend(csv.DictReader(io.StringIO(body, newline="")))
    return Answer(rows, messages, code)
