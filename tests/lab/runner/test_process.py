"""Scripts start as splunkd starts them and end when they must."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest

from lab.runner.errors import LabError
from lab.runner.process import Finished, environment, run_script


def _run(script: Path, maxtime: float = 20, document: bytes = b"{}", python: Path | None = None) -> Finished:
    environ = environment(script.parent, Path("/nowhere"), {"EXTRA": "1"})
    return run_script(
        python or Path(sys.executable),
        script,
        document=document,
        environ=environ,
        maxtime=maxtime,
        folder=Path("/"),
    )


def _script(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "action.py"
    path.write_text(text, encoding="utf-8")
    return path


def test_script_gets_payload_argument_and_splunk_environment_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The payload comes on standard input, argv is --execute, and nothing of the caller's environment is there."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/x")
    monkeypatch.setenv("PYTHONSTARTUP", "/x")
    script = _script(
        tmp_path,
        "import json, os, sys\n"
        "print(json.dumps([sys.argv[1:], json.load(sys.stdin), sorted(os.environ), os.getcwd()]))",
    )
    arguments, document, names, folder = json.loads(_run(script, document=b'{"a": "\xc3\xa4"}').stdout)
    assert (arguments, document, folder) == (["--execute"], {"a": "ä"}, "/")
    assert {"SPLUNK_HOME", "PYTHONPATH", "EXTRA"} <= set(names)
    assert not {"REQUESTS_CA_BUNDLE", "PYTHONSTARTUP", "VIRTUAL_ENV"} & set(names)


@pytest.mark.parametrize(("statement", "code"), [("sys.exit(4)", 4), ("os.kill(os.getpid(), 15)", 143), ("1 / 0", 1)])
def test_exit_code_is_the_scripts(tmp_path: Path, statement: str, code: int) -> None:
    """The exit code is handed on, 128 + n for a signal; standard error is kept."""
    finished = _run(_script(tmp_path, f"import os, sys\nprint('why', file=sys.stderr, flush=True)\n{statement}"))
    assert (finished.exit_code, finished.timed_out) == (code, False)
    assert finished.stderr.startswith("why")


def test_script_that_runs_too_long_is_killed_with_its_children(tmp_path: Path) -> None:
    """After maxtime the whole process group is gone, also when it ignores SIGTERM."""
    script = _script(
        tmp_path,
        "import pathlib, signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "pathlib.Path(__file__).with_name('child').write_text(str(child.pid))\n"
        "time.sleep(600)\n",
    )
    finished = _run(script, maxtime=3)
    assert (finished.exit_code, finished.timed_out) == (137, True)
    child = int((tmp_path / "child").read_text())
    assert _ends(child)


def test_interpreter_that_can_not_be_run_is_said_plainly(tmp_path: Path) -> None:
    """A path that is no program is refused in words."""
    with pytest.raises(LabError, match="can't be run"):
        _run(_script(tmp_path, ""), python=tmp_path / "none")


def test_big_payload_to_a_script_that_does_not_read_it(tmp_path: Path) -> None:
    """A script that ends without reading its input is no error of the lab."""
    assert _run(_script(tmp_path, "import sys; sys.exit(3)"), document=b"x" * 1_000_000).exit_code == 3


def _ends(pid: int) -> bool:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        state = Path(f"/proc/{pid}/stat")
        if state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z":
            return True  # dead; whoever adopted it has not noticed yet
    return False
