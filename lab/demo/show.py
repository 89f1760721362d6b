"""What the demo prints."""

from __future__ import annotations

import json
import shutil
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from lab.demo.containers import Artifact, Container
    from lab.runner.polling import PollReport
    from lab.runner.report import Report

_LONGEST = 58


def show_containers(console: Console, report: Report, containers: Sequence[Container]) -> None:
    """Print one line for each result: where it is now."""
    table = Table("row", "state", "id", "severity")
    table.add_column("container and its page", overflow="fold", ratio=1)
    by_id = {container.id: container for container in containers}
    for outcome in report.results:
        container = by_id.get(outcome.container_id or 0)
        table.add_row(
            outcome.rid,
            outcome.status,
            "" if container is None else str(container.id),
            "" if container is None else container.severity,
            escape(outcome.reason or "")
            if container is None
            else f"{escape(container.name)}\n[dim]{escape(outcome.container_url or '')}[/]",
        )
    console.print(table)


def show_artifacts(console: Console, containers: Sequence[Container]) -> None:
    """Print what playbooks find: the CEF fields that have data types."""
    table = Table("container", "CEF field", "value", "data types", title="What the artifacts hold")
    for container in containers:
        for artifact in container.artifacts:
            table.add_section()
            typed = _typed(artifact)
            for number, (names, value, types) in enumerate(typed):
                known, *others = names
                fields = escape(known) + "".join(f" [dim]{escape(name)}[/]" for name in others)
                table.add_row(str(container.id) if number == 0 else "", fields, escape(value), ", ".join(types))
            untyped = len(artifact.cef) - sum(len(names) for names, _, _ in typed)
            table.add_row("", "", f"[dim]and {untyped} more fields[/]", "")
    console.print(table)


def show_brought(console: Console, brought: PollReport) -> None:
    """Print what the feedback input brought back."""
    events = ", ".join(f"{number} {sourcetype}" for sourcetype, number in brought.summary().items())
    verdicts = Counter(one["event"]["verdict"] for one in brought.events if "verdict" in one["event"])
    runs = ", ".join(f"{number} {verdict}" for verdict, number in sorted(verdicts.items()))
    console.print(f"Brought back from SOAR: {events or 'nothing'}. Playbook runs: {runs or 'none'}.", soft_wrap=True)
    for problem in brought.problems:
        console.print(f"  [yellow]{escape(problem)}[/]", markup=True)


def show_next(console: Console, report: Report, state: Path) -> None:
    """Print where to look and what to try."""
    lab = _command()
    lines = (
        ("In a browser", f"{lab} serve --state {state}"),
        ("Dashboards", f"make dashboards, then {lab} serve --busy --state {state.with_name('week')}"),
        ("Your own results", f"{lab} send results.csv.gz --param severity=high"),
        ("Your own SOAR", f"LAB_SOAR_TOKEN=… {lab} send results.csv.gz --soar https://soar.example.com --ca ca.pem"),
        ("The action's log", str(report.log)),
        ("What Splunk indexed", str(report.index)),
    )
    console.print("[bold]Where to look next[/]")
    for what, where in lines:
        console.print(f"  {what:<21}{escape(where)}", soft_wrap=True)


def _command() -> str:
    """Give the command `lab` as it can be typed here: an environment that is not activated is not on PATH."""
    beside = Path(sys.executable).with_name("lab")
    if shutil.which("lab") or not beside.exists():
        return "lab"
    here = Path.cwd()
    return str(beside.relative_to(here) if beside.is_relative_to(here) else beside)


def _typed(artifact: Artifact) -> list[tuple[list[str], str, Sequence[str]]]:
    # One value may stand under its CEF name and under the name that it had in the search.
    groups: dict[str, tuple[list[str], str, Sequence[str]]] = {}
    for field, types in artifact.cef_types.items():
        if types and field in artifact.cef:
            value = artifact.cef[field]
            key = json.dumps([value, list(types)])
            groups.setdefault(key, ([], _short(value), types))[0].append(field)
    return list(groups.values())


def _short(value: Any) -> str:
    text = ", ".join(str(item) for item in value) if isinstance(value, list) else str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
