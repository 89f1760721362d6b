"""The search commands in this process, against the stand-in splunkd."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Callable

import pytest

from soarlink.commands import control, doctor, view
from soarlink.commands.outbox_command import OutboxCommand
from tests.unit.commands.chunks import Answer, chunk, read_answer
from tests.unit.outbox.conftest import kv, outbox, splunkd, splunkd_process
from tests.unit.outbox.samples import NOW
from tests.unit.outbox.splunkd import SplunkdProcess

__all__ = ["kv", "outbox", "splunkd", "splunkd_process"]

Search = Callable[..., Answer]


@pytest.fixture
def home(splunkd: SplunkdProcess, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the stand-in's own `$SPLUNK_HOME`, with nothing in the spool."""
    for folder in ("var/run/splunk", "var/spool/splunk"):
        (splunkd.home / folder).mkdir(parents=True, exist_ok=True)
    for file in (splunkd.home / "var/spool/splunk").iterdir():
        file.unlink()
    monkeypatch.setenv("SPLUNK_HOME", str(splunkd.home))
    return splunkd.home


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the add-on's folder with two accounts in it."""
    (tmp_path / "app" / "local").mkdir(parents=True)
    accounts = "[prod]\nurl = https://soar\n\n[lab]\nurl = https://lab\n"
    (tmp_path / "app" / "local" / "ta_send_to_soar_account.conf").write_text(accounts, encoding="utf-8")
    for command in (control, doctor):
        monkeypatch.setattr(command, "APP", tmp_path / "app")
    return tmp_path / "app"


@pytest.fixture
def search(splunkd: SplunkdProcess, home: Path, app: Path, monkeypatch: pytest.MonkeyPatch) -> Search:
    """Return a function that runs a command as a user and gives what splunkd would get."""
    monkeypatch.setattr(OutboxCommand, "clock", staticmethod(lambda: NOW))
    commands = {
        "soaroutbox": view.ViewCommand,
        "soaroutboxctl": control.ControlCommand,
        "soardoctor": doctor.DoctorCommand,
        "soarchecks": doctor.ChecksCommand,
    }

    def run(command: str, *words: str, user: str = "admin") -> Answer:
        info = {
            "args": list(words),
            "raw_args": list(words),
            "dispatch_dir": str(home),
            "sid": "1.1",
            "app": "search",
            "owner": user,
            "username": "somebody else",
            "session_key": splunkd.key(user),
            "splunkd_uri": splunkd.uri,
            "splunk_version": "9.4.3",
            "search": "",
            "command": command,
            "maxresultrows": 50000,
            "earliest_time": "0",
            "latest_time": "0",
        }
        getinfo = {"action": "getinfo", "preview": False, "searchinfo": info}
        sent = io.BytesIO(chunk(getinfo) + chunk({"action": "execute", "finished": True}))
        got = io.BytesIO()
        code = 0
        try:
            commands[command]().process(["command.py"], sent, got)
        except SystemExit as end:
            code = int(str(end.code))
        assert json.dumps(info["session_key"]).encode() not in got.getvalue()
        return read_answer(got.getvalue(), code)

    return run
