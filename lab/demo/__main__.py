"""`python -m lab.demo`: sends the incident and shows what arrived."""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from lab.demo.containers import Soar
from lab.demo.incident import NOTABLES_FILE
from lab.demo.show import show_artifacts, show_brought, show_containers, show_next
from lab.runner.errors import LabError
from lab.runner.lab import Lab
from lab.runner.locks import FileLock
from lab.runner.request import SendRequest
from lab.runner.search import Mode

if TYPE_CHECKING:
    from lab.runner.report import Report

STATE = Path(".lab") / "demo"


def main() -> int:
    """Run the demo and return its exit code: the action's."""
    console = Console()
    try:
        return _demo(console)
    except LabError as error:
        Console(stderr=True).print(f"demo: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        return error.exit_code


def _demo(console: Console) -> int:
    console.rule("[bold]Send to SOAR: a demo without Splunk and SOAR")
    _start_afresh(STATE)
    request = SendRequest(NOTABLES_FILE, mode=Mode.ADHOC, app="SplunkEnterpriseSecuritySuite")
    started = time.monotonic()
    status = console.status("Starting a stand-in Splunk with the built add-on, and a stand-in SOAR …")
    with status, Lab(STATE) as lab:
        _done(console, "Stand-in Splunk and SOAR are up, the account is configured", started)
        status.update("An analyst sends the notables to SOAR …")
        report = _send(console, lab, request, "The notables were sent")
        account = lab.account()
        soar = Soar(account.url, account.token, lab.soar.ca_file)
        ids = [outcome.container_id for outcome in report.results if outcome.container_id is not None]
        containers = [soar.container(identity) for identity in dict.fromkeys(ids)]
        before = soar.counts()
        status.update("The analyst sends them once more …")
        again = _send(console, lab, request, "The same notables were sent once more")
        added = [after - there for after, there in zip(soar.counts(), before, strict=True)]
        automated = soar.automated()
        status.update("The feedback input asks SOAR what became of them …")
        begun = time.monotonic()
        brought = lab.poll()
        _done(console, "What happened in SOAR came back", begun)
    show_artifacts(console, containers)
    show_containers(console, report, containers)
    summary = ", ".join(f"{number} {state}" for state, number in again.summary().items() if number)
    for playbook, number in automated.items():
        console.print(f"SOAR's active playbook {playbook} ran on {number} containers.")
    console.print(f"Sent once more: {added[0]} new containers, {added[1]} new artifacts ({summary}).")
    show_brought(console, brought)
    show_next(console, report, STATE)
    return report.exit_code or again.exit_code or brought.exit_code or (1 if report.problems or again.problems else 0)


def _send(console: Console, lab: Lab, request: SendRequest, what: str) -> Report:
    started = time.monotonic()
    report = lab.send(request)
    _done(console, f"{what} (the action took {report.duration_ms} ms)", started)
    for problem in (*report.problems, *report.notes):
        console.print(f"  [yellow]{problem}[/]", markup=True)
    return report


def _done(console: Console, what: str, started: float) -> None:
    console.print(f"[green]✓[/] {what}  [dim]{time.monotonic() - started:.1f} s[/]")


def _start_afresh(state: Path) -> None:
    if not state.is_dir():
        return
    lock = FileLock(state / ".soar.lock")
    if not lock.acquire(wait=False):
        raise LabError(f"`lab serve` runs on {state}.", "Stop it first: the demo starts with an empty SOAR.")
    shutil.rmtree(state)
    lock.release()


if __name__ == "__main__":
    sys.exit(main())
