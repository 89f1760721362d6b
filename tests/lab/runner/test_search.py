"""Search ids have splunkd's forms and are unique."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lab.runner.errors import LabError
from lab.runner.search import Mode, check_sid, claim_sid, mode_of


def _claim(dispatch: Path, mode: Mode, app: str = "search") -> str:
    return claim_sid(mode, name="Access - Rule", app=app, owner="admin", now=1_700_000_000.5, dispatch=dispatch)


def test_scheduled_id_names_user_app_and_time(tmp_path: Path) -> None:
    """A scheduled search's id is what the Common Action Model calls saved, with the app in base64 when it must be."""
    assert re.fullmatch(r"scheduler__admin__search__RMD5[0-9a-f]{16}_at_1700000000_1", _claim(tmp_path, Mode.SAVED))
    sid = _claim(tmp_path, Mode.PER_RESULT, app="SA-AccessProtection")
    assert re.fullmatch(r"scheduler__admin_U0EtQWNjZXNzUHJvdGVjdGlvbg__RMD5[0-9a-f]{16}_at_1700000000_1", sid)


def test_adhoc_id_is_a_number(tmp_path: Path) -> None:
    """An ad hoc search's id is its time and a counter."""
    assert _claim(tmp_path, Mode.ADHOC) == "1700000000.1"


def test_no_id_is_given_twice(tmp_path: Path) -> None:
    """Each claim takes the next number and leaves a dispatch folder."""
    assert [_claim(tmp_path, Mode.ADHOC) for _ in range(3)] == ["1700000000.1", "1700000000.2", "1700000000.3"]
    assert (tmp_path / "1700000000.3").is_dir()


@pytest.mark.parametrize("sid", ["", "..", "a/b", "a\\b", "a b", "a\nb", "x" * 300])
def test_id_that_could_leave_the_dispatch_folder_is_refused(sid: str) -> None:
    """A search id is the name of a folder: anything else is refused."""
    with pytest.raises(LabError, match="search id"):
        check_sid(sid)


def test_mode_follows_from_the_id() -> None:
    """What holds "scheduler" is saved, everything else ad hoc."""
    assert mode_of("rt_scheduler__admin__search__RMD5a_at_1_2.3") is Mode.SAVED
    assert mode_of("1700000100.42") is Mode.ADHOC
