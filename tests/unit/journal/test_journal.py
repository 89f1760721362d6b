"""A run is on disk before anything goes out, and is found again by whoever comes after a crash."""

from __future__ import annotations

import gzip
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from soarlink.errors import JournalError
from soarlink.filelock import FileLock
from soarlink.journal.journal import AlreadyJournaled, JournalStore, run_key
from soarlink.journal.ledger import FREE, INTENDED, Ledger, RunNote, SentContainer, Waiting

PAYLOAD = {"sid": "scheduler__a", "session_key": "very-secret", "configuration": {"label": "events"}}
SETTINGS = {"account": "prod"}


@pytest.fixture
def store(tmp_path: Path) -> JournalStore:
    """An empty folder of journals at the time 1000."""
    return JournalStore(tmp_path / "delivery", clock=lambda: 1000.0)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A results file."""
    path = tmp_path / "results.csv.gz"
    path.write_bytes(b"\x1f\x8brows")
    return path


def test_everything_but_the_session_key_is_written_down(store: JournalStore, results: Path) -> None:
    """Payload, results and settings come back as they were; the session key is nowhere."""
    store.create("k", PAYLOAD, results, SETTINGS).release()
    journal = store.resume("k")
    assert journal is not None
    assert json.loads(journal.payload()) == {**PAYLOAD, "session_key": ""}
    assert journal.settings()["account"] == "prod"
    assert journal.results is not None
    assert journal.results.read_bytes() == results.read_bytes()
    for file in journal.path.iterdir():
        assert b"very-secret" not in file.read_bytes()


def test_nobody_else_may_read_it(store: JournalStore, results: Path) -> None:
    """Files are 0600 and folders 0700."""
    journal = store.create("k", PAYLOAD, results, SETTINGS)
    assert stat.S_IMODE(journal.path.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in journal.path.iterdir()} == {0o600}


def test_one_owner_at_a_time(store: JournalStore, results: Path) -> None:
    """A journal in work can't be taken up; a released one can."""
    journal = store.create("k", PAYLOAD, results, SETTINGS)
    assert store.resume("k") is None
    journal.release()
    assert store.resume("k") is not None


def test_a_crash_releases_it(tmp_path: Path, store: JournalStore) -> None:
    """A process that is killed while it owns a journal leaves it free for the next."""
    script = (
        "import os, signal; from pathlib import Path; from soarlink.journal.journal import JournalStore;"
        f"JournalStore(Path({str(tmp_path / 'delivery')!r})).create('k', {{}}, None, {{}});"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    path = os.pathsep.join(sys.path)
    done = subprocess.run([sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": path}, check=False)
    assert done.returncode < 0
    assert store.resume("k") is not None


def test_a_rerun_meets_the_run_under_way(store: JournalStore, results: Path) -> None:
    """The same run is not written down twice, and the first one is not touched."""
    first = store.create("k", PAYLOAD, results, SETTINGS)
    with pytest.raises(AlreadyJournaled):
        store.create("k", {"sid": "other"}, None, {})
    assert json.loads(first.payload())["sid"] == "scheduler__a"


def test_the_end_is_remembered_for_a_while(store: JournalStore, results: Path) -> None:
    """A finished run is gone from the journals, its exit code is known until it is forgotten."""
    store.finish(store.create("k", PAYLOAD, results, SETTINGS), exit_code=4)
    assert list(store.keys()) == []
    finished = store.finished("k")
    assert finished is not None
    assert (finished.exit_code, finished.finished) == (4, 1000.0)
    store.forget(before=2_000_000_000_000.0)
    assert store.finished("k") is None


def test_results_that_are_compressed_anew_are_the_same_results(tmp_path: Path) -> None:
    """The time in the gzip header says nothing; everything else counts."""
    keys = set()
    for name, content, time in (("a", b"x,y\n1,2\n", 1), ("b", b"x,y\n1,2\n", 2_000_000_000), ("c", b"x,y\n1,3\n", 1)):
        (tmp_path / name).write_bytes(gzip.compress(content, mtime=time))
        keys.add(run_key("send_to_soar", "sid", "0", tmp_path / name))
    assert len(keys) == 2
    for name, content in (("d", b"abcd1234rest"), ("e", b"abcd5678rest")):
        (tmp_path / name).write_bytes(content)
        keys.add(run_key("send_to_soar", "sid", "0", tmp_path / name))
    assert len(keys) == 4


def test_a_second_call_is_known(store: JournalStore, tmp_path: Path) -> None:
    """By action, search and result, for as long as finished runs are known; where it can't be known it may be one."""
    assert store.note_call("send_to_soar", "sid", "0")
    assert not store.note_call("send_to_soar", "sid", "0")
    for other in (("x", "sid", "0"), ("send_to_soar", "sid2", "0"), ("send_to_soar", "sid", "1")):
        assert store.note_call(*other)
    store.forget(before=2_000_000_000_000.0)
    assert store.note_call("send_to_soar", "sid", "0")
    (tmp_path / "file").write_text("", "ascii")
    assert not JournalStore(tmp_path / "file").note_call("send_to_soar", "sid", "0")


def test_what_the_outbox_has_is_remembered(store: JournalStore) -> None:
    """Of a run that is over: what it is to deliver, not what it keeps for a person."""
    journal = store.create("k", PAYLOAD, None, SETTINGS)
    journal.ledger.note_rejected("refused", "no")
    journal.ledger.note_sent("part", SentContainer(7, existed=False, refused={0: "no"}))
    journal.ledger.note_moved("refused", "part", "waits")
    store.finish(journal, 0)
    finished = store.finished("k")
    assert finished is not None
    assert finished.moved == ("waits",)
    again = store.create("k", PAYLOAD, None, SETTINGS)
    assert again.ledger.is_moved("waits")
    assert not again.ledger.is_moved("refused")
    again.release()


def test_unfinished_runs_are_listed_oldest_first(store: JournalStore) -> None:
    """The delivery input sees what waits, in the order in which it came."""
    for number, key in enumerate(("c", "a", "b")):
        journal = store.create(key, PAYLOAD, None, SETTINGS)
        os.utime(journal.path / "payload.json", (number, number))
    assert list(store.keys()) == ["c", "a", "b"]


def test_room_is_bounded(tmp_path: Path, results: Path) -> None:
    """Beyond the bound an alert is refused with the figures, and nothing is left behind."""
    store = JournalStore(tmp_path / "delivery", max_bytes=3)
    with pytest.raises(JournalError, match="bound of 3"):
        store.create("k", PAYLOAD, results, SETTINGS)
    assert list(store.keys()) == []


@pytest.mark.parametrize(("number", "words"), [(28, "is full"), (30, "can't be written down: Read-only")])
def test_a_disk_that_takes_nothing_is_said_plainly(
    store: JournalStore, monkeypatch: pytest.MonkeyPatch, number: int, words: str
) -> None:
    """A full or read-only disk becomes the reason, and no half journal remains."""

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(JournalError, match=words):
        store.create("k", PAYLOAD, None, SETTINGS)
    monkeypatch.undo()
    assert list(store.keys()) == []


def test_an_unknown_format_is_refused(store: JournalStore) -> None:
    """A journal of another version of the add-on is not guessed at."""
    journal = store.create("k", PAYLOAD, None, SETTINGS)
    (journal.path / "settings.json").write_text('{"format": 99}', encoding="ascii")
    with pytest.raises(JournalError, match="format 99"):
        journal.settings()


def test_a_mapping_is_kept_once(store: JournalStore) -> None:
    """The rules behind a digest are written when they are new, and read back."""
    made: list[int] = []

    def rules() -> dict[str, dict[str, str]]:
        made.append(1)
        return {"rule": {"fields": "src"}}

    for _ in range(2):
        store.save_mapping("d" * 64, rules)
    assert made == [1]
    assert store.mapping("d" * 64) == {"rule": {"fields": "src"}}
    with pytest.raises(JournalError, match="can't be read"):
        store.mapping("e" * 64)


def test_the_key_names_the_call(results: Path, tmp_path: Path) -> None:
    """The same call has the same key; another search, result or file has another."""
    other = tmp_path / "other.csv.gz"
    other.write_bytes(b"\x1f\x8bmore")
    keys = {
        run_key("a", "s", None, results),
        run_key("a", "s", "1", results),
        run_key("a", "t", None, results),
        run_key("b", "s", None, results),
        run_key("a", "s", None, other),
        run_key("a", "s", None, None),
    }
    assert len(keys) == 6
    assert run_key("a", "s", None, results) in keys


def test_a_ledger_is_read_back(tmp_path: Path) -> None:
    """Everything that was noted is known again by the next reader."""
    ledger = Ledger(tmp_path / "ledger")
    ledger.note_sent("c1", SentContainer(12, existed=True, refused={3: "too large"}))
    ledger.note_rejected("c2", "no such label")
    ledger.note_run("c1", "local/x", RunNote(INTENDED))
    ledger.note_run("c1", "local/x", RunNote("started", id="46"))
    ledger.note_told([3, 4], "rejected")
    ledger.note_moved("c3")
    waiting = Waiting("maybe sent", "cut", None, unclear=True, since=1.0, not_before=121.0)
    ledger.note_waiting("c4", waiting)
    ledger.close()
    again = Ledger(tmp_path / "ledger")
    assert again.sent("c1") == SentContainer(12, existed=True, refused={3: "too large"})
    assert again.sent("c2") is None
    assert again.rejection("c2") == "no such label"
    assert again.run("c1", "local/x") == RunNote("started", id="46")
    assert again.run("c1", "local/y") is None
    assert again.is_told(3, "rejected")
    assert again.is_told(4, "rejected")
    assert not again.is_told(3, "queued")
    assert again.is_moved("c3")
    assert again.waiting("c4") == waiting
    assert again.waiting("c1") is None
    assert again.runs_of("c1") == [("local/x", RunNote("started", id="46"))]


def test_a_cut_line_is_no_line(tmp_path: Path) -> None:
    """What a crash cut is forgotten, and the next line starts clean."""
    path = tmp_path / "ledger"
    ledger = Ledger(path)
    ledger.note_sent("c1", SentContainer(1, existed=False))
    ledger.close()
    for cut in range(1, path.stat().st_size):
        copy = tmp_path / "cut"
        copy.write_bytes(path.read_bytes()[:cut])
        torn = Ledger(copy)
        assert torn.sent("c1") is None
        torn.note_told([5], "delivered")
        torn.close()
        assert Ledger(copy).is_told(5, "delivered")


SHORT_OF_ROOM = """
import resource, sys
from pathlib import Path
from soarlink.errors import JournalError
from soarlink.journal.ledger import Ledger
ledger = Ledger(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
noted = 0
try:
    while True:
        ledger.note_rejected(f"a{noted}", "no")
        noted += 1
except JournalError as error:
    assert "can't be continued" in str(error), error
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
assert ledger.rejection(f"a{noted}") is None
ledger.note_rejected("later", "no")
print(noted)
"""


@pytest.mark.skipif(os.name != "posix", reason="limits of files are POSIX's")
def test_a_disk_that_takes_half_a_line_damages_nothing(tmp_path: Path) -> None:
    """A line that did not fit is gone, said, and not continued by the next one."""
    path = tmp_path / "ledger"
    command = [sys.executable, "-c", SHORT_OF_ROOM, str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    ledger = Ledger(path)
    noted = int(done.stdout)
    assert noted > 10
    assert all(ledger.rejection(f"a{number}") == "no" for number in range(noted))
    assert ledger.rejection(f"a{noted}") is None
    assert ledger.rejection("later") == "no"
    ledger.close()


def test_a_second_release_is_harmless(store: JournalStore, results: Path) -> None:
    """Whoever meets an error after the end releases again: the descriptor may be another file's by then."""
    journal = store.create("k", PAYLOAD, results, SETTINGS)
    store.finish(journal, exit_code=0)
    others = [os.open(results, os.O_RDONLY) for _ in range(3)]
    journal.release()
    for other in others:
        assert os.fstat(other).st_size == results.stat().st_size
        os.close(other)


def test_what_was_started_is_remembered_with_the_end(store: JournalStore, results: Path) -> None:
    """A rerun must not start it again: runs that were asked for, whatever came of them, and none that was not."""
    journal = store.create("k", PAYLOAD, results, SETTINGS)
    for book, note in (("l/a", RunNote("started", "46")), ("l/b", RunNote(INTENDED)), ("l/c", RunNote(FREE))):
        journal.ledger.note_run("c1", book, note)
    assert journal.ledger.run("c1", "l/c") is None
    store.finish(journal, exit_code=0)
    finished = store.finished("k")
    assert finished is not None
    assert finished.runs == (("c1", "l/a", RunNote("started", "46")), ("c1", "l/b", RunNote(INTENDED)))


@pytest.mark.parametrize("content", ["", "{"])
def test_a_damaged_end_is_no_end(store: JournalStore, results: Path, tmp_path: Path, content: str) -> None:
    """A crash while it was written: the run counts as unknown."""
    store.finish(store.create("k", PAYLOAD, results, SETTINGS), exit_code=4)
    (tmp_path / "delivery/done/k").write_text(content, "ascii")
    assert store.finished("k") is None


def test_a_journal_that_is_removed_meanwhile_is_gone(
    store: JournalStore, results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look and the lock another process may finish it."""
    store.create("k", PAYLOAD, results, SETTINGS).release()
    acquire = FileLock.acquire

    def late(self: FileLock, *, wait: bool) -> bool:
        taken = acquire(self, wait=wait)
        (tmp_path / "delivery/journal/k/payload.json").unlink()
        return taken

    monkeypatch.setattr(FileLock, "acquire", late)
    assert store.resume("k") is None


def test_two_at_once_make_one_journal(
    store: JournalStore, results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rename decides: the loser leaves nothing behind."""
    sync = os.fsync

    def slow(file: int) -> None:
        monkeypatch.setattr(os, "fsync", sync)
        with monkeypatch.context() as other:
            other.setattr(os, "getpid", lambda: 1)
            store.create("k", {"sid": "winner"}, None, {}).release()
        sync(file)

    monkeypatch.setattr(os, "fsync", slow)
    with pytest.raises(AlreadyJournaled):
        store.create("k", PAYLOAD, results, SETTINGS)
    winner = store.resume("k")
    assert winner is not None
    assert json.loads(winner.payload())["sid"] == "winner"
    assert list((tmp_path / "delivery/work").iterdir()) == []


def test_litter_of_crashes_is_swept(store: JournalStore, tmp_path: Path) -> None:
    """Half-made journals and files, when they are old enough."""
    (tmp_path / "delivery/work/half.1").mkdir(parents=True)
    (tmp_path / "delivery/work/half.1/payload.json").write_text("{", "ascii")
    (tmp_path / "delivery/work/digest.2").write_text("{", "ascii")
    store.forget(before=1000.0)
    assert len(list((tmp_path / "delivery/work").iterdir())) == 2
    store.forget(before=2_000_000_000_000.0)
    assert list((tmp_path / "delivery/work").iterdir()) == []


def test_a_mapping_that_can_t_be_kept_is_said(store: JournalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with the journal itself."""

    def refuse(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(JournalError, match="is full"):
        store.save_mapping("d" * 64, dict)
