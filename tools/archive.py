"""Folders as content: their digest, and a tar.gz that depends on nothing else."""

from __future__ import annotations

import gzip
import hashlib
import os
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

_LITTER = {"__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"}


def files(folder: Path) -> Iterator[Path]:
    """Yield the files below ``folder`` in a fixed order, without caches and byte code."""
    for path in sorted(folder.rglob("*"), key=lambda item: item.relative_to(folder).as_posix()):
        if path.is_file() and path.suffix != ".pyc" and not _LITTER.intersection(path.parts):
            yield path


def digest(paths: Iterable[Path], *, base: Path) -> str:
    """Return the SHA-256 (hexadecimal) over names, relative to ``base``, and contents of the files."""
    total = hashlib.sha256()
    for path in paths:
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        total.update(f"{path.relative_to(base).as_posix()}\0{content}\n".encode())
    return total.hexdigest()


def normalise(folder: Path, *, mtime: int) -> None:
    """Give every file mode 0644 and every folder 0755, all with the same modification time (epoch seconds)."""
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
        os.utime(path, (mtime, mtime))


def write(folder: Path, target: Path, *, mtime: int) -> None:
    """Pack ``folder`` as ``target`` (tar.gz): sorted names, fixed owner, modes and times."""

    def entry(info: tarfile.TarInfo) -> tarfile.TarInfo:
        info.uid = info.gid = 0
        info.uname = info.gname = "root"
        info.mtime = mtime
        info.mode = 0o755 if info.isdir() else 0o644
        return info

    with (
        target.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=9, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path in [folder, *sorted(folder.rglob("*"), key=lambda item: item.relative_to(folder).as_posix())]:
            name = Path(folder.name, path.relative_to(folder)).as_posix()
            tar.add(path, arcname=name, recursive=False, filter=entry)
