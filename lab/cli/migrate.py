"""`lab migrate`: saved searches that use SOAR Export, in this add-on's words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from lab.cli.options import Json
from lab.migration.soar_export import migrate
from lab.runner import conf
from lab.runner.errors import LabError
from lab.runner.report import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.migration.soar_export import Migration


def migrate_searches(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE…", help="savedsearches.conf files; settings of a later one win (default, local)."),
    ],
    *,
    as_json: Json = False,
) -> None:
    """Print what each saved search that uses SOAR Export's actions would say with `send_to_soar`. Changes nothing.

    The output is meant for a savedsearches.conf, notes as comments. Of a relay's password nothing is printed. The exit
    code is 0, also when no search uses them; 2 when a file can't be read.
    """
    try:
        found = tuple(migrate(conf.layered(_readable(files))))
    except LabError as error:
        if as_json:
            typer.echo(_json((), exit_code=error.exit_code, problems=[str(error)]))
        Console(stderr=True).print(f"lab: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(error.exit_code) from error
    if as_json:
        typer.echo(_json(found))
        return
    for one in found:
        typer.echo(one.stanza())
    typer.echo(f"# Searches that use SOAR Export's actions: {len(found)}.")


def _readable(files: list[Path]) -> list[Path]:
    for path in files:
        try:
            path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            raise LabError(f"{path} can't be read: {reason}.", "Name one or more savedsearches.conf files.") from error
    return files


def _json(found: tuple[Migration, ...], *, exit_code: int = 0, problems: Sequence[str] = ()) -> str:
    searches = [
        {"search": one.search, "old": one.old, "settings": dict(one.settings), "notes": one.notes} for one in found
    ]
    document = {"schema": SCHEMA, "exit_code": exit_code, "searches": searches, "problems": problems}
    return json.dumps(document, ensure_ascii=False)
