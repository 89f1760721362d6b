"""Writes what follows from the action parameters in globalConfig.json.

``python -m tools.parameters`` writes the spec files, the rules that splunkd checks when a search is saved, and the
table in docs/parameters.md. With ``--check`` it only says which of them are out of date.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).resolve().parent.parent
GENERATED = "Generated from globalConfig.json by tools/parameters.py."
PATTERNS = {
    "due": (
        r"^(.*\{\{.*|\+ *(\d+ *[smhdw] *)+|[\d.]+|\d{4}-\d\d-\d\d.*)$",
        "an offset such as +4h, an epoch time, ISO 8601, or a template",
    ),
    "identity_window": (r"^(\d+ *[smhdw] *)+$", "a span such as 30m, 24h, 7d or 1d12h"),
    "follow": (r"^\d{1,3}$", "a number of seconds, at most 240"),
    "max_containers": (r"^\d+$", "a whole number, 0 for no limit"),
    "multivalue": (r"^(list|first|each|join(:.*)?)$", "list, first, join, join:<separator> or each"),
}
"""Parameters that are free text in the form and yet have a grammar: (regular expression, in words)."""


@dataclass(frozen=True)
class Parameter:
    """One parameter of an alert action, as the form declares it."""

    name: str
    label: str
    kind: str
    default: str
    meaning: str
    choices: tuple[str, ...]

    @property
    def type(self) -> str:
        """The type, in the words of a spec file."""
        if self.name in PATTERNS and not self.choices:
            return f"<{PATTERNS[self.name][1]}>"
        if self.choices:
            return f"[{'|'.join(self.choices)}]"
        return "[0|1]" if self.kind == "checkbox" else "<string>"

    @property
    def rule(self) -> tuple[str, str] | None:
        """(regular expression, in words) that a saved value must match; None where anything goes."""
        if self.name in PATTERNS:
            return PATTERNS[self.name]
        if self.choices:
            return f"^({'|'.join(self.choices)})$", "one of " + ", ".join(self.choices)
        return (r"^(0|1|true|false)$", "1 or 0") if self.kind == "checkbox" else None


@dataclass(frozen=True)
class Action:
    """One alert action."""

    name: str
    label: str
    description: str
    parameters: tuple[Parameter, ...]


def actions(config: dict[str, Any]) -> tuple[Action, ...]:
    """The alert actions that globalConfig.json declares."""
    return tuple(
        Action(
            alert["name"], alert["label"], alert["description"], tuple(_parameter(entity) for entity in alert["entity"])
        )
        for alert in config["alerts"]
    )


def _parameter(entity: dict[str, Any]) -> Parameter:
    items = entity.get("options", {}).get("items", [])
    return Parameter(
        name=entity["field"],
        label=entity["label"],
        kind=entity["type"],
        default=str(entity.get("defaultValue", "")),
        meaning=entity.get("help") or f"{entity['label']}.",
        choices=tuple(item["value"] for item in items),
    )


def savedsearches_spec(declared: Sequence[Action]) -> str:
    """README/savedsearches.conf.spec."""
    lines = [f"# {GENERATED}", ""]
    for action in declared:
        lines += [f"action.{action.name} = [0|1]", f"* {action.description}.", "* Default: 0", ""]
        for parameter in action.parameters:
            lines += _spec(f"action.{action.name}.param.{parameter.name}", parameter)
    return "\n".join(lines).rstrip() + "\n"


def alert_actions_spec(declared: Sequence[Action]) -> str:
    """README/alert_actions.conf.spec."""
    lines = [f"# {GENERATED}", ""]
    for action in declared:
        lines += [f"[{action.name}]", f"* {action.description}.", ""]
        for parameter in action.parameters:
            lines += _spec(f"param.{parameter.name}", parameter)
        lines += ["param._cam = <json>", "* What Enterprise Security shows and filters by.", ""]
    return "\n".join(lines).rstrip() + "\n"


def _spec(key: str, parameter: Parameter) -> list[str]:
    default = f"* Default: {parameter.default}" if parameter.default else "* Default: empty"
    return [f"{key} = {parameter.type}", f"* {parameter.meaning}", default, ""]


def validation(declared: Sequence[Action]) -> str:
    """The [validation:savedsearch] stanza: what splunkd checks when a search that uses an action is saved.

    An eval expression per field: null() is valid, a text is the message. A field that is not set evaluates to its name.
    """
    lines = [f"# {GENERATED}", "[validation:savedsearch]"]
    for action in declared:
        for parameter in action.parameters:
            if parameter.rule is None:
                continue
            pattern, words = parameter.rule
            field = f"action.{action.name}.param.{parameter.name}"
            lines.append(
                f"{field} = case('action.{action.name}' != \"1\", null(), "
                f"'{field}' == \"{field}\" OR '{field}' == \"\", null(), "
                f"match('{field}', \"{pattern}\"), null(), "
                f'1==1, "{action.label}: {parameter.label} must be {words}.")'
            )
    return "\n".join(lines) + "\n"


def reference(declared: Sequence[Action]) -> str:
    """docs/parameters.md."""
    lines = [f"<!-- {GENERATED} -->", "# Parameters of the actions", ""]
    for action in declared:
        lines += [f"## {action.label} (`{action.name}`)", "", f"{action.description}.", ""]
        lines += ["| parameter | form | type | default | meaning |", "|---|---|---|---|---|"]
        lines += [
            "| "
            + " | ".join(
                _cell(text)
                for text in (
                    f"`{parameter.name}`",
                    parameter.label,
                    parameter.type.strip("[]<>"),
                    f"`{parameter.default}`" if parameter.default else "",
                    parameter.meaning,
                )
            )
            + " |"
            for parameter in action.parameters
        ]
        lines.append("")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def files() -> Iterator[tuple[Path, str]]:
    """Every generated file with its content."""
    declared = actions(json.loads((ROOT / "globalConfig.json").read_text(encoding="utf-8")))
    yield ROOT / "package/README/savedsearches.conf.spec", savedsearches_spec(declared)
    yield ROOT / "package/README/alert_actions.conf.spec", alert_actions_spec(declared)
    yield ROOT / "fragments/restmap.conf", validation(declared)
    yield ROOT / "docs/parameters.md", reference(declared)


def main(arguments: Sequence[str]) -> int:
    """Write or check the files; 1 when a check finds one out of date."""
    stale = [path for path, text in files() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if "--check" in arguments:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is out of date: run python -m tools.parameters")
        return 1 if stale else 0
    for path, text in files():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
