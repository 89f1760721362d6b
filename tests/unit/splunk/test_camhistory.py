"""What the action's log says already about a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Callable

import pytest

from soarlink.delivery.outcome import DELIVERED, QUEUED, REJECTED, UPDATED, RowOutcome
from soarlink.splunk import camhistory, payload
from soarlink.splunk.actionlog import BACKUPS, ActionLogHandler
from soarlink.splunk.cam import CommonAction
from soarlink.splunk.camhistory import RUNS_KEPT, Histories
from tests.unit.samples import SCHEDULED_SID, make_account

Act = Callable[..., CommonAction]


@pytest.fixture
def log(home: Path) -> Path:
    """Return the action's log."""
    return home / "var/log/splunk/send_to_soar_modalert.log"


@pytest.fixture
def act(home: Path) -> Act:
    """Return a function that gives the action of a search."""

    def make(sid: str = SCHEDULED_SID, search_name: str = "Rule") -> CommonAction:
        text = json.dumps({"sid": sid, "search_name": search_name})
        return CommonAction(payload.parse(text.encode(), "send_to_soar"), home)

    return make


def test_invocations_and_statuses_are_known_by_result(act: Act, log: Path) -> None:
    """Each row's own; a row that was told nothing is not there."""
    action = act()
    for position in range(3):
        action.begin([make_account(position)])
    action.line(RowOutcome(make_account(0), DELIVERED))
    action.line(RowOutcome(make_account(1), QUEUED))
    action.line(RowOutcome(make_account(1), REJECTED, reason='action_status="success" rid="9" sid="x"'))
    action.close()
    assert camhistory.read(log, SCHEDULED_SID) == {
        "0": {"invoked", "success"},
        "1": {"invoked", "pending", "failure"},
        "2": {"invoked"},
    }


def test_rotated_files_are_read_too(act: Act, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that was told its end before the log was rotated was told its end."""
    action = act()
    (handler,) = action.logger.handlers
    assert isinstance(handler, ActionLogHandler)
    monkeypatch.setattr(handler._file, "_max_bytes", 400)  # noqa: SLF001 - a small file
    for position in range(4):
        action.line(RowOutcome(make_account(position), DELIVERED))
    action.close()
    assert log.with_name(f"{log.name}.1").exists()
    found = camhistory.read(log, SCHEDULED_SID)
    assert {rid: told for rid, told in found.items() if rid} == {rid: {"success"} for rid in "0123"}


def test_every_backup_counts(act: Act, log: Path) -> None:
    """Up to the oldest."""
    action = act()
    action.line(RowOutcome(make_account(5), DELIVERED))
    action.close()
    log.rename(log.with_name(f"{log.name}.{BACKUPS}"))
    assert camhistory.read(log, SCHEDULED_SID)["5"] == {"success"}


@pytest.mark.parametrize("sid", ["other", SCHEDULED_SID[:-1], f"{SCHEDULED_SID}1", f'" sid="{SCHEDULED_SID}'])
def test_other_searches_are_not_ours(act: Act, log: Path, sid: str) -> None:
    """The whole search id counts, and none that a text of others pretends."""
    action = act(sid, search_name=f'x" sid="{SCHEDULED_SID}')
    action.line(RowOutcome(make_account(0), DELIVERED, reason=f'" sid="{SCHEDULED_SID}" rid="0'))
    action.close()
    assert camhistory.read(log, SCHEDULED_SID) == {}


def test_odd_ids_are_found_as_they_were_written(act: Act, log: Path) -> None:
    """Quotes and control characters of a search id, letters of a result id."""
    sid = 'rt_"x"\n1'
    action = act(sid)
    action.line(RowOutcome(make_account(0, rid="Ünö"), DELIVERED))
    action.close()
    assert camhistory.read(log, sid)["Ünö"] == {"success"}


def test_foreign_bytes_stop_nothing(act: Act, log: Path) -> None:
    """Binary litter, a cut line, lines without a result id."""
    action = act()
    action.line(RowOutcome(make_account(0), DELIVERED))
    action.close()
    whole = log.read_bytes()
    cut = whole.splitlines()[0].partition(b" rid=")[0]
    log.write_bytes(b"\xff\xfe\x00 litter\n" + f'x sid="{SCHEDULED_SID}" no result\n'.encode() + whole + cut)
    assert camhistory.read(log, SCHEDULED_SID)["0"] == {"success"}


def test_the_end_of_a_row_is_read_back(act: Act, log: Path) -> None:
    """With all that its line says, the first end counts; a row that waits has none."""
    first = RowOutcome(make_account(0), UPDATED, container_id=12, container_url="https://s/mission/12", artifacts=3)
    refused = RowOutcome(make_account(1), REJECTED, reason="No such label. Create it")
    action = act()
    for outcome in (first, refused, RowOutcome(make_account(2), QUEUED), RowOutcome(make_account(0), REJECTED)):
        action.line(outcome)
    action.close()
    found = camhistory.ends(log, SCHEDULED_SID)
    assert set(found) == {"0", "1"}
    assert found["0"].outcome(make_account(0)) == first
    assert found["1"].outcome(make_account(1)) == refused


def test_a_line_of_another_writer_is_no_end(act: Act, log: Path) -> None:
    """A status without a state that we know."""
    action = act()
    action.message("x", status="success", rids=[("", "0", "")])
    action.close()
    assert camhistory.ends(log, SCHEDULED_SID) == {}


def test_no_log_is_no_history(log: Path) -> None:
    """A fresh installation."""
    assert camhistory.read(log, SCHEDULED_SID) == {}


def test_a_log_is_read_on_from_where_it_was_left(act: Act, log: Path) -> None:
    """What is written between two looks is seen, and what was read once is not read again."""
    histories = Histories(log)
    assert histories.of([SCHEDULED_SID])[SCHEDULED_SID] == {}
    action = act()
    action.line(RowOutcome(make_account(0), QUEUED))
    action.flush()
    assert histories.of([SCHEDULED_SID])[SCHEDULED_SID] == {"0": {"pending"}}
    written = log.stat().st_size
    with log.open("r+b") as file:
        file.write(b"x" * (written - 1))
    action.line(RowOutcome(make_account(0), DELIVERED))
    action.line(RowOutcome(make_account(1), DELIVERED))
    action.flush()
    assert histories.of([SCHEDULED_SID])[SCHEDULED_SID] == {"0": {"pending", "success"}, "1": {"success"}}
    assert camhistory.read(log, SCHEDULED_SID) == {"0": {"success"}, "1": {"success"}}
    action.close()


def test_a_run_that_comes_later_is_read_from_the_start(act: Act, log: Path) -> None:
    """Also one whose lines were passed over before, and one that was forgotten meanwhile."""
    sids = [f"{SCHEDULED_SID}{number}" for number in range(RUNS_KEPT + 2)]
    histories = Histories(log)
    for sid in sids:
        act(sid).line(RowOutcome(make_account(0), QUEUED))
    for sid in (*sids, *sids):
        assert histories.of([sid])[sid] == {"0": {"pending"}}
        assert len(histories.of([sid])) <= 1 + RUNS_KEPT
    found = histories.of(sids)
    assert {sid: found[sid] for sid in sids} == {sid: {"0": {"pending"}} for sid in sids}


def test_rotation_and_truncation_lose_no_line(act: Act, log: Path) -> None:
    """A file that was read in part goes on under its new name; one that was cut off is read anew."""
    histories = Histories(log)

    def tell(position: int) -> None:
        action = act()
        action.line(RowOutcome(make_account(position), DELIVERED))
        action.flush()
        for handler in action.logger.handlers:
            handler.close()

    tell(0)
    assert set(histories.of([SCHEDULED_SID])[SCHEDULED_SID]) == {"0"}
    tell(1)
    log.rename(log.with_name(f"{log.name}.1"))
    tell(2)
    assert set(histories.of([SCHEDULED_SID])[SCHEDULED_SID]) == set("012")
    log.rename(log.with_name(f"{log.name}.2"))
    for position in (3, 3, 3):
        tell(position)
    assert set(histories.of([SCHEDULED_SID])[SCHEDULED_SID]) == set("0123")
    log.write_bytes(b"")
    tell(4)
    assert set(histories.of([SCHEDULED_SID])[SCHEDULED_SID]) >= set("01234")


def test_half_a_line_is_read_when_it_is_whole(act: Act, log: Path) -> None:
    """Another process is writing it."""
    act().line(RowOutcome(make_account(0), DELIVERED))
    whole = log.read_bytes()
    log.write_bytes(whole[:-20])
    histories = Histories(log)
    assert histories.of([SCHEDULED_SID])[SCHEDULED_SID] == {}
    log.write_bytes(whole)
    assert histories.of([SCHEDULED_SID])[SCHEDULED_SID] == {"0": {"success"}}
