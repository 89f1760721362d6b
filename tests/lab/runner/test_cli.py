"""`lab` as a user or a script calls it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lab.runner.lab import REPOSITORY, Lab
from tests.addon.soar import SoarReader
from tests.lab.command import answer_of, lab

SUMMARY = {"delivered": 0, "updated": 0, "queued": 0, "rejected": 0, "simulated": 0}


def test_json_is_one_document_and_state_stays(three_rows: Path, tmp_path: Path) -> None:
    """Two calls on one state: only JSON on stdout, three delivered, then three updated in the same containers."""
    sid = "scheduler__admin__search__RMD5abc_at_1700000000_1"
    arguments = ("send", three_rows, "--json", "--sid", sid, "--state", "s")
    first, second = (answer_of(lab(*arguments, folder=tmp_path)) for _ in range(2))
    assert (first["sid"], first["summary"]) == (sid, {**SUMMARY, "delivered": 3})
    assert second["summary"] == {**SUMMARY, "updated": 3}
    ids = [[result["container_id"] for result in document["results"]] for document in (first, second)]
    assert ids[0] == ids[1]
    assert set(first["results"][0]) == {
        "rid",
        "status",
        "container_id",
        "container_url",
        "artifacts",
        "runs",
        "reason",
    }


def test_person_sees_a_table_and_where_to_look(three_rows: Path, tmp_path: Path) -> None:
    """Without --json: a line per row with its link, the sum, the log; the state is .lab in the working folder."""
    done = lab("send", three_rows, "--mode", "adhoc", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("https://127.0.0.1:") == 3
    assert "3 delivered" in done.stdout
    assert str(tmp_path / ".lab" / "splunk" / "var" / "log" / "splunk" / "send_to_soar_modalert.log") in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("none.csv",), "There is no file none.csv."),
        (("binary.csv",), "not CSV"),
        (("three.csv", "--param", "severity"), "is not NAME=VALUE"),
        (("three.csv", "--param", "severty=high"), "Did you mean severity?"),
        (("three.csv", "--mode", "adhoc", "--param", "x=1"), "Invalid parameter for adhoc modular action."),
        (("three.csv", "--action", "sendtosoar"), "no action sendtosoar. It has: send_to_soar"),
        (("three.csv", "--python", "nosuchpython"), "nosuchpython can't be run."),
        (("three.csv", "--python", "/bin/true"), "/bin/true is no Python 3.9 or newer."),
        (("three.csv", "--soar", "http://soar.example.com", "--token", "t"), "must be an https:// address"),
        (("three.csv", "--soar", "https://soar.example.com"), "needs a token"),
        (
            ("three.csv", "--soar", "https://127.0.0.1:1", "--token", "t", "--ca", "none.pem"),
            "There is no file none.pem.",
        ),
        (("three.csv", "--soar", "https://127.0.0.1:1", "--token", "t", "--ca", "binary.csv"), "no PEM certificate"),
        (("three.csv", "--token", "t"), "belong to --soar"),
        (("three.csv", "--sid", "../x"), "can't be a search id"),
        (("three.csv", "--state", "three.csv"), "can't be used as state folder"),
    ],
)
def test_mistakes_are_said_in_plain_words(
    three_rows: Path, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    """A user's mistake: exit code 2, one sentence on stderr, no traceback, and with --json still a document."""
    assert three_rows.name == "three.csv"
    (tmp_path / "binary.csv").write_bytes(b"\0\1\2\xff")
    done = lab("send", *arguments, "--json", folder=tmp_path)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    document = answer_of(done)
    assert document["results"] == []
    assert words in document["problems"][0]


def test_secret_given_to_the_lab_is_printed_nowhere(three_rows: Path, tmp_path: Path) -> None:
    """The token of the environment is in no output and in no file but passwords.json, also when nobody answers."""
    token = "s3cret-9d41c7"
    arguments = ("send", three_rows, "--soar", "https://127.0.0.1:1", "--state", "s")
    for options in ((), ("--json",)):
        done = lab(*arguments, *options, folder=tmp_path, LAB_SOAR_TOKEN=token)
        assert done.returncode == 0
        assert "queued" in done.stdout
        assert token not in done.stdout + done.stderr
    holding = [
        path.name for path in (tmp_path / "s").rglob("*") if path.is_file() and token.encode() in path.read_bytes()
    ]
    assert holding == ["passwords.json"]


def test_token_of_the_environment_does_not_disturb_the_stand_in(three_rows: Path, tmp_path: Path) -> None:
    """LAB_SOAR_TOKEN without --soar is simply not used."""
    done = lab("send", three_rows, "--json", folder=tmp_path, LAB_SOAR_TOKEN="x")
    assert answer_of(done)["summary"]["delivered"] == 3


def _serve(folder: Path) -> subprocess.Popen[str]:
    """Start `lab serve` in a folder."""
    environ = {**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONUNBUFFERED": "1", "COLUMNS": "200"}
    command = [sys.executable, "-m", "lab", "serve"]
    return subprocess.Popen(command, cwd=folder, env=environ, stdout=subprocess.PIPE, text=True)


def test_serve_and_send_share_one_soar(three_rows: Path, tmp_path: Path) -> None:
    """While `lab serve` runs, other commands on the same state use its stand-ins, and SIGTERM ends it in order."""
    with _serve(tmp_path) as server:
        try:
            assert server.stdout is not None
            url = server.stdout.readline().split()[-1]
            document = answer_of(lab("send", three_rows, "--json", folder=tmp_path))
            again = lab("serve", folder=tmp_path)
            drained = answer_of(lab("drain", "--wait", "1", "--json", folder=tmp_path))
            polled = answer_of(lab("poll", "--json", folder=tmp_path))
            note = tmp_path / ".lab" / "splunkd.json"
            assert note.stat().st_mode & 0o777 == 0o600
        finally:
            server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=20) == 0
    assert url.startswith("https://127.0.0.1:")
    assert all(result["container_url"].startswith(url) for result in document["results"])
    assert (again.returncode, "is running already" in again.stderr) == (2, True)
    assert (drained["exit_code"], polled["exit_code"]) == (0, 0)
    assert not note.exists()


def test_serve_tells_what_happens_in_soar(three_rows: Path, tmp_path: Path) -> None:
    """The inputs run beside the pages: containers, and a comment that a person writes, are told unasked."""
    with _serve(tmp_path) as server:
        try:
            assert server.stdout is not None
            while "Send to it with" not in server.stdout.readline():
                pass
            sent = answer_of(lab("send", three_rows, "--json", folder=tmp_path))
            numbers = {str(one["container_id"]) for one in sent["results"]}
            told: list[list[str]] = []
            while {line[1] for line in told if line[0] == "soar:container"} != numbers:
                told.append(server.stdout.readline().split())
            number = numbers.pop()
            _comment(tmp_path / ".lab", int(number), "seen by a person")
            while ["soar:note", number, "seen", "by", "a", "person"] not in told:
                told.append(server.stdout.readline().split())
        finally:
            server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=20) == 0
    log = tmp_path / ".lab" / "splunk" / "var" / "log" / "splunk" / "send_to_soar_modalert.log"
    indexed = (tmp_path / ".lab" / "index" / "cim_modactions.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(indexed) == len(log.read_text(encoding="utf-8").splitlines())


def test_an_input_ends_with_its_command(three_rows: Path, tmp_path: Path) -> None:
    """SIGTERM during `lab drain`: the delivery input is gone, in good order, when the command has ended."""
    own = ("--soar", "https://127.0.0.1:1", "--token", "t", "--state", "s")
    assert answer_of(lab("send", three_rows, "--json", *own, folder=tmp_path))["summary"]["queued"] == 3
    log = tmp_path / "s" / "splunk" / "var" / "log" / "splunk" / "soar_delivery.log"
    environ = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    with subprocess.Popen([sys.executable, "-m", "lab", "drain", *own], cwd=tmp_path, env=environ) as drain:
        deadline = time.monotonic() + 30
        while not (found := re.findall(r"Delivery started pid=\"?(\d+)", log.read_text() if log.exists() else "")):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        drain.send_signal(signal.SIGTERM)
        assert drain.wait(timeout=30) == 128 + signal.SIGTERM
    with pytest.raises(ProcessLookupError):
        os.kill(int(found[-1]), 0)
    assert "Delivery stopped" in log.read_text()


def _comment(state: Path, container: int, text: str) -> None:
    with Lab(state) as running:
        reader = SoarReader(running)
        reader.post("/rest/container_comment", {"container_id": container, "comment": text})
        reader.close()
