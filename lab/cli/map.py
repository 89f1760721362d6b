"""`lab map`: where single values go, and why."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console

from lab.cli.explanation import show_explanation
from lab.cli.options import DEFAULT_STATE, Json, Python, State
from lab.cli.preview import addon, fail
from lab.runner.errors import LabError


def map_values(
    values: Annotated[
        list[str], typer.Argument(metavar="FIELD=VALUE…", help="Fields of one result; repeat a field for more values.")
    ],
    *,
    search_name: Annotated[str, typer.Option(metavar="S", help="Name of the saved search.")] = "",
    data_model: Annotated[str, typer.Option(metavar="NAME", help="Data model of the search.")] = "",
    sourcetype: Annotated[str, typer.Option(metavar="NAME", help="Source type of the result.")] = "",
    field_names: Annotated[str, typer.Option(metavar="both|cef|original", help="As the action's parameter.")] = "both",
    multivalue: Annotated[
        str, typer.Option(metavar="list|first|join|each", help="As the action's parameter.")
    ] = "list",
    state: State = DEFAULT_STATE,
    python: Python = None,
    as_json: Json = False,
) -> None:
    """Explain where values go: which rule decides, what a value is taken for, which CEF field it gets.

    Fields are explained together, as in one result: rules may look at several. The exit code is 0; 3 when a mapping
    rule of the state folder is wrong; 2 for a mistake in what was asked.
    """
    try:
        fields = parse_fields(values)
        from lab.runner.preview import MapRequest, explain  # noqa: PLC0415 - --help and mistakes are fast without it

        request = MapRequest(
            fields=fields,
            search_name=search_name,
            data_model=data_model,
            sourcetype=sourcetype,
            field_names=field_names,
            multivalue=multivalue,
        )
        document = explain(addon(state, python), request)
    except LabError as error:
        fail(error, as_json=as_json)
    if as_json:
        typer.echo(json.dumps(document, ensure_ascii=False))
    else:
        show_explanation(Console(), document)
    raise typer.Exit(document["exit_code"])


def parse_fields(given: list[str]) -> dict[str, list[str]]:
    """Read ``FIELD=VALUE`` arguments; a field that is named again gets a further value.

    Raises:
        LabError: one of them is no such pair, or has no value.
    """
    fields: dict[str, list[str]] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name or not value:
            raise LabError(f"{text!r} is not FIELD=VALUE.", "Example: dest=10.0.0.7.")
        fields.setdefault(name, []).append(value)
    return fields
