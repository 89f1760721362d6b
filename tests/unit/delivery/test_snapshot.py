"""The vocabulary's snapshot and when it is fetched."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from soarlink.delivery.snapshot import MAX_AGE, SnapshotFile, vocabulary
from soarlink.errors import MaybeSent, NotSent, Refused, ServerFault, SoarError, Throttled
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

    def look(
        self, path: Path, names: Mapping[str, str], server: str = SERVER, judged: frozenset[str] = frozenset()
    ) -> Vocabulary:
        """The vocabulary for a run that asks for these names, by part."""
        return vocabulary(
            lambda known: frozenset(part for part, name in names.items() if known.find(part, name) is None),
            SnapshotFile(path, server),
            self.fetch,
            lambda: self.now,
            judged,
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


def test_what_needs_a_list_says_which_and_the_failure_stays_as_it_was(path: Path) -> None:
    """The server's error may be told to others too: it is not changed, and asked again the words do not pile up."""
    server = Server()
    server.error = failure = Throttled("slow down.", "Send less.", 429, retry_after=7.0)
    for _ in range(2):
        with pytest.raises(Throttled) as met:
            server.look(path, {"user": "alice"})
        assert str(met.value) == (
            "The alert needs SOAR's list of names (user), which can't be read: slow down. Send less."
        )
        assert (met.value.status, met.value.retry_after, met.value.__cause__) == (429, 7.0, failure)
    assert (failure.what, failure.args) == ("slow down.", ("slow down.", "Send less."))


def test_a_list_that_the_user_may_not_read_is_needed_only_for_ids(path: Path) -> None:
    """SOAR judges a status itself; an owner needs an id."""
    server = Server()
    server.error = Refused("no permission")
    assert not server.look(path, {"status": "open"}).knows("status")
    with pytest.raises(Refused):
        server.look(path, {"user": "alice"})


LABEL = frozenset({"label"})
FAILURES = [NotSent("down"), Refused("no permission"), ServerFault("500"), MaybeSent("?"), Throttled("later")]


@pytest.mark.parametrize("error", FAILURES, ids=lambda error: type(error).__name__)
def test_a_name_that_soar_judges_needs_no_list(path: Path, error: SoarError) -> None:
    """Whatever stands against listing labels, the run goes on, and no label is refused for an old list."""
    server = Server(label={"events": "events"})
    server.error = error
    assert not server.look(path, {"label": "mail"}, judged=LABEL).knows("label")
    server.error = None
    assert server.look(path, {"label": "events"}, judged=LABEL).knows("label")
    server.error = error
    server.now += 10 * MAX_AGE
    assert server.look(path, {"label": "events"}, judged=LABEL) == Vocabulary()
    assert server.look(path, {"label": "mail"}, judged=LABEL) == Vocabulary()
    assert server.asked == ["label"] * 4


def test_a_label_that_appeared_since_is_found_and_one_that_did_not_is_refused(path: Path) -> None:
    """One request settles it, for a minute."""
    server = Server(label={"events": "events"})
    server.look(path, {"label": "events"}, judged=LABEL)
    server.parts = {"label": {"events": "events", "mail": "mail"}}
    server.now += 61
    assert server.look(path, {"label": "mail"}, judged=LABEL).find("label", "mail") is not None
    for _ in range(3):
        known = server.look(path, {"label": "none"}, judged=LABEL)
        assert known.knows("label")
        assert known.find("label", "none") is None
    assert server.asked == ["label"] * 2


def test_an_old_list_refuses_nothing_before_it_was_asked_for_again(path: Path) -> None:
    """A name that is looked for only where the part is known: the old list counts as one."""
    server = Server(label={"old": "old"})
    server.look(path, {"label": "old"})
    server.parts = {"label": {"new": "new"}}
    server.now += 10 * MAX_AGE

    def missing(known: Vocabulary) -> frozenset[str]:
        return LABEL if known.knows("label") and known.find("label", "new") is None else frozenset()

    found = vocabulary(missing, SnapshotFile(path, SERVER), server.fetch, lambda: server.now, LABEL)
    assert found.find("label", "new") is not None
    assert server.asked == ["label"] * 2


def test_what_somebody_else_lists_is_put_in(path: Path) -> None:
    """The other parts stay, and no request is needed any more."""
    file = SnapshotFile(path, SERVER)
    server = Server()
    file.add({"user": {"alice": 1}}, server.now - 10)
    file.add({"label": {"events": "events"}, "severity": {"High": "High"}}, server.now - 5)
    assert set(file.read()) == {"user", "label", "severity"}
    server.look(path, {"user": "alice", "label": "events"})
    assert server.asked == []


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
    """A dry run asks nothing, whatever is missing; an old list of labels refuses nothing."""
    file = SnapshotFile(path, SERVER)
    assert vocabulary(lambda _: frozenset({"user"}), file, None, lambda: 0.0) == Vocabulary()
    file.add({"label": {"a": "a"}, "user": {"b": 1}}, 0.0)
    for now, parts in ((MAX_AGE - 1, {"label", "user"}), (MAX_AGE, {"user"})):
        assert set(vocabulary(lambda _: LABEL, file, None, lambda now=now: now, LABEL).parts) == parts  # type: ignore[misc]
