"""The built add-on is installed as a copy that use can't carry back."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lab.runner.conf import layered, parse
from lab.runner.errors import LabError
from lab.runner.home import SplunkHome


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """A small built add-on."""
    folder = tmp_path / "output" / "TA_x"
    (folder / "default").mkdir(parents=True)
    (folder / "metadata").mkdir()
    (folder / "bin" / "__pycache__").mkdir(parents=True)
    (folder / "bin" / "__pycache__" / "a.pyc").write_bytes(b"x")
    (folder / "bin" / "a.py").write_text("1", encoding="utf-8")
    (folder / "bin" / "old.py").write_text("1", encoding="utf-8")
    (folder / "default" / "app.conf").write_text("[launcher]\nversion = 1\n", encoding="utf-8")
    (folder / "metadata" / "default.meta").write_text("[]\n", encoding="utf-8")
    return folder


@pytest.fixture
def splunk(tmp_path: Path) -> SplunkHome:
    """An empty SPLUNK_HOME."""
    home = SplunkHome(tmp_path / "splunk")
    home.lay_out()
    return home


def test_installed_app_is_a_copy_without_byte_code(splunk: SplunkHome, build: Path) -> None:
    """What is written into the installed app is not in the build."""
    app = splunk.install(build)
    (app / "local").mkdir()
    assert (app / "bin" / "a.py").is_file()
    assert not (app / "bin" / "__pycache__").exists()
    assert not (build / "local").exists()


def test_new_build_replaces_what_was_shipped_and_keeps_what_use_wrote(splunk: SplunkHome, build: Path) -> None:
    """After a new build old files are gone, local and local.meta are still there."""
    app = splunk.install(build)
    (app / "local").mkdir()
    (app / "local" / "x.conf").write_text("[a]\n", encoding="utf-8")
    (app / "metadata" / "local.meta").write_text("[]\n", encoding="utf-8")
    (build / "bin" / "old.py").unlink()
    (build / "bin" / "a.py").write_text("22", encoding="utf-8")
    splunk.install(build)
    assert (app / "bin" / "a.py").read_text(encoding="utf-8") == "22"
    assert not (app / "bin" / "old.py").exists()
    assert (app / "local" / "x.conf").is_file()
    assert (app / "metadata" / "local.meta").is_file()


def test_unchanged_build_is_not_copied_again(splunk: SplunkHome, build: Path) -> None:
    """Byte code that runs have left stays as long as the build is the same."""
    app = splunk.install(build)
    (app / "bin" / "a.pyc").write_bytes(b"x")
    splunk.install(build)
    assert (app / "bin" / "a.pyc").exists()


def test_missing_build_says_what_to_do(splunk: SplunkHome, build: Path) -> None:
    """Without a built add-on the message names the command that makes one."""
    shutil.rmtree(build)
    with pytest.raises(LabError, match="make build"):
        splunk.install(build)


def test_conf_files_are_read_as_splunk_reads_them(tmp_path: Path) -> None:
    """Comments, continued lines, values with ``=`` and brackets, keys above the first stanza."""
    text = "# c\na = 1\n[s one]\nb = x = [y]\n  c=  2  \nd = one \\\n two\nnonsense\n[empty]\n"
    assert parse(text) == {"default": {"a": "1"}, "s one": {"b": "x = [y]", "c": "2", "d": "one \n two"}, "empty": {}}
    (tmp_path / "default.conf").write_text(text, encoding="utf-8")
    (tmp_path / "local.conf").write_text("[s one]\nc =\n", encoding="utf-8")
    merged = layered((tmp_path / "default.conf", tmp_path / "local.conf", tmp_path / "none.conf"))
    assert merged["s one"] == {"a": "1", "b": "x = [y]", "c": "", "d": "one \n two"}
