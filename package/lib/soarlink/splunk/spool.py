"""Events handed over to Splunk as files: each appears in the spool whole or not at all.

The format is the stash of the Common Action Model (``[stash_soar]`` in props.conf): a line for the file, then events,
each with a header line of its own. When :func:`put` returns, the events are on disk and splunkd takes them
up, also after a crash: a pipe to splunkd gives no such answer.
"""

from __future__ import annotations

import contextlib
import os
import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_BREAKER = "\n==##~~##~~  1E8N3D4E6V5E7N2T9 ~~##~~##==\n"


def stamped(text: str, sourcetype: str, **headers: str) -> str:
    """An event with its header line.

    Args:
        text: the event.
        sourcetype: its sourcetype; one of those that ``[soar_stash_sourcetype]`` in transforms.conf takes.
        headers: fields that are written into the index, such as ``orig_sid``.
    """
    fields = "".join(f'{name}="{value}" ' for name, value in headers.items())
    return f'***Common Action Model*** {fields}sourcetype="{sourcetype}"\n{text}'


def put(home: Path, *, index: str, source: str, events: Iterable[str], now: float) -> None:
    """Hand events over.

    Args:
        home: ``$SPLUNK_HOME``.
        index: where they go.
        source: their source.
        events: each as :func:`stamped` gives it.
        now: seconds since 1970, for the file's name.

    Raises:
        OSError: the spool can't be written.
    """
    header = f'***SPLUNK*** index="{index}" source="{source}"'
    place(home, _BREAKER.join((header, *events)), now)


def place(home: Path, text: str, now: float) -> None:
    """Hand over a file of events as it is.

    Args:
        home: ``$SPLUNK_HOME``.
        text: the whole file.
        now: seconds since 1970, for the file's name.

    Raises:
        OSError: the spool can't be written; nothing of the file is left behind.
    """
    name = f"TA_send_to_soar_{int(now)}_{os.getpid()}_{uuid.uuid4().hex}.stash_soar"
    work = home / "var" / "run" / "splunk" / name
    try:
        with work.open("wb") as file:
            file.write(text.encode("utf-8", "backslashreplace"))
            file.flush()
            os.fsync(file.fileno())
        work.replace(home / "var" / "spool" / "splunk" / name)
    except OSError:
        with contextlib.suppress(OSError):
            work.unlink()
        raise
