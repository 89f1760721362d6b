"""`lab doctor`: what is wrong between the add-on and SOAR."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from lab.cli.options import DEFAULT_STATE, Json, Python, State
from lab.cli.send import TOKEN_VARIABLE, own_soar
from lab.runner.errors import LabError
from lab.runner.interpreter import find_interpreter

if TYPE_CHECKING:
    from lab.runner.examination import DoctorReport

_COLOURS = {"ok": "green", "warning": "yellow", "failed": "red", "skipped": "dim"}


def doctor(
    *,
    question: Annotated[
        str, typer.Option(metavar="arrival|playbook|data", help="Answer one question instead of checking everything.")
    ] = "",
    account: Annotated[str, typer.Option(metavar="NAME", help="Account. Default: the lab's own.")] = "",
    label: Annotated[str, typer.Option(metavar="NAME", help="Label of the containers. Default: the account's.")] = "",
    severity: Annotated[str, typer.Option(metavar="NAME", help="Severity of the containers.")] = "",
    playbook: Annotated[str, typer.Option(metavar="REPO/NAME", help="Playbook that the action names.")] = "",
    container: Annotated[str, typer.Option(metavar="ID", help="Container in which no playbook started.")] = "",
    create: Annotated[bool, typer.Option("--create", help="Send a test container, read it back and close it.")] = False,
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
    """Check everything between the add-on and SOAR, each with what was seen and what to do.

    Runs the add-on's search command `| soardoctor` as an administrator. The exit code is 0 when no check failed, 5 when
    one did, and 2 when what was asked can't be done.
    """
    from lab.runner.examination import failure_document  # noqa: PLC0415 - brings the stand-ins, which --help does not need
    from lab.runner.lab import Lab  # noqa: PLC0415 - as above

    arguments = {
        "account": account,
        "question": question,
        "label": label,
        "severity": severity,
        "playbook": playbook,
        "container": container,
        "create": "true" if create else "",
    }
    try:
        with Lab(state, soar=own_soar(soar, token, ca), python=find_interpreter(python) if python else None) as lab:
            report = lab.doctor(arguments)
    except LabError as error:
        if as_json:
            typer.echo(json.dumps(failure_document(str(error), error.exit_code), ensure_ascii=False))
        Console(stderr=True).print(f"lab: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(error.exit_code) from error
    if as_json:
        typer.echo(json.dumps(report.document(), ensure_ascii=False))
    else:
        _show(Console(), report)
    raise typer.Exit(report.exit_code)


def _show(console: Console, report: DoctorReport) -> None:
    table = Table("check", "verdict", "what was seen", expand=False)
    section = ""
    for check in report.checks:
        if check["section"] != section:
            section = check["section"]
            table.add_section()
            table.add_row(f"[bold]{escape(section)}[/]", "", "")
        colour = _COLOURS.get(check["verdict"], "")
        seen = escape(_as_typed(check["evidence"]))
        if check["remedy"]:
            seen += f"\n[bold]→[/] {escape(_as_typed(check['remedy']))}"
        table.add_row(check["check"], f"[{colour}]{check['verdict']}[/]", seen)
    console.print(table)
    console.print(", ".join(f"{number} {verdict}" for verdict, number in report.summary.items() if number))


def _as_typed(text: str) -> str:
    """What the search command says, with this command's own option; the JSON document has it as it was said."""
    return text.replace("create=true", "--create")
