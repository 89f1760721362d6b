"""What the tests of the build share: the built add-on, and a copy of the repository in another folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tools import archive, build
from tools.process import ROOT

# What a clone has of what the build and its tools need; nothing that was made from it.
CLONED = (
    "LICENSE",
    "LICENSES",
    "additional_packaging.py",
    "dashboards",
    "fragments",
    "globalConfig.json",
    "lab",
    "package",
    "pyproject.toml",
    "requirements",
    "tools",
)


@pytest.fixture(scope="session")
def addon() -> Path:
    """Return the folder of the built add-on."""
    return build.build().folder


@pytest.fixture(scope="session")
def package(addon: Path) -> Path:
    """Return the built tar.gz."""
    return ROOT / "dist" / f"{addon.name}-{build.version()}.tar.gz"


def copy_sources(root: Path) -> Path:
    """Copy what a fresh clone has to ``root``, and return it."""
    for name in CLONED:
        source = ROOT / name
        for path in archive.files(source) if source.is_dir() else [source] if source.is_file() else []:
            target = root / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    return root


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return a copy of the sources in a folder of its own, for one test."""
    return copy_sources(tmp_path / "a clone")


@pytest.fixture(scope="module")
def module_clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the sources in a folder of its own, for the tests of one module, which leave it as it was."""
    return copy_sources(tmp_path_factory.mktemp("module") / "a clone")
