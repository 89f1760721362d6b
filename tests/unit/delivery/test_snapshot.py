"""The vocabulary's snapshot and when it is fetched."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from soarlink.delivery.snapshot import MAX_AGE, SnapshotFile, vocabulary
from soarlink.errors import NotSent, Refused, SoarError
from soarlink.plan.vocabulary import Entry, Vocabulary

SERVER = "https://soar.example.com"


class Server:
    """Lists parts, or fails; counts."""

    def __init__(self, **parts: Mapping[str, Entry]) -> None:
        self.parts = parts
        self.asked: list[str] = []
        self.error: SoarError | None = None
        self.now = 1_700_000_000.0

    def fetch(self, part: str) -> dict[str, Mapping[str, Entry]]:
        """One part."""
        self.asked.append(part)
        if self.error is not None:
            raise self.error
        return {part: self.parts[part]}

    def look(self, path: Path, names: Mapping[str, str], server: str = SERVER) -> Vocabulary:
        """The vocabulary for a run that asks for these names, by part."""
        return vocabulary(
            lambda known: frozenset(part for part, name in names.items() if known.find(part, name) is None),
            SnapshotFile(path, server),
            self.fetch,
            lambda: self.now,
        )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a file in a folder that does not exist yet."""
    return tmp_path / "folder" / "v.json"


def test_nothing_asked_is_nothing_read_or_fetched(path: Path) -> None:
    """No name, no request, no file."""
    server = Server()
    assert server.look(path, {}) == Vocabulary()
    assert (server.asked, path.exists()) == ([], False)


def test_a_part_is_fetched_once_an_hour(path: Path) -> None:
    """The file serves until it is old; the other parts are left alone."""
    server = Server(user={"alice": 1}, role={"r": 2})
    assert server.look(path, {"user": "ALICE"}).find("user", "Alice") == ("alice", 1)
    server.now += MAX_AGE - 1
    server.look(path, {"user": "alice"})
    assert server.asked == ["user"]
    server.now += 2
    server.look(path, {"user": "alice"})
    assert server.asked == ["user", "user"]
    server.look(path, {"user": "alice", "role": "r"})
    assert server.asked == ["user", "user", "role"]
    assert path.stat().st_mode & 0o077 == 0


def test_an_unknown_name_is_looked_for_once_more(path: Path) -> None:
    """Not in the first minute, though: many runs may ask for the same name."""
    server = Server(user={"alice": 1})
    server.look(path, {"user": "alice"})
    server.parts = {"user": {"alice": 1, "bob": 2}}
    server.now += 30
    assert server.look(path, {"user": "bob"}).find("user", "bob") is None
    server.now += 31
    assert server.look(path, {"user": "bob"}).find("user", "bob") == ("bob", 2)
    assert server.asked == ["user", "user"]


def test_an_old_list_is_better_than_none(path: Path) -> None:
    """What can't be refreshed is used as it is; what was never there is an error."""
    server = Server(user={"alice": 1})
    server.look(path, {"user": "alice"})
    server.now += 10 * MAX_AGE
    server.error = NotSent("down")
    assert server.look(path, {"user": "alice"}).find("user", "alice") == ("alice", 1)
    with pytest.raises(NotSent):
        server.look(path, {"role": "r"})


def test_a_list_that_the_user_may_not_read_is_needed_only_for_ids(path: Path) -> None:
    """SOAR judges a status itself; an owner needs an id."""
    server = Server()
    server.error = Refused("no permission")
    assert not server.look(path, {"status": "open"}).knows("status")
    with pytest.raises(Refused):
        server.look(path, {"user": "alice"})


@pytest.mark.parametrize(
    "content", ["", "[]", "{", '{"format": 0}', '{"format": 1, "server": "https://soar.example.com"}']
)
def test_a_damaged_file_is_no_file(path: Path, content: str) -> None:
    """It is fetched again and replaced."""
    path.parent.mkdir()
    path.write_text(content, encoding="utf-8")
    server = Server(user={"alice": 1})
    assert server.look(path, {"user": "alice"}).knows("user")
    assert json.loads(path.read_text(encoding="utf-8"))["parts"]["user"]["names"] == {"alice": 1}


def test_parts_that_are_damaged_do_not_spoil_the_others(path: Path) -> None:
    """Only well-formed parts count."""
    path.parent.mkdir()
    parts = {
        "user": {"fetched": "x", "names": {}},
        "role": 5,
        "status": {"fetched": 1, "names": {"a": "open", "b": None}},
    }
    path.write_text(json.dumps({"format": 1, "server": SERVER, "parts": parts}), encoding="utf-8")
    found = SnapshotFile(path, SERVER).read()
    assert list(found) == ["status"]
    assert found["status"].names == {"a": "open"}


def test_another_server_is_another_vocabulary(path: Path) -> None:
    """An account that moved does not keep the ids of its old server."""
    server = Server(user={"alice": 1})
    server.look(path, {"user": "alice"})
    server.parts = {"user": {"alice": 99}}
    assert server.look(path, {"user": "alice"}, "https://other").find("user", "alice") == ("alice", 99)


def test_a_file_that_can_t_be_written_costs_nothing_but_a_request(tmp_path: Path) -> None:
    """The folder's name is taken by a file."""
    (tmp_path / "folder").write_text("", encoding="utf-8")
    server = Server(user={"alice": 1})
    assert server.look(tmp_path / "folder" / "v.json", {"user": "alice"}).knows("user")


def test_without_leave_to_ask_the_file_is_all_there_is(path: Path) -> None:
    """A dry run asks nothing, whatever is missing."""
    file = SnapshotFile(path, SERVER)
    assert vocabulary(lambda _: frozenset({"user"}), file, None, lambda: 0.0) == Vocabulary()
