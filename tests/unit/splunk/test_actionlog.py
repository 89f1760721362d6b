"""The action's log file."""

from __future__ import annotations

import errno
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from soarlink.splunk.actionlog import HELD_LINES, ActionLogHandler, LogFile

_WRITER = """
import logging, sys
from pathlib import Path
from soarlink.splunk.actionlog import ActionLogHandler
path, name, lines, limit = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
logger = logging.getLogger("writer")
logger.setLevel(logging.INFO)
logger.addHandler(ActionLogHandler(path, max_bytes=limit, backups=400))
sys.stdin.readline()
for number in range(lines):
    logger.info("writer=%s line=%d %s", name, number, "x" * (number % 200))
"""


@pytest.fixture
def logger(tmp_path: Path) -> Iterator[logging.Logger]:
    """Return a logger that writes to action.log, at most 1,000 bytes, with two backups."""
    made = logging.Logger("test", logging.DEBUG)  # noqa: LOG001 - one of its own for each test
    handler = ActionLogHandler(tmp_path / "action.log", max_bytes=1_000, backups=2)
    made.addHandler(handler)
    yield made
    handler.close()


def lines(path: Path) -> list[str]:
    """The lines of a file."""
    return path.read_text(encoding="utf-8").splitlines()


def test_a_line_begins_with_the_time_as_splunks_library_writes_it(logger: logging.Logger, tmp_path: Path) -> None:
    """UTC, milliseconds, a fixed offset, level, message."""
    record = logging.LogRecord("x", logging.WARNING, __file__, 1, "hello %s", ("ü",), None)
    record.created, record.msecs = 1_700_000_000.123, 123.9
    logger.handle(record)
    assert lines(tmp_path / "action.log") == ["2023-11-14 22:13:20,123+0000 WARNING hello ü"]
    assert (tmp_path / "action.log").stat().st_mode & 0o777 == 0o600


def test_held_lines_go_out_in_order_when_they_are_asked_for(tmp_path: Path) -> None:
    """Held until a flush, until they are many, or until the end; never torn, never twice."""
    made = logging.Logger("held", logging.DEBUG)  # noqa: LOG001 - one of its own
    handler = ActionLogHandler(tmp_path / "action.log")
    made.addHandler(handler)
    made.info("at once")
    handler.hold()
    made.info("first")
    assert len(lines(tmp_path / "action.log")) == 1
    handler.flush()
    handler.flush()
    assert len(lines(tmp_path / "action.log")) == 2
    for number in range(HELD_LINES + 1):
        made.info("many %d", number)
    assert len(lines(tmp_path / "action.log")) == 2 + HELD_LINES + 1
    made.info("last")
    handler.close()
    texts = [line.split(" ", 3)[3] for line in lines(tmp_path / "action.log")]
    assert texts == ["at once", "first", *(f"many {number}" for number in range(HELD_LINES + 1)), "last"]


def test_a_full_file_is_rotated_and_the_oldest_goes(logger: logging.Logger, tmp_path: Path) -> None:
    """No file grows beyond its limit; as many older ones are kept as asked for."""
    for number in range(100):
        logger.info("%03d %s", number, "x" * 96)
    files = [tmp_path / name for name in ("action.log.2", "action.log.1", "action.log")]
    assert all(file.stat().st_size <= 1_000 for file in files)
    numbers = [int(line.split()[3]) for file in files for line in lines(file)]
    assert numbers == list(range(numbers[0], 100))
    assert len(numbers) > 10
    assert not (tmp_path / "action.log.3").exists()


def test_a_file_that_another_process_rotated_is_noticed(logger: logging.Logger, tmp_path: Path) -> None:
    """The next line goes to the new file, also when there is none yet."""
    logger.info("one")
    (tmp_path / "action.log").rename(tmp_path / "action.log.1")
    logger.info("two")
    assert [len(lines(tmp_path / name)) for name in ("action.log", "action.log.1")] == [1, 1]


def test_a_log_that_cannot_be_written_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The failure goes to standard error, which is splunkd.log."""
    monkeypatch.setattr(logging, "raiseExceptions", True)
    handler = ActionLogHandler(tmp_path / "no" / "folder" / "action.log")
    handler.handle(logging.LogRecord("x", logging.INFO, __file__, 1, "lost", (), None))
    handler.close()
    assert "FileNotFoundError" in capsys.readouterr().err


def test_text_that_no_encoding_takes_is_written_escaped(logger: logging.Logger, tmp_path: Path) -> None:
    """A lone surrogate costs no line."""
    logger.info("bad \ud83d end")
    assert lines(tmp_path / "action.log")[0].endswith("bad \\ud83d end")


def test_eight_processes_at_once_lose_and_tear_no_line(tmp_path: Path) -> None:
    """Every line of every writer is there, whole, once, and in its writer's order, over many rotations."""
    path, count = tmp_path / "action.log", 400
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    writers = [
        subprocess.Popen(
            [sys.executable, "-B", "-c", _WRITER, str(path), str(name), str(count), "8000"],
            env=environment,
            stdin=subprocess.PIPE,
        )
        for name in range(8)
    ]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write(b"go\n")
        writer.stdin.close()
    assert [writer.wait(60) for writer in writers] == [0] * 8
    files = sorted(tmp_path.glob("action.log*"), key=lambda file: file.name)
    found = [line for file in files if not file.name.endswith(".lock") for line in lines(file)]
    expected = sorted(f"writer={name} line={n} {'x' * (n % 200)}".rstrip() for name in range(8) for n in range(count))
    assert sorted(line.split("INFO ", 1)[1].rstrip() for line in found) == expected
    older = [file for file in files if file.name != "action.log" and not file.name.endswith(".lock")]
    assert len(older) > 20
    # Only a full file is rotated: a writer that waited for the lock looks again.
    assert min(file.stat().st_size for file in older) > 8_000 - 300


def test_lines_that_the_disk_cuts_spoil_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes half and has no room for the rest: that is said, and the next lines stand on their own."""
    path = tmp_path / "x.log"
    log, write, room = LogFile(path), os.write, [5, 0, 0]

    def cut(file: int, data: bytes) -> int:
        if not room:
            return write(file, data)
        if not (left := room.pop(0)):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(file, bytes(data)[:left])

    monkeypatch.setattr(os, "write", cut)
    with pytest.raises(OSError, match="No space"):
        log.append(b"first line\n")
    with pytest.raises(OSError, match="No space"):
        log.append(b"nothing of this\n")
    for text in (b"second\n", b"third\n"):
        log.append(text)
    room[:] = [3]
    log.append(b"in two pieces\n")
    log.close()
    assert path.read_bytes() == b"first\nsecond\nthird\nin two pieces\n"
