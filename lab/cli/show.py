"""What a person sees of a report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from rich.console import Console

    from lab.runner.report import Outcome, Report

_COLOURS = {"delivered": "green", "updated": "cyan", "queued": "yellow", "rejected": "red", "simulated": "blue"}
_ROWS_SHOWN = 50


def show_report(console: Console, report: Report) -> None:
    """Print a report: one line for each result, the sum, what went wrong, where to look next."""
    if report.results:
        console.print(_table(report))
    hidden = len(report.results) - _ROWS_SHOWN
    if hidden > 0:
        console.print(f"… and {hidden} more; --json has them all.")
    counts = [f"[{_COLOURS[status]}]{count} {status}[/]" for status, count in report.summary().items() if count]
    console.print(f"{', '.join(counts) or 'No results'} in {report.duration_ms} ms. Exit code {report.exit_code}.")
    for note in report.notes:
        console.print(f"[yellow]Note:[/] {escape(note)}", soft_wrap=True)
    for problem in report.problems:
        console.print(f"[red]Contradiction:[/] {escape(problem)}", soft_wrap=True)
    if report.exit_code and report.stderr.strip():
        console.print(f"[bold]Standard error of the action[/]\n{escape(report.stderr.strip())}", soft_wrap=True)
    console.print(f"Search  {escape(report.sid)}", soft_wrap=True)
    console.print(f"Log     {escape(str(report.log))}", soft_wrap=True)
    console.print(f"Events  {escape(str(report.index))}", soft_wrap=True)


def _table(report: Report) -> Table:
    table = Table("rid", "state", "container", "artifacts", "link / reason", expand=False)
    for outcome in report.results[:_ROWS_SHOWN]:
        container = "" if outcome.container_id is None else str(outcome.container_id)
        colour = _COLOURS[outcome.status]
        table.add_row(
            escape(outcome.rid), f"[{colour}]{outcome.status}[/]", container, str(outcome.artifacts), _detail(outcome)
        )
    return table


def _detail(outcome: Outcome) -> str:
    lines = [text for text in (outcome.container_url, outcome.reason) if text]
    for run in outcome.runs:
        reason = f": {run.reason}" if run.reason else ""
        lines.append(f"playbook {run.playbook} {run.state}{reason}")
    return escape("\n".join(lines))
