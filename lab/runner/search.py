"""The search that an action runs for: its id, its names, its times."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import itertools
import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING
from urllib.parse import quote

from lab.runner.errors import LabError

if TYPE_CHECKING:
    from pathlib import Path

_PLAIN = re.compile(r"[A-Za-z0-9]+")
_LONGEST_SID = 200


class Mode(Enum):
    """How an action comes to run."""

    SAVED = "saved"
    """By a scheduled saved or correlation search, once for all its results."""
    ADHOC = "adhoc"
    """By an analyst in Incident Review, or by ``| sendalert``."""
    PER_RESULT = "per-result"
    """By a scheduled search, once for each of its results."""


@dataclass(frozen=True)
class Search:
    """One run of a search.

    Args:
        sid: the search id, also the name of its dispatch folder.
        mode: how the action comes to run.
        name: the saved search's name; empty for an ad hoc search.
        app: app context.
        owner: user context.
        started: when it was dispatched, seconds since the epoch.
    """

    sid: str
    mode: Mode
    name: str
    app: str
    owner: str
    started: float

    @property
    def uri(self) -> str:
        """REST path of the saved search."""
        return f"/servicesNS/nobody/{quote(self.app, safe='')}/saved/searches/{quote(self.name, safe='')}"


def mode_of(sid: str) -> Mode:
    """Tell how a search with this id was run, as the Common Action Model does."""
    return Mode.SAVED if "scheduler" in sid else Mode.ADHOC


def check_sid(sid: str) -> str:
    """Refuse a search id that can't be the name of a dispatch folder."""
    if not sid or sid in {".", ".."} or len(sid) > _LONGEST_SID or re.search(r"[\x00-\x20/\\]", sid):
        raise LabError(f"{sid!r} can't be a search id.", "Example: scheduler__admin__search__RMD5abc_at_1700000000_1.")
    return sid


def claim_sid(mode: Mode, *, name: str, app: str, owner: str, now: float, dispatch: Path) -> str:
    """Make a search id in splunkd's form, and the folder in ``dispatch`` that makes it ours.

    Args:
        mode: how the action comes to run.
        name: the saved search's name.
        app: app context.
        owner: user context.
        now: seconds since the epoch.
        dispatch: folder of the searches that have run.
    """
    digest = hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()[:16]
    for number in itertools.count(1):
        sid = f"scheduler__{_context(owner, app)}__RMD5{digest}_at_{int(now)}_{number}"
        if mode is Mode.ADHOC:
            sid = f"{int(now)}.{number}"
        with contextlib.suppress(FileExistsError):
            (dispatch / sid).mkdir()
            return sid
    raise AssertionError


def _context(owner: str, app: str) -> str:
    # splunkd writes an app's name in base64 unless it is letters and digits only.
    if _PLAIN.fullmatch(app):
        return f"{owner}__{app}"
    return f"{owner}_{base64.urlsafe_b64encode(app.encode()).decode().rstrip('=')}"
