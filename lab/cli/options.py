"""Options that several commands share, and what they mean."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from lab.runner.errors import LabError

DEFAULT_STATE = Path(".lab")

State: TypeAlias = Annotated[
    Path,
    typer.Option(
        help="Folder that keeps settings, containers, logs and events between calls; links stay good with it."
    ),
]
Python: TypeAlias = Annotated[
    str | None, typer.Option(metavar="PATH", help="Interpreter that runs the add-on. Default: the lab's own.")
]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]


def parse_parameters(given: list[str]) -> dict[str, str]:
    """Read ``NAME=VALUE`` options; ``NAME=`` sets a parameter to nothing, and a leading ``param.`` is taken off.

    Raises:
        LabError: one of them is no such pair, or a name stands there twice.
    """
    parameters: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        name = name.strip().removeprefix("param.")
        if not equals or not name:
            raise LabError(f"--param {text!r} is not NAME=VALUE.", "Example: --param severity=high.")
        if name in parameters:
            raise LabError(f"--param {name} is given twice.")
        parameters[name] = value
    return parameters
