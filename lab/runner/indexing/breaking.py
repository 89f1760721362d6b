"""A file's text, broken into events: header line, LINE_BREAKER, TRUNCATE."""

from __future__ import annotations

import mmap
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from lab.runner.indexing.patterns import splunk_regex

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from lab.runner.indexing.event import Event

_HEADER = "***SPLUNK***"
_HEADER_PAIR = re.compile(r'(\w+)=(?:"([^"]*)"|(\S+))')


def chunks(path: Path, settings: Mapping[str, str], start: int, end: int) -> Iterator[str]:
    """Yield the pieces of a file between line breakers, without loading the file.

    Args:
        path: the file.
        settings: its props.
        start: first byte.
        end: byte after the last one.
    """
    if end <= start:
        return
    breaker = re.compile(splunk_regex(settings["LINE_BREAKER"]).encode())
    limit = int(settings["TRUNCATE"])
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        position = start
        while position < end:
            match = breaker.search(content, position, end)
            # The first group is what lies between two events; what the pattern matches beside it belongs to them.
            stop, following = (match.start(1), match.end(1)) if match else (end, end)
            piece = content[position:stop]
            position = following
            text = (piece[:limit] if limit else piece).decode("utf-8", errors="replace").strip("\r\n")
            if text:
                yield text


def with_header(pieces: Iterator[str], template: Event, settings: Mapping[str, str]) -> Iterator[Event]:
    """Turn pieces into events; a ``***SPLUNK***`` line sets their metadata where HEADER_MODE allows one.

    Args:
        pieces: the file's pieces.
        template: an event without text, with the file's metadata.
        settings: the file's props.
    """
    mode = settings.get("HEADER_MODE", "")
    for number, piece in enumerate(pieces):
        text = piece
        if text.startswith(_HEADER) and (mode == "always" or (mode == "firstline" and number == 0)):
            header, _, text = text.partition("\n")
            template = _apply_header(header, template)
            if not text:
                continue
        yield replace(template, raw=text, indexed={})


def _apply_header(line: str, template: Event) -> Event:
    known = {"index", "host", "source", "sourcetype"}
    pairs = {match[1]: match[2] or match[3] or "" for match in _HEADER_PAIR.finditer(line)}
    return template.described({key: value for key, value in pairs.items() if key in known and value})
