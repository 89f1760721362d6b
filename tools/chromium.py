"""The browser for the tests of the pages: the machine's Chromium, or Debian's, installed when that is possible."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tools.process import CommandError, capture

# The driver brings no browser, and none is downloaded but by the machine's own package manager.
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""What it is started with: the tests run as root in containers, and nothing but the lab shall be asked."""

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FOLDERS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)


class MissingBrowserError(Exception):
    """There is no Chromium on this machine, and none can be installed."""


def find() -> Path | None:
    """Return the browser's path; None when there is none."""
    for name in _NAMES:
        found = shutil.which(name)
        if found is not None:
            return Path(found)
    return next((Path(path) for path in _FOLDERS if os.access(path, os.X_OK)), None)


def ensure() -> Path:
    """Return the browser's path, installing Debian's if this is Debian and we are root.

    Raises:
        MissingBrowserError: it is not there and can't be installed.
    """
    if find() is None:
        _install_from_debian()
    found = find()
    if found is None:
        raise MissingBrowserError("Chromium is not on this machine (Debian: apt-get install chromium)")
    return found


def _install_from_debian() -> None:
    apt_get = shutil.which("apt-get")
    if apt_get is None or os.geteuid() != 0:
        return
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        capture([apt_get, "update", "-qq"], extra=quiet)
        capture([apt_get, "install", "-y", "-qq", "--no-install-recommends", "chromium"], extra=quiet)
    except (CommandError, OSError):
        # Not in this release, or no network: the caller reports that the browser is missing.
        return
