"""Results as tables: for a terminal, and in Markdown for the documentation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum

TIMES = "\N{MULTIPLICATION SIGN}"


class Bound(Enum):
    """On which side of its limit a figure must be."""

    AT_MOST = "≤"
    AT_LEAST = "≥"


@dataclass(frozen=True)
class Figure:
    """A ratio and what it must reach.

    Args:
        claim: what is compared.
        ratio: what was measured.
        bound: which side of the limit is good.
        limit: the design's limit.
    """

    claim: str
    ratio: float
    bound: Bound
    limit: float

    @property
    def is_met(self) -> bool:
        """Tell whether the limit is kept."""
        return self.ratio <= self.limit if self.bound is Bound.AT_MOST else self.ratio >= self.limit

    @property
    def target(self) -> str:
        """Return the limit in words."""
        return f"{self.bound.value} {self.limit:g} {TIMES}"

    @property
    def verdict(self) -> str:
        """Return whether the limit is kept, in one word."""
        return "met" if self.is_met else "MISSED"


@dataclass(frozen=True)
class Result:
    """What one scenario says on one Python.

    Args:
        scenario: its name.
        python: version of the product's interpreter, such as "3.9".
        figures: the ratios with limits.
        columns: headings of the details; the first column is text, the others are figures.
        rows: the details.
        notes: how to read them.
    """

    scenario: str
    python: str
    figures: Sequence[Figure]
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = field(default_factory=tuple)


def milliseconds(seconds: float) -> str:
    """Write a short time."""
    return f"{seconds * 1000:.1f} ms"


def seconds(value: float) -> str:
    """Write a long time."""
    return f"{value:.2f} s"


def microseconds(seconds: float) -> str:
    """Write a very short time."""
    return f"{seconds * 1_000_000:.0f} µs"


def mebibytes(size: int) -> str:
    """Write an amount of memory."""
    return f"{size / 1024 / 1024:.1f} MiB"


def times(ratio: float) -> str:
    """Write a ratio."""
    return f"{ratio:.2f} {TIMES}"


def plain(result: Result) -> str:
    """Return a result as lines for a terminal."""
    lines = [f"{result.scenario} · CPython {result.python}", ""]
    rows = [list(result.columns), *(list(row) for row in result.rows)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(result.columns))]
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        lines.append("  " + "   ".join(cells).rstrip())
    lines.append("")
    lines.extend(
        f"  {figure.verdict:6} {times(figure.ratio)} ({figure.target})  {figure.claim}" for figure in result.figures
    )
    lines.extend(f"  {note}" for note in result.notes)
    return "\n".join(lines)


def markdown(results: Iterable[Result]) -> str:
    """Return results as Markdown: the ratios in one table, then the details of each scenario."""
    found = list(results)
    claims = list(dict.fromkeys(figure.claim for result in found for figure in result.figures))
    parts = [
        _markdown_table(
            ("figure", "must reach", "CPython", "measured", ""),
            [
                (figure.claim, figure.target, result.python, times(figure.ratio), figure.verdict)
                for claim in claims
                for result in found
                for figure in result.figures
                if figure.claim == claim
            ],
        )
    ]
    for result in found:
        parts.append(f"**{result.scenario}, CPython {result.python}**")
        parts.append(_markdown_table(result.columns, result.rows))
        if result.notes:
            parts.append("\n".join(f"* {note}" for note in result.notes))
    return "\n\n".join(parts)


def _markdown_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines.extend("| " + " | ".join(row) + " |" for row in rows)
    return "\n".join(lines)
