"""Builds the add-on: ``output/TA_send_to_soar/`` and ``dist/TA_send_to_soar-<version>.tar.gz``.

ucc-gen runs on a copy of the sources, because it rewrites globalConfig.json and app.manifest. Its exit code is 0 even
after an exception, so its result is judged by the files that must be there.
"""

from __future__ import annotations

import configparser
import hashlib
import json
import re
import shutil
import sys
import tempfile
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path

from tools import archive, environments, libraries
from tools.interpreters import MissingInterpreterError
from tools.process import ROOT, CommandError, capture

ADDON = "TA_send_to_soar"
REST_ROOT = "ta_send_to_soar"
FILES = "lib/files.sha256"
"""The list of the add-on's files; it does not list itself."""

_SOURCES = ("globalConfig.json", "additional_packaging.py", "LICENSE")
_FOLDERS = ("package", "fragments", "dashboards", "LICENSES")

# What ucc-gen must have written (the last two are its very last steps), and what must have come from package/.
_EXPECTED = (
    "VERSION",
    "app.manifest",
    "appserver/static/js/build/globalConfig.json",
    "appserver/templates/base.html",
    "bin/import_declare_test.py",
    "bin/request_soar_enrichment.py",
    "bin/run_soar_playbook.py",
    "bin/send_to_soar.py",
    f"bin/{REST_ROOT}_rh_account.py",
    f"bin/{REST_ROOT}_rh_settings.py",
    "default/alert_actions.conf",
    "default/restmap.conf",
    "default/web.conf",
    f"default/{REST_ROOT}_settings.conf",
    "lib/soarlink/__init__.py",
    "lib/splunktaucclib/cim_actions.py",
    "metadata/default.meta",
    "default/app.conf",
    "default/data/ui/nav/default.xml",
    "default/data/ui/views/configuration.xml",
    "default/data/ui/views/home.xml",
    "appserver/static/openapi.json",
)
# Conf files of ours that may stand in for generated ones; any other would delete REST handlers or parameters unseen.
# app.conf is merged by ucc-gen; of the other two it generates a bare minimum.
_MAY_REPLACE = frozenset({"app.conf", "eventtypes.conf", "tags.conf"})
_GENERATED_CONF = re.compile(r"Successfully generated '([^']+\.conf)'")
_APP_CONF_BUILD = re.compile(r"^build\s*=.*$", re.MULTILINE)
_CACHE_BUSTER = re.compile(r"@\d{9,}")
# 2010-01-01: modification times are this plus the build number, so that byte code cached from an older version, which
# Python matches by time and size, is never taken for a file of this one.
_EPOCH = 1_262_304_000


class BuildError(Exception):
    """The add-on could not be built; the message says why."""


@dataclass(frozen=True)
class Built:
    """The result of a build.

    Attributes:
        folder: the add-on as a folder.
        package: the add-on as tar.gz.
        fresh: False if nothing had changed since the last build.
    """

    folder: Path
    package: Path
    fresh: bool


def version() -> str:
    """Return the version of the add-on, whose one place is ``[project]`` in pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["version"])


def _inputs() -> list[Path]:
    """Return the files that the add-on is made from, in a fixed order."""
    found = [ROOT / name for name in _SOURCES if (ROOT / name).is_file()]
    for name in _FOLDERS:
        found.extend(archive.files(ROOT / name))
    found.extend((environments.BUILD.requirements, ROOT / "pyproject.toml"))
    found.extend(ROOT / "tools" / f"{name}.py" for name in ("archive", "build", "environments", "libraries"))
    return found


def _stage(sources: Path, inputs: list[Path]) -> None:
    """Copy the sources, the licence into the add-on; not what says which libraries ``tools.libraries`` installs."""
    left_out = {libraries.REQUIREMENTS, libraries.EXCLUDE}
    for path in inputs:
        if path not in left_out:
            relative = path.relative_to(ROOT)
            target = sources / ("package/LICENSE" if relative == Path("LICENSE") else relative)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)


def _generate(sources: Path, output: Path) -> None:
    """Run ucc-gen on the copy, judge what it wrote, and report when it migrated globalConfig.json."""
    python = environments.ensure(environments.BUILD)
    command: list[str | Path] = [python.with_name("ucc-gen"), "build", "--source", sources / "package"]
    command += ["--config", sources / "globalConfig.json", "--ta-version", version(), "--output", output]
    log = capture(
        [*command, "--python-binary-name", python, "--verbose"],
        cwd=sources,
        extra={"PYTHONDONTWRITEBYTECODE": "1"},
    )
    missing = [name for name in _EXPECTED[-2:] if not (output / ADDON / name).is_file()]
    if missing:
        # Its progress, and a link to its issue tracker that repeats the traceback, say nothing more.
        lines = [line for line in log.splitlines() if line and not line.startswith(("INFO:", "You can report"))]
        message = f"ucc-gen did not finish: {', '.join(missing)} is missing. It said:\n" + "\n".join(lines)
        raise BuildError(message)
    replaced = [
        name
        for name in sorted(set(_GENERATED_CONF.findall(log)) - _MAY_REPLACE)
        if (sources / "package" / "default" / name).is_file()
    ]
    if replaced:
        message = f"package/default would replace what ucc-gen generates, use fragments/ instead: {', '.join(replaced)}"
        raise BuildError(message)
    before = json.loads((ROOT / "globalConfig.json").read_text(encoding="utf-8"))
    if json.loads((sources / "globalConfig.json").read_text(encoding="utf-8")) != before:
        print("note: ucc-gen migrated its copy of globalConfig.json (schema or version); bring the source up to date")


def _number_build(folder: Path) -> int:
    """Replace ucc-gen's clock-based build number by one made from the content, and return it (1 to 2**28).

    Splunk Web puts it into the addresses of static files, so that browsers notice a change.
    """
    app_conf = folder / "default" / "app.conf"
    base = folder / "appserver" / "templates" / "base.html"
    conf_text, replaced = _APP_CONF_BUILD.subn("build = 0", app_conf.read_text(encoding="utf-8"))
    base_text, busted = _CACHE_BUSTER.subn("@0", base.read_text(encoding="utf-8"))
    if replaced != 1 or not busted:
        message = "app.conf or base.html of ucc-gen changed shape: build number or cache buster not found"
        raise BuildError(message)
    app_conf.write_text(conf_text, encoding="utf-8")
    base.write_text(base_text, encoding="utf-8")
    number = int(archive.digest(archive.files(folder), base=folder)[:7], 16) + 1
    app_conf.write_text(conf_text.replace("build = 0", f"build = {number}", 1), encoding="utf-8")
    base.write_text(base_text.replace("@0", f"@{number}"), encoding="utf-8")
    return number


def _list_files(folder: Path) -> None:
    """Write the SHA-256 of every file, as ``sha256sum`` does: what ``| soardoctor`` compares an installation with."""
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder).as_posix()}\n"
        for path in archive.files(folder)
    ]
    (folder / FILES).write_text("".join(lines), encoding="utf-8")


def _check(folder: Path) -> None:
    """Raise BuildError unless the add-on is complete and holds nothing that must not be shipped."""
    missing = [name for name in _EXPECTED if not (folder / name).is_file()]
    if missing:
        message = f"the built add-on lacks {', '.join(missing)}"
        raise BuildError(message)
    native = libraries.native_files(folder)
    litter = [path for path in folder.rglob("*") if path.suffix == ".pyc" or path.name == "__pycache__"]
    hidden = list(folder.rglob(".*"))
    if unwanted := [str(path.relative_to(folder)) for path in (*native, *litter, *hidden)]:
        message = f"the built add-on holds files that must not be shipped: {', '.join(unwanted)}"
        raise BuildError(message)
    for conf in sorted(folder.glob("*/*.conf")):
        # The strict parser refuses a stanza or a setting that is there twice.
        parser = configparser.RawConfigParser(delimiters=("=",), comment_prefixes=("#",), strict=True)
        try:
            parser.read_string(re.sub(r"\\\n", " ", conf.read_text(encoding="utf-8")))
        except configparser.Error as error:
            message = f"{conf.relative_to(folder)}: {error}"
            raise BuildError(message) from error


def _swap(new: Path, place: Path) -> None:
    """Put ``new`` where ``place`` is; whoever looks sees the old folder or the new one, never half of it."""
    place.parent.mkdir(exist_ok=True)
    if place.exists():
        place.rename(new.parent / "old")
    new.rename(place)


def _make(inputs: list[Path], package: Path) -> Path:
    installed = libraries.ensure()
    with tempfile.TemporaryDirectory(prefix="stage-", dir=ROOT / "build") as name:
        stage = Path(name)
        _stage(stage / "source", inputs)
        _generate(stage / "source", stage / "output")
        folder = stage / "output" / ADDON
        shutil.copytree(installed, folder / "lib", dirs_exist_ok=True)
        number = _number_build(folder)
        _list_files(folder)
        _check(folder)
        archive.normalise(folder, mtime=_EPOCH + number)
        package.parent.mkdir(exist_ok=True)
        archive.write(folder, stage / package.name, mtime=_EPOCH + number)
        _swap(folder, ROOT / "output" / ADDON)
        (stage / package.name).replace(package)
    return ROOT / "output" / ADDON


def build() -> Built:
    """Build the add-on unless neither its inputs nor its outputs changed since the last build.

    Raises:
        BuildError: ucc-gen failed, or its result is not what may be shipped.
        CommandError: a tool failed.
        LibraryError: the libraries are not what may be shipped.
    """
    package = ROOT / "dist" / f"{ADDON}-{version()}.tar.gz"
    folder = ROOT / "output" / ADDON
    stamp = ROOT / "build" / "addon.stamp"
    with environments.lock("addon"):
        inputs = _inputs()
        before = archive.digest(inputs, base=ROOT)

        def state() -> str:
            results = [*archive.files(folder), package] if package.is_file() else []
            return f"{before} {archive.digest(results, base=ROOT)}"

        if stamp.is_file() and stamp.read_text(encoding="utf-8") == state():
            return Built(folder, package, fresh=False)
        stamp.unlink(missing_ok=True)
        _make(inputs, package)
        stamp.write_text(state(), encoding="utf-8")
        return Built(folder, package, fresh=True)


def main() -> int:
    """Build, say what came out, and return the exit code."""
    start = time.monotonic()
    try:
        built = build()
    except (BuildError, CommandError, MissingInterpreterError, libraries.LibraryError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    what = "built in" if built.fresh else "up to date, checked in"
    size = built.package.stat().st_size / 1_000_000
    print(
        f"{built.folder.relative_to(ROOT)} and {built.package.relative_to(ROOT)} ({size:.1f} MB): "
        f"{what} {time.monotonic() - start:.1f} s"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
