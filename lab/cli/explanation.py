"""What a person sees of a preview or of explained values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Column, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rich.console import Console

_RESULTS_SHOWN = 20
_CONTAINERS_SHOWN = 20
_LONGEST = 200
_LINES_SHOWN = 200
_FIRST_KEYS = ("name", "label", "severity", "sensitivity")
_LEFT_OUT = frozenset({"artifacts", "rids", "data", *_FIRST_KEYS})


def show_preview(console: Console, document: Mapping[str, Any]) -> None:
    """Print a preview: each container, its artifacts, and where each value of its results goes."""
    _show_problems(console, document)
    traces = _by_rid(document["trace"])
    shown = 0
    for container, plan in list(zip(document["containers"], document["plans"], strict=True))[:_CONTAINERS_SHOWN]:
        _show_container(console, container, plan)
        for rid in container["rids"]:
            if shown == _RESULTS_SHOWN:
                break
            shown += 1
            _show_result(console, rid, document, traces.get(rid, []), _types(container, plan, rid))
    _show_sum(console, document, shown)


def show_explanation(console: Console, document: Mapping[str, Any]) -> None:
    """Print where single values go."""
    _show_problems(console, document)
    types: dict[str, str] = {}
    for artifact in document.get("artifacts", []):
        types.update({name: ", ".join(found) for name, found in artifact["cef_types"].items()})
    if document["trace"]:
        console.print(_trace_table(document["trace"], types))
    count = len(document.get("artifacts", []))
    if count > 1:
        console.print(f"{count} artifacts.")
    _show_notes(console, document)


def _show_container(console: Console, container: Mapping[str, Any], plan: Mapping[str, Any]) -> None:
    number, rows = len(container["artifacts"]), len(container["rids"])
    said = " · ".join(str(container[key]) for key in _FIRST_KEYS[1:] if container.get(key))
    console.rule(f"[bold]{escape(str(container['name']))}[/]  {escape(said)}", align="left")
    results, artifacts = _plural(rows, "result"), _plural(number, "artifact")
    console.print(f"Container for {results} with {artifacts}", soft_wrap=True)
    for key, value in container.items():
        if key not in _LEFT_OUT:
            console.print(f"  {key:<24} {escape(_short(_words(value)))}", soft_wrap=True)
    for run in plan["runs"]:
        inputs = f", {_short(_words(run['inputs']))}" if run["inputs"] else ""
        console.print(
            f"  {'runs playbook':<24} {escape(run['playbook'])} (scope {run['scope']}{escape(inputs)})", soft_wrap=True
        )
        if run.get("refusal"):
            console.print(f"[red]Would not be started:[/] {escape(run['refusal'])}", soft_wrap=True)
    for file in plan["attachments"]:
        console.print(f"  {'attachment':<24} {escape(file['name'])} ({file['bytes']} bytes)", soft_wrap=True)
    for note in plan["notes"]:
        console.print(f"[yellow]Note:[/] {escape(note)}", soft_wrap=True)
    if plan["refusal"]:
        console.print(f"[red]Would be rejected:[/] {escape(plan['refusal'])}", soft_wrap=True)


def _show_result(
    console: Console,
    rid: str,
    document: Mapping[str, Any],
    trace: Sequence[Mapping[str, str]],
    types: Mapping[str, str],
) -> None:
    account = next((one for one in document["results"] if one["rid"] == rid), None)
    counts = ""
    if account is not None:
        counts = (
            f": {_plural(account['artifacts'], 'artifact')}, {account['mapped']} fields with a CEF name, "
            f"{account['kept']} kept, {len(account['dropped'])} dropped"
        )
    console.print(f"\n[bold]Result {escape(rid)}[/]{counts}", soft_wrap=True)
    if trace:
        console.print(_trace_table(trace, types))
    for note in account["notes"] if account else []:
        console.print(f"[yellow]Note:[/] {escape(note)}", soft_wrap=True)


def _trace_table(trace: Sequence[Mapping[str, str]], types: Mapping[str, str]) -> Table:
    # The CEF field is what people look for: it is shown in full, the others make room.
    table = Table("field", "value", Column("goes to", no_wrap=True), "data type", "rule", "why", expand=False)
    for line in trace[:_LINES_SHOWN]:
        target = f"[green]{escape(line['target'])}[/]" if line["target"] else "[dim]dropped[/]"
        table.add_row(
            escape(line["field"]),
            escape(_short(line["value"])),
            target,
            escape(types.get(line["target"], "")),
            escape(line["rule"]),
            escape(line["why"]),
        )
    if len(trace) > _LINES_SHOWN:
        table.add_row("…", f"{len(trace) - _LINES_SHOWN} more", "", "", "", "--json has them all")
    return table


def _show_sum(console: Console, document: Mapping[str, Any], shown: int) -> None:
    rows, containers = document["rows"], len(document["containers"])
    hidden = rows["looked_at"] - shown
    if hidden > 0 or containers > _CONTAINERS_SHOWN:
        console.print(f"\n… {_plural(hidden, 'more result')}; --json has them all.")
    artifacts = sum(len(container["artifacts"]) for container in document["containers"])
    if not document["problems"]:
        console.print(
            f"\n{_plural(containers, 'container')} with {_plural(artifacts, 'artifact')} would be sent "
            f"for {_plural(rows['looked_at'], 'result')}. Nothing was sent."
        )
    _show_notes(console, document)


def _show_notes(console: Console, document: Mapping[str, Any]) -> None:
    for note in document["notes"]:
        console.print(f"[yellow]Note:[/] {escape(note)}", soft_wrap=True)


def _show_problems(console: Console, document: Mapping[str, Any]) -> None:
    for problem in document["problems"]:
        console.print(f"[red]Nothing would be sent:[/] {escape(problem)}", soft_wrap=True)


def _by_rid(trace: Iterable[Mapping[str, str]]) -> dict[str, list[Mapping[str, str]]]:
    found: dict[str, list[Mapping[str, str]]] = {}
    for line in trace:
        found.setdefault(line["rid"], []).append(line)
    return found


def _types(container: Mapping[str, Any], plan: Mapping[str, Any], rid: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for artifact, owner in zip(container["artifacts"], plan["artifact_rids"], strict=True):
        if owner in {rid, ""}:
            found.update({name: ", ".join(types) for name, types in artifact["cef_types"].items()})
    return found


def _words(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        return ", ".join(f"{name} = {item}" for name, item in value.items())
    return str(value)


def _short(text: str) -> str:
    line = text.replace("\n", "⏎")
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}… ({len(text)} characters)"


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
