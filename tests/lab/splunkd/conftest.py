"""A stand-in splunkd with the built add-on in it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from lab.splunkd import SPLUNK_PACKAGE, StandInSplunkd
from lab.splunkd.certificate import default_certificates
from tests.lab.splunkd.client import APP, Client, Run, Start, client_of


@pytest.fixture(scope="session")
def built_addon() -> Path:
    """Return the folder of the built add-on."""
    path = Path(__file__).parents[3] / "output" / APP
    if not (path / "default" / "app.conf").exists():
        pytest.fail("the add-on is not built: run `make build`", pytrace=False)
    return path


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the etc/auth of an installation; making its keys once saves most of the tests' time."""
    home = tmp_path_factory.mktemp("installation")
    default_certificates(home)
    return home / "etc" / "auth"


def lay_out_home(root: Path, built_addon: Path, certificates: Path) -> Path:
    """Return a SPLUNK_HOME below `root` whose app is the built one, with a local folder of its own."""
    shutil.copytree(certificates, root / "home" / "etc" / "auth")
    app = root / "home" / "etc" / "apps" / APP
    app.mkdir(parents=True)
    for item in built_addon.iterdir():
        (app / item.name).symlink_to(item)
    return root / "home"


@pytest.fixture
def start(tmp_path: Path, built_addon: Path, certificates: Path) -> Iterator[Start]:
    """Return a function that starts a stand-in; without arguments twice in a row it is a restart."""
    home = lay_out_home(tmp_path, built_addon, certificates)
    with ExitStack() as running:

        def run(**options: Any) -> StandInSplunkd:
            running.close()
            return running.enter_context(StandInSplunkd(home, tmp_path / "state", **options))

        yield run


@pytest.fixture
def splunkd(start: Start) -> StandInSplunkd:
    """Return a running stand-in with default options."""
    return start()


@pytest.fixture
def as_user(splunkd: StandInSplunkd) -> Callable[[str], Client]:
    """Return a function that gives a client for a user."""
    return lambda user: client_of(splunkd, user)


@pytest.fixture
def admin(splunkd: StandInSplunkd) -> Client:
    """Return an administrator's client."""
    return client_of(splunkd, "admin")


@pytest.fixture
def in_addon(splunkd: StandInSplunkd) -> Run:
    """Return a function that runs Python code with the add-on's own libraries and gives back what it put in `result`.

    The code finds `KEY`, `HOST`, `PORT`, `APP` and writes `result`, which must fit into JSON.
    """

    def run(code: str, python: str = sys.executable, user: str = "admin") -> Any:
        parts = urlsplit(splunkd.uri)
        lib = splunkd.home / "etc" / "apps" / APP / "lib"
        prologue = f"HOST, PORT, APP = {parts.hostname!r}, {parts.port}, {APP!r}\nimport json, os, sys\n"
        prologue += "KEY = os.environ['SESSION']\n"
        epilogue = "\nprint(json.dumps(result))\n"
        environment = {
            "PATH": os.defpath,
            "SPLUNK_HOME": str(splunkd.home),
            "SESSION": splunkd.session_key(user),
            "PYTHONPATH": f"{lib}{os.pathsep}{SPLUNK_PACKAGE}",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        done = subprocess.run(
            [python, "-c", prologue + textwrap.dedent(code) + epilogue],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return run


@pytest.fixture(scope="session")
def interpreters() -> dict[str, Path]:
    """Return the interpreters that Splunk brings, by version; both must be on the machine."""
    found = {version: find_interpreter(version) for version in ("3.9", "3.13")}
    missing = [version for version, path in found.items() if path is None]
    if missing:
        pytest.fail(f"CPython {' and '.join(missing)} not found on this machine", pytrace=False)
    return {version: path for version, path in found.items() if path is not None}


def find_interpreter(version: str) -> Path | None:
    """Return an interpreter that starts: from PATH, or from pyenv's versions."""
    roots = [Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"]
    candidates = [shutil.which(f"python{version}")]
    candidates += [str(path) for root in roots for path in sorted(root.glob(f"{version}.*/bin/python"))]
    for candidate in filter(None, candidates):
        # A shim may be there and yet not start.
        probe = subprocess.run([candidate, "-c", "import ssl"], capture_output=True, check=False)
        if probe.returncode == 0:
            return Path(candidate)
    return None
