"""`lab poll`: run the feedback input once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from lab.cli.brought import told
from lab.cli.options import DEFAULT_STATE, Json, Python, State
from lab.cli.send import TOKEN_VARIABLE, own_soar
from lab.runner.errors import LabError
from lab.runner.interpreter import find_interpreter
from lab.runner.polling import PollReport
from lab.runner.report import SCHEMA

_EVENTS_SHOWN = 50


def poll(
    *,
    soar: Annotated[str | None, typer.Option(metavar="URL", help="Your own SOAR in place of the stand-in.")] = None,
    token: Annotated[
        str | None,
        typer.Option(metavar="TOKEN", envvar=TOKEN_VARIABLE, show_envvar=True, help="Its automation user's token."),
    ] = None,
    ca: Annotated[
        Path | None, typer.Option(metavar="FILE", help="PEM of the authority that signed its certificate.")
    ] = None,
    state: State = DEFAULT_STATE,
    python: Python = None,
    as_json: Json = False,
) -> None:
    """Run the feedback input until it has polled once, and show what it brought.

    The exit code is 0 when it could poll, 1 when it could not, and 2 when it could not be started.
    """
    try:
        own = own_soar(soar, token, ca)
        from lab.runner.lab import Lab  # noqa: PLC0415 - it brings two web servers, which --help does not need

        with Lab(state, soar=own, python=find_interpreter(python) if python else None) as lab:
            report = lab.poll()
    except LabError as error:
        if as_json:
            document = {"schema": SCHEMA, "exit_code": error.exit_code, "events": [], "summary": {}}
            typer.echo(json.dumps({**document, "problems": [str(error)]}, ensure_ascii=False))
        Console(stderr=True).print(f"lab: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(error.exit_code) from error
    if as_json:
        typer.echo(json.dumps(report.document(), ensure_ascii=False))
    else:
        _show(Console(), report)
    raise typer.Exit(report.exit_code)


def _show(console: Console, report: PollReport) -> None:
    if report.events:
        table = Table("sourcetype", "container", "what", "state", expand=False)
        for one in report.events[:_EVENTS_SHOWN]:
            table.add_row(*map(escape, told(one)))
        console.print(table)
    hidden = len(report.events) - _EVENTS_SHOWN
    if hidden > 0:
        console.print(f"… and {hidden} more; --json has them all.")
    counts = ", ".join(f"{count} {name}" for name, count in report.summary().items())
    console.print(f"{counts or 'Nothing new'} in {report.duration_ms} ms. Exit code {report.exit_code}.")
    for problem in report.problems:
        console.print(f"[red]Problem:[/] {escape(problem)}", soft_wrap=True)
