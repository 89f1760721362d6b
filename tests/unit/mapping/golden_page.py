"""A golden example as a page: a detection's row, the artifact that becomes of it, and why.

``python -m tests.unit.mapping.golden_page`` (with ``package/lib`` on the path) writes the pages anew from their rows:
review the difference before you commit.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from soarlink.mapping import shipped
from soarlink.mapping.artifact import TraceLine
from soarlink.mapping.compiled import MappingOptions, SearchContext, explain_fields
from soarlink.rows.row import Value

FOLDER = Path(__file__).parent / "golden"
_FENCE = "```"


def row_of(page: str) -> dict[str, Value]:
    """The row in the page's first JSON block."""
    text = page.split(f"{_FENCE}json\n", 1)[1].split(_FENCE, 1)[0]
    return {field: tuple(value) if isinstance(value, list) else value for field, value in json.loads(text).items()}


def rendered(page: str) -> str:
    """The page with artifact and trace as the mapping makes them now; title, words and row stay."""
    title = page.splitlines()[0][2:]
    row = row_of(page)
    mapped, trace = explain_fields(shipped.load(), row, SearchContext(title), MappingOptions())
    lines = [page.split("## Artifact\n", 1)[0].rstrip(), ""]
    for artifact in mapped.artifacts:
        types = {name: list(names) for name, names in artifact.cef_types.items()}
        lines += ["## Artifact", "", f"{_FENCE}json", _json({"cef": artifact.cef, "cef_types": types}), _FENCE, ""]
    lines += ["## Why", "", "| field | value | taken for | rule | becomes |", "|---|---|---|---|---|"]
    lines += [
        f"| `{_cell(line.field)}` | `{_cell(line.value)}` | {line.recogniser} | `{line.rule}` | {_becomes(line)} |"
        for line in trace
    ]
    return "\n".join([*lines, *_said(mapped.notes), ""])


def _becomes(line: TraceLine) -> str:
    return _cell(f"`{line.target}`" if line.target else f"dropped: {line.why}")


def _said(notes: tuple[str, ...]) -> list[str]:
    return ["", *(f"* {note}" for note in notes)] if notes else []


def _json(document: Mapping[str, object]) -> str:
    """One line per field, lists on their line: easier to read than one line per value."""
    lines = ["{"]
    for name, fields in document.items():
        assert isinstance(fields, dict)
        entries = [
            f"    {json.dumps(key, ensure_ascii=False)}: {json.dumps(value, ensure_ascii=False)}"
            for key, value in fields.items()
        ]
        lines += [f'  "{name}": {{', ",\n".join(entries), "  },"]
    lines[-1] = "  }"
    return "\n".join([*lines, "}"])


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    for path in sorted(FOLDER.glob("*.md")):
        path.write_text(rendered(path.read_text(encoding="utf-8")), encoding="utf-8")
