"""Where the dashboard renderer comes from."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tools import build, chromium, gates, studio
from tools.studio import MissingNodeError


def test_packages_are_pinned_and_name_no_place() -> None:
    """Every package has its hash and no address; what we name is named by one version; ours and the lock agree."""
    lock = json.loads((studio.SOURCES / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: one for name, one in lock["packages"].items() if name}
    assert len(packages) > 300
    assert all("resolved" not in one and one["integrity"].startswith("sha512-") for one in packages.values())
    named = json.loads((studio.SOURCES / "package.json").read_text(encoding="utf-8"))
    wanted = named["dependencies"] | named["devDependencies"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())
    assert {name: packages[f"node_modules/{name}"]["version"] for name in wanted} == wanted


def test_a_machine_without_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The renderer says what it needs; the gate runs the other tests and is skipped with it, or fails in CI."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(studio, "BUNDLE", tmp_path / "bundle")
    monkeypatch.setattr(studio, "_PACKAGES", tmp_path / "packages")
    with pytest.raises(MissingNodeError, match=r"Node\.js 20"):
        studio.ensure()

    ran: list[str] = []
    monkeypatch.setattr(build, "build", lambda: None)
    monkeypatch.setattr(chromium, "ensure", lambda: tmp_path)
    monkeypatch.setattr(gates, "ROOT", tmp_path)
    monkeypatch.setattr(gates, "_tool", lambda *arguments: ran.append(" ".join(map(str, arguments))))
    (step,) = gates.BROWSER
    assert gates.run_step(step, strict=False) is gates.Outcome.SKIPPED
    assert gates.run_step(step, strict=True) is gates.Outcome.FAILED
    assert len(ran) == 2
    assert all("tests/browser" in call for call in ran)


def test_nothing_of_it_is_shipped(addon: Path) -> None:
    """The add-on holds no file of the renderer, and no definition but as a view."""
    files = [path.relative_to(addon).as_posix() for path in addon.rglob("*") if path.is_file()]
    assert not any("studio" in name or "highcharts" in name.lower() or name.endswith(".woff2") for name in files)
    assert not any(name.startswith("dashboards/") for name in files)
