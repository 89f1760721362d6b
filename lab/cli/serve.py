"""`lab serve`: keep the stand-ins running for a browser."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer
from rich.console import Console

from lab.cli.brought import Told, told
from lab.cli.options import DEFAULT_STATE, Python, State
from lab.runner.errors import LabError
from lab.runner.interpreter import find_interpreter

if TYPE_CHECKING:
    from types import FrameType

_NEWS_SECONDS = 1.0
_LOOK_SECONDS = 5
"""How often the input looks at what is due."""


Busy: TypeAlias = Annotated[
    bool,
    typer.Option("--busy", help="Have a busy week in the state folder first, for dashboards and searches to show."),
]


def serve(state: State = DEFAULT_STATE, python: Python = None, busy: Busy = False) -> None:  # noqa: FBT002 - an option
    """Run the stand-in SOAR, the add-on's own pages and its inputs until Ctrl-C, and say what comes back from SOAR.

    `lab send` with the same --state sends to it.
    """
    from lab.demo.week import LEDGER, lived_through  # noqa: PLC0415 - brings a web server, which --help does not need
    from lab.runner.serving import POLL_SECONDS  # noqa: PLC0415 - brings a web server, which --help does not need
    from lab.runner.serving import serve as served  # noqa: PLC0415 - as above

    console = Console()
    stop = threading.Event()

    def stopped(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stopped)
    try:
        if busy:
            if not (state / LEDGER).is_file():
                console.print("A busy week passes: about a minute …")
            lived_through(state)
        with served(state, python=find_interpreter(python) if python else None) as lab:
            console.print(f"Stand-in SOAR   {lab.soar.url}", soft_wrap=True)
            console.print(f"Its authority   {lab.soar.ca_file}", soft_wrap=True)
            console.print(f"State           {state}", soft_wrap=True)
            console.print(f"Add-on's pages  {lab.pages}", soft_wrap=True)
            console.print(f"Sign in as      {', '.join(user.name for user in lab.users)}", soft_wrap=True)
            console.print(f"Password        {lab.password}", soft_wrap=True, markup=False, highlight=False)
            console.print("The first page tells how to connect the add-on and to send an alert.")
            console.print(
                f"What happens in SOAR comes back within {POLL_SECONDS + _LOOK_SECONDS} seconds, and is told here."
            )
            console.print("Send to it with `lab send RESULTS` on the same state. Ctrl-C ends it.")
            while not stop.wait(_NEWS_SECONDS):
                for one in lab.news():
                    console.print(_line(told(one)), markup=False, highlight=False, overflow="ellipsis", no_wrap=True)
    except LabError as error:
        Console(stderr=True).print(f"lab: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(error.exit_code) from error


def _line(event: Told) -> str:
    return f"{event.sourcetype:<20} {event.container:>6}  {event.what}  {event.state}"
