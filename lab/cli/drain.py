"""`lab drain`: run the delivery input until it has nothing due."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from lab.cli.options import DEFAULT_STATE, Json, Python, State
from lab.cli.send import TOKEN_VARIABLE, own_soar
from lab.runner.draining import DRAIN_SECONDS, DrainReport
from lab.runner.errors import LabError
from lab.runner.interpreter import find_interpreter
from lab.runner.report import failure_document


def drain(
    *,
    soar: Annotated[str | None, typer.Option(metavar="URL", help="Your own SOAR in place of the stand-in.")] = None,
    token: Annotated[
        str | None,
        typer.Option(metavar="TOKEN", envvar=TOKEN_VARIABLE, show_envvar=True, help="Its automation user's token."),
    ] = None,
    ca: Annotated[
        Path | None, typer.Option(metavar="FILE", help="PEM of the authority that signed its certificate.")
    ] = None,
    wait: Annotated[
        float, typer.Option(metavar="SECONDS", min=0.0, help="Wait for what becomes due within this time.")
    ] = DRAIN_SECONDS,
    state: State = DEFAULT_STATE,
    python: Python = None,
    as_json: Json = False,
) -> None:
    """Run the delivery input until it has nothing due, and show what became of what waited.

    The exit code is 0 when nothing was rejected, 4 otherwise, and 2 when it could not be started.
    """
    from lab.runner.lab import Lab  # noqa: PLC0415 - brings the stand-ins, which --help does not need

    try:
        with Lab(state, soar=own_soar(soar, token, ca), python=find_interpreter(python) if python else None) as lab:
            report = lab.drain(wait=wait)
    except LabError as error:
        if as_json:
            typer.echo(json.dumps(failure_document(str(error), error.exit_code)))
        else:
            Console(stderr=True).print(f"lab: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(error.exit_code) from error
    if as_json:
        typer.echo(json.dumps(report.document()))
    else:
        _show(Console(), report)
    raise typer.Exit(report.exit_code)


def _show(console: Console, report: DrainReport) -> None:
    if report.results:
        table = Table("rid", "state", "container", "link / reason", expand=False)
        for outcome in report.results:
            number = "" if outcome.container_id is None else str(outcome.container_id)
            table.add_row(outcome.rid, outcome.status, number, outcome.reason or outcome.container_url or "")
        console.print(table, markup=False)
    console.print(f"{len(report.results)} results ended, {report.remaining} containers or alerts still wait.")
    for problem in report.problems:
        console.print(problem, style="red", markup=False, soft_wrap=True)
