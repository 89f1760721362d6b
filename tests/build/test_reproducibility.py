"""The build from a fresh clone: same bytes, clean tree, and no success when ucc-gen failed."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tools import archive, build, interpreters
from tools.process import CommandError, capture

MADE = {".envs", "build", "dist", "output"}


def sources(root: Path) -> str:
    """Return the digest of everything in a clone that the build did not make."""
    found = [path for path in archive.files(root) if path.relative_to(root).parts[0] not in MADE]
    return archive.digest(found, base=root)


def another_interpreter() -> Path:
    """Return a development interpreter of another version than this one, or this one if there is no other."""
    for version in interpreters.DEVELOPMENT:
        if version != sys.version_info[:2]:
            found = interpreters.find(version)
            if found is not None:
                return found.path
    return Path(sys.executable)


@dataclass(frozen=True)
class Clone:
    """A clone in which the add-on was built.

    Attributes:
        root: its folder.
        python: the interpreter that built it.
        before: digest of its sources before the build.
        package: the tar.gz that it made.
    """

    root: Path
    python: Path
    before: str
    package: Path

    def build(self) -> subprocess.CompletedProcess[str]:
        """Build again."""
        command = [str(self.python), "-m", "tools.build"]
        return subprocess.run(command, cwd=self.root, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def built(module_clone: Path) -> Clone:
    """Return a clone that was built with another interpreter than the one that runs the tests."""
    before = sources(module_clone)
    python = another_interpreter()
    capture([python, "-m", "tools.build"], cwd=module_clone)
    return Clone(module_clone, python, before, module_clone / "dist" / f"{build.ADDON}-{build.version()}.tar.gz")


def test_builds_in_two_folders_with_two_interpreters_are_byte_identical(built: Clone, package: Path) -> None:
    """The tar.gz depends on the sources and the pins, and on nothing else."""
    assert built.package.read_bytes() == package.read_bytes()


def test_the_build_leaves_the_sources_alone(built: Clone) -> None:
    """ucc-gen rewrites globalConfig.json and app.manifest: of its copy, not of the sources."""
    assert sources(built.root) == built.before


def test_nothing_is_built_twice(built: Clone) -> None:
    """Without a change there is nothing to do; an edited output does not survive the next build."""
    assert "up to date" in built.build().stdout
    version = built.root / "output" / build.ADDON / "VERSION"
    good = version.read_bytes()
    version.write_text("9.9.9", encoding="utf-8")
    assert "built in" in built.build().stdout
    assert version.read_bytes() == good


def test_a_change_of_the_sources_changes_build_number_and_times(built: Clone) -> None:
    """A changed module gives other file times: else Python could take byte code of the old one for it."""
    module = built.root / "package" / "lib" / "soarlink" / "__init__.py"
    shipped = built.root / "output" / build.ADDON / "lib" / "soarlink" / "__init__.py"
    original, time = module.read_bytes(), shipped.stat().st_mtime
    module.write_bytes(original + b"# changed\n")
    try:
        assert "built in" in built.build().stdout
        assert shipped.stat().st_mtime != time
    finally:
        module.write_bytes(original)
    assert "built in" in built.build().stdout
    assert shipped.stat().st_mtime == time


def test_a_failure_inside_ucc_gen_fails_the_build(built: Clone) -> None:
    """ucc-gen ends with exit code 0 after an exception; the build notices, and keeps what was built before."""
    hook = built.root / "additional_packaging.py"
    original, package = hook.read_bytes(), built.package.read_bytes()
    hook.write_bytes(original + b"\nraise RuntimeError('broken hook')\n")
    try:
        failed = built.build()
    finally:
        hook.write_bytes(original)
    assert failed.returncode == 1
    assert "ucc-gen did not finish" in failed.stderr
    assert "broken hook" in failed.stderr
    assert built.package.read_bytes() == package
    assert (built.root / "output" / build.ADDON / "appserver" / "static" / "openapi.json").is_file()


def test_a_conf_file_that_replaces_the_generated_one_fails_the_build(built: Clone) -> None:
    """A restmap.conf in package/default would delete the REST handlers of the configuration page."""
    intruder = built.root / "package" / "default" / "restmap.conf"
    intruder.write_text("[validation:savedsearch]\naction.send_to_soar = null()\n", encoding="utf-8")
    try:
        failed = built.build()
    finally:
        intruder.unlink()
    assert failed.returncode == 1
    assert "restmap.conf" in failed.stderr


def test_a_wrong_hash_stops_the_installation(clone: Path) -> None:
    """A package that is not the pinned file is not installed, and the environment does not count as made."""
    pins = clone / "requirements" / "appinspect.txt"
    pins.write_text("iniconfig==2.3.1 --hash=sha256:" + "0" * 64 + "\n", encoding="utf-8")
    with pytest.raises(CommandError, match="DO NOT MATCH THE HASHES"):
        capture([sys.executable, "-m", "tools.environments", "appinspect"], cwd=clone)
    assert not (clone / ".envs" / "appinspect" / ".stamp").exists()


def test_a_half_made_environment_is_made_again(clone: Path) -> None:
    """Without its stamp, with other pins or with a dead interpreter it is made anew; else it is left alone."""
    block: list[str] = []
    for line in (clone / "requirements" / "dev.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("iniconfig==") or (block and line.startswith("    --hash")):
            block.append(line)
        elif block:
            break
    pins = clone / "requirements" / "appinspect.txt"
    pins.write_text("\n".join(block) + "\n", encoding="utf-8")
    command = [sys.executable, "-m", "tools.environments", "appinspect"]
    folder = clone / ".envs" / "appinspect"
    assert "environment .envs/appinspect" in capture(command, cwd=clone)
    assert capture(command, cwd=clone) == ""
    (folder / ".stamp").unlink()
    (folder / "left-over").touch()
    assert "environment .envs/appinspect" in capture(command, cwd=clone)
    assert not (folder / "left-over").exists()
    pins.write_text("# changed\n" + "\n".join(block) + "\n", encoding="utf-8")
    assert "environment .envs/appinspect" in capture(command, cwd=clone)
    (folder / "bin" / "python").unlink()
    assert "environment .envs/appinspect" in capture(command, cwd=clone)
    assert "iniconfig" in capture([folder / "bin" / "python", "-m", "pip", "list"], cwd=clone)
