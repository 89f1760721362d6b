"""Paths below `$SPLUNK_HOME`."""
# ruff: noqa: PTH118 - os.path keep start-up small

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def get_base_etc() -> str:
    """Return `$SPLUNK_HOME`."""
    return os.environ["SPLUNK_HOME"]


def make_splunkhome_path(parts: Iterable[str]) -> str:
    """Join `parts` to `$SPLUNK_HOME`.

    Raises:
        ValueError: the result would lie outside.
    """
    home = os.path.normpath(get_base_etc())
    path = os.path.normpath(os.path.join(home, *parts))
    if path != home and not path.startswith(home.rstrip(os.sep) + os.sep):
        raise ValueError(f"Illegal escape from parent directory {home!r}: {path!r}")
    return path
