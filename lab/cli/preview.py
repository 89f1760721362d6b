"""`lab preview`: what an action would send, and why."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.console import Console

from lab.cli.explanation import show_preview
from lab.cli.options import DEFAULT_STATE, Json, Python, State, parse_parameters
from lab.cli.send import TOKEN_VARIABLE
from lab.runner.errors import LabError
from lab.runner.interpreter import find_interpreter
from lab.runner.request import DEFAULT_ACTION, SendRequest
from lab.runner.search import Mode

if TYPE_CHECKING:
    from lab.runner.preview import AddOn

DEFAULT_LIMIT = 1_000
NO_SOAR_NEEDED = "a preview asks no SOAR: --soar was not contacted, and names of its own are shown as they were given"


def preview(
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
    limit: Annotated[
        int, typer.Option(metavar="N", min=0, help="How many results are looked at; 0 for all.")
    ] = DEFAULT_LIMIT,
    soar: Annotated[str | None, typer.Option(metavar="URL", help="As for send; preview sends nothing to it.")] = None,
    token: Annotated[  # noqa: ARG001 - taken so that the options of send can be kept as they are
        str | None,
        typer.Option(metavar="TOKEN", envvar=TOKEN_VARIABLE, show_envvar=True, help="As for send; not used."),
    ] = None,
    ca: Annotated[Path | None, typer.Option(metavar="FILE", help="As for send; not used.")] = None,  # noqa: ARG001
    state: State = DEFAULT_STATE,
    python: Python = None,
    timeout: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", min=0.1, help="How long it may take. Default: the action's maxtime."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what an action would send for RESULTS, container by container, and why each value goes where it goes.

    Sends nothing and needs no SOAR. The exit code is 0; 3 when the action would refuse its parameters, its account or
    a mapping rule; 6 when the results are damaged; 2 when the preview could not be started as asked.
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
        document = _document(request, limit, state, python)
    except LabError as error:
        fail(error, as_json=as_json)
    if soar is not None:
        document["notes"].append(NO_SOAR_NEEDED)
    if as_json:
        typer.echo(json.dumps(document, ensure_ascii=False))
    else:
        show_preview(Console(), document)
    raise typer.Exit(document["exit_code"])


def _document(request: SendRequest, limit: int, state: Path, python: str | None) -> dict[str, Any]:
    from lab.runner.preview import preview as planned  # noqa: PLC0415 - --help and mistakes are fast without it
    from lab.runner.results import check  # noqa: PLC0415 - as above

    check(request.results)
    return planned(addon(state, python), request, limit=limit)


def addon(state: Path, python: str | None) -> AddOn:
    """Give the built add-on as it is installed in a state folder."""
    from lab.runner.lab import BUILD  # noqa: PLC0415 - as above
    from lab.runner.preview import installed  # noqa: PLC0415 - as above

    return installed(state, BUILD, find_interpreter(python) if python else Path(sys.executable))


def fail(error: LabError, *, as_json: bool) -> NoReturn:
    """End with the error: in words on standard error, with ``--json`` as a document too."""
    if as_json:
        typer.echo(json.dumps(failure_document(str(error), error.exit_code), ensure_ascii=False))
    Console(stderr=True).print(f"lab: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(error.exit_code)


def failure_document(message: str, exit_code: int) -> dict[str, Any]:
    """Give the JSON document of a preview that could not be started."""
    return {
        "schema": 1,
        "exit_code": exit_code,
        "sid": None,
        "containers": [],
        "trace": [],
        "results": [],
        "plans": [],
        "rows": {"looked_at": 0, "total": None, "limit": 0, "complete": False},
        "notes": [],
        "problems": [message],
    }
