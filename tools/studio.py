"""Splunk's own dashboard renderer, for the stand-in Splunk Web and the tests: ``python -m tools.studio``.

The packages are pinned in ``lab/web/studio/package-lock.json``, installed without running any of their scripts, and
bundled into ``build/studio``. Nothing of them is part of the add-on or of the repository: the bundle holds Highcharts,
whose licence is commercial.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import time
from pathlib import Path

from tools.environments import lock
from tools.process import ROOT, CommandError, capture

SOURCES = ROOT / "lab" / "web" / "studio"
BUNDLE = ROOT / "build" / "studio"
"""Where the stand-in Splunk Web finds the bundle."""

_PACKAGES = ROOT / ".envs" / "studio"
_MANIFESTS = ("package.json", "package-lock.json")
_ENTRIES = ("page.jsx", "inspection.js")
_OPTIONS = (
    "--bundle",
    "--format=esm",
    "--splitting",
    "--minify",
    "--target=chrome115",
    "--log-level=warning",
    '--define:process.env.NODE_ENV="production"',
    "--define:global=window",
    "--loader:.js=jsx",
    "--loader:.png=dataurl",
    "--loader:.svg=dataurl",
    "--loader:.woff=file",
    "--loader:.woff2=file",
)


class MissingNodeError(Exception):
    """There is no node or no npm on this machine."""


def ensure() -> Path:
    """Bundle the renderer unless that is done for these sources and pins; return the bundle's folder.

    Raises:
        MissingNodeError: node or npm is missing.
        CommandError: npm or the bundler failed.
    """
    with lock("studio"):
        sources = [path for path in sorted(SOURCES.iterdir()) if path.is_file()]
        if not _is(BUNDLE, _digest(sources)):
            start = time.monotonic()
            _install()
            _bundle()
            _mark(BUNDLE, _digest(sources))
            print(f"dashboard renderer {BUNDLE.relative_to(ROOT)}: {time.monotonic() - start:.1f} s", flush=True)
    return BUNDLE


def _install() -> None:
    """Install the pinned packages unless they are there; a new lock makes the folder anew."""
    manifests = [SOURCES / name for name in _MANIFESTS]
    if _is(_PACKAGES, _digest(manifests)):
        return
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        raise MissingNodeError("node and npm are not on this machine (Node.js 20 or newer)")
    shutil.rmtree(_PACKAGES, ignore_errors=True)
    _PACKAGES.mkdir(parents=True)
    for path in manifests:
        shutil.copyfile(path, _PACKAGES / path.name)
    capture([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=_PACKAGES)
    _mark(_PACKAGES, _digest(manifests))


def _bundle() -> None:
    shutil.rmtree(BUNDLE, ignore_errors=True)
    packages = _PACKAGES / "node_modules"
    entries = [SOURCES / name for name in _ENTRIES]
    places = [f"--outdir={BUNDLE}", f"--inject:{SOURCES / 'process.js'}"]
    extra = {"NODE_PATH": os.fspath(packages)}
    capture([packages / ".bin" / "esbuild", *entries, *_OPTIONS, *places], extra=extra)


def _digest(paths: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"{path.name}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def _is(folder: Path, digest: str) -> bool:
    stamp = folder / ".stamp"
    return stamp.is_file() and stamp.read_text(encoding="ascii") == digest


def _mark(folder: Path, digest: str) -> None:
    """Write the stamp, which comes last: an interrupted run leaves none, and the next one starts over."""
    (folder / ".stamp").write_text(digest, encoding="ascii")


def main() -> int:
    """Bundle it; return the exit code."""
    try:
        ensure()
    except (CommandError, MissingNodeError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
