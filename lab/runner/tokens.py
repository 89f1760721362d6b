"""``$…$`` tokens in an action's parameters: splunkd replaces them before the action starts, from the first row."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from lab.runner.search import Search

_TOKEN = re.compile(r"\$([^\s$]+)\$")
_NAMESPACES = ("result.", "results.", "job.", "alert.", "action.", "server.", "trigger_")


def replace_tokens(text: str, tokens: Mapping[str, str]) -> str:
    """Replace the tokens in a parameter's value.

    A token of a name space that splunkd knows but without a value (``$result.x$`` of a column that is not there)
    becomes empty; any other text between two dollar signs stays as it is.
    """

    def value(match: re.Match[str]) -> str:
        name = match[1]
        return tokens.get(name, "" if name.startswith(_NAMESPACES) else match[0])

    return _TOKEN.sub(value, text)


def tokens_of(
    search: Search, columns: Sequence[tuple[str, str]], *, results_file: Path, results_link: str, count: int
) -> dict[str, str]:
    """Give the values of all tokens that an alert action can use.

    Args:
        search: the search that the action runs for.
        columns: its first row as (column, cell); in per-result mode the row that the action runs for.
        results_file: what the action gets.
        results_link: where Splunk Web shows the results.
        count: how many results the search has.
    """
    local = time.localtime(search.started)
    tokens = {
        "name": search.name,
        "app": search.app,
        "owner": search.owner,
        "trigger_time": str(int(search.started)),
        "trigger_date": time.strftime("%B %d, %Y", local),
        "trigger_timeHMS": time.strftime("%I:%M:%S %p", local),
        "results.count": str(count),
        "results.file": str(results_file),
        "results.url": results_link,
        "results_link": results_link,
        "view_link": results_link,
        "alert.severity": "3",
        "alert.expires": "24h",
        "job.sid": search.sid,
        "job.label": search.name,
        "job.resultCount": str(count),
        "job.eventCount": str(count),
        "job.runDuration": "1.000",
        "job.earliestTime": _iso(search.started - 3600),
        "job.latestTime": _iso(search.started),
    }
    tokens.update((f"result.{name}", cell) for name, cell in columns if not name.startswith("__mv_"))
    return tokens


def _iso(epoch: float) -> str:
    local = time.localtime(epoch)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', local)}.000{time.strftime('%z', local)}"
