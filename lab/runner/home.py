"""SPLUNK_HOME, as far as an add-on sees it."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.runner.conf import Stanzas, layered
from lab.runner.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_IGNORED = shutil.ignore_patterns("__pycache__", "*.pyc")


@dataclass(frozen=True)
class SplunkHome:
    """A folder laid out as Splunk lays out its own.

    Args:
        root: the folder; everything else lies below.
    """

    root: Path

    @property
    def apps(self) -> Path:
        """Installed apps."""
        return self.root / "etc" / "apps"

    @property
    def logs(self) -> Path:
        """Where splunkd and add-ons log."""
        return self.root / "var" / "log" / "splunk"

    @property
    def spool(self) -> Path:
        """Files put here are indexed and removed."""
        return self.root / "var" / "spool" / "splunk"

    @property
    def dispatch(self) -> Path:
        """One folder for each search."""
        return self.root / "var" / "run" / "splunk" / "dispatch"

    def lay_out(self) -> None:
        """Make the folders that a running Splunk has."""
        for folder in (self.apps, self.logs, self.spool, self.dispatch, self.root / "etc" / "system" / "local"):
            folder.mkdir(parents=True, exist_ok=True)
        (self.root / "var" / "lib" / "splunk" / "modinputs").mkdir(parents=True, exist_ok=True)

    def conf(self, app: str, name: str) -> Stanzas:
        """Read ``<name>.conf`` of one app: its ``default``, overridden by its ``local``."""
        folder = self.apps / app
        return layered((folder / "default" / f"{name}.conf", folder / "local" / f"{name}.conf"))

    def install(self, build: Path) -> Path:
        """Copy a built add-on into ``etc/apps``, or bring the copy up to date; what use has written there stays.

        A copy, so that ``local`` and byte code never reach the build.

        Args:
            build: the built add-on's folder; its name is the app's.

        Returns:
            The installed app's folder.

        Raises:
            LabError: there is no built add-on.
        """
        if not (build / "default" / "app.conf").is_file():
            raise LabError(f"There is no built add-on in {build}.", "Run `make build` first.")
        target = self.apps / build.name
        stamp = self.root / "etc" / f"{build.name}.installed"
        fingerprint = _fingerprint(build)
        if target.is_dir() and stamp.is_file() and stamp.read_text(encoding="ascii") == fingerprint:
            return target
        stamp.unlink(missing_ok=True)
        if target.is_dir():
            _remove_shipped(target)
        shutil.copytree(build, target, ignore=_IGNORED, dirs_exist_ok=True)
        stamp.write_text(fingerprint, encoding="ascii")
        return target


def _fingerprint(build: Path) -> str:
    digest = hashlib.sha256()
    for path in _files(build):
        status = path.stat()
        digest.update(f"{path.relative_to(build)}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            yield path


def _remove_shipped(app: Path) -> None:
    for entry in app.iterdir():
        if entry.name in {"local", "lookups"}:
            continue
        if entry.name == "metadata":
            (entry / "default.meta").unlink(missing_ok=True)
        elif entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink()
