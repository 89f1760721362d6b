"""`lab send`: run an action on a results file."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console

from lab.cli.options import DEFAULT_STATE, Json, Python, State, parse_parameters
from lab.cli.show import show_report
from lab.runner.errors import LabError
from lab.runner.interpreter import find_interpreter
from lab.runner.report import failure_document
from lab.runner.request import DEFAULT_ACTION, SendRequest
from lab.runner.search import Mode

if TYPE_CHECKING:
    from lab.runner.report import Report
    from lab.runner.servers import OwnSoar

TOKEN_VARIABLE = "LAB_SOAR_TOKEN"  # noqa: S105 - the name of a variable, not a secret
_INCONSISTENT = 70


def send(
    results: Annotated[Path, typer.Argument(metavar="RESULTS", help="A .csv or .csv.gz as Splunk writes it.")],
    *,
    action: Annotated[str, typer.Option(metavar="NAME", help="Alert action of the add-on.")] = DEFAULT_ACTION,
    param: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Parameter of the action; may be given many times.")
    ] = None,
    search_name: Annotated[str | None, typer.Option(metavar="S", help="Name of the saved search.")] = None,
    sid: Annotated[str | None, typer.Option(metavar="SID", help="Search id. Default: a new one.")] = None,
    mode: Annotated[
        Mode | None, typer.Option(help="How the action comes to run. Default: saved, or what the search id says.")
    ] = None,
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
    timeout: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", min=0.1, help="How long the action may run. Default: its maxtime."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Run an action of the built add-on on RESULTS, as splunkd would, and show what became of each result.

    The exit code is the action's; 2 when it could not be started as asked, and 70 when it says 0 but its result events
    and its log contradict each other.
    """
    try:
        request = SendRequest(
            results=results,
            action=action,
            parameters=parse_parameters(param or []),
            search_name=search_name,
            sid=sid,
            mode=mode,
            timeout=timeout,
        )
        report = _run(request, own_soar(soar, token, ca), state, python, quiet=as_json)
    except LabError as error:
        _fail(error, as_json=as_json)
    if as_json:
        typer.echo(json.dumps(report.document(), ensure_ascii=False))
    else:
        show_report(Console(), report)
    raise typer.Exit(report.exit_code or (_INCONSISTENT if report.problems else 0))


def _run(request: SendRequest, own_soar: OwnSoar | None, state: Path, python: str | None, *, quiet: bool) -> Report:
    # The lab brings a web server with it: loaded when it is certain to be needed, so that --help and mistakes are fast.
    from lab.runner.lab import Lab  # noqa: PLC0415
    from lab.runner.results import check  # noqa: PLC0415

    check(request.results)
    lab = Lab(state, soar=own_soar, python=find_interpreter(python) if python else None)
    if quiet:
        with lab:
            return lab.send(request)
    console = Console(stderr=True)
    with console.status("Starting the lab …") as status, lab:
        status.update(f"Running {request.action} …")
        return lab.send(request)


def own_soar(url: str | None, token: str | None, ca: Path | None) -> OwnSoar | None:
    """Give the SOAR that the options name; None for the stand-in."""
    from lab.runner.servers import OwnSoar, check_url  # noqa: PLC0415 - as above

    if url is None:
        if ca is not None or (token is not None and token != os.environ.get(TOKEN_VARIABLE)):
            raise LabError("--token and --ca belong to --soar.", "Name your SOAR with --soar, or leave them out.")
        return None
    if not token:
        raise LabError("--soar needs a token.", f"Set {TOKEN_VARIABLE}, or give --token.")
    return OwnSoar(check_url(url), token, ca)


def _fail(error: LabError, *, as_json: bool) -> NoReturn:
    if as_json:
        typer.echo(json.dumps(failure_document(str(error), error.exit_code), ensure_ascii=False))
    Console(stderr=True).print(f"lab: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(error.exit_code)
