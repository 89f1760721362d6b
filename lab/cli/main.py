"""Entry of the command line: the commands and what happens when one fails."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING, NoReturn

import typer

from lab.cli.doctor import doctor
from lab.cli.drain import drain
from lab.cli.map import map_values
from lab.cli.migrate import migrate_searches
from lab.cli.poll import poll
from lab.cli.preview import preview
from lab.cli.send import send
from lab.cli.serve import serve

if TYPE_CHECKING:
    from types import FrameType

app = typer.Typer(
    name="lab",
    help="Run the built add-on without Splunk and SOAR.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.command()(send)
app.command()(preview)
app.command("map")(map_values)
app.command()(drain)
app.command()(poll)
app.command()(doctor)
app.command()(serve)
app.command("migrate")(migrate_searches)


@app.callback()
def _commands() -> None:
    """Keep the commands' names even while there are few of them."""


def main() -> NoReturn:
    """Run the command line and exit with its code."""
    for stream in (sys.stdout, sys.stderr):
        # Results hold any character, also where the terminal's encoding does not.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    signal.signal(signal.SIGTERM, _ended)
    app()
    sys.exit(0)


def _ended(number: int, _frame: FrameType | None) -> NoReturn:
    """Leave as an error would, so that what a command has started ends with it."""
    sys.exit(128 + number)
