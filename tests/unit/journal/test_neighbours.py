"""Journals that come and go meanwhile, and what does not belong into their folder, stand in nobody's way."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from soarlink.errors import JournalError
from soarlink.filelock import FileLock
from soarlink.journal.journal import Journal, JournalStore

SETTINGS = {"account": "prod"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The delivery input's directory."""
    return tmp_path / "delivery"


@pytest.fixture
def store(root: Path) -> JournalStore:
    """An empty folder of journals at the time 1000."""
    return JournalStore(root, clock=lambda: 1000.0)


def taken(store: JournalStore, key: str) -> Journal:
    """The journal with this key, taken up."""
    journal = store.resume(key)
    assert journal is not None
    return journal


def gone_when_looked_at(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    """Let a file be removed after its folder was listed, as another process does it."""
    listing = os.scandir

    @contextmanager
    def scandir(folder: Path) -> Iterator[list[os.DirEntry[str]]]:
        found = list(listing(folder))
        if folder == path.parent:
            path.unlink()
        yield found

    monkeypatch.setattr(os, "scandir", scandir)


def test_an_alert_is_written_down_while_others_end(store: JournalStore) -> None:
    """How much room the others take is counted while they come and go: a file that is gone costs no alert."""
    failures: list[BaseException] = []
    over = threading.Event()

    def others(name: str) -> None:
        number = 0
        while not over.is_set():
            number += 1
            try:
                store.finish(store.create(f"{name}{number}", {}, None, SETTINGS), 0)
            except JournalError as error:
                failures.append(error)
                return

    threads = [threading.Thread(target=others, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    try:
        for number in range(150):
            store.finish(store.create(f"mine{number}", {}, None, SETTINGS), 0)
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert failures == []


def test_what_ends_while_room_is_counted_counts_nothing(
    store: JournalStore, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is gone between the listing and the look at it."""
    store.create("other", {}, None, SETTINGS).release()
    gone_when_looked_at(monkeypatch, root / "journal/other/settings.json")
    store.create("k", {}, None, SETTINGS).release()
    monkeypatch.undo()
    assert set(store.keys()) == {"k", "other"}


@pytest.mark.parametrize("kind", ["file", "dangling link", "folder", "hidden file"])
def test_what_is_no_journal_is_passed_over(store: JournalStore, root: Path, kind: str) -> None:
    """Whatever somebody put there: it is no journal, and those that are ones are listed and taken up."""
    store.create("k", {}, None, SETTINGS).release()
    foreign = root / "journal" / (".DS_Store" if kind == "hidden file" else "a")
    if kind == "folder":
        foreign.mkdir()
    elif kind == "dangling link":
        foreign.symlink_to(root / "nowhere")
    else:
        foreign.write_text("x", encoding="ascii")
    assert list(store.keys()) == ["k"]
    assert store.resume(foreign.name) is None
    taken(store, "k").release()
    if kind == "folder":
        assert list(foreign.iterdir()) == []


def test_a_journal_that_is_not_ours_to_open_says_so(
    store: JournalStore, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Splunk ran as root once: the journal names its file, so that the others are not stopped by an unknown error."""
    store.create("k", {}, None, SETTINGS).release()

    def refused(self: FileLock, *, wait: bool) -> bool:
        raise PermissionError(13, "Permission denied", str(root / "journal/k/lock"))

    monkeypatch.setattr(FileLock, "acquire", refused)
    with pytest.raises(JournalError, match=r"Permission denied.*journal/k/lock"):
        store.resume("k")


def test_the_lock_of_a_finished_run_is_not_that_of_the_next(
    store: JournalStore, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run ends, and the same one is called again, between the look at the folder and the lock: two owners."""
    first = store.create("k", {}, None, SETTINGS)
    acquire = FileLock.acquire
    second: list[Journal] = []

    def slow(self: FileLock, *, wait: bool) -> bool:
        monkeypatch.setattr(FileLock, "acquire", acquire)
        path = root / "journal/k/lock"
        old = os.open(path, os.O_RDWR)
        store.finish(first, 0)
        second.append(store.create("k", {}, None, SETTINGS))
        with monkeypatch.context() as opened:
            opened.setattr(os, "open", lambda *_: old)
            return acquire(self, wait=wait)

    monkeypatch.setattr(FileLock, "acquire", slow)
    assert store.resume("k") is None
    second[0].release()
    taken(store, "k").release()


def test_litter_that_is_gone_already_stops_no_sweep(
    store: JournalStore, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An action moves its half-made journal out of the folder while it is swept."""
    old = root / "work" / "b"
    for name in ("a", "b", "c"):
        (root / "work").mkdir(parents=True, exist_ok=True)
        (root / "work" / name).write_text("x", encoding="ascii")
    with monkeypatch.context() as meanwhile:
        gone_when_looked_at(meanwhile, old)
        store.forget(before=1e12)
    assert list((root / "work").iterdir()) == []


@pytest.mark.parametrize("folder", ["done", "work"])
def test_an_end_that_can_t_be_kept_is_said(store: JournalStore, root: Path, folder: str) -> None:
    """The journal stays for whoever comes next; it is no unexpected error."""
    journal = store.create("k", {}, None, SETTINGS)
    for path in (root / folder).iterdir() if (root / folder).exists() else ():
        path.unlink()
    if (root / folder).exists():
        (root / folder).rmdir()
    (root / folder).write_text("in the way", encoding="ascii")
    with pytest.raises(JournalError, match="can't be continued"):
        store.finish(journal, 0)
    journal.release()
    (root / folder).unlink()
    store.finish(taken(store, "k"), 0)
    assert list(store.keys()) == []
