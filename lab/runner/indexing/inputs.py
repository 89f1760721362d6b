"""Which files splunkd reads, and what it takes them for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.runner import conf
from lab.runner.indexing.patterns import path_pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_SCHEME = re.compile(r"(batch|monitor)://(.+)")

SYSTEM: Mapping[str, Mapping[str, str]] = {
    "monitor://$SPLUNK_HOME/var/log/splunk": {"index": "_internal"},
    "batch://$SPLUNK_HOME/var/spool/splunk": {"move_policy": "sinkhole", "crcSalt": "<SOURCE>"},
    "batch://$SPLUNK_HOME/var/spool/splunk/...stash_new": {
        "move_policy": "sinkhole",
        "crcSalt": "<SOURCE>",
        "queue": "stashparsing",
        "sourcetype": "stash_new",
    },
}
"""The inputs that Splunk itself has for the two folders that add-ons write to."""


@dataclass(frozen=True)
class FileInput:
    """One file input.

    Args:
        removes: the file is deleted once it is read (batch), else followed (monitor).
        path: its pattern, SPLUNK_HOME put in.
        settings: what the stanza says.
    """

    removes: bool
    path: str
    settings: Mapping[str, str]

    def takes(self, file: str) -> bool:
        """Tell whether the input reads this file: one that fits its pattern or lies below a folder that does."""
        return bool(
            path_pattern(self.path).fullmatch(file) or path_pattern(self.path.rstrip("/") + "/...").fullmatch(file)
        )


def read_inputs(stanzas: Iterable[Mapping[str, Mapping[str, str]]], home: Path) -> tuple[FileInput, ...]:
    """Read the enabled file inputs, the most specific pattern first.

    Args:
        stanzas: inputs.conf of Splunk and of each app.
        home: SPLUNK_HOME.
    """
    inputs: list[FileInput] = []
    for layer in stanzas:
        for name, settings in layer.items():
            match = _SCHEME.fullmatch(name)
            if match and not conf.is_true(settings, "disabled", default=False):
                inputs.append(FileInput(match[1] == "batch", match[2].replace("$SPLUNK_HOME", str(home)), settings))
    return tuple(sorted(inputs, key=lambda item: len(item.path), reverse=True))
