"""The busy week, lived through once for each state of the add-on and the lab, and copied for whoever looks at it."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lab.demo.review import VERSION
from lab.demo.week import LEDGER, Week
from lab.runner.lab import BUILD, REPOSITORY, Lab
from lab.runner.locks import FileLock

END = 1_795_521_600.0
"""When the week ends: 2026-11-24T12:00:00Z."""

_KEPT = REPOSITORY / "build" / "week"


@contextmanager
def busy_lab(folder: Path, *, es: str | None = VERSION) -> Iterator[tuple[Lab, dict[str, Any]]]:
    """Open a lab on a copy of the week, its clock at the week's end, and give what the scenario did.

    Args:
        folder: an empty folder.
        es: version of Enterprise Security that is installed; None for none.
    """
    state = folder / "busy"
    shutil.copytree(_week(), state)
    ledger: dict[str, Any] = json.loads((state / LEDGER).read_text(encoding="utf-8"))
    with Lab(state, clock=lambda: END, es=es) as lab:
        yield lab, ledger


def looked_into(lab: Lab) -> dict[str, str]:
    """The ids of the finding on which an analyst ran two more actions."""
    events = (one for one in lab.indexes.since({}) if one["sourcetype"] == "soar:action:result")
    fields = next(one["fields"] for one in events if one["fields"]["action"] == "request_soar_enrichment")
    return {"orig_sid": fields["orig_sid"], "orig_rid": fields["orig_rid"]}


def _week() -> Path:
    _KEPT.mkdir(parents=True, exist_ok=True)
    kept = _KEPT / _digest()
    with FileLock(_KEPT / ".lock"):
        if not (kept / LEDGER).is_file():
            for other in _KEPT.glob("[0-9a-f]*"):
                shutil.rmtree(other)
            Week(kept, END).live()
    return kept


def _digest() -> str:
    digest = hashlib.sha256()
    for root in (BUILD, REPOSITORY / "lab"):
        for path in sorted(root.rglob("*")):
            if path.is_file() and path.suffix != ".pyc" and "node_modules" not in path.parts:
                digest.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]
