"""Rows for searches in tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lab.spl.evaluator import Answer, evaluate
from lab.spl.pipeline import Macro
from lab.spl.refusal import SearchRefused
from lab.spl.value import Row

NOW = 1_700_000_000.0
"""2023-11-14T22:13:20Z."""


def _events() -> list[Row]:
    facts = (
        (0, "1", "delivered", "prod", "10"),
        (60, "2", "queued", "prod", "20"),
        (3600, "3", "delivered", "test", "30"),
        (7200, "4", "rejected", "prod", None),
    )
    return [
        {
            "_time": NOW - 10_000 + offset,
            "_raw": f"row {number} {status}",
            "index": "main",
            "sourcetype": "t",
            "number": number,
            "status": status,
            "account": account,
            **({} if ms is None else {"ms": ms}),
        }
        for offset, number, status, account, ms in facts
    ]


@dataclass
class Memory:
    """Sources that are in memory."""

    rows: list[Row] = field(default_factory=_events)
    macros: Mapping[str, Macro] = field(
        default_factory=lambda: {
            "i": Macro((), "index=main"),
            "of(1)": Macro(("who",), 'account="$who$"'),
            "loop": Macro((), "`loop`"),
        }
    )
    lookups: Mapping[str, list[Row]] = field(
        default_factory=lambda: {
            "owners": [
                {"name": "prod", "owner": "ann"},
                {"name": "prod", "owner": "bob"},
                {"name": "test", "owner": "cid"},
            ],
            "one_owner": [{"account": "test", "owner": "cid"}],
        }
    )

    def events(self) -> list[Row]:
        """Return the events."""
        return self.rows

    def lookup(self, name: str) -> list[Row]:
        """Return a lookup."""
        return self.lookups[name]

    def saved_search(self, name: str) -> str:
        """Return a saved search."""
        return {"delivered": "`i` status=delivered | stats count"}[name]

    def rest(self, arguments: str) -> list[Row]:
        """Return one row that tells what was asked."""
        return [{"asked": arguments}]

    def command(self, name: str, arguments: str) -> list[Row] | None:
        """Know one command."""
        if name == "broken":
            raise SearchRefused("it broke")
        return [{"said": arguments}] if name == "ours" else None


def answer(search: str, earliest: str = "", latest: str = "") -> Answer:
    """Run a search on the rows in memory."""
    return evaluate(search, Memory(), now=NOW, earliest=earliest, latest=latest)


def rows(search: str, earliest: str = "", latest: str = "") -> list[dict[str, str | list[str]]]:
    """Run a search and give its rows as texts."""
    return answer(search, earliest, latest).texts()
