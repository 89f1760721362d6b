"""Reads what the checks need to know from this search head's disk."""

from __future__ import annotations

import re
import ssl
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from soarlink.delivery.breaker import Breaker
from soarlink.doctor import local_settings
from soarlink.doctor.facts import DiskFacts, Interpreter, Unread, WaitingJournal
from soarlink.doctor.inventory import take
from soarlink.errors import MappingError
from soarlink.filelock import FileLock
from soarlink.journal.journal import JournalStore, journal_root
from soarlink.splunk import conf, rules

if TYPE_CHECKING:
    from collections.abc import Callable

ACTION = "send_to_soar"
_PYTHON = re.compile(r"python(\d)\.(\d+)(?:\.exe)?")


def read(app: Path, home: Path, account: str, clock: Callable[[], float]) -> DiskFacts:
    """Gather the facts.

    Args:
        app: the add-on's folder.
        home: ``$SPLUNK_HOME``.
        account: the account that is asked about; empty when there is none.
        clock: epoch seconds.
    """
    pause = Breaker(journal_root(home) / "breaker", account, clock).pause() if account else None
    major, minor, micro = sys.version_info[:3]
    return DiskFacts(
        mapping=_mapping(app),
        own_rules=tuple(sorted(local_settings.layer(app, "local", rules.CONF))),
        overrides=tuple(local_settings.idle(app, home)),
        journals=tuple(_journals(home, clock())),
        pause="" if pause is None else pause.reason,
        limits=conf.read(app, "alert_actions").get(ACTION, {}),
        interpreter=Interpreter((major, minor, micro), sys.executable, ssl.OPENSSL_VERSION, _brought(home)),
        package=take(app),
    )


def log_age(home: Path, name: str, now: float) -> float | None:
    """Seconds since the last line of an input's log; None when there is no log."""
    try:
        return now - (home / "var" / "log" / "splunk" / f"{name}.log").stat().st_mtime
    except OSError:
        return None


def _mapping(app: Path) -> int | Unread:
    try:
        return len(rules.load(app).rules)
    except MappingError as error:
        return Unread(error.what, error.remedy)


def _brought(home: Path) -> tuple[tuple[int, int], ...]:
    found = (_PYTHON.fullmatch(path.name) for path in (home / "bin").glob("python3.*"))
    return tuple(sorted((int(match[1]), int(match[2])) for match in found if match is not None))


def _journals(home: Path, now: float) -> Iterator[WaitingJournal]:
    root = journal_root(home)
    store = JournalStore(root)
    for key in list(store.keys()):
        folder = root / "journal" / key
        try:
            age = now - (folder / "payload.json").stat().st_mtime
            lock = FileLock(folder / "lock")
            owned = not lock.acquire(wait=False)
        except OSError:
            continue  # over, between the two looks
        lock.release()
        waiting = store.waiting(key)
        if waiting is None:
            yield WaitingJournal(key, age, owned)
        else:
            yield WaitingJournal(key, age, owned, min(age, max(0.0, now - waiting.until)), waiting.why)
