"""The server's vocabulary, kept in a file so that most runs need no request for it.

A file per account. It holds names and ids, no secret; a server at another address is another server. A run fetches
only what it asks for: a part that the file lacks, that is older than :data:`MAX_AGE`, or that lacks a name. The
delivery input puts in what it lists anyway (see :meth:`SnapshotFile.add`).
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable

from soarlink.errors import AuthFailed, Refused, SoarError
from soarlink.plan.naming import REQUIRED
from soarlink.plan.vocabulary import PARTS, Entry, Vocabulary

if TYPE_CHECKING:
    from pathlib import Path

MAX_AGE = 3_600.0
"""Seconds after which a part is fetched again when it is needed."""

SETTLED = 60.0
"""Seconds in which a part is not fetched a second time for a name that it lacks: there may be many runs."""

FORMAT = 1

Tables = Mapping[str, Mapping[str, Entry]]
Missing = Callable[[Vocabulary], frozenset[str]]
Fetch = Callable[[str], Tables]


@dataclass(frozen=True)
class Part:
    """One part of the vocabulary and when it was fetched, seconds since 1970."""

    fetched: float
    names: Mapping[str, Entry]


class SnapshotFile:
    """The parts that were fetched from one server.

    Args:
        path: the file; made when absent, replaced as a whole.
        server: the server's address.
    """

    def __init__(self, path: Path, server: str) -> None:
        self._path = path
        self._server = server

    def read(self) -> dict[str, Part]:
        """What the file holds; nothing when it is absent, damaged, or another server's."""
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        if not isinstance(content, dict) or content.get("format") != FORMAT or content.get("server") != self._server:
            return {}
        parts = content.get("parts")
        return {} if not isinstance(parts, dict) else {name: part for name in PARTS for part in _parts(parts.get(name))}

    def add(self, tables: Tables, now: float) -> None:
        """Put in what was fetched at ``now``; the other parts stay."""
        self.write({**self.read(), **{name: Part(now, names) for name, names in tables.items()}})

    def write(self, parts: Mapping[str, Part]) -> None:
        """Replace the file in one step. A file that can't be written costs a request next time, nothing else."""
        content = {
            "format": FORMAT,
            "server": self._server,
            "parts": {name: {"fetched": part.fetched, "names": part.names} for name, part in parts.items()},
        }
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle, work = tempfile.mkstemp(dir=self._path.parent, prefix=f"{self._path.name}.")
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    json.dump(content, file, ensure_ascii=False)
                os.replace(work, self._path)  # noqa: PTH105 - work is a string
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(work)  # noqa: PTH108 - the same
                raise


def vocabulary(
    missing: Missing,
    file: SnapshotFile,
    fetch: Fetch | None,
    clock: Callable[[], float],
    judged: frozenset[str] = frozenset(),
) -> Vocabulary:
    """The vocabulary with every part that a run needs.

    Args:
        missing: the parts in which a vocabulary lacks a name that the run asks for.
        file: what was fetched before.
        fetch: one part, and what comes with it, from SOAR; None when nothing may be asked.
        clock: seconds since 1970.
        judged: parts that are only checked: where the list can't be had the run goes on, and no name is refused for
            a list that is out of date.

    Raises:
        SoarError: a part without which the run can't go on was never fetched and can't be fetched now.
    """
    known, now = file.read(), clock()
    young = {name: part for name, part in known.items() if 0 <= now - part.fetched < MAX_AGE}
    if fetch is None:
        return _vocabulary({name: part for name, part in known.items() if name in young or name not in judged})
    lacking = missing(_vocabulary(young))
    if len(young) < len(known):
        lacking |= missing(_vocabulary(known))
    fetched: dict[str, Part] = {}
    unsure: set[str] = set()
    for name in sorted(lacking):
        if name not in fetched and not _is_settled(known.get(name), now):
            try:
                fetched.update({part: Part(now, names) for part, names in fetch(name).items()})
            except SoarError as error:
                if name not in judged and not _goes_without(name, error, known):
                    word = name.replace("_", " ")
                    raise error.reworded(
                        f"The alert needs SOAR's list of names ({word}), which can't be read: {error.what}"
                    ) from error
                unsure.add(name)
    if fetched:
        known = {**known, **fetched}
        file.write(known)
    return _vocabulary({name: part for name, part in known.items() if name not in unsure & judged})


def _goes_without(name: str, error: SoarError, known: Mapping[str, Part]) -> bool:
    """Whether a part that can't be fetched stops nothing."""
    if name in known:
        return True  # an old list is better than none
    # What is not for this user to read is SOAR's own to judge, where SOAR wants no id.
    return name not in REQUIRED and isinstance(error, (AuthFailed, Refused))


def _is_settled(part: Part | None, now: float) -> bool:
    return part is not None and 0 <= now - part.fetched < SETTLED


def _vocabulary(parts: Mapping[str, Part]) -> Vocabulary:
    return Vocabulary({name: part.names for name, part in parts.items()})


def _parts(content: Any) -> list[Part]:
    if not isinstance(content, dict):
        return []
    fetched, names = content.get("fetched"), content.get("names")
    if not isinstance(fetched, (int, float)) or not isinstance(names, dict):
        return []
    return [Part(float(fetched), {str(name): entry for name, entry in names.items() if isinstance(entry, (int, str))})]
