"""Finding interpreters, and keeping the caller's shell out of child processes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tools import interpreters, process

HERE = (sys.version_info[0], sys.version_info[1])


def script(path: Path, text: str) -> Path:
    """Write an executable shell script."""
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_a_dead_shim_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first python3.X on PATH fails when started, as a pyenv shim does; the one behind it is taken."""
    name = f"python{HERE[0]}.{HERE[1]}"
    for folder in ("shims", "real"):
        (tmp_path / folder).mkdir()
    dead = script(tmp_path / "shims" / name, 'echo "pyenv: command not found" >&2; exit 127')
    alive = script(tmp_path / "real" / name, f'exec "{sys.executable}" "$@"')
    monkeypatch.setenv("PATH", f"{dead.parent}:{alive.parent}")
    assert interpreters.probe(dead) is None
    found = interpreters.find(HERE)
    assert found is not None
    assert found.version == HERE


def test_the_version_is_what_the_interpreter_says(tmp_path: Path) -> None:
    """A program called python3.9 that is another version is not taken for 3.9."""
    liar = script(tmp_path / "python3.9", f'exec "{sys.executable}" "$@"')
    found = interpreters.probe(liar)
    assert found is not None
    assert found.version == HERE


def test_what_is_not_cpython_is_refused(tmp_path: Path) -> None:
    """Another implementation, silence and nonsense are no interpreter."""
    assert interpreters.probe(script(tmp_path / "other", "echo pypy 3 11 /x")) is None
    assert interpreters.probe(script(tmp_path / "silent", "exit 0")) is None
    assert interpreters.probe(tmp_path / "absent") is None


def test_nothing_of_the_callers_python_reaches_a_child(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """PYTHONPATH and pip's target folder of the calling shell are not inherited."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PIP_TARGET", str(tmp_path))
    code = f"import os, sys; print({str(tmp_path)!r} in sys.path, 'PIP_TARGET' in os.environ)"
    assert process.capture([sys.executable, "-c", code]).split() == ["False", "False"]
    extra = {"PYTHONPATH": str(tmp_path)}
    assert process.capture([sys.executable, "-c", code], extra=extra).split() == ["True", "False"]


def test_a_failed_command_shows_its_output() -> None:
    """The error carries the exit code and what the command printed, on either stream."""
    code = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    with pytest.raises(process.CommandError, match="exit code 3") as caught:
        process.capture([sys.executable, "-c", code])
    assert caught.value.code == 3
    assert {"out", "err"} <= set(caught.value.output.split())
