"""The JSON document that splunkd writes to an alert action's standard input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lab.runner.results import as_fields
from lab.runner.search import Mode
from lab.runner.tokens import replace_tokens, tokens_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from lab.runner.search import Search


@dataclass(frozen=True)
class Splunkd:
    """The splunkd that an action is told to talk to.

    Args:
        uri: its management address.
        host: its server name.
        session_key: the key of the search's owner. Not in ``repr``.
    """

    uri: str
    host: str
    session_key: str

    def __repr__(self) -> str:
        return f"Splunkd(uri={self.uri!r}, host={self.host!r})"


@dataclass(frozen=True)
class Call:
    """One call of an action: what it is called with.

    Args:
        results_file: the file it gets.
        columns: the first row of the file as (column, cell).
        count: how many results the search has.
        result_id: the result's position when the action is called once for each, else None.
    """

    results_file: Path
    columns: Sequence[tuple[str, str]]
    count: int
    result_id: int | None = None


def payload(search: Search, call: Call, splunkd: Splunkd, parameters: Mapping[str, str]) -> dict[str, Any]:
    """Build the payload as splunkd does, ``$…$`` tokens replaced.

    Args:
        search: the search that the action runs for.
        call: what this call is for.
        splunkd: where the action finds splunkd.
        parameters: all parameters, defaults too, without the ``param.`` prefix.
    """
    link = f"http://{splunkd.host}:8000/app/{search.app}/@go?sid={search.sid}"
    tokens = tokens_of(search, call.columns, results_file=call.results_file, results_link=link, count=call.count)
    document: dict[str, Any] = {
        "app": search.app,
        "owner": search.owner,
        "results_file": str(call.results_file),
        "results_link": link,
        "server_host": splunkd.host,
        "server_uri": splunkd.uri,
        "session_key": splunkd.session_key,
        "sid": search.sid,
        "search_name": search.name,
        "configuration": {name: replace_tokens(value, tokens) for name, value in parameters.items()},
        "result": as_fields(call.columns),
    }
    if search.mode is not Mode.ADHOC:
        document["search_uri"] = search.uri
    if call.result_id is not None:
        document["result_id"] = str(call.result_id)
    return document
