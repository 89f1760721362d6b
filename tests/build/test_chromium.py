"""Where the browser for the tests of the pages comes from."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import build, chromium, gates


def _browser(folder: Path, name: str) -> Path:
    path = folder / name
    path.write_text("#!/bin/sh\n", encoding="ascii")
    path.chmod(0o755)
    return path


def test_the_machines_own_browser_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Chromium before others, wherever PATH says."""
    _browser(tmp_path, "google-chrome")
    own = _browser(tmp_path, "chromium")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert chromium.ensure() == own


def test_a_machine_without_a_browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where none can be installed the gate is skipped with what to do, and fails in CI."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(build, "build", lambda: None)
    (step,) = gates.BROWSER
    if chromium.find() is not None:
        pytest.skip("this machine has a browser outside PATH")
    with pytest.raises(gates.Skipped, match="apt-get install chromium"):
        step.run()
    assert gates.run_step(step, strict=False) is gates.Outcome.SKIPPED
    assert gates.run_step(step, strict=True) is gates.Outcome.FAILED
