"""Versions and pins: one place each, with hashes, naming no index."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from tools import build, environments, libraries
from tools.process import ROOT

FILES = [libraries.REQUIREMENTS, *(environment.requirements for environment in environments.ALL.values())]


def pins(path: Path) -> dict[str, str]:
    """Return the pinned version of each package of a requirements file."""
    return dict(re.findall(r"^([A-Za-z0-9_.-]+)==([^\s;]+)", path.read_text(encoding="utf-8"), re.MULTILINE))


def test_the_version_is_the_same_everywhere(addon: Path) -> None:
    """pyproject.toml is the one place of the version; the other files and the built add-on agree with it."""
    version = build.version()
    config = json.loads((ROOT / "globalConfig.json").read_text(encoding="utf-8"))
    manifest = json.loads((ROOT / "package/app.manifest").read_text(encoding="utf-8"))
    assert config["meta"]["version"] == version
    assert manifest["info"]["id"]["version"] == version
    assert (addon / "VERSION").read_text(encoding="utf-8").split() == [version, version]
    assert f"version = {version}\n" in (addon / "default/app.conf").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_pin_is_exact_and_has_hashes(path: Path) -> None:
    """Each requirement is name==version with at least one SHA-256, so that nothing else can be installed."""
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.lstrip().startswith(("#", "--no-binary"))]
    assert lines
    for line in lines:
        assert re.match(r"^[a-z0-9][a-z0-9._-]*==\S+.*--hash=sha256:[0-9a-f]{64}", line), line


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_requirements_file_names_an_index(path: Path) -> None:
    """Where packages come from is the business of the machine that installs them."""
    assert not re.search(
        r"https?://|--(extra-)?index-url|--find-links|--trusted-host", path.read_text(encoding="utf-8")
    )


def test_the_shipped_libraries_stay_within_their_bounds() -> None:
    """The pins that keep native files out and 3.9 in are the ones that pyproject.toml explains."""
    shipped = pins(libraries.REQUIREMENTS)
    assert shipped["splunktaucclib"] == "8.2.0"
    assert shipped["solnlib"].split(".")[0] == "7"
    assert shipped["splunk-sdk"] == "2.1.1"
    assert shipped["requests"].startswith("2.32.")
    assert "--no-binary charset-normalizer\n" in libraries.REQUIREMENTS.read_text(encoding="utf-8")
    assert not {"grpcio", "protobuf", "opentelemetry-api"} & set(shipped)


def test_every_group_is_locked() -> None:
    """What pyproject.toml pins exactly is what the requirements files hold."""
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    assert set(groups) == {"addon", "appinspect", "build", "dev", "unit"}
    locked = {
        "addon": [libraries.REQUIREMENTS],
        "appinspect": [environments.APPINSPECT.requirements],
        "build": [environments.BUILD.requirements],
        "dev": [environments.DEV.requirements],
        "unit": [environment.requirements for environment in environments.UNIT],
    }
    for group, paths in locked.items():
        for path in paths:
            for requirement in groups[group]:
                name, _, version = requirement.partition("==")
                found = pins(path)[re.split(r"[<>=]", name)[0]]
                assert version in {"", found}, f"{path.name}: {requirement}"
